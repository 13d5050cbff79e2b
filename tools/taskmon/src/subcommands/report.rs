// SPDX-License-Identifier: GPL-2.0

//! `taskmon report`: who used the CPU in a window, and who waited for it.
//!
//! `content` computes the report from a history: the whole, and the `rows`. `text` writes it for
//! people, `data` as JSON and CSV. The summary of `taskmon record` is such a report.

mod content;
mod data;
mod rows;
mod text;

use crate::{cli, excerpt::Excerpt, history::Source, output::Output};
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
    let mut out = Output::stdout();
    write(&excerpt, &options, &mut out)?;
    out.finish()
}

/// Returns the report of an excerpt as it is written in JSON.
pub fn value(excerpt: &Excerpt, options: &Options) -> Result<serde_json::Value> {
    let report = Report::of(excerpt, options)?;
    let object = data::object(&report, &excerpt.clock);
    Ok(serde_json::to_value(object)?)
}

/// Writes the report of an excerpt.
pub fn write(excerpt: &Excerpt, options: &Options, to: &mut impl Write) -> Result<()> {
    let (report, clock) = (Report::of(excerpt, options)?, &excerpt.clock);
    if options.rows.json {
        serde_json::to_writer(&mut *to, &data::object(&report, clock))?;
        to.write_all(b"\n")?;
    } else if options.rows.csv {
        data::csv(&report, clock, to)?;
    } else {
        to.write_all(text::whole(&report, clock).as_bytes())?;
    }
    Ok(())
}
