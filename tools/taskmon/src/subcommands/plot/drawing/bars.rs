// SPDX-License-Identifier: GPL-2.0

//! Bars for the lives of the tasks that have no panel. The darker a bar, the higher its mean share.

use super::{
    super::chart::Chart,
    style::{rounded, shortened, text_width, Size, EDGE, FAINT_INK, INK},
};
use svg::{
    node::element::{Rectangle, Text},
    Document, Node,
};

const ROW: f64 = 15.0;
const HEAD: f64 = 24.0;
/// The narrowest bar that is seen.
const LEAST: f64 = 1.5;
/// The opacity of a bar without CPU time.
const PALEST: f64 = 0.15;

/// Returns how high all bars are together.
pub fn height(chart: &Chart) -> f64 {
    match chart.bars.len() {
        0 => 0.0,
        count => HEAD + (count + usize::from(chart.left_out > 0)) as f64 * ROW,
    }
}

/// Draws the bars.
pub fn draw(to: &mut Document, chart: &Chart, size: &Size, y: f64) {
    if chart.bars.is_empty() {
        return;
    }
    let line = |text: &str, x: f64, y: f64, colour: &str| {
        Text::new(text)
            .set("x", rounded(x))
            .set("y", rounded(y))
            .set("font-size", 10)
            .set("fill", colour.to_string())
    };
    let head = "others, from their first to their last sample; the darker, the higher the share";
    to.append(line(head, size.left, y + 12.0, INK));
    for (number, bar) in chart.bars.iter().enumerate() {
        let top = y + HEAD + number as f64 * ROW;
        let (begin, end) = (size.x(bar.life.from_us), size.x(bar.life.to_us));
        let opacity = PALEST + (1.0 - PALEST) * bar.share.clamp(0.0, 1.0);
        to.append(
            Rectangle::new()
                .set("x", rounded(begin))
                .set("y", rounded(top))
                .set("width", rounded((end - begin).max(LEAST)))
                .set("height", ROW - 4.0)
                .set("fill", INK)
                .set("fill-opacity", rounded(opacity)),
        );
        let caption = shortened(&bar.caption, 60);
        // Beside the bar: before it where there is no room behind.
        let width = text_width(&caption) * 10.0 / 12.0;
        let y = top + ROW - 6.0;
        to.append(if end + 4.0 + width <= size.right {
            line(&caption, end + 4.0, y, FAINT_INK)
        } else if begin - 4.0 - width >= 0.0 {
            line(&caption, begin - 4.0, y, FAINT_INK).set("text-anchor", "end")
        } else {
            // On the bar, with a white edge.
            line(&caption, begin + 4.0, y, INK)
                .set("paint-order", "stroke")
                .set("stroke", EDGE)
                .set("stroke-width", 3)
        });
    }
    if chart.left_out > 0 {
        let top = y + HEAD + chart.bars.len() as f64 * ROW;
        let text = format!("{} more", chart.left_out);
        to.append(line(&text, size.left, top + ROW - 6.0, FAINT_INK));
    }
}
