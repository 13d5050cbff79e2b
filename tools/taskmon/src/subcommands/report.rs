// SPDX-License-Identifier: GPL-2.0

//! `taskmon report`: who used the CPU in a window, and who waited for it.
//!
//! `content` computes the report from a history: the whole, and the `rows`. `text` writes it for
//! people, `data` as JSON and CSV. The summary of `taskmon record` is such a report.

mod content;
mod data;
mod rows;
mod text;

use crate::{
    cli,
    excerpt::Excerpt,
    history::Source,
    output::{print_json, Output},
};
use anyhow::Result;
pub use content::{Options, Report};
pub use rows::Row;
use std::io::Write;
pub use text::{head, table};

/// Runs `taskmon report`.
pub fn report(arguments: &cli::Report) -> Result<()> {
    let source = Source::from_arguments(&arguments.what)?;
    let excerpt = Excerpt::read(&source, &arguments.times, true)?;
    let options = Options {
        by: arguments.by,
        rows: arguments.rows.clone(),
        has_threads: arguments.threads,
    };
    let report = Report::of(&excerpt, &options)?;
    write(&report, &options, &excerpt)
}

fn write(report: &Report, options: &Options, excerpt: &Excerpt) -> Result<()> {
    if options.rows.json {
        return print_json(&data::object(report, &excerpt.clock));
    }
    let mut out = Output::stdout();
    if options.rows.csv {
        data::csv(report, &excerpt.clock, &mut out)?;
    } else {
        out.write_all(text::whole(report, &excerpt.clock).as_bytes())?;
    }
    out.finish()
}

#[cfg(test)]
mod tests;
