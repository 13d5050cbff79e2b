// SPDX-License-Identifier: GPL-2.0

//! Colours, sizes, and how text is set.

use super::super::chart::Meaning;
use crate::history::Window;

pub const INK: &str = "#262B33";
pub const FAINT_INK: &str = "#666D78";
pub const GRID: &str = "#E4E7EB";
/// Between two areas, so that they are told apart without colours.
pub const EDGE: &str = "#FFFFFF";
const USER: &str = "#3B6FB6";
const SYSTEM: &str = "#F28E2B";
const OTHERS: &str = "#C9CDD2";
/// The colours of groups, which the colour-blind can tell apart. Neighbours differ in brightness too.
const GROUPS: [&str; 8] = [
    "#332288", "#88CCEE", "#117733", "#DDCC77", "#882255", "#44AA99", "#CC6677", "#999933",
];

/// Returns how an area is filled.
pub fn fill(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::User => USER,
        Meaning::System => SYSTEM,
        Meaning::Group(number) => GROUPS[number % GROUPS.len()],
        Meaning::Others => OTHERS,
        Meaning::Waiting => "url(#hatched)",
        Meaning::WaitingLine => INK,
        Meaning::NotSampled => "url(#unsampled)",
    }
}

/// Sizes in pixels.
pub struct Size {
    pub margin: f64,
    /// The title.
    pub head: f64,
    pub caption: f64,
    pub panel: f64,
    /// The labels and the name of the time axis.
    pub axis: f64,
    /// The small print.
    pub foot: f64,
    /// Where the panels begin and end.
    pub left: f64,
    pub right: f64,
    pub width: f64,
    pub window: Window,
}

impl Size {
    /// Returns where a time is.
    pub fn x(&self, time_us: u64) -> f64 {
        let since = time_us.saturating_sub(self.window.from_us) as f64;
        let part = since / self.window.length_us().max(1) as f64;
        self.left + part.min(1.0) * (self.right - self.left)
    }
}

/// Returns about how wide a text of size 12 is.
pub fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.9
}

/// Returns the first `max_len` characters of a text, and an ellipsis if there are more.
pub fn shortened(text: &str, max_len: usize) -> String {
    match text.char_indices().nth(max_len) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// Returns a coordinate with two decimals.
pub fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
