// SPDX-License-Identifier: GPL-2.0

//! `taskmon export`: the samples, for other programs.

mod openmetrics;
mod perfetto;
mod table;

use crate::{
    cli::{Export, Format},
    history::{History, Source},
    output::Output,
};
use anyhow::Result;
use std::{io::Write, path::Path};

pub fn export(command: &Export) -> Result<()> {
    let source = Source::from_words(&command.what)?;
    let mut output = Output::of(command.output.as_deref().map(Path::new))?;
    match command.format {
        Format::Csv => table::csv(&mut open(&source, &output)?, &mut output)?,
        Format::Json => table::json(&mut open(&source, &output)?, &mut output)?,
        Format::Perfetto => perfetto::write(&mut open(&source, &output)?, &mut output)?,
        Format::Openmetrics => openmetrics::write(&source, &mut output)?,
    }
    output.flush()?;
    output.end()
}

/// The history; a progress bar would tear lines that go to the same terminal.
fn open(source: &Source, output: &Output) -> Result<History> {
    let history = source.open()?;
    Ok(if output.is_terminal() {
        history.without_progress()
    } else {
        history
    })
}
