// SPDX-License-Identifier: GPL-2.0

//! Recordings of a feed whose content the tests decide.

use super::*;
use std::{cell::RefCell, collections::VecDeque, rc::Rc};

/// What the module shows, and what it shows once the samples before it have been read.
#[derive(Default)]
struct Shown {
    lines: VecDeque<String>,
    tasks: Vec<TaskInfo>,
    now_us: u64,
}

#[derive(Clone, Default)]
struct FakeFeed(Rc<RefCell<Shown>>);

impl Feed for FakeFeed {
    fn next_line(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        let next = self.0.borrow_mut().lines.pop_front();
        line.extend(next.iter().flat_map(|text| text.bytes()));
        Ok(next.is_some())
    }

    fn skip(&mut self) -> Result<()> {
        self.0.borrow_mut().lines.clear();
        Ok(())
    }

    fn tasks(&mut self) -> Result<Vec<TaskInfo>> {
        Ok(self.0.borrow().tasks.clone())
    }

    fn now_us(&self) -> u64 {
        self.0.borrow().now_us
    }
}

impl FakeFeed {
    fn sample(&self, pid: u32, num: u64, time_us: u64, end: &str) {
        let line = format!(
            "pid:{pid} num:{num} : usr {} sys 0 time {time_us}{end}",
            10 * num
        );
        self.0.borrow_mut().lines.push_back(line);
    }

    fn set(&self, tasks: &[TaskInfo], now_us: u64) {
        self.0.borrow_mut().tasks = tasks.to_vec();
        self.0.borrow_mut().now_us = now_us;
    }
}

/// An output that takes so many bytes.
#[derive(Clone)]
struct Disk(Rc<RefCell<Vec<u8>>>, usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.borrow().len() + bytes.len() > self.1 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Scene {
    feed: FakeFeed,
    disk: Disk,
    stream: Stream<FakeFeed, Disk>,
}

impl Scene {
    /// The recording of a command with the PID 50 and the id 3, which began at 101.
    fn new(space: usize) -> Self {
        let feed = FakeFeed::default();
        feed.set(&[info(1, 7, None, 10, None)], 100);
        feed.sample(7, 0, 20, "");
        let disk = Disk(Rc::default(), space);
        let mut stream = Stream::new(feed.clone(), false).unwrap();
        stream.begin(disk.clone(), &Metadata::default());
        feed.set(&[info(1, 7, None, 10, None), command()], 105);
        let root = Root {
            pid: 50,
            has_tree: true,
            is_followed_by_us: true,
            membership: Membership::Added,
        };
        assert_eq!(stream.add_roots(&[root]).unwrap(), [3]);
        Self { feed, disk, stream }
    }

    /// Returns what has been written, without the lines that say who tasks are.
    fn text(&self) -> String {
        let text = String::from_utf8(self.disk.0.borrow().clone()).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("# task"));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

fn info(id: u64, pid: u32, root: Option<u32>, started_us: u64, ended_us: Option<u64>) -> TaskInfo {
    TaskInfo {
        pid,
        id,
        root,
        started_us,
        ended_us,
        name: format!("task {id}").into_bytes(),
        ..TaskInfo::default()
    }
}

fn command() -> TaskInfo {
    info(3, 50, Some(50), 101, None)
}

#[test]
fn samples_go_to_their_tasks() {
    let Scene {
        feed,
        mut stream,
        disk,
    } = Scene::new(10_000);
    let other = info(1, 7, None, 10, None);
    feed.sample(7, 1, 110, "");
    feed.sample(50, 0, 102, "");
    feed.sample(50, 1, 110, "");
    feed.sample(51, 0, 111, "");
    feed.sample(51, 1, 112, " exit");
    // The PID 51 has been used again at once.
    feed.sample(51, 0, 113, "");
    let (first, second) = (
        info(4, 51, Some(50), 111, Some(112)),
        info(5, 51, Some(50), 113, None),
    );
    feed.set(
        &[other.clone(), command(), first.clone(), second.clone()],
        120,
    );
    let drained = stream.drain().unwrap();
    let expected = Drained {
        longest_gap_us: 8,
        alive: 2,
        has_new: true,
    };
    assert_eq!(drained, expected);
    assert!(stream.finished(119).is_empty());
    assert_eq!(stream.finished(120), [4]);
    feed.sample(50, 2, 130, "");
    feed.sample(51, 1, 130, "");
    feed.set(&[other, command(), second], 140);
    stream.drain().unwrap();
    assert_eq!(*stream.losses(), Losses::default());
    assert_eq!(
        stream.totals(),
        Totals {
            tasks: 3,
            cpu_us: 40
        }
    );
    stream.end(true).unwrap();
    let scene = Scene { feed, stream, disk };
    let expected = "\
# samples 3
pid:50 num:0 : usr 0 sys 0 time 102
pid:50 num:1 : usr 10 sys 0 time 110
# samples 4
pid:51 num:0 : usr 0 sys 0 time 111
pid:51 num:1 : usr 10 sys 0 time 112 exit
# samples 5
pid:51 num:0 : usr 0 sys 0 time 113
# samples 3
pid:50 num:2 : usr 20 sys 0 time 130
# samples 5
pid:51 num:1 : usr 10 sys 0 time 130
# end complete
";
    assert_eq!(scene.text(), expected);
}

#[test]
fn holes_are_noted() {
    let Scene {
        feed, mut stream, ..
    } = Scene::new(10_000);
    feed.sample(50, 0, 102, "");
    // Evicted before it was read: 1 and 2.
    feed.sample(50, 3, 110, "");
    stream.drain().unwrap();
    assert_eq!(stream.losses().evicted, 2);
    // Evicted and no sample after them: 4 to 6.
    let cleared = TaskInfo {
        first: 7,
        next: 7,
        ..command()
    };
    feed.set(&[cleared], 120);
    stream.drain().unwrap();
    stream.drain().unwrap();
    assert_eq!(stream.losses().evicted, 5);
    feed.sample(50, 7, 130, "");
    stream.drain().unwrap();
    assert_eq!((stream.losses().evicted, stream.losses().lost), (5, 0));
}

#[test]
fn removed_by_somebody_else() {
    let Scene {
        feed, mut stream, ..
    } = Scene::new(10_000);
    feed.sample(50, 0, 102, "");
    stream.drain().unwrap();
    feed.set(&[], 120);
    stream.drain().unwrap();
    let text = "no longer watched before the end: task 3 (PID 50)";
    assert_eq!(stream.losses().missing, [text]);
    assert!(stream.is_over(3));
}

#[test]
fn seen_in_no_list() {
    let Scene {
        feed, mut stream, ..
    } = Scene::new(10_000);
    feed.set(&[command(), info(6, 60, Some(50), 110, None)], 120);
    stream.drain().unwrap();
    // 2, 4 and 5.
    assert_eq!(stream.list().unseen(), 3);
}

#[test]
fn nothing_is_written_after_a_failure() {
    let Scene {
        feed,
        mut stream,
        disk,
    } = Scene::new(150);
    for num in 0..9 {
        feed.sample(50, num, 102 + num, "");
    }
    let drained = stream.drain().unwrap();
    assert_eq!(drained.alive, 1);
    assert_eq!(stream.failure().unwrap().kind(), io::ErrorKind::StorageFull);
    assert!(disk.0.borrow().len() <= 150);
    assert_eq!(stream.totals().cpu_us, 80);
    stream.end(false).unwrap();
}
