// SPDX-License-Identifier: GPL-2.0

//! Which of the watched tasks a recording is about, and which of them its recorder has added.

use crate::kernel_module::TaskInfo;
use std::collections::HashMap;

/// Why a recorded task is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// This recorder has made the module watch it, and removes it.
    Added,
    /// It is also watched because of somebody else. It stays watched.
    Shared,
}

/// A task that was named: the command, or one that was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    pub pid: u32,
    /// Whether its descendants are recorded too.
    pub has_tree: bool,
    /// Whether this recorder has made the module follow its descendants.
    pub is_followed_by_us: bool,
    pub membership: Membership,
}

/// A recorded task that can be the parent of others.
#[derive(Clone, Copy, Debug)]
struct Life {
    id: u64,
    started_us: u64,
    ended_us: Option<u64>,
}

/// Decides which watched tasks are recorded.
///
/// A task is recorded if it is a root, if the module follows it because of a root that this
/// recorder has added, or if its parent is recorded and the descendants are recorded too. The last
/// rule applies where somebody else had made the module follow the root before.
#[derive(Debug, Default)]
pub struct Ours {
    /// Everything that is watched is recorded.
    is_all: bool,
    /// The roots, by id.
    roots: HashMap<u64, Root>,
    /// The recorded tasks whose children are recorded, by PID. Those are left out that had ended
    /// before the last but one list: all of their children have been seen.
    parents: HashMap<u32, Vec<Life>>,
    /// The ids of all recorded tasks in the last list.
    members: HashMap<u64, Membership>,
    /// The tasks that had ended before this time are not recorded. Microseconds since boot.
    start_us: u64,
    /// The time of the last list.
    listed_us: u64,
    /// The highest id in all lists so far.
    max_id: u64,
}

impl Ours {
    /// Returns the tasks of a recording that begins at `start_us`, without any root.
    pub fn new(start_us: u64, is_all: bool) -> Self {
        Self {
            is_all,
            start_us,
            listed_us: start_us,
            ..Self::default()
        }
    }

    /// Adds a root, the task `id`. Does nothing if it is a root already. The next list decides which
    /// tasks are recorded because of it.
    pub fn add_root(&mut self, id: u64, root: Root) {
        self.roots.entry(id).or_insert(root);
    }

    /// Returns why the task `id` is recorded; `None` if it is not.
    pub fn membership(&self, id: u64) -> Option<Membership> {
        self.members.get(&id).copied()
    }

    /// Takes a new list of all watched tasks into account, which was read at `now_us` or later.
    pub fn update(&mut self, tasks: &[TaskInfo], now_us: u64) {
        let before = std::mem::take(&mut self.members);
        let mut left: Vec<&TaskInfo> = Vec::new();
        for task in tasks {
            match before.get(&task.id) {
                Some(membership) => self.take_in(task, *membership),
                None if task
                    .ended_us
                    .is_some_and(|ended_us| ended_us < self.start_us) => {}
                None => left.push(task),
            }
        }
        // A child can be in the list before its parent: `tree:` takes in those that live already in
        // any order.
        let followed = self.followed_roots(tasks);
        loop {
            let count = left.len();
            left.retain(|task| match self.decide(task, &followed) {
                Some(membership) => {
                    self.take_in(task, membership);
                    false
                }
                None => true,
            });
            if left.is_empty() || left.len() == count {
                break;
            }
        }
        self.forget_parents();
        self.listed_us = now_us;
        self.max_id = tasks.iter().map(|task| task.id).fold(self.max_id, u64::max);
    }

    /// Records `task`.
    fn take_in(&mut self, task: &TaskInfo, membership: Membership) {
        self.members.insert(task.id, membership);
        if self.is_all || !self.has_recorded_children(task) {
            return;
        }
        let lives = self.parents.entry(task.pid).or_default();
        let life = Life {
            id: task.id,
            started_us: task.started_us,
            ended_us: task.ended_us,
        };
        match lives.iter_mut().find(|known| known.id == task.id) {
            Some(known) => *known = life,
            None => lives.push(life),
        }
    }

    fn has_recorded_children(&self, task: &TaskInfo) -> bool {
        let root = self.roots.get(&task.id);
        // Only the children of roots with a tree are recorded without being a root.
        root.is_none_or(|root| root.has_tree)
    }

