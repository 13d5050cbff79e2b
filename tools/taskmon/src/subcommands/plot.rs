// SPDX-License-Identifier: GPL-2.0

//! `taskmon plot`: a chart of CPU shares over time, as SVG or PNG.
//!
//! `chart` computes the panels and areas from a history, `svg` draws them, and `png` converts the
//! drawing to pixels.

mod chart;
mod png;
mod svg;

use crate::{
    cli::Plot,
    history::{Source, StableHistory},
    output::Output,
};
use anyhow::{bail, Context, Result};
use chart::Chart;
pub use chart::Layout;
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
    let layout = match (arguments.panels, arguments.stacked) {
        (true, _) => Some(Layout::Panels),
        (_, true) => Some(Layout::Stacked),
        _ => None,
    };
    // Created before anything is read, so that a wrong directory fails at once.
    let mut output = Output::file(&arguments.output)?;
    let source = Source::from_arguments(&arguments.what)?;
    let history = StableHistory::read(&source, true)?;
    let svg = draw(&history, layout, arguments.title.clone(), arguments.width)?;
    if is_png {
        output.write_all(&png::from_svg(&svg)?)?;
    } else {
        output.write_all(svg.as_bytes())?;
    }
    output.finish()?;
    source.tell_what_is_missing(&history.overview().metadata);
    Ok(())
}

/// Returns a plot of a history as SVG.
pub fn draw(
    history: &StableHistory,
    layout: Option<Layout>,
    title: Option<String>,
    width: u32,
) -> Result<String> {
    let chart = Chart::read(history, layout, title)?;
    svg::draw(&chart, width).context("drawing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(wait: &str, layout: Layout) -> String {
        let text = format!(
            "pid:7 num:0 : usr 0 sys 0{} time 0\npid:7 num:1 : usr 500 sys 0{} time 1000\n",
            wait.replace('N', "0"),
            wait.replace('N', "3000"),
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let source = Source::Recording(file.path().into());
        let history = StableHistory::read(&source, false).unwrap();
        draw(&history, Some(layout), None, 960).unwrap()
    }

    #[test]
    fn waiting_is_drawn_where_it_is_known() {
        let (known, unknown) = (" wait N", "");
        let is_hatched = |svg: String| svg.contains("fill=\"url(#hatched)\"");
        assert!(is_hatched(drawn(known, Layout::Panels)));
        assert!(!is_hatched(drawn(unknown, Layout::Panels)));
        let names = |svg: String| svg.matches("waiting for a CPU").count();
        assert_eq!(names(drawn(known, Layout::Panels)), 1);
        assert_eq!(names(drawn(known, Layout::Stacked)), 1);
        assert_eq!(names(drawn(unknown, Layout::Panels)), 0);
        assert_eq!(names(drawn(unknown, Layout::Stacked)), 0);
        // 50 % used and 300 % waited for, one on top of the other.
        assert!(drawn(known, Layout::Panels).contains("\n400 %\n"));
        assert!(drawn(known, Layout::Stacked).contains("\n300 %\n"));
    }
}
