// SPDX-License-Identifier: GPL-2.0

//! A web page of one recording: the stacked picture, in which one can zoom, and the table of the
//! processes beside it. It is one file, and loads nothing.
//!
//! page/ has the page, its style and its script. Here, the data is put into it.

use super::{
    chart::{small_print, title, unsampled, Area, Options, Resolution, Stack},
    drawing::colour,
};
use crate::{
    cli::{Form, ReportBy, Rows},
    cpu_share::usage_of_tasks,
    excerpt::Excerpt,
    subcommands::report,
};
use anyhow::{bail, Result};
use base64::{prelude::BASE64_STANDARD, Engine};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, io::Write};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");
/// The most bins of the picture: what bounds the size of the file.
const MAX_BINS: usize = 1 << 15;
/// The most rows of the table.
const MAX_ROWS: usize = 5000;
/// The value of a bin in which nothing was sampled, and the highest other one.
const UNKNOWN: u16 = u16::MAX;
const HIGHEST: f64 = 65_534.0;

/// Writes the page of an excerpt.
pub fn write(excerpt: &Excerpt, options: &Options, to: &mut dyn Write) -> Result<()> {
    let data = data(excerpt, options)?.to_string();
    // Inside of a script element, only `<` can end it.
    let data = data.replace('<', "\\u003c");
    for (number, part) in PAGE.split('@').enumerate() {
        let text = match (number % 2, part) {
            (0, part) => part,
            (_, "STYLE") => STYLE,
            (_, "SCRIPT") => SCRIPT,
            (_, "STYLE_HASH") => &hash(STYLE),
            (_, "SCRIPT_HASH") => &hash(SCRIPT),
            (_, "DATA") => &data,
            (_, part) => part,
        };
        to.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Returns the hash by which the page's Content Security Policy allows a script or style.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

fn data(excerpt: &Excerpt, options: &Options) -> Result<Value> {
    let window = excerpt.window;
    let used = usage_of_tasks(&excerpt.history, window)?;
    let resolution = Resolution::fine(MAX_BINS);
    let Some(stack) = Stack::of(excerpt, options, &used, resolution)? else {
        bail!("nothing to draw: no task is selected that was seen");
    };
    let areas = stack.panel.areas.iter().zip(&stack.legend);
    let areas: Vec<Value> = areas
        .map(|(area, legend)| area_data(area, legend))
        .collect();
    let waiting = stack.panel.line.as_ref().map(|line| {
        let (data, scale) = packed(&line.heights);
        json!({ "data": data, "scale": scale })
    });
    let ranges = unsampled(excerpt, &used);
    let ranges: Vec<[u64; 2]> = ranges
        .iter()
        .map(|range| [range.from_us, range.to_us])
        .collect();
    let mut table = report::value(excerpt, &rows(options))?;
    add_areas(&mut table, excerpt, &stack);
    Ok(json!({
        "title": title(excerpt, options), "about": small_print(excerpt),
        "from_us": window.from_us, "to_us": window.to_us,
        "bins": stack.panel.areas.first().map_or(0, |area| area.heights.len()),
        "cpus": excerpt.overview().metadata.cpus, "highest": stack.panel.highest(),
        "pieces": excerpt.clock.pieces(window.from_us, window.to_us),
        "areas": areas, "waiting": waiting, "unsampled": ranges,
        "rows": table["rows"], "left_out": table["left_out"],
    }))
}

fn area_data(area: &Area, legend: &str) -> Value {
    let (data, scale) = packed(&area.heights);
    let name = legend.split(" · ").next().unwrap_or(legend);
    json!({
        "name": name, "legend": legend, "colour": colour(area.meaning), "data": data, "scale": scale,
    })
}

/// Returns which rows the table has.
fn rows(options: &Options) -> report::Options {
    report::Options {
        by: ReportBy::Process,
        rows: Rows {
            form: Form {
                number: Some(MAX_ROWS),
                ..Form::default()
            },
            filter: options.filter.clone(),
            ..Rows::default()
        },
        has_threads: false,
    }
}

/// Adds to each row the number of the area in which its process is.
fn add_areas(table: &mut Value, excerpt: &Excerpt, stack: &Stack) {
    let tasks = excerpt.overview().tasks.iter().zip(&stack.area_of_task);
    let of_task = tasks.map(|(task, area)| ((Some(task.task.pid.into()), task.task.id()), *area));
    let area_of: HashMap<(Option<u64>, Option<u64>), Option<usize>> = of_task.collect();
    for row in table["rows"].as_array_mut().into_iter().flatten() {
        let area = area_of.get(&(row["pid"].as_u64(), row["id"].as_u64()));
        row["area"] = json!(area.copied().flatten());
    }
}

/// Returns shares as base64 of 16-bit numbers, little-endian, and what a number is multiplied with.
fn packed(heights: &[Option<f64>]) -> (String, f64) {
    let highest = heights.iter().flatten().copied().fold(0.0, f64::max);
    let scale = if highest > 0.0 {
        highest / HIGHEST
    } else {
        1.0
    };
    let number = |height: &Option<f64>| match height {
        None => UNKNOWN,
        // CAST: between 0 and HIGHEST.
        Some(share) => (share / scale).round().clamp(0.0, HIGHEST) as u16,
    };
    let bytes: Vec<u8> = heights
        .iter()
        .flat_map(|height| number(height).to_le_bytes())
        .collect();
    (BASE64_STANDARD.encode(bytes), scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_as_numbers() {
        let (text, scale) = packed(&[Some(0.0), None, Some(2.0), Some(1.0)]);
        let bytes = BASE64_STANDARD.decode(text).unwrap();
        let numbers: Vec<u16> = bytes
            .chunks(2)
            .map(|two| u16::from_le_bytes([two[0], two[1]]))
            .collect();
        assert_eq!(numbers, [0, UNKNOWN, 65_534, 32_767]);
        assert!((scale * HIGHEST - 2.0).abs() < 1e-9);
    }

    #[test]
    fn placeholders() {
        let names: Vec<&str> = PAGE.split('@').skip(1).step_by(2).collect();
        assert_eq!(
            names,
            ["SCRIPT_HASH", "STYLE_HASH", "STYLE", "DATA", "SCRIPT"]
        );
    }
}
