// SPDX-License-Identifier: GPL-2.0

//! A panel: areas and lines between two axes.

use super::{
    super::chart::{Area, Chart, Meaning, Panel},
    style::{fill, rounded, shortened, Size, EDGE, FAINT_INK, GRID, INK},
};
use crate::output::format::cpus_text;
use svg::{
    node::element::{Line, Polygon, Polyline, Rectangle, Text},
    Document, Node,
};

/// Where a panel is.
struct Place<'a> {
    chart: &'a Chart,
    size: &'a Size,
    top: f64,
    bottom: f64,
}

impl Place<'_> {
    /// Returns where a share is.
    fn y(&self, share: f64) -> f64 {
        let part = (share / self.chart.share_axis.top).clamp(0.0, 1.0);
        self.bottom - part * (self.bottom - self.top)
    }

    /// Returns where a bin begins.
    fn x(&self, bin: usize) -> f64 {
        let part = bin as f64 / self.chart.bins.max(1) as f64;
        self.size.left + part * (self.size.right - self.size.left)
    }
}

/// Draws a panel with its caption. `y` is where the caption begins.
pub fn draw(to: &mut Document, chart: &Chart, panel: &Panel, size: &Size, y: f64) {
    let place = Place {
        chart,
        size,
        top: y + size.caption,
        bottom: y + size.caption + size.panel - 8.0,
    };
    to.append(
        text(
            &shortened(&panel.caption, 90),
            size.left,
            y + size.caption - 6.0,
            13,
        )
        .set("fill", INK),
    );
    draw_share_axis(to, &place);
    draw_unsampled(to, &place);
    let mut base = vec![0.0; chart.bins];
    for area in &panel.areas {
        draw_area(to, &place, area, &mut base);
    }
    if let Some(line) = &panel.line {
        draw_line(to, &place, line);
    }
    if let Some(cpus) = chart.cpus {
        draw_cpus(to, &place, cpus);
    }
    let axis = horizontal(&place, place.bottom).set("stroke", FAINT_INK);
    to.append(axis);
}

/// Draws the ticks and the name of the axis of shares.
fn draw_share_axis(to: &mut Document, place: &Place<'_>) {
    let left = place.size.left;
    for (share, label) in &place.chart.share_axis.ticks {
        let y = place.y(*share);
        to.append(horizontal(place, y).set("stroke", GRID));
        to.append(
            text(label, left - 6.0, y + 4.0, 11)
                .set("fill", FAINT_INK)
                .set("text-anchor", "end"),
        );
    }
    let middle = (place.top + place.bottom) / 2.0;
    // A low panel has no room for the whole name.
    let name = match place.bottom - place.top {
        0.0..130.0 => "% of one CPU",
        _ => "CPU, % of one CPU",
    };
    to.append(
        text(name, 0.0, 0.0, 11)
            .set("fill", INK)
            .set("text-anchor", "middle")
            .set(
                "transform",
                format!("translate({},{}) rotate(-90)", 24, rounded(middle)),
            ),
    );
}

/// Hatches the times at which nothing was sampled.
fn draw_unsampled(to: &mut Document, place: &Place<'_>) {
    for range in &place.chart.unsampled {
        let (begin, end) = (place.size.x(range.from_us), place.size.x(range.to_us));
        to.append(
            Rectangle::new()
                .set("x", rounded(begin))
                .set("y", rounded(place.top))
                .set("width", rounded(end - begin))
                .set("height", rounded(place.bottom - place.top))
                .set("fill", fill(Meaning::NotSampled)),
        );
    }
}

