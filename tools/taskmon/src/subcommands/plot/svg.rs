// SPDX-License-Identifier: GPL-2.0

//! Draws a chart as SVG.

use super::chart::{Area, Chart, Layout, Panel};
use anyhow::{anyhow, Result};
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{types::RangedCoordf64, Shift},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Axes<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

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
const INK: RGBColor = RGBColor(0x26, 0x2b, 0x33);
const FAINT_INK: RGBColor = RGBColor(0x66, 0x6d, 0x78);
const GRID: RGBColor = RGBColor(0xe4, 0xe7, 0xeb);
const FONT: &str = "sans-serif";

// Sizes in units of the drawing, which are pixels of the SVG.
const MARGIN: i32 = 16;
const TITLE_HEIGHT: i32 = 30;
const LEGEND_HEIGHT: i32 = 22;
const CAPTION_HEIGHT: i32 = 22;
const AXIS_HEIGHT: i32 = 42;
/// The approximate width of a letter in the legend.
const LETTER_WIDTH: f64 = 6.9;
const SWATCH_WIDTH: i32 = 18;

/// Returns the chart as SVG, `width` pixels wide.
pub fn draw(chart: &Chart, width: u32) -> Result<String> {
    let legend = Legend::of(chart, width);
    let head = MARGIN + TITLE_HEIGHT + legend.height();
    let panel_height = if chart.panels.len() == 1 { 300 } else { 150 };
    // CAST: there are a dozen panels at most.
    let panels_height = chart.panels.len() as i32 * (panel_height + CAPTION_HEIGHT);
    let height = (head + panels_height + AXIS_HEIGHT) as u32;
    let mut text = String::new();
    {
        let canvas = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        draw_on(chart, &canvas, &legend, head, panel_height).map_err(|error| anyhow!("{error}"))?;
    }
    Ok(text)
}

/// The result of drawing on a canvas.
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn draw_on(chart: &Chart, canvas: &Canvas, legend: &Legend, head: i32, panel_height: i32) -> Drawn {
    canvas.fill(&WHITE)?;
    let title = (FONT, 18).into_font().style(FontStyle::Bold).color(&INK);
    canvas.draw(&Text::new(
        shortened(&chart.title, 90),
        (MARGIN, MARGIN),
        title,
    ))?;
    legend.draw(canvas)?;
    let (_, mut rest) = canvas.split_vertically(head);
    let last = chart.panels.len() - 1;
    for (number, panel) in chart.panels.iter().enumerate() {
        let is_last = number == last;
        let height = panel_height + CAPTION_HEIGHT + if is_last { AXIS_HEIGHT } else { 0 };
        let (here, below) = rest.split_vertically(height);
        draw_panel(chart, panel, &here, is_last)?;
        rest = below;
    }
    canvas.present()
}

/// Draws one panel. The last panel has the labels of the time axis.
fn draw_panel(chart: &Chart, panel: &Panel, canvas: &Canvas, is_last: bool) -> Drawn {
    let small = (FONT, 13).into_font().color(&INK);
    canvas.draw(&Text::new(
        shortened(&panel.caption, 90),
        (MARGIN, 2),
        small,
    ))?;
    let unit = TimeUnit::for_range(chart.range_s);
    let top = top_of(panel);
    let mut axes = ChartBuilder::on(canvas)
        .margin_top(CAPTION_HEIGHT)
        .margin_right(MARGIN + 8)
        .margin_left(MARGIN)
        .set_label_area_size(LabelAreaPosition::Left, 52)
        .set_label_area_size(
            LabelAreaPosition::Bottom,
            if is_last { AXIS_HEIGHT } else { 6 },
        )
        .build_cartesian_2d(0.0..chart.range_s * unit.per_second, 0.0..top)?;
    let tick = (FONT, 12).into_font().color(&FAINT_INK);
    let name = (FONT, 12).into_font().color(&INK);
    let decimals = if top < 5.0 { 1 } else { 0 };
    axes.configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT_INK)
        .label_style(tick)
        .axis_desc_style(name)
        .x_labels(if is_last { 10 } else { 0 })
        .y_labels(5)
        .x_desc(if is_last { unit.name } else { "" })
        .y_desc("CPU")
        .y_label_formatter(&|percent| format!("{percent:.decimals$} %"))
        .x_label_formatter(&|time| trimmed(*time))
        .draw()?;
    let colours = colours(chart.layout);
    let mut base = vec![0.0; panel.areas.first().map_or(0, |area| area.heights.len())];
    for (number, area) in panel.areas.iter().enumerate() {
        let colour = colour(colours, number, &panel.areas);
        draw_area(
            &mut axes,
            area,
            &mut base,
            chart.bin_s * unit.per_second,
            colour,
        )?;
    }
    Ok(())
}

