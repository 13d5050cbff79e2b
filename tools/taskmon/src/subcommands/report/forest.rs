// SPDX-License-Identifier: GPL-2.0

//! Which rows are below which: processes below those that forked them, threads below their processes.

use crate::{
    grouping::{Family, Grouping},
    history::{Overview, TaskOverview},
};

/// The groups of a grouping in which each group is one task, as trees. Groups are called by their
/// positions.
pub struct Forest {
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl Forest {
    /// Puts the group of each task for which `is_below` is true below that of its nearest ancestor
    /// that has a group.
    pub fn of(
        overview: &Overview,
        grouping: &Grouping,
        is_below: impl Fn(&TaskOverview) -> bool,
    ) -> Self {
        let family = Family::of(overview);
        let mut above = vec![None; overview.tasks.len()];
        let mut forest = Self {
            parents: Vec::with_capacity(grouping.groups.len()),
            children: vec![Vec::new(); grouping.groups.len()],
            roots: Vec::new(),
        };
        for (position, group) in grouping.groups.iter().enumerate() {
            let mut below = group.tasks.iter().copied();
            let task = below.find(|index| is_below(&overview.tasks[*index]));
            let parent = task.and_then(|index| nearest(index, &family, grouping, &mut above));
            forest.parents.push(parent);
            match parent {
                Some(parent) => forest.children[parent].push(position),
                None => forest.roots.push(position),
            }
        }
        forest
    }

    /// Returns the group above one.
    pub fn parent(&self, position: usize) -> Option<usize> {
        self.parents[position]
    }

    /// Returns the groups below one.
    pub fn children(&self, position: usize) -> &[usize] {
        &self.children[position]
    }

    /// Returns all groups, each one after those below it.
    pub fn upwards(&self) -> Vec<usize> {
        let mut all = self.roots.clone();
        let mut next = 0;
        while let Some(position) = all.get(next) {
            all.extend(&self.children[*position]);
            next += 1;
        }
        all.reverse();
        all
    }

    /// Returns all groups with their depths, each one before those below it. `order` sorts those
    /// that are next to each other.
    pub fn downwards(mut self, order: impl Fn(&mut Vec<usize>)) -> Vec<(usize, usize)> {
        let mut all = Vec::with_capacity(self.parents.len());
        // The last of the stack is the next one.
        let mut stack = Vec::new();
        let add = |stack: &mut Vec<(usize, usize)>, mut of: Vec<usize>, depth| {
            order(&mut of);
            stack.extend(of.into_iter().rev().map(|position| (position, depth)));
        };
        add(&mut stack, std::mem::take(&mut self.roots), 0);
        while let Some((position, depth)) = stack.pop() {
            all.push((position, depth));
            let below = std::mem::take(&mut self.children[position]);
            add(&mut stack, below, depth + 1);
        }
        all
    }
}

/// Returns the group of the nearest ancestor of a task that has one. `known` has the answers of
/// earlier calls: a history with long lines of descent takes no longer than another.
fn nearest(
    task: usize,
    family: &Family,
    grouping: &Grouping,
    known: &mut [Option<Option<usize>>],
) -> Option<usize> {
    let mut path = Vec::new();
    let mut index = task;
    let found = loop {
        if let Some(found) = known[index] {
            break found;
        }
        path.push(index);
        let Some(parent) = family.parent(index) else {
            break None;
        };
        let group = grouping.group_of(parent);
        if group.is_some() {
            break group;
        }
        index = parent;
    };
    path.iter().for_each(|index| known[*index] = Some(found));
    found
}
