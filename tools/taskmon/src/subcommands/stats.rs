// SPDX-License-Identifier: GPL-2.0

//! `taskmon stats`: the module's statistics.

use crate::{
    cli::Stats,
    kernel_module::{self, meaning},
    output::{print_json, Output},
};
use anyhow::Result;
use std::io::Write;

/// Runs `taskmon stats`.
pub fn stats(arguments: &Stats) -> Result<()> {
    let statistics = kernel_module::statistics()?;
    if arguments.json {
        let object: serde_json::Map<String, serde_json::Value> = statistics
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        return print_json(&object);
    }
    let mut out = Output::stdout();
    for (name, value) in &statistics {
        let meaning = meaning(name).unwrap_or("");
        writeln!(out, "{name:<10} {value:>16}  {meaning}")?;
    }
    out.finish()
}