/// Draws an area on top of `base`, the height of the areas below it in each bin, and adds its
/// height to `base`. Bins without samples stay blank, so an area can have several parts.
fn draw_area(axes: &mut Axes, area: &Area, base: &mut [f64], bin: f64, colour: RGBColor) -> Drawn {
    let mut upper = Vec::new();
    let mut lower = Vec::new();
    let end_of_range = axes.x_range().end;
    // CAST: there are at most hundreds of bins.
    let edge = |number: usize| (number as f64 * bin).min(end_of_range);
    let bins = area.heights.iter().chain([&None]);
    for (number, height) in bins.enumerate() {
        match (height, base.get_mut(number)) {
            (Some(height), Some(base)) => {
                let ceiling = *base + height * 100.0;
                upper.extend([(edge(number), ceiling), (edge(number + 1), ceiling)]);
                lower.extend([(edge(number), *base), (edge(number + 1), *base)]);
                *base = ceiling;
            }
            _ if !upper.is_empty() => {
                let outline: Vec<_> = upper.drain(..).chain(lower.drain(..).rev()).collect();
                axes.draw_series([Polygon::new(outline, colour.filled())])?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn colours(layout: Layout) -> &'static [RGBColor] {
    match layout {
        Layout::Panels => &TWO_COLOURS,
        Layout::Stacked => &MANY_COLOURS,
    }
}

/// Returns the colour of an area. The area of all other processes has the last colour.
fn colour(colours: &[RGBColor], number: usize, areas: &[Area]) -> RGBColor {
    let is_others = areas.len() == colours.len() && number + 1 == areas.len();
    let number = if is_others { colours.len() - 1 } else { number };
    colours.get(number).copied().unwrap_or(FAINT_INK)
}

/// Returns the upper end of the CPU axis: a round number of per cent above the highest point.
fn top_of(panel: &Panel) -> f64 {
    let bins = panel.areas.first().map_or(0, |area| area.heights.len());
    let sum = |bin: usize| -> f64 {
        panel
            .areas
            .iter()
            .filter_map(|area| area.heights.get(bin).copied().flatten())
            .sum()
    };
    let highest = (0..bins).map(sum).fold(0.0, f64::max) * 100.0;
    let magnitude = 10_f64.powf(highest.max(0.5).log10().floor());
    let factors = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0];
    let fits = |factor: &&f64| **factor * magnitude >= highest * 0.995;
    factors
        .iter()
        .find(fits)
        .map_or(highest, |factor| factor * magnitude)
}

/// The unit of the time axis.
struct TimeUnit {
    per_second: f64,
    name: &'static str,
}

impl TimeUnit {
    /// Returns the unit for a time axis of that length.
    fn for_range(seconds: f64) -> Self {
        let (per_second, name) = match seconds {
            ..1.0 => (1000.0, "time since the first sample, ms"),
            1.0..600.0 => (1.0, "time since the first sample, s"),
            600.0..36_000.0 => (1.0 / 60.0, "time since the first sample, min"),
            _ => (1.0 / 3600.0, "time since the first sample, h"),
        };
        Self { per_second, name }
    }
}

/// Returns a number with up to three decimals, without trailing zeros.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Returns the first `max_len` characters of a text, and an ellipsis if there are more.
fn shortened(text: &str, max_len: usize) -> String {
    match text.char_indices().nth(max_len) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// The legend: names and colours, in rows below the title.
struct Legend {
    /// Position, name and colour of each entry.
    entries: Vec<((i32, i32), String, RGBColor)>,
    rows: i32,
}

impl Legend {
    fn of(chart: &Chart, width: u32) -> Self {
        let mut legend = Self {
            entries: Vec::new(),
            rows: 1,
        };
        let Some(panel) = chart.panels.first() else {
            return legend;
        };
        let mut x = MARGIN;
        for (number, area) in panel.areas.iter().enumerate() {
            let name = shortened(&area.name, 40);
            let entry_width =
                SWATCH_WIDTH + (name.chars().count() as f64 * LETTER_WIDTH) as i32 + 18;
            if x + entry_width > width as i32 - MARGIN && x > MARGIN {
                x = MARGIN;
                legend.rows += 1;
            }
            let y = MARGIN + TITLE_HEIGHT + (legend.rows - 1) * LEGEND_HEIGHT;
            let colour = colour(colours(chart.layout), number, &panel.areas);
            legend.entries.push(((x, y), name, colour));
            x += entry_width;
        }
        legend
    }

    fn height(&self) -> i32 {
        self.rows * LEGEND_HEIGHT + 6
    }

    fn draw(&self, canvas: &Canvas) -> Drawn {
        let style = (FONT, 12)
            .into_font()
            .color(&INK)
            .pos(Pos::new(HPos::Left, VPos::Center));
        for ((x, y), name, colour) in &self.entries {
            canvas.draw(&Rectangle::new(
                [(*x, *y), (x + 11, y + 11)],
                colour.filled(),
            ))?;
            canvas.draw(&Text::new(
                name.clone(),
                (x + SWATCH_WIDTH, y + 6),
                style.clone(),
            ))?;
        }
        Ok(())
    }
}
