// SPDX-License-Identifier: GPL-2.0

//! `taskmon export`: the samples in formats that other programs read.
//!
//! `table` writes CSV and JSON, one sample per line. `perfetto` writes CPU shares as a trace.
//! `openmetrics` writes the totals of the tasks and the module's statistics.

mod openmetrics;
mod perfetto;
mod table;

use crate::{
    cli::{Export, Format},
    history::{HistoryReader, Source},
    output::Output,
};
use anyhow::Result;
use std::{io::Write, path::Path};

/// Runs `taskmon export`.
pub fn export(arguments: &Export) -> Result<()> {
    let source = Source::from_arguments(&arguments.what)?;
    let mut output = Output::file_or_stdout(arguments.output.as_deref().map(Path::new))?;
    match arguments.format {
        Format::Csv => table::csv(&mut open(&source, &output)?, &mut output)?,
        Format::Json => table::json(&mut open(&source, &output)?, &mut output)?,
        Format::Perfetto => perfetto::write(&mut open(&source, &output)?, &mut output)?,
        Format::Openmetrics => openmetrics::write(&source, &mut output)?,
    }
    output.flush()?;
    output.finish()
}

/// Opens the history, without a progress bar if the output is on the same terminal.
fn open(source: &Source, output: &Output) -> Result<HistoryReader> {
    let history = source.open()?;
    Ok(if output.is_terminal() {
        history.without_progress()
    } else {
        history
    })
}