    /// Returns the ids of those roots that this recorder made the module follow, by PID, and the
    /// ids of all tasks with these PIDs that the module follows because of somebody else.
    fn followed_roots(&self, tasks: &[TaskInfo]) -> HashMap<u32, Vec<(u64, bool)>> {
        let mut followed: HashMap<u32, Vec<(u64, bool)>> = HashMap::new();
        for (id, root) in &self.roots {
            if root.is_followed_by_us {
                followed.entry(root.pid).or_default().push((*id, true));
            }
        }
        for task in tasks {
            let is_other = task.root == Some(task.pid) && !self.members.contains_key(&task.id);
            if let (true, Some(known)) = (is_other, followed.get_mut(&task.pid)) {
                known.push((task.id, false));
            }
        }
        followed
    }

    /// Returns why `task` is recorded; `None` if it is not.
    fn decide(
        &self,
        task: &TaskInfo,
        followed: &HashMap<u32, Vec<(u64, bool)>>,
    ) -> Option<Membership> {
        let by_root = task
            .root
            .and_then(|root| followed.get(&root))
            .and_then(|roots| {
                // The PID of a root can be used again: the last one up to the task is its root. If
                // there is none, the task was taken in before its root was.
                let last = roots.iter().filter(|(id, _)| *id <= task.id).max();
                last.or(roots.first()).filter(|(_, is_own)| *is_own)
            });
        if by_root.is_some() {
            // A task of an earlier list was watched before its root was followed.
            let is_new = task.id > self.max_id;
            return Some(if is_new {
                Membership::Added
            } else {
                Membership::Shared
            });
        }
        let root = self.roots.get(&task.id).map(|root| root.membership);
        let is_recorded = self.is_all || self.parent_is_recorded(task);
        root.or(is_recorded.then_some(Membership::Shared))
    }

    fn parent_is_recorded(&self, task: &TaskInfo) -> bool {
        let lives = task.parent.and_then(|parent| self.parents.get(&parent));
        lives.into_iter().flatten().any(|parent| {
            parent.started_us <= task.started_us
                && parent
                    .ended_us
                    .is_none_or(|ended_us| task.started_us <= ended_us)
        })
    }

