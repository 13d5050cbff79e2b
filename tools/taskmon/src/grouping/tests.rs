// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::history::history_of;

/// PID 10 is used by two processes. PID 30 was forked by the second one.
const TEXT: &str = "\
# taskmon 3
# cgroup 7 /system.slice
# task pid:10 : id 1 root 10 cgroup 7 started 0 ended 50 status 0 first 0 next 2 usr 0 sys 0 name make
# task pid:20 : id 2 parent 10 root 10 cgroup 7 started 10 ended 40 status 0 first 0 next 2 usr 0 sys 0 name cc1-13
# task pid:10 : id 3 parent 1 started 60 first 0 next 2 usr 0 sys 0 name sh
# task pid:30 : id 4 parent 10 cgroup 8 started 70 first 0 next 2 usr 0 sys 0 name cc1-14
# task pid:31 : id 5 thread tgid 30 started 75 first 0 next 2 usr 0 sys 0 name worker
# samples 1
pid:10 num:0 : usr 0 sys 0 time 1
# samples 2
pid:20 num:0 : usr 0 sys 0 time 11
# samples 3
pid:10 num:0 : usr 0 sys 0 time 61
# samples 4
pid:30 num:0 : usr 0 sys 0 time 71
# samples 5
pid:31 num:0 : usr 0 sys 0 time 76
# end complete
";

fn overview() -> Overview {
    Overview::read_from(&mut history_of(TEXT)).unwrap()
}

fn groups(by: By, has_threads: bool) -> Vec<(String, Vec<usize>)> {
    let all = Grouping::of(&overview(), by, has_threads, |_| true);
    for (position, group) in all.groups.iter().enumerate() {
        assert!(group
            .tasks
            .iter()
            .all(|index| all.group_of(*index) == Some(position)));
    }
    all.groups
        .into_iter()
        .map(|group| (group.name, group.tasks))
        .collect()
}

fn is(found: Vec<(String, Vec<usize>)>, expected: &[(&str, &[usize])]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, tasks)| (name.to_string(), tasks.to_vec()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn all_groupings() {
    is(
        groups(By::Process, false),
        &[
            ("make (10)", &[0]),
            ("cc1-13 (20)", &[1]),
            ("sh (10)", &[2]),
            ("cc1-14 (30)", &[3]),
        ],
    );
    is(
        groups(By::Command, true),
        &[
            ("make", &[0]),
            ("cc1-13", &[1]),
            ("sh", &[2]),
            ("cc1-14", &[3]),
            ("worker", &[4]),
        ],
    );
    is(
        groups(By::Stem, false),
        &[("make", &[0]), ("cc1", &[1, 3]), ("sh", &[2])],
    );
    is(
        groups(By::Parent, false),
        &[
            ("parent unknown", &[0]),
            ("make (10)", &[1]),
            ("PID 1", &[2]),
            ("sh (10)", &[3]),
        ],
    );
    is(
        groups(By::Cgroup, false),
        &[
            ("/system.slice", &[0, 1]),
            ("cgroup unknown", &[2]),
            ("cgroup 8", &[3]),
        ],
    );
    is(
        groups(By::Root, false),
        &[("make (10)", &[0, 1]), ("watched alone", &[2, 3])],
    );
}

/// A PID that was a root twice makes two trees.
#[test]
fn roots_with_one_pid() {
    let text = TEXT.replace("id 3 parent 1", "id 3 parent 1 root 10");
    let text = text.replace("id 4 parent 10", "id 4 parent 10 root 10");
    let overview = Overview::read_from(&mut history_of(&text)).unwrap();
    let all = Grouping::of(&overview, By::Root, false, |_| true);
    let groups = all
        .groups
        .into_iter()
        .map(|group| (group.name, group.tasks));
    is(
        groups.collect(),
        &[("make (10)", &[0, 1]), ("sh (10)", &[2, 3])],
    );
}

#[test]
fn filters() {
    let selected = |text: &str| {
        let filter: Filter = text.parse().unwrap();
        let all = Grouping::of(&overview(), By::Process, true, |task| filter.selects(task));
        all.groups
            .iter()
            .flat_map(|group| group.tasks.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(selected("cc1*"), [1, 3]);
    assert_eq!(selected("cc1-1?"), [1, 3]);
    assert_eq!(selected("10"), [0, 2]);
    assert_eq!(selected("nothing"), [0; 0]);
    assert!("[".parse::<Filter>().is_err());
}

#[test]
fn stems() {
    for (name, expected) in [
        ("cc1plus-13", "cc1plus"),
        ("kworker/0:1", "kworker"),
        ("python3.11", "python3"),
        ("cc1", "cc1"),
        ("worker#12", "worker"),
        ("pool-2-thread-7", "pool-2-thread"),
        ("42", "42"),
        ("-", "-"),
        ("/x", "/x"),
        ("", ""),
    ] {
        assert_eq!(stem(name), expected, "{name}");
    }
}

#[test]
fn families() {
    let family = Family::of(&overview());
    let parents: Vec<_> = (0..5).map(|index| family.parent(index)).collect();
    assert_eq!(parents, [None, Some(0), None, Some(2), Some(3)]);
}
