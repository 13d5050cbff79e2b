// SPDX-License-Identifier: GPL-2.0

//! `taskmon plot`: CPU share over time, as a picture.

mod chart;
mod png;
mod svg;

use crate::{
    cli::Plot,
    history::{Source, Spool},
    output::Output,
};
use anyhow::{bail, Context, Result};
use chart::Layout;
use std::io::Write;

pub fn plot(command: &Plot) -> Result<()> {
    let ending = command
        .output
        .extension()
        .and_then(|ending| ending.to_str());
    let is_png = match ending {
        Some("svg") => false,
        Some("png") => true,
        _ => bail!(
            "{}: the name must end in .svg or .png",
            command.output.display()
        ),
    };
    let layout = match (command.panels, command.stacked) {
        (true, _) => Some(Layout::Panels),
        (_, true) => Some(Layout::Stacked),
        _ => None,
    };
    // Before all the reading, so that a wrong folder shows at once.
    let mut output = Output::file(&command.output)?;
    let source = Source::from_words(&command.what)?;
    let (source, _spool) = if source.is_steady() {
        (source, None)
    } else {
        let spool = Spool::copy_of(&source)?;
        (spool.source(), Some(spool))
    };
    let picture = chart::Picture::read(&source, layout, command.title.clone())?;
    let svg = svg::svg(&picture, command.width).context("drawing")?;
    if is_png {
        output.write_all(&png::from_svg(&svg)?)?;
    } else {
        output.write_all(svg.as_bytes())?;
    }
    output.end()
}