    /// Forgets the parents of which all children have been seen: they had ended before the last
    /// list, or are not watched any more.
    fn forget_parents(&mut self) {
        let (members, listed_us) = (&self.members, self.listed_us);
        self.parents.retain(|_, lives| {
            lives.retain(|life| match life.ended_us {
                Some(ended_us) => ended_us >= listed_us,
                None => members.contains_key(&life.id),
            });
            !lives.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(
        id: u64,
        pid: u32,
        parent: u32,
        root: Option<u32>,
        life: (u64, Option<u64>),
    ) -> TaskInfo {
        TaskInfo {
            pid,
            id,
            parent: Some(parent),
            root,
            started_us: life.0,
            ended_us: life.1,
            ..TaskInfo::default()
        }
    }

    fn root(pid: u32, is_ours: bool) -> Root {
        Root {
            pid,
            has_tree: true,
            is_followed_by_us: is_ours,
            membership: if is_ours {
                Membership::Added
            } else {
                Membership::Shared
            },
        }
    }

    /// Returns the ids of the recorded tasks, and which of them this recorder has added.
    fn members(ours: &Ours, tasks: &[TaskInfo]) -> (Vec<u64>, Vec<u64>) {
        let ids = tasks.iter().map(|task| task.id);
        let all: Vec<u64> = ids.filter(|id| ours.membership(*id).is_some()).collect();
        let is_added = |id: &u64| ours.membership(*id) == Some(Membership::Added);
        (all.clone(), all.into_iter().filter(is_added).collect())
    }

    #[test]
    fn a_tree_beside_another_one() {
        let mut ours = Ours::new(100, false);
        let mut tasks = vec![
            task(1, 20, 1, Some(20), (10, None)),
            task(2, 21, 20, Some(20), (11, None)),
            task(3, 50, 40, Some(50), (101, None)),
            task(4, 51, 50, Some(50), (102, Some(110))),
            task(5, 52, 51, Some(50), (103, None)),
            task(6, 22, 20, Some(20), (104, None)),
        ];
        ours.add_root(3, root(50, true));
        ours.update(&tasks, 120);
        assert_eq!(members(&ours, &tasks), (vec![3, 4, 5], vec![3, 4, 5]));
        // The command has ended and is not listed any more; its grandchild forks.
        tasks.retain(|task| task.id != 3 && task.id != 4);
        tasks.push(task(7, 53, 52, Some(50), (130, None)));
        ours.update(&tasks, 140);
        assert_eq!(members(&ours, &tasks), (vec![5, 7], vec![5, 7]));
        // Somebody else follows a new process with the PID of the command.
        tasks.push(task(8, 50, 1, Some(50), (150, None)));
        tasks.push(task(9, 54, 50, Some(50), (151, None)));
        ours.update(&tasks, 160);
        assert_eq!(members(&ours, &tasks), (vec![5, 7], vec![5, 7]));
    }

    #[test]
    fn tasks_that_were_watched_before_are_not_ours_to_remove() {
        let mut ours = Ours::new(100, false);
        let before = vec![
            task(1, 50, 1, None, (10, None)),
            task(2, 51, 50, None, (11, None)),
        ];
        ours.update(&before, 100);
        assert!(members(&ours, &before).0.is_empty());
        let shared = Root {
            membership: Membership::Shared,
            ..root(50, true)
        };
        ours.add_root(1, shared);
        let mut tasks = vec![
            task(1, 50, 1, Some(50), (10, None)),
            task(2, 51, 50, Some(50), (11, None)),
        ];
        tasks.push(task(3, 52, 50, Some(50), (12, None)));
        ours.update(&tasks, 110);
        assert_eq!(members(&ours, &tasks), (vec![1, 2, 3], vec![3]));
    }

    #[test]
    fn descendants_in_a_tree_of_somebody_else() {
        let mut ours = Ours::new(100, false);
        // The shell 40 is followed by somebody else; 50 is the command.
        let mut tasks = vec![
            task(1, 40, 1, Some(40), (10, None)),
            task(2, 45, 40, Some(40), (20, None)),
            task(4, 51, 50, Some(40), (103, None)),
            task(3, 50, 40, Some(40), (101, None)),
            task(5, 52, 51, Some(40), (104, Some(105))),
            task(6, 46, 45, Some(40), (106, None)),
        ];
        ours.add_root(3, root(50, false));
        ours.update(&tasks, 110);
        assert_eq!(members(&ours, &tasks), (vec![4, 3, 5], vec![]));
        // 51 ends, its PID is used again by somebody else, who forks.
        tasks.retain(|task| task.id < 3);
        tasks.push(task(4, 51, 50, Some(40), (103, Some(120))));
        tasks.push(task(3, 50, 40, Some(40), (101, None)));
        tasks.push(task(7, 53, 51, Some(40), (115, None)));
        tasks.push(task(8, 51, 45, Some(40), (130, None)));
        tasks.push(task(9, 54, 51, Some(40), (131, None)));
        ours.update(&tasks, 140);
        assert_eq!(members(&ours, &tasks).0, [4, 3, 7]);
        ours.update(&tasks, 150);
        assert_eq!(members(&ours, &tasks).0, [4, 3, 7]);
    }

    #[test]
    fn without_descendants() {
        let mut ours = Ours::new(100, false);
        let tasks = vec![
            task(1, 50, 40, None, (101, None)),
            task(2, 51, 50, Some(51), (102, None)),
        ];
        let alone = Root {
            has_tree: false,
            is_followed_by_us: false,
            ..root(50, true)
        };
        ours.add_root(1, alone);
        ours.update(&tasks, 110);
        assert_eq!(members(&ours, &tasks), (vec![1], vec![1]));
    }

    #[test]
    fn all_tasks() {
        let mut ours = Ours::new(100, true);
        let tasks = vec![
            task(1, 20, 1, None, (10, Some(20))),
            task(2, 21, 1, None, (11, None)),
            task(3, 1, 0, Some(1), (1, None)),
            task(4, 30, 1, Some(1), (2, None)),
        ];
        ours.update(&tasks[..2], 100);
        ours.add_root(3, root(1, true));
        ours.update(&tasks, 110);
        assert_eq!(members(&ours, &tasks), (vec![2, 3, 4], vec![3, 4]));
    }
}
