// SPDX-License-Identifier: GPL-2.0

//! `taskmon plot`: a chart of CPU shares over time, as SVG or PNG.
//!
//! `chart` computes from a history what is to be seen: stacked areas, panels, bars, the axes and the
//! legend. `drawing` draws it as SVG, and `png` converts that to pixels.

mod chart;
mod drawing;
mod png;

use crate::{cli::Plot, excerpt::Excerpt, history::Source, output::Output};
use anyhow::{bail, Result};
use chart::Chart;
pub use chart::{Layout, Options};
use std::io::Write;

/// Runs `taskmon plot`.
pub fn plot(arguments: &Plot) -> Result<()> {
    let extension = arguments
        .output
        .extension()
        .and_then(|extension| extension.to_str());
    let is_png = match extension {
        Some("svg") => false,
        Some("png") => true,
        _ => bail!(
            "{}: the name must end in .svg or .png",
            arguments.output.display()
        ),
    };
    let options = Options {
        layout: match (arguments.panels, arguments.stacked) {
            (true, _) => Some(Layout::Panels),
            (_, true) => Some(Layout::Stacked),
            _ => None,
        },
        title: arguments.title.clone(),
        by: arguments.group.into(),
        top: arguments.top,
        filter: arguments.filter.clone(),
    };
    // Created before anything is read, so that a wrong directory fails at once.
    let mut output = Output::file(&arguments.output)?;
    let source = Source::from_arguments(&arguments.what)?;
    let excerpt = Excerpt::read(&source, &arguments.times, true)?;
    let svg = draw(&excerpt, &options, arguments.width)?;
    if is_png {
        output.write_all(&png::from_svg(&svg)?)?;
    } else {
        output.write_all(svg.as_bytes())?;
    }
    output.finish()?;
    source.tell_what_is_missing(&excerpt.overview().metadata);
    Ok(())
}

/// Returns a plot of an excerpt as SVG.
pub fn draw(excerpt: &Excerpt, options: &Options, width: u32) -> Result<String> {
    Ok(drawing::draw(&Chart::of(excerpt, options)?, width))
}

#[cfg(test)]
mod tests;
