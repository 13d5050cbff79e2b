// SPDX-License-Identifier: GPL-2.0

//! `taskmon plot`: a chart of CPU shares over time, as SVG or PNG, or a web page.
//!
//! `chart` computes from a history what is to be seen: stacked areas, panels, bars, the axes and the
//! legend. `drawing` draws it as SVG, and `png` converts that to pixels.
//! `page` is the web page.

mod chart;
mod drawing;
mod page;
mod png;

use crate::{cli::Plot, excerpt::Excerpt, history::Source, output::Output};
use anyhow::{bail, Result};
use chart::Chart;
pub use chart::{Layout, Options};
#[cfg(test)]
pub use page::write as write_page;
use std::{io::Write, path::Path};

/// Runs `taskmon plot`.
pub fn plot(arguments: &Plot) -> Result<()> {
    let (path, format) = match (&arguments.output, &arguments.html) {
        (_, Some(path)) => (path, Format::Html),
        (Some(path), None) => (path, Format::of(path)?),
        (None, None) => bail!("no output: give -o or --html"),
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
    let mut output = Output::file(path)?;
    let source = Source::from_arguments(&arguments.what)?;
    let excerpt = Excerpt::read(&source, &arguments.times, true)?;
    match format {
        Format::Html => page::write(&excerpt, &options, &mut output)?,
        Format::Svg => output.write_all(draw(&excerpt, &options, arguments.width)?.as_bytes())?,
        Format::Png => {
            let svg = draw(&excerpt, &options, arguments.width)?;
            output.write_all(&png::from_svg(&svg)?)?;
        }
    }
    output.finish()?;
    source.tell_what_is_missing(&excerpt.overview().metadata);
    Ok(())
}

/// What is written.
#[derive(Clone, Copy)]
enum Format {
    Svg,
    Png,
    Html,
}

impl Format {
    /// Returns the format that the extension of a file says.
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("html") => Ok(Self::Html),
            _ => bail!(
                "{}: the name must end in .svg, .png or .html",
                path.display()
            ),
        }
    }
}

/// Returns a plot of an excerpt as SVG.
pub fn draw(excerpt: &Excerpt, options: &Options, width: u32) -> Result<String> {
    Ok(drawing::draw(&Chart::of(excerpt, options)?, width))
}

#[cfg(test)]
mod tests;
