// SPDX-License-Identifier: GPL-2.0

//! The current totals in the text format that Prometheus, node_exporter's textfile collector and
//! `promtool check metrics` read.

use crate::{
    history::{Overview, Source, TaskOverview},
    kernel_module::{self, meaning},
    output::format::seconds,
};
use anyhow::Result;
use std::{collections::HashMap, io::Write};

/// The module's statistics: the names in the module and in Prometheus.
const METRICS: [(&str, &str); 13] = [
    ("targets", "targets"),
    ("created", "samples_created_total"),
    ("alive", "samples"),
    ("evicted", "samples_evicted_total"),
    ("removed", "samples_removed_total"),
    ("bytes", "sample_bytes"),
    ("passes", "passes_total"),
    ("pass_ns", "pass_seconds_total"),
    ("late", "late_passes_total"),
    ("missed", "missed_periods_total"),
    ("lost", "lost_descendants_total"),
    ("reserve", "reserve_allocations_total"),
    ("recycled", "recycled_segments_total"),
];

/// Writes the totals of the tasks in a history and, unless it is a recording, the module's
/// statistics.
pub fn write(source: &Source, to: &mut impl Write) -> Result<()> {
    let overview = Overview::read(source)?;
    write_tasks(&lives(&overview.tasks), to)?;
    if matches!(source, Source::KernelModule(_)) {
        write_statistics(&kernel_module::statistics()?, to)?;
    }
    Ok(())
}

/// A task, and its number among the tasks with the same PID, from 1. These two identify a series:
/// unlike the name, they stay the same when the task has ended.
struct Life<'a> {
    overview: &'a TaskOverview,
    life: usize,
}

impl Life<'_> {
    fn labels(&self) -> String {
        format!("pid=\"{}\",life=\"{}\"", self.overview.task.pid, self.life)
    }
}

/// Numbers the tasks of each PID.
fn lives(tasks: &[TaskOverview]) -> Vec<Life<'_>> {
    let mut of_pid: HashMap<u32, usize> = HashMap::new();
    let mut lives = Vec::with_capacity(tasks.len());
    for overview in tasks {
        let life = of_pid.entry(overview.task.pid).or_default();
        *life += 1;
        lives.push(Life {
            overview,
            life: *life,
        });
    }
    lives
}

/// Writes the metrics of the tasks.
fn write_tasks(lives: &[Life<'_>], to: &mut impl Write) -> Result<()> {
    if lives.is_empty() {
        return Ok(());
    }
    head(
        to,
        "task_cpu_seconds_total",
        "CPU time that a watched task has consumed.",
    )?;
    for each in lives {
        let last = &each.overview.last;
        for (mode, us) in [("user", last.usr_us), ("system", last.sys_us)] {
            let labels = each.labels();
            let seconds = seconds(us);
            writeln!(
                to,
                "taskmonitor_task_cpu_seconds_total{{{labels},mode=\"{mode}\"}} {seconds}"
            )?;
        }
    }
    head(
        to,
        "task_ended",
        "Whether a watched task has ended (1) or not (0).",
    )?;
    for each in lives {
        let ended = u8::from(each.overview.last.is_exit);
        writeln!(to, "taskmonitor_task_ended{{{}}} {ended}", each.labels())?;
    }
    head(to, "task_info", "The command name of a watched task.")?;
    for each in lives {
        let (labels, name) = (each.labels(), quoted(each.overview.task.label()));
        writeln!(to, "taskmonitor_task_info{{{labels},command=\"{name}\"}} 1")?;
    }
    Ok(())
}

/// Writes the module's statistics. Statistics that taskmon does not know are left out.
fn write_statistics(statistics: &[(String, u64)], to: &mut impl Write) -> Result<()> {
    for (name, metric) in METRICS {
        let Some((_, value)) = statistics.iter().find(|(each, _)| each == name) else {
            continue;
        };
        head(to, metric, &sentence(meaning(name).unwrap_or(name)))?;
        if name.ends_with("_ns") {
            let (seconds, rest) = (value / 1_000_000_000, value % 1_000_000_000);
            writeln!(to, "taskmonitor_{metric} {seconds}.{rest:09}")?;
        } else {
            writeln!(to, "taskmonitor_{metric} {value}")?;
        }
    }
    Ok(())
}

/// Writes the comment lines before the values of a metric.
fn head(to: &mut impl Write, metric: &str, help: &str) -> Result<()> {
    let kind = if metric.ends_with("_total") {
        "counter"
    } else {
        "gauge"
    };
    writeln!(to, "# HELP taskmonitor_{metric} {help}")?;
    writeln!(to, "# TYPE taskmonitor_{metric} {kind}")?;
    Ok(())
}

/// Returns a phrase with a capital letter and a full stop.
fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// Returns a text as the value of a label, with the escapes of the format.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cpu_share::sample, history::Task};

    fn task(index: usize, name: Option<&str>, usr_us: u64, is_exit: bool) -> TaskOverview {
        let mut last = sample(3, 9, usr_us, 20);
        last.is_exit = is_exit;
        let name = name.map(str::to_string);
        TaskOverview {
            task: Task {
                index,
                pid: 7,
                name,
            },
            first: last,
            last,
            samples: 1,
        }
    }

    fn written(tasks: &[TaskOverview], pattern: &str) -> Vec<String> {
        let mut to = Vec::new();
        write_tasks(&lives(tasks), &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        let lines = text.lines().filter(|line| line.contains(pattern));
        lines.map(str::to_string).collect()
    }

    #[test]
    fn same_series_after_the_end() {
        let user = |task| written(&[task], "mode=\"user\"");
        let series = "taskmonitor_task_cpu_seconds_total{pid=\"7\",life=\"1\",mode=\"user\"}";
        let living = task(0, Some("sh"), 1_500_003, false);
        assert_eq!(user(living), [format!("{series} 1.500003")]);
        // The name of an ended task is unknown.
        let ended = task(0, None, 2_000_000, true);
        assert_eq!(user(ended), [format!("{series} 2.000000")]);
    }

    #[test]
    fn reused_pid() {
        let tasks = [task(0, Some("a\"\\"), 1, true), task(1, None, 2, false)];
        assert_eq!(
            written(&tasks, "_info{"),
            [
                "taskmonitor_task_info{pid=\"7\",life=\"1\",command=\"a\\\"\\\\\"} 1",
                "taskmonitor_task_info{pid=\"7\",life=\"2\",command=\"?\"} 1",
            ]
        );
        assert_eq!(written(&tasks, "mode=\"user\"").len(), 2);
    }

    #[test]
    fn values() {
        let statistics = [
            ("pass_ns".to_string(), 1_000_000_007),
            ("new".to_string(), 1),
        ];
        let mut to = Vec::new();
        write_statistics(&statistics, &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        assert!(text.ends_with("counter\ntaskmonitor_pass_seconds_total 1.000000007\n"));
    }
}
