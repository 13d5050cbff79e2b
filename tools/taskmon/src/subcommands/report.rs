// SPDX-License-Identifier: GPL-2.0

//! `taskmon report`: who used the CPU in a window, and who waited for it.
//!
//! `content` computes the report from a history: the whole, and the `rows`. A `forest` says which rows
//! are below which; `peaks` has the highest shares of several tasks together. `text` writes the report
//! for people, `data` as JSON and CSV. The summary of `taskmon record` is such a report.

mod content;
mod data;
mod forest;
mod peaks;
mod rows;
mod text;

use crate::{
    cli::{self, ReportBy},
    excerpt::Excerpt,
    history::Source,
    output::Output,
};
use anyhow::{bail, Result};
pub use content::{Options, Report};
pub use rows::Row;
use std::io::Write;
pub use text::{head, table};

/// Runs `taskmon report`.
pub fn report(arguments: &cli::Report) -> Result<()> {
    let has_tasks = matches!(arguments.by, ReportBy::Process | ReportBy::Tree);
    if arguments.threads && !has_tasks {
        bail!("--threads: only with --by process or --by tree");
    }
    let source = Source::from_arguments(&arguments.what)?;
    let excerpt = Excerpt::read(&source, &arguments.times, true)?;
    let options = Options {
        by: arguments.by,
        rows: arguments.rows.clone(),
        has_threads: arguments.threads,
    };
    let mut out = Output::stdout();
    write(&excerpt, &options, &mut out)?;
    out.finish()?;
    let form = &options.rows.form;
    if form.json || form.csv {
        source.tell_what_is_missing(&excerpt.overview().metadata);
    }
    Ok(())
}

/// Returns the report of an excerpt as it is written in JSON.
pub fn value(excerpt: &Excerpt, options: &Options) -> Result<serde_json::Value> {
    let report = Report::of(excerpt, options)?;
    let object = data::object(&report, &excerpt.clock);
    Ok(serde_json::to_value(object)?)
}

/// Writes the report of an excerpt.
///
/// Fails if the history cannot be read again, or if it cannot be written.
pub fn write(excerpt: &Excerpt, options: &Options, to: &mut impl Write) -> Result<()> {
    let (report, clock) = (Report::of(excerpt, options)?, &excerpt.clock);
    if options.rows.form.json {
        serde_json::to_writer(&mut *to, &data::object(&report, clock))?;
        to.write_all(b"\n")?;
    } else if options.rows.form.csv {
        data::csv(&report, clock, to)?;
    } else {
        to.write_all(text::whole(&report, clock).as_bytes())?;
    }
    Ok(())
}
