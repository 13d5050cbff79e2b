// SPDX-License-Identifier: GPL-2.0

//! The totals of now in the text form that Prometheus, node_exporter's textfile collector and
//! `promtool check metrics` read.

use crate::{
    history::{Overview, Source, Span},
    kernel_module,
};
use anyhow::Result;
use std::{collections::HashMap, io::Write};

/// The module's figures: as it names them, as Prometheus names them, what they are.
const FIGURES: [(&str, &str, &str); 13] = [
    ("targets", "targets", "Tasks watched, ended ones included."),
    ("created", "samples_created_total", "Samples ever taken."),
    ("alive", "samples", "Samples held now."),
    (
        "evicted",
        "samples_evicted_total",
        "Samples given up to memory pressure or the limit.",
    ),
    (
        "removed",
        "samples_removed_total",
        "Samples freed on demand.",
    ),
    (
        "bytes",
        "sample_bytes",
        "Kernel memory that holds the samples.",
    ),
    (
        "passes",
        "passes_total",
        "Times that all tasks were sampled.",
    ),
    ("pass_ns", "pass_seconds_total", "Time spent sampling."),
    (
        "late",
        "late_passes_total",
        "Passes that began a period or more late.",
    ),
    (
        "missed",
        "missed_periods_total",
        "Periods in which no pass began.",
    ),
    (
        "lost",
        "lost_descendants_total",
        "Descendants that could not be followed, for want of memory or past max_targets.",
    ),
    (
        "reserve",
        "reserve_allocations_total",
        "Allocations served by the reserve.",
    ),
    (
        "recycled",
        "recycled_segments_total",
        "Times that old samples made room for new ones.",
    ),
];

pub fn write(source: &Source, to: &mut impl Write) -> Result<()> {
    let overview = Overview::read(source)?;
    write_tasks(&lives(&overview.spans), to)?;
    if matches!(source, Source::Module(_)) {
        write_figures(&kernel_module::statistics()?, to)?;
    }
    Ok(())
}

/// A task, and which one of its number it is, from 1. By these a series is known: they stay as they are
/// when the task ends and its name is known no longer.
struct Life<'a> {
    span: &'a Span,
    life: usize,
}

impl Life<'_> {
    fn labels(&self) -> String {
        format!("pid=\"{}\",life=\"{}\"", self.span.task.pid, self.life)
    }
}

fn lives(spans: &[Span]) -> Vec<Life<'_>> {
    let mut of_pid: HashMap<u32, usize> = HashMap::new();
    let mut lives = Vec::with_capacity(spans.len());
    for span in spans {
        let life = of_pid.entry(span.task.pid).or_default();
        *life += 1;
        lives.push(Life { span, life: *life });
    }
    lives
}

fn write_tasks(lives: &[Life<'_>], to: &mut impl Write) -> Result<()> {
    if lives.is_empty() {
        return Ok(());
    }
    head(
        to,
        "task_cpu_seconds_total",
        "CPU time that a watched task has consumed, exact to the microsecond.",
    )?;
    for each in lives {
        let last = &each.span.last;
        for (mode, us) in [("user", last.usr_us), ("system", last.sys_us)] {
            let labels = each.labels();
            let seconds = crate::output::format::seconds(us);
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
        let ended = u8::from(each.span.last.is_end);
        writeln!(to, "taskmonitor_task_ended{{{}}} {ended}", each.labels())?;
    }
    head(to, "task_info", "The name of a watched task's command.")?;
    for each in lives {
        let (labels, name) = (each.labels(), quoted(each.span.task.label()));
        writeln!(to, "taskmonitor_task_info{{{labels},command=\"{name}\"}} 1")?;
    }
    Ok(())
}

fn write_figures(statistics: &[(String, u64)], to: &mut impl Write) -> Result<()> {
    for (name, metric, help) in FIGURES {
        let Some((_, value)) = statistics.iter().find(|(each, _)| each == name) else {
            continue;
        };
        head(to, metric, help)?;
        if name.ends_with("_ns") {
            let (seconds, rest) = (value / 1_000_000_000, value % 1_000_000_000);
            writeln!(to, "taskmonitor_{metric} {seconds}.{rest:09}")?;
        } else {
            writeln!(to, "taskmonitor_{metric} {value}")?;
        }
    }
    Ok(())
}

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

/// A text as the value of a label.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cpu_share::sample, history::Task};

    fn span(index: usize, name: Option<&str>, usr_us: u64, is_end: bool) -> Span {
        let mut last = sample(3, 9, usr_us, 20);
        last.is_end = is_end;
        let name = name.map(str::to_string);
        Span {
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

    fn written(spans: &[Span], pattern: &str) -> Vec<String> {
        let mut to = Vec::new();
        write_tasks(&lives(spans), &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        let lines = text.lines().filter(|line| line.contains(pattern));
        lines.map(str::to_string).collect()
    }

    #[test]
    fn the_series_goes_on_to_the_end() {
        let user = |span| written(&[span], "mode=\"user\"");
        let series = "taskmonitor_task_cpu_seconds_total{pid=\"7\",life=\"1\",mode=\"user\"}";
        let living = span(0, Some("sh"), 1_500_003, false);
        assert_eq!(user(living), [format!("{series} 1.500003")]);
        // Its name is known no longer.
        let ended = span(0, None, 2_000_000, true);
        assert_eq!(user(ended), [format!("{series} 2.000000")]);
    }

    #[test]
    fn a_number_that_comes_again() {
        let spans = [span(0, Some("a\"\\"), 1, true), span(1, None, 2, false)];
        assert_eq!(
            written(&spans, "_info{"),
            [
                "taskmonitor_task_info{pid=\"7\",life=\"1\",command=\"a\\\"\\\\\"} 1",
                "taskmonitor_task_info{pid=\"7\",life=\"2\",command=\"?\"} 1",
            ]
        );
        assert_eq!(written(&spans, "mode=\"user\"").len(), 2);
    }

    #[test]
    fn figures() {
        let statistics = [
            ("pass_ns".to_string(), 1_000_000_007),
            ("new".to_string(), 1),
        ];
        let mut to = Vec::new();
        write_figures(&statistics, &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        assert!(text.ends_with("counter\ntaskmonitor_pass_seconds_total 1.000000007\n"));
    }
}
