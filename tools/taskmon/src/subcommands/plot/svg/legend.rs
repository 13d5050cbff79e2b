// SPDX-License-Identifier: GPL-2.0

//! The legend: names and colours, in rows below the title.

use super::{
    super::chart::{Area, Chart, Layout, Panel},
    hatching::HATCHED,
    style::{colour, shortened, FONT, INK, LINE_WIDTH, MARGIN, TITLE_HEIGHT},
    Canvas, Drawn,
};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

const ROW_HEIGHT: i32 = 22;
/// The approximate width of a letter.
const LETTER_WIDTH: f64 = 6.9;
/// The width of a mark, with the space after it.
const MARK_WIDTH: i32 = 18;
const MARK_SIZE: i32 = 11;

/// How something is drawn in the panels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Area(RGBColor),
    Line,
}

/// The legend of a chart, laid out.
pub struct Legend {
    /// Position, name and mark of each entry.
    entries: Vec<((i32, i32), String, Mark)>,
    rows: i32,
}

impl Legend {
    /// Lays out the legend of a chart, which is `width` pixels wide.
    pub fn of(chart: &Chart, width: u32) -> Self {
        let mut legend = Self {
            entries: Vec::new(),
            rows: 1,
        };
        let mut x = MARGIN;
        for (area, mark) in marks(chart) {
            let name = shortened(&area.name, 40);
            let entry_width = MARK_WIDTH + (name.chars().count() as f64 * LETTER_WIDTH) as i32 + 18;
            if x + entry_width > width as i32 - MARGIN && x > MARGIN {
                x = MARGIN;
                legend.rows += 1;
            }
            let y = MARGIN + TITLE_HEIGHT + (legend.rows - 1) * ROW_HEIGHT;
            legend.entries.push(((x, y), name, mark));
            x += entry_width;
        }
        legend
    }

    pub fn height(&self) -> i32 {
        self.rows * ROW_HEIGHT + 6
    }

    pub fn draw(&self, canvas: &Canvas) -> Drawn {
        let style = (FONT, 12)
            .into_font()
            .color(&INK)
            .pos(Pos::new(HPos::Left, VPos::Center));
        for ((x, y), name, mark) in &self.entries {
            let middle = y + MARK_SIZE / 2;
            let (begin, end) = ((*x, *y), (x + MARK_SIZE, y + MARK_SIZE));
            match mark {
                Mark::Area(colour) => {
                    canvas.draw(&Rectangle::new([begin, end], colour.filled()))?;
                }
                Mark::Line => {
                    let line = vec![(*x, middle), (x + MARK_SIZE, middle)];
                    canvas.draw(&PathElement::new(line, INK.stroke_width(LINE_WIDTH)))?;
                }
            }
            let text = Text::new(name.clone(), (x + MARK_WIDTH, middle + 1), style.clone());
            canvas.draw(&text)?;
        }
        Ok(())
    }
}

/// Returns what the legend names, and how it is drawn. All panels have the same areas; waiting time
/// is in those where it is known.
fn marks(chart: &Chart) -> Vec<(&Area, Mark)> {
    let areas = chart.panels.first().map_or(&[][..], |panel| &panel.areas);
    let areas_marks = areas
        .iter()
        .enumerate()
        .map(|(number, area)| (area, Mark::Area(colour(chart.layout, number, areas))));
    let waiting = chart
        .panels
        .iter()
        .find_map(|panel: &Panel| panel.waiting.as_ref());
    let waiting_mark = match chart.layout {
        Layout::Panels => Mark::Area(HATCHED),
        Layout::Stacked => Mark::Line,
    };
    let waiting = waiting.map(|area| (area, waiting_mark));
    areas_marks.chain(waiting).collect()
}
