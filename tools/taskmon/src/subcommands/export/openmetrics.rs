// SPDX-License-Identifier: GPL-2.0

//! The current totals in the text format that Prometheus, node_exporter's textfile collector and
//! `promtool check metrics` read.

use crate::{
    history::{Overview, Task, TaskOverview},
    kernel_module::meaning,
    output::format::seconds,
};
use anyhow::Result;
use std::io::Write;

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

/// Returns the labels that identify a task. Unlike its name, they do not change.
fn labels(task: &Task) -> String {
    // A recording without identities has each task once, so the position identifies it.
    let id = task.id().unwrap_or(task.index as u64 + 1);
    format!("pid=\"{}\",id=\"{id}\"", task.pid)
}

/// Writes the totals of the tasks in a history.
pub fn write(overview: &Overview, to: &mut dyn Write) -> Result<()> {
    let tasks = &overview.tasks;
    if tasks.is_empty() {
        return Ok(());
    }
    head(
        to,
        "task_cpu_seconds_total",
        "CPU time that a watched task has consumed.",
    )?;
    for each in tasks {
        let last = &each.last;
        for (mode, us) in [("user", last.usr_us), ("system", last.sys_us)] {
            let labels = labels(&each.task);
            let seconds = seconds(us);
            writeln!(
                to,
                "taskmonitor_task_cpu_seconds_total{{{labels},mode=\"{mode}\"}} {seconds}"
            )?;
        }
    }
    write_waiting(overview, to)?;
    head(
        to,
        "task_ended",
        "Whether a watched task has ended (1) or not (0).",
    )?;
    for each in tasks {
        let ended = u8::from(each.last.is_exit);
        let labels = labels(&each.task);
        writeln!(to, "taskmonitor_task_ended{{{labels}}} {ended}")?;
    }
    head(to, "task_info", "The command name of a watched task.")?;
    for each in tasks {
        let (labels, name) = (labels(&each.task), quoted(each.task.label()));
        writeln!(to, "taskmonitor_task_info{{{labels},command=\"{name}\"}} 1")?;
    }
    Ok(())
}

/// Writes how long the tasks have waited, those of which it is known.
fn write_waiting(overview: &Overview, to: &mut dyn Write) -> Result<()> {
    const METRIC: &str = "task_wait_seconds_total";
    let known = |each: &TaskOverview| Some((labels(&each.task), each.last.wait_us?));
    let mut waited = overview.tasks.iter().filter_map(known).peekable();
    if waited.peek().is_some() {
        let help = "Time for which a watched task has been runnable without a CPU.";
        head(to, METRIC, help)?;
    }
    for (labels, us) in waited {
        let seconds = seconds(us);
        writeln!(to, "taskmonitor_{METRIC}{{{labels}}} {seconds}")?;
    }
    Ok(())
}

/// Writes the module's statistics. Statistics that taskmon does not know are left out.
pub fn write_statistics(statistics: &[(String, u64)], to: &mut dyn Write) -> Result<()> {
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
fn head(to: &mut dyn Write, metric: &str, help: &str) -> Result<()> {
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
    use crate::{cpu_share::sample, kernel_module::TaskInfo};

    fn task(index: usize, id: Option<u64>, name: &str, is_exit: bool) -> TaskOverview {
        let mut last = sample(3, 9, 1_500_003, 20);
        last.is_exit = is_exit;
        let info = |id| TaskInfo {
            pid: 7,
            id,
            name: name.into(),
            ..TaskInfo::default()
        };
        let unknown = Task {
            index,
            pid: 7,
            ..Task::default()
        };
        TaskOverview {
            task: id.map_or(unknown, |id| Task::of(index, info(id))),
            first: last,
            last,
            samples: 1,
            is_part: false,
        }
    }

    fn written(tasks: &[TaskOverview], pattern: &str) -> Vec<String> {
        let overview = Overview {
            tasks: tasks.to_vec(),
            ..Overview::default()
        };
        let mut to = Vec::new();
        write(&overview, &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        let lines = text.lines().filter(|line| line.contains(pattern));
        lines.map(str::to_string).collect()
    }

    #[test]
    fn same_series_after_the_end() {
        let user = |task| written(&[task], "mode=\"user\"");
        let series = "taskmonitor_task_cpu_seconds_total{pid=\"7\",id=\"41\",mode=\"user\"}";
        let line = [format!("{series} 1.500003")];
        assert_eq!(user(task(0, Some(41), "sh", false)), line);
        assert_eq!(user(task(5, Some(41), "make", true)), line);
    }

    #[test]
    fn reused_pid() {
        let tasks = [task(0, Some(41), "a\"\\", true), task(1, None, "", false)];
        assert_eq!(
            written(&tasks, "_info{"),
            [
                "taskmonitor_task_info{pid=\"7\",id=\"41\",command=\"a\\\"\\\\\"} 1",
                "taskmonitor_task_info{pid=\"7\",id=\"2\",command=\"?\"} 1",
            ]
        );
        assert_eq!(written(&tasks, "mode=\"user\"").len(), 2);
    }

    #[test]
    fn waiting_where_it_is_known() {
        let mut waited = task(0, Some(41), "sh", false);
        waited.last.wait_us = Some(2_000_001);
        let unknown = task(1, Some(42), "sh", false);
        assert_eq!(
            written(&[waited, unknown.clone()], "task_wait_seconds_total{"),
            ["taskmonitor_task_wait_seconds_total{pid=\"7\",id=\"41\"} 2.000001"]
        );
        assert!(written(&[unknown], "wait").is_empty());
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
