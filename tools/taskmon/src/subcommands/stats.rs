// SPDX-License-Identifier: GPL-2.0

//! `taskmon stats`.

use crate::{cli::Stats, kernel_module, output::Output};
use anyhow::Result;
use std::io::Write;
pub fn stats(command: &Stats) -> Result<()> {
    let statistics = kernel_module::statistics()?;
    let mut out = Output::stdout();
    if command.json {
        let object: serde_json::Map<String, serde_json::Value> = statistics
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        serde_json::to_writer(&mut out, &object)?;
        writeln!(out)?;
        return out.end();
    }
    for (name, value) in &statistics {
        writeln!(out, "{name:<10} {value:>16}  {}", meaning(name))?;
    }
    out.end()
}

/// What a statistic counts, in a few words.
fn meaning(name: &str) -> &'static str {
    match name {
        "targets" => "tasks watched, ended ones included",
        "created" => "samples ever taken",
        "alive" => "samples held now",
        "evicted" => "samples given up to memory pressure or the limit",
        "removed" => "samples freed on demand",
        "bytes" => "kernel memory that holds the samples",
        "passes" => "times that all tasks were sampled",
        "pass_ns" => "nanoseconds spent in that",
        "late" => "passes that began a period or more late",
        "missed" => "periods in which no pass began",
        "lost" => "descendants not followed, for want of memory or past max_targets",
        "reserve" => "allocations served by the reserve",
        "recycled" => "times that old samples made room for new ones",
        _ => "",
    }
}
