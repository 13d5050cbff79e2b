// SPDX-License-Identifier: GPL-2.0

//! One panel for each task that matters, and a bar for the life of each other one.

use super::{Area, Bar, Content, Meaning, Options, Panel, MAX_BINS};
use crate::{
    cpu_share::{series_of_groups, Shares, TaskUsage, TimeSeries, WindowUsage},
    excerpt::Excerpt,
    history::{TaskOverview, Window},
    output::format::{duration, printable},
};
use anyhow::Result;
use std::cmp::Reverse;

/// The most panels of a chart.
const MAX_PANELS: usize = 12;
/// The most bars of a chart.
const MAX_BARS: usize = 40;
/// A task has a panel if it wanted at least this part of what the first one wanted, and lived for at
/// least this part of the window. The first few have one in any case.
const LEAST_WANTED: f64 = 0.02;
const LEAST_LIFE: f64 = 0.25;
const FIRST: usize = 3;

/// Returns the panels and bars, those that wanted the most CPU time first.
pub fn content(excerpt: &Excerpt, options: &Options, used: &WindowUsage) -> Result<Content> {
    let tasks = &excerpt.overview().tasks;
    let filter = &options.filter;
    let is_wanted = |index: &usize| {
        let task = &tasks[*index];
        let is_selected = filter.is_empty() || filter.iter().any(|filter| filter.selects(task));
        used.tasks[*index].is_seen() && !task.is_part && is_selected
    };
    let wanted_us = |index: &usize| used.tasks[*index].usage.wanted_us();
    let mut order: Vec<usize> = (0..tasks.len()).filter(is_wanted).collect();
    order.sort_by_key(|index| Reverse(wanted_us(index)));
    let least_us = order
        .first()
        .map_or(0.0, |first| wanted_us(first) as f64 * LEAST_WANTED);
    let matters = |index: &usize| {
        let task = &used.tasks[*index];
        let life_us = task.last_us.saturating_sub(task.first_us) as f64;
        let is_long = life_us >= excerpt.window.length_us() as f64 * LEAST_LIFE;
        is_long && wanted_us(index) as f64 >= least_us
    };
    let (most, always) = match options.top {
        Some(top) => (top, top),
        None => (MAX_PANELS, FIRST),
    };
    let (mut shown, mut rest) = (Vec::new(), Vec::new());
    for (number, index) in order.into_iter().enumerate() {
        match shown.len() < most && (number < always || matters(&index)) {
            true => shown.push(index),
            false => rest.push(index),
        }
    }
    let order = shown;
    let left_out = rest.len().saturating_sub(MAX_BARS);
    rest.truncate(MAX_BARS);
    rest.sort_by_key(|index| used.tasks[*index].first_us);

    let mut panel_of = vec![None; tasks.len()];
    for (number, index) in order.iter().enumerate() {
        panel_of[*index] = Some(number);
    }
    let series = series_of_groups(
        &excerpt.history,
        excerpt.window,
        MAX_BINS,
        order.len(),
        |index| panel_of[index],
    )?;
    let panels: Vec<Panel> = order
        .iter()
        .zip(&series)
        .map(|(index, series)| panel(&tasks[*index], &used.tasks[*index], series))
        .collect();
    let has_waiting = panels.iter().any(|panel| panel.areas.len() > 2);
    let mut legend = vec![
        (Meaning::System, "system".to_string()),
        (Meaning::User, "user".to_string()),
    ];
    if has_waiting {
        legend.insert(0, (Meaning::Waiting, "waiting for a CPU".to_string()));
    }
    Ok(Content {
        legend,
        panels,
        bars: rest
            .iter()
            .map(|index| bar(&tasks[*index], &used.tasks[*index]))
            .collect(),
        left_out,
    })
}

fn panel(task: &TaskOverview, used: &TaskUsage, series: &TimeSeries) -> Panel {
    let area = |meaning: Meaning, part: fn(Shares) -> f64| Area {
        meaning,
        heights: series.shares().map(|shares| shares.map(part)).collect(),
    };
    let mut areas = vec![
        area(Meaning::User, |shares| shares.usr),
        area(Meaning::System, |shares| shares.sys),
    ];
    let waits: Vec<Option<f64>> = series.wait_shares().collect();
    if waits.iter().any(Option::is_some) {
        areas.push(Area {
            meaning: Meaning::Waiting,
            heights: waits,
        });
    }
    Panel {
        caption: caption(task, used),
        areas,
        line: None,
    }
}

fn bar(task: &TaskOverview, used: &TaskUsage) -> Bar {
    let life = Window {
        from_us: used.first_us,
        to_us: used.last_us,
    };
    Bar {
        caption: caption(task, used),
        life,
        share: used.usage.cpu_us() as f64 / life.length_us().max(1) as f64,
    }
}

/// Returns who a task is and what it used. A task with two samples has one interval, over which its
/// share is a mean that says little.
fn caption(task: &TaskOverview, used: &TaskUsage) -> String {
    let name = printable(task.task.label());
    let mut text = format!(
        "{name} ({}) · {}",
        task.task.pid,
        duration(used.usage.cpu_us())
    );
    match task.samples {
        1 => text += " · 1 sample",
        2 => text += " · 2 samples",
        _ => {}
    }
    text
}
