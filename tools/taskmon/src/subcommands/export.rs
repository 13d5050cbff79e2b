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
    history::{HistoryReader, Metadata, Overview, Source, StableHistory},
    output::Output,
};
use anyhow::Result;
use std::path::Path;

/// Runs `taskmon export`.
pub fn export(arguments: &Export) -> Result<()> {
    let source = Source::from_arguments(&arguments.what)?;
    let mut output = Output::file_or_stdout(arguments.output.as_deref().map(Path::new))?;
    let metadata = match arguments.format {
        Format::Csv => write_table(&source, &mut output, table::csv)?,
        Format::Json => write_table(&source, &mut output, table::json)?,
        Format::Perfetto => {
            let mut history = open(&source, &output)?;
            perfetto::write(&mut history, &mut output)?;
            history.metadata().clone()
        }
        Format::Openmetrics => {
            let overview = Overview::read_from(&mut open(&source, &output)?)?;
            let is_module = matches!(source, Source::KernelModule(_));
            openmetrics::write(&overview, is_module, &mut output)?;
            overview.metadata
        }
    };
    output.finish()?;
    source.tell_what_is_missing(&metadata);
    Ok(())
}

/// Writes all samples with `write`. Returns what is known of the history at its end.
///
/// In a recording, a task can get its last name after its samples. So it is read twice. The module
/// says who all tasks are.
fn write_table(source: &Source, to: &mut Output, write: table::Write) -> Result<Metadata> {
    if let Source::KernelModule(_) = source {
        let mut history = open(source, to)?;
        write(&mut history, &[], to)?;
        return Ok(history.metadata().clone());
    }
    let history = StableHistory::read(source, !to.is_terminal())?;
    let overview = history.overview();
    write(&mut history.open()?, &overview.tasks, to)?;
    Ok(overview.metadata.clone())
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