/// Draws an area on top of `base`, the height of the areas below it in each bin, and adds its
/// height to `base`. Bins without samples stay blank, so an area can have several parts.
fn draw_area(to: &mut Document, place: &Place<'_>, area: &Area, base: &mut [f64]) {
    let mut upper: Vec<(f64, f64)> = Vec::new();
    let mut lower: Vec<(f64, f64)> = Vec::new();
    let mut highest = 0.0_f64;
    for (bin, height) in area.heights.iter().chain([&None]).enumerate() {
        match (height, base.get_mut(bin)) {
            (Some(height), Some(base)) => {
                let ends = [place.x(bin), place.x(bin + 1)];
                let (floor, ceiling) = (place.y(*base), place.y(*base + height));
                upper.extend(ends.map(|x| (x, ceiling)));
                lower.extend(ends.map(|x| (x, floor)));
                *base += height;
                highest = highest.max(*height);
            }
            _ if !upper.is_empty() => {
                let outline: Vec<_> = upper.drain(..).chain(lower.drain(..).rev()).collect();
                if highest > 0.0 {
                    to.append(
                        Polygon::new()
                            .set("points", points(&outline))
                            .set("fill", fill(area.meaning))
                            .set("stroke", EDGE)
                            .set("stroke-width", 0.5),
                    );
                }
                highest = 0.0;
            }
            _ => {}
        }
    }
}

/// Draws a line of horizontal steps, with white edges, so that it is seen on any colour. Where it is
/// not known, the line is interrupted.
fn draw_line(to: &mut Document, place: &Place<'_>, area: &Area) {
    let bins: Vec<(usize, &Option<f64>)> = area.heights.iter().enumerate().collect();
    for part in bins.split(|(_, height)| height.is_none()) {
        let steps = part.iter().flat_map(|(bin, height)| {
            let y = place.y(height.unwrap_or(0.0));
            [(place.x(*bin), y), (place.x(bin + 1), y)]
        });
        let line: Vec<(f64, f64)> = steps.collect();
        if line.is_empty() {
            continue;
        }
        for (colour, width) in [(EDGE, 4), (fill(area.meaning), 2)] {
            to.append(
                Polyline::new()
                    .set("points", points(&line))
                    .set("fill", "none")
                    .set("stroke", colour)
                    .set("stroke-width", width),
            );
        }
    }
}

/// Draws at which height all CPUs of the machine are in use.
fn draw_cpus(to: &mut Document, place: &Place<'_>, cpus: u32) {
    let y = place.y(f64::from(cpus));
    to.append(
        horizontal(place, y)
            .set("stroke", INK)
            .set("stroke-dasharray", "6 4"),
    );
    to.append(
        text(&cpus_text(cpus), place.size.right, y - 4.0, 11)
            .set("fill", INK)
            .set("text-anchor", "end"),
    );
}

/// Draws the ticks and the name of the time axis, below all panels.
pub fn draw_time_axis(to: &mut Document, chart: &Chart, size: &Size, y: f64) {
    for (time_us, label) in &chart.time_axis.ticks {
        let x = rounded(size.x(*time_us));
        to.append(
            Line::new()
                .set("x1", x)
                .set("x2", x)
                .set("y1", y - 8.0)
                .set("y2", y - 4.0)
                .set("stroke", FAINT_INK),
        );
        to.append(
            text(label, x, y + 8.0, 11)
                .set("fill", FAINT_INK)
                .set("text-anchor", "middle"),
        );
    }
    to.append(
        text(
            &chart.time_axis.name,
            (size.left + size.right) / 2.0,
            y + 26.0,
            12,
        )
        .set("fill", INK)
        .set("text-anchor", "middle"),
    );
}

fn horizontal(place: &Place<'_>, y: f64) -> Line {
    Line::new()
        .set("x1", place.size.left)
        .set("x2", rounded(place.size.right))
        .set("y1", rounded(y))
        .set("y2", rounded(y))
}

fn text(text: &str, x: f64, y: f64, size: u32) -> Text {
    Text::new(text)
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("font-size", size)
}

fn points(all: &[(f64, f64)]) -> String {
    let points: Vec<String> = all
        .iter()
        .map(|(x, y)| format!("{},{}", rounded(*x), rounded(*y)))
        .collect();
    points.join(" ")
}
