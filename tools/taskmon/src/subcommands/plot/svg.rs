// SPDX-License-Identifier: GPL-2.0

//! Draws a chart as SVG.

mod hatching;
mod legend;
mod style;
mod time_unit;

use super::chart::{Area, Chart, Layout, Panel};
use anyhow::{anyhow, Result};
use hatching::{with_pattern, HATCHED};
use legend::Legend;
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{types::RangedCoordf64, Shift},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use style::*;
use time_unit::{trimmed, TimeUnit};

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Axes<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

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
    Ok(with_pattern(&text))
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
    let top = top_of(chart, panel);
    let mut axes = ChartBuilder::on(canvas)
        .margin_top(CAPTION_HEIGHT)
        .margin_right(MARGIN + 8)
        .margin_left(MARGIN)
        .set_label_area_size(LabelAreaPosition::Left, 58)
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
    let bin = chart.bin_s * unit.per_second;
    let mut base = vec![0.0; bin_count(panel)];
    for (number, area) in panel.areas.iter().enumerate() {
        let colour = colour(chart.layout, number, &panel.areas);
        draw_area(&mut axes, area, &mut base, bin, colour)?;
    }
    match (&panel.waiting, chart.layout) {
        (None, _) => {}
        (Some(waiting), Layout::Panels) => draw_area(&mut axes, waiting, &mut base, bin, HATCHED)?,
        (Some(waiting), Layout::Stacked) => draw_line(&mut axes, waiting, bin)?,
    }
    match (chart.cpus, chart.layout) {
        (Some(cpus), Layout::Stacked) => draw_capacity(&mut axes, cpus),
        _ => Ok(()),
    }
}

/// Draws at which height all CPUs of the machine are in use, if that is in the panel.
fn draw_capacity(axes: &mut Axes, cpus: u32) -> Drawn {
    let percent = f64::from(cpus) * 100.0;
    if percent > axes.y_range().end {
        return Ok(());
    }
    let ends = [0.0, axes.x_range().end].map(|time| (time, percent));
    axes.draw_series([PathElement::new(ends, FAINT_INK.stroke_width(1))])?;
    let name = match cpus {
        1 => "1 CPU".to_string(),
        _ => format!("{cpus} CPUs"),
    };
    let style = (FONT, 12)
        .into_font()
        .color(&FAINT_INK)
        .pos(Pos::new(HPos::Right, VPos::Bottom));
    axes.draw_series([Text::new(name, ends[1], style)])?;
    Ok(())
}

/// Draws an area on top of `base`, the height of the areas below it in each bin, and adds its
/// height to `base`. Bins without samples stay blank, so an area can have several parts.
fn draw_area(axes: &mut Axes, area: &Area, base: &mut [f64], bin: f64, colour: RGBColor) -> Drawn {
    let mut upper = Vec::new();
    let mut lower = Vec::new();
    let edge = edges(axes, bin);
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

/// Draws a line of horizontal steps, with white edges, so that it is seen on any colour. Where it is
/// not known, the line is interrupted.
fn draw_line(axes: &mut Axes, area: &Area, bin: f64) -> Drawn {
    let edge = edges(axes, bin);
    let bins: Vec<(usize, &Option<f64>)> = area.heights.iter().enumerate().collect();
    let parts = bins.split(|(_, height)| height.is_none());
    for part in parts.filter(|part| !part.is_empty()) {
        let points = part.iter().flat_map(|(number, height)| {
            let percent = height.unwrap_or(0.0) * 100.0;
            [(edge(*number), percent), (edge(number + 1), percent)]
        });
        let points: Vec<(f64, f64)> = points.collect();
        for style in [
            WHITE.stroke_width(LINE_WIDTH + LINE_EDGES),
            INK.stroke_width(LINE_WIDTH),
        ] {
            axes.draw_series([PathElement::new(points.clone(), style)])?;
        }
    }
    Ok(())
}

/// Returns a function that returns where a bin begins on the time axis.
fn edges(axes: &Axes, bin: f64) -> impl Fn(usize) -> f64 {
    let end_of_range = axes.x_range().end;
    // CAST: there are at most hundreds of bins.
    move |number| (number as f64 * bin).min(end_of_range)
}

fn bin_count(panel: &Panel) -> usize {
    panel.areas.first().map_or(0, |area| area.heights.len())
}

/// Returns the upper end of the CPU axis: a round number of per cent above the highest point.
fn top_of(chart: &Chart, panel: &Panel) -> f64 {
    let height = |area: &Area, bin: usize| area.heights.get(bin).copied().flatten().unwrap_or(0.0);
    let highest_in = |bin: usize| -> f64 {
        let areas: f64 = panel.areas.iter().map(|area| height(area, bin)).sum();
        let waiting = panel.waiting.as_ref().map_or(0.0, |area| height(area, bin));
        match chart.layout {
            Layout::Panels => areas + waiting,
            Layout::Stacked => areas.max(waiting),
        }
    };
    let highest = (0..bin_count(panel)).map(highest_in).fold(0.0, f64::max) * 100.0;
    let magnitude = 10_f64.powf(highest.max(0.5).log10().floor());
    let factors = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0];
    let fits = |factor: &&f64| **factor * magnitude >= highest * 0.995;
    factors
        .iter()
        .find(fits)
        .map_or(highest, |factor| factor * magnitude)
}
