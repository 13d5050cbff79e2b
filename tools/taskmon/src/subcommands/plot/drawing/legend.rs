// SPDX-License-Identifier: GPL-2.0

//! The legend: above panels, or beside a stack and in its order.

use super::{
    super::chart::{Chart, Layout, Meaning},
    style::{fill, rounded, shortened, text_width, Size, INK},
};
use svg::{
    node::element::{Line, Rectangle, Text},
    Document, Node,
};

const ROW: f64 = 22.0;
/// The width of a mark, with the space after it.
const MARK: f64 = 18.0;
const MARK_SIZE: f64 = 11.0;
const MAX_LEN: usize = 48;

/// The legend of a chart, laid out.
pub struct Legend {
    /// Position, meaning and text of each entry.
    entries: Vec<(f64, f64, Meaning, String)>,
    rows: f64,
    is_beside: bool,
}

/// Returns how wide a legend beside the chart is.
pub fn width_beside(chart: &Chart) -> f64 {
    let widths = chart
        .legend
        .iter()
        .map(|(_, text)| text_width(&shortened(text, MAX_LEN)));
    widths.fold(0.0, f64::max) + MARK + 16.0
}

impl Legend {
    /// Lays out the legend of a chart.
    pub fn of(chart: &Chart, size: &Size) -> Self {
        let is_beside = chart.layout == Layout::Stacked;
        let mut legend = Self {
            entries: Vec::new(),
            rows: 1.0,
            is_beside,
        };
        let mut x = size.margin;
        for (number, (meaning, text)) in chart.legend.iter().enumerate() {
            let text = shortened(text, MAX_LEN);
            if is_beside {
                let y = number as f64 * ROW;
                legend.entries.push((size.right + 16.0, y, *meaning, text));
                legend.rows = number as f64 + 1.0;
                continue;
            }
            let width = MARK + text_width(&text) + 18.0;
            if x + width > size.width - size.margin && x > size.margin {
                x = size.margin;
                legend.rows += 1.0;
            }
            legend
                .entries
                .push((x, (legend.rows - 1.0) * ROW, *meaning, text));
            x += width;
        }
        legend
    }

    /// Returns how much height it takes above the panels.
    pub fn height_above(&self) -> f64 {
        if self.is_beside {
            0.0
        } else {
            self.rows * ROW
        }
    }

    /// Returns how high it is beside the panels.
    pub fn height_beside(&self) -> f64 {
        if self.is_beside {
            self.rows * ROW + 20.0
        } else {
            0.0
        }
    }

    /// Draws the legend. `head` is where the panels begin.
    pub fn draw(&self, to: &mut Document, head: f64) {
        let top = match self.is_beside {
            true => head + 20.0,
            false => head - self.height_above(),
        };
        for (x, y, meaning, text) in &self.entries {
            let (x, y) = (*x, top + y);
            match meaning {
                Meaning::WaitingLine => {
                    let middle = y + MARK_SIZE / 2.0;
                    to.append(
                        Line::new()
                            .set("x1", x)
                            .set("x2", x + MARK_SIZE)
                            .set("y1", middle)
                            .set("y2", middle)
                            .set("stroke", fill(*meaning))
                            .set("stroke-width", 2),
                    );
                }
                _ => to.append(
                    Rectangle::new()
                        .set("x", rounded(x))
                        .set("y", rounded(y))
                        .set("width", MARK_SIZE)
                        .set("height", MARK_SIZE)
                        .set("fill", fill(*meaning)),
                ),
            }
            to.append(
                Text::new(text.as_str())
                    .set("x", rounded(x + MARK))
                    .set("y", rounded(y + MARK_SIZE - 1.0))
                    .set("font-size", 12)
                    .set("fill", INK),
            );
        }
    }
}
