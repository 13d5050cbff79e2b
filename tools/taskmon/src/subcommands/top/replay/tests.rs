// SPDX-License-Identifier: GPL-2.0

//! Tests of the steps of a replay.

use super::*;
use crate::{cpu_share::interval, history::Source};
use std::io::Write;

fn kept(task: &Task) -> Vec<(u32, u64)> {
    let steps = task.steps.iter();
    steps.map(|step| (step.number, step.usage.usr_us)).collect()
}

#[test]
fn steps() {
    let mut task = Task {
        info: TaskInfo::default(),
        steps: Vec::new(),
        seen: Window {
            from_us: 0,
            to_us: 0,
        },
    };
    assert_eq!(task.add(&interval(100, 300, 200, false), 100, 100), 2);
    assert_eq!(task.add(&interval(300, 600, 0, false), 100, 100), 0);
    assert_eq!(task.add(&interval(600, 750, 30, false), 100, 100), 2);
    assert_eq!(kept(&task), [(0, 100), (1, 100), (5, 20), (6, 10)]);
    assert_eq!((task.seen.from_us, task.seen.to_us), (100, 750));
    task.halve();
    assert_eq!(kept(&task), [(0, 200), (2, 20), (3, 10)]);
}

#[test]
fn many_steps_become_longer_ones() {
    let mut text = "# taskmon 3\n# period_ms 1000\n".to_string();
    for id in 1..=2 {
        text += &format!(
            "# task pid:{id} : id {id} started 0 first 0 next 0 usr 0 sys 0 name a\n# samples {id}\n"
        );
        for number in 0..=100 {
            text += &format!(
                "pid:{id} num:{number} : usr {} sys 0 time {}\n",
                number * 1000 * id,
                number * 1_000_000
            );
        }
    }
    text += "# end complete\n";
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let excerpt = Excerpt::whole(&Source::Recording(file.path().into()), false).unwrap();
    let replay = Replay::of("x", &excerpt, 1_000_000).unwrap();
    assert_eq!(replay.step_us(), 4_000_000);
    for task in &replay.tasks {
        assert_eq!(task.steps.len(), 25);
        let all: u64 = task.steps.iter().map(|step| step.usage.usr_us).sum();
        assert_eq!(all, 100_000 * u64::from(task.info.pid));
    }
}
