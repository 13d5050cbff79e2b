// SPDX-License-Identifier: GPL-2.0

//! Colours, sizes, and how text is set.

use super::super::chart::{Area, Layout};
use plotters::prelude::RGBColor;

/// The colours of user and system time.
const TWO_COLOURS: [RGBColor; 2] = [RGBColor(0x3b, 0x6f, 0xb6), RGBColor(0xf2, 0x8e, 0x2b)];
/// The colours of stacked processes. The last one is for all other processes.
const MANY_COLOURS: [RGBColor; 8] = [
    RGBColor(0x3b, 0x6f, 0xb6),
    RGBColor(0xf2, 0x8e, 0x2b),
    RGBColor(0x59, 0xa1, 0x4f),
    RGBColor(0xb0, 0x7a, 0xa1),
    RGBColor(0xe1, 0x57, 0x59),
    RGBColor(0x76, 0xb7, 0xb2),
    RGBColor(0xed, 0xc9, 0x48),
    RGBColor(0xb4, 0xb0, 0xac),
];
pub const INK: RGBColor = RGBColor(0x26, 0x2b, 0x33);
pub const FAINT_INK: RGBColor = RGBColor(0x66, 0x6d, 0x78);
pub const GRID: RGBColor = RGBColor(0xe4, 0xe7, 0xeb);
pub const FONT: &str = "sans-serif";

// Sizes in units of the drawing, which are pixels of the SVG.
pub const MARGIN: i32 = 16;
pub const TITLE_HEIGHT: i32 = 30;
pub const CAPTION_HEIGHT: i32 = 22;
pub const AXIS_HEIGHT: i32 = 42;
/// The width of the line of waiting time, and of its white edges on both sides together.
pub const LINE_WIDTH: u32 = 2;
pub const LINE_EDGES: u32 = 2;

/// Returns the colour of an area, of which `number` are below it in its panel. The area of all other
/// processes has the last colour.
pub fn colour(layout: Layout, number: usize, areas: &[Area]) -> RGBColor {
    let colours: &[RGBColor] = match layout {
        Layout::Panels => &TWO_COLOURS,
        Layout::Stacked => &MANY_COLOURS,
    };
    let is_others = areas.len() == colours.len() && number + 1 == areas.len();
    let number = if is_others { colours.len() - 1 } else { number };
    colours.get(number).copied().unwrap_or(FAINT_INK)
}

/// Returns the first `max_len` characters of a text, and an ellipsis if there are more.
pub fn shortened(text: &str, max_len: usize) -> String {
    match text.char_indices().nth(max_len) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
