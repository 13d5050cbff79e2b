// SPDX-License-Identifier: GPL-2.0

//! `taskmon export`: the samples in formats that other programs read.
//!
//! `table` writes CSV and JSON, one sample per line. `perfetto` writes CPU shares as a trace.
//! `openmetrics` writes the totals of the tasks and the module's statistics.

mod openmetrics;
mod perfetto;
mod table;

use crate::{
    cli::{Export, Format, Times},
    excerpt::Excerpt,
    history::{HistoryReader, Metadata, Overview, Source, Task, TaskOverview},
    kernel_module,
    output::Output,
};
use anyhow::Result;
use std::{io::Write, path::Path};

/// Runs `taskmon export`.
pub fn export(arguments: &Export) -> Result<()> {
    let source = Source::from_arguments(&arguments.what)?;
    let mut output = Output::file_or_stdout(arguments.output.as_deref().map(Path::new))?;
    // On a terminal, a progress bar would disturb the output.
    let has_progress = !output.is_terminal();
    let (format, times) = (arguments.format, &arguments.times);
    let metadata = write(&source, times, format, has_progress, &mut output)?;
    output.finish()?;
    source.tell_what_is_missing(&metadata);
    Ok(())
}

/// Writes the window of a history in one of the formats. Returns what is known of it at its end.
pub fn write(
    source: &Source,
    times: &Times,
    format: Format,
    has_progress: bool,
    to: &mut dyn Write,
) -> Result<Metadata> {
    let is_module = matches!(source, Source::KernelModule(_));
    if is_module && !times.is_limited() && format != Format::Perfetto {
        // The module says who the tasks are before their samples are read, so one reading is enough.
        let history = source.open()?;
        let mut history = match has_progress {
            true => history,
            false => history.without_progress(),
        };
        return write_samples(&mut history, &[], format, is_module, to);
    }
    // In a recording, a task can get its last name after its samples. If the recording is damaged,
    // nothing is written.
    let excerpt = Excerpt::read(source, times, has_progress)?;
    let overview = excerpt.overview();
    if format == Format::Perfetto {
        perfetto::write(&excerpt, to)?;
    } else {
        let mut history = excerpt.history.open()?;
        if times.is_limited() {
            history = history.within(excerpt.window);
        }
        write_samples(&mut history, &overview.tasks, format, is_module, to)?;
    }
    Ok(overview.metadata.clone())
}

/// Writes samples in a format that has them as they are. `tasks` are what is known at the end of the
/// history; if it is empty, the history knows them. Returns what is known at its end.
fn write_samples(
    history: &mut HistoryReader,
    tasks: &[TaskOverview],
    format: Format,
    is_module: bool,
    to: &mut dyn Write,
) -> Result<Metadata> {
    match format {
        Format::Csv => table::csv(history, tasks, to)?,
        Format::Json => table::json(history, tasks, to)?,
        Format::Openmetrics => {
            let mut overview = Overview::read_from(history)?;
            for known in &mut overview.tasks {
                known.task = known_at_end(&known.task, tasks).clone();
            }
            openmetrics::write(&overview, to)?;
            if is_module {
                openmetrics::write_statistics(&kernel_module::statistics()?, to)?;
            }
        }
        Format::Perfetto => {}
    }
    Ok(history.metadata().clone())
}

/// Returns a task as it is among `tasks`, which are what is known at the end of the history. If it
/// is not among them, it is returned as it is.
fn known_at_end<'a>(task: &'a Task, tasks: &'a [TaskOverview]) -> &'a Task {
    tasks.get(task.index).map_or(task, |known| &known.task)
}
