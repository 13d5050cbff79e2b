// SPDX-License-Identifier: GPL-2.0

//! The totals of now in the text form that Prometheus, node_exporter's textfile collector and
//! `promtool check metrics` read.

use crate::{
    history::Source,
    module,
    overview::{Overview, Span},
};
use anyhow::Result;
use std::{collections::HashMap, io::Write};

/// The module's figures: as it names them, as Prometheus names them, what they are.
const FIGURES: [(&str, &str, &str); 12] = [
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
        "lost",
        "lost_descendants_total",
        "Descendants that could not be followed.",
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
    write_tasks(&newest_of_each_name(&overview.spans), to)?;
    if matches!(source, Source::Module(_)) {
        write_figures(&module::statistics()?, to)?;
    }
    Ok(())
}

/// A number may come again with the same name, a series of Prometheus may not: the last one counts.
fn newest_of_each_name(spans: &[Span]) -> Vec<&Span> {
    let key = |span: &Span| (span.task.pid, span.task.name.clone());
    let last: HashMap<_, _> = spans
        .iter()
        .enumerate()
        .map(|(place, span)| (key(span), place))
        .collect();
    let places = spans.iter().enumerate();
    let newest = places.filter(|(place, span)| last.get(&key(span)) == Some(place));
    newest.map(|(_, span)| span).collect()
}

fn write_tasks(spans: &[&Span], to: &mut impl Write) -> Result<()> {
    if spans.is_empty() {
        return Ok(());
    }
    head(
        to,
        "task_cpu_seconds_total",
        "CPU time that a watched task has consumed, exact to the microsecond.",
    )?;
    for span in spans {
        for (mode, us) in [("user", span.last.usr_us), ("system", span.last.sys_us)] {
            let labels = labels(span);
            let seconds = crate::text::seconds(us);
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
    for span in spans {
        let ended = u8::from(span.last.is_end);
        writeln!(to, "taskmonitor_task_ended{{{}}} {ended}", labels(span))?;
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

fn labels(span: &Span) -> String {
    let name = span.task.label();
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    let name = name.replace('\n', "\\n");
    format!("pid=\"{}\",command=\"{name}\"", span.task.pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{history::Task, interval::tests::sample};

    fn span(index: usize, name: &str, usr_us: u64) -> Span {
        let last = sample(3, 9, usr_us, 20);
        let name = Some(name.to_string());
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

    #[test]
    fn each_series_once() {
        let spans = [
            span(0, "a\"\\", 1),
            span(1, "b", 2),
            span(2, "a\"\\", 1_500_003),
        ];
        let mut to = Vec::new();
        write_tasks(&newest_of_each_name(&spans), &mut to).unwrap();
        let text = String::from_utf8(to).unwrap();
        let totals: Vec<_> = text
            .lines()
            .filter(|line| line.contains("mode=\"user\""))
            .collect();
        assert_eq!(
            totals,
            [
                "taskmonitor_task_cpu_seconds_total{pid=\"7\",command=\"b\",mode=\"user\"} 0.000002",
                "taskmonitor_task_cpu_seconds_total{pid=\"7\",command=\"a\\\"\\\\\",mode=\"user\"} 1.500003",
            ]
        );
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
