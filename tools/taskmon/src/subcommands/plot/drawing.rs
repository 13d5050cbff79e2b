// SPDX-License-Identifier: GPL-2.0

//! Draws a chart as SVG.

mod bars;
mod legend;
mod panel;
mod style;

use super::chart::{Chart, Layout};
use legend::Legend;
pub use style::fill as colour;
use style::{Size, FAINT_INK, INK};
use svg::{
    node::element::{Definitions, Pattern, Rectangle, Text},
    Document, Node,
};

/// Returns the chart as SVG, `width` pixels wide.
pub fn draw(chart: &Chart, width: u32) -> String {
    let size = Size::of(chart, width);
    let legend = Legend::of(chart, &size);
    let head = size.head + legend.height_above();
    let panels = chart.panels.len() as f64 * (size.panel + size.caption);
    let bars = bars::height(chart);
    let height = (head + panels + size.axis + bars + size.foot)
        .max(head + legend.height_beside() + size.foot)
        .round();
    let mut to = Document::new()
        .set("width", width)
        .set("height", height)
        .set("viewBox", (0, 0, width, height))
        .set("font-family", "sans-serif");
    to.append(hatching("hatched", "#E9EBEE", "#838B97", 1.5));
    to.append(hatching("unsampled", "#FFFFFF", "#C4C9D0", 1.0));
    to.append(
        Rectangle::new()
            .set("width", width)
            .set("height", height)
            .set("fill", "#FFFFFF"),
    );
    to.append(
        Text::new(style::shortened(&chart.title, 90))
            .set("x", size.margin)
            .set("y", size.margin + 14.0)
            .set("font-size", 18)
            .set("font-weight", "bold")
            .set("fill", INK),
    );
    legend.draw(&mut to, head);
    let mut y = head;
    for panel in &chart.panels {
        panel::draw(&mut to, chart, panel, &size, y);
        y += size.panel + size.caption;
    }
    panel::draw_time_axis(&mut to, chart, &size, y);
    y += size.axis;
    bars::draw(&mut to, chart, &size, y);
    to.append(
        Text::new(chart.small_print.as_str())
            .set("x", size.margin)
            .set("y", height - 8.0)
            .set("font-size", 10)
            .set("fill", FAINT_INK),
    );
    to.to_string() + "\n"
}

/// Returns a pattern of diagonal lines. It differs from plain areas also without colours.
fn hatching(id: &str, ground: &str, line: &str, width: f64) -> Definitions {
    let square = || Rectangle::new().set("height", 5);
    let pattern = Pattern::new()
        .set("id", id)
        .set("width", 5)
        .set("height", 5)
        .set("patternUnits", "userSpaceOnUse")
        .set("patternTransform", "rotate(45)")
        .add(square().set("width", 5).set("fill", ground))
        .add(square().set("width", width).set("fill", line));
    Definitions::new().add(pattern)
}

impl Size {
    /// Returns the sizes of a chart.
    fn of(chart: &Chart, width: u32) -> Self {
        let is_stacked = chart.layout == Layout::Stacked;
        let legend_width = match is_stacked {
            true => legend::width_beside(chart).min(f64::from(width) * 0.4),
            false => 0.0,
        };
        Self {
            margin: 16.0,
            head: 40.0,
            caption: 20.0,
            panel: match chart.panels.len() {
                1 if is_stacked => 320.0,
                1 => 300.0,
                _ => 130.0,
            },
            axis: 44.0,
            foot: 22.0,
            left: 66.0,
            right: f64::from(width) - 16.0 - legend_width,
            width: f64::from(width),
            window: chart.window,
        }
    }
}
