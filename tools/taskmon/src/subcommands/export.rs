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
    history::{Metadata, Overview, Source, StableHistory, Task, TaskOverview},
    kernel_module,
    output::Output,
};
use anyhow::{Error, Result};
use std::{io::Write, path::Path};

/// Runs `taskmon export`.
pub fn export(arguments: &Export) -> Result<()> {
    let source = Source::from_arguments(&arguments.what)?;
    let mut output = Output::file_or_stdout(arguments.output.as_deref().map(Path::new))?;
    // On a terminal, a progress bar would disturb the output.
    let has_progress = !output.is_terminal();
    let metadata = write(&source, arguments.format, has_progress, &mut output)?;
    output.finish()?;
    source.tell_what_is_missing(&metadata);
    Ok(())
}

/// Writes a history in one of the formats. Returns what is known of it at its end.
pub fn write(
    source: &Source,
    format: Format,
    has_progress: bool,
    to: &mut dyn Write,
) -> Result<Metadata> {
    let open = || {
        let history = source.open()?;
        Ok::<_, Error>(match has_progress {
            true => history,
            false => history.without_progress(),
        })
    };
    let write_samples = match format {
        Format::Csv => table::csv,
        Format::Json => table::json,
        Format::Perfetto => perfetto::write,
        Format::Openmetrics => {
            let overview = Overview::read_from(&mut open()?)?;
            openmetrics::write(&overview, to)?;
            if let Source::KernelModule(_) = source {
                openmetrics::write_statistics(&kernel_module::statistics()?, to)?;
            }
            return Ok(overview.metadata);
        }
    };
    if let Source::KernelModule(_) = source {
        // The module says who the tasks are before their samples are read.
        let mut history = open()?;
        write_samples(&mut history, &[], to)?;
        return Ok(history.metadata().clone());
    }
    // In a recording, a task can get its last name after its samples. If the recording is damaged,
    // nothing is written.
    let history = StableHistory::read(source, has_progress)?;
    let overview = history.overview();
    write_samples(&mut history.open()?, &overview.tasks, to)?;
    Ok(overview.metadata.clone())
}

/// Returns a task as it is among `tasks`, which are what is known at the end of the history. If it
/// is not among them, it is returned as it is.
fn known_at_end<'a>(task: &'a Task, tasks: &'a [TaskOverview]) -> &'a Task {
    tasks.get(task.index).map_or(task, |known| &known.task)
}
