// SPDX-License-Identifier: GPL-2.0

//! What is to be seen in a plot, computed from a history.
//!
//! `stacked` makes one panel of stacked groups, `panels` one for each task. `axes` finds the ticks.

pub mod axes;
mod panels;
mod stacked;

use crate::{
    cpu_share::{usage_of_tasks, Usage, WindowUsage},
    excerpt::Excerpt,
    grouping::{By, Filter},
    history::Window,
    output::format::{cpus_text, duration, printable},
};
use anyhow::{bail, Result};
use axes::{ShareAxis, TimeAxis};
pub use stacked::{Resolution, Stack};

/// The most bins on the time axis. With more, a bin would be too narrow to see.
const MAX_BINS: usize = 480;

/// How the tasks are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One panel per task, with user, system and waiting time stacked.
    Panels,
    /// One panel, with all groups stacked.
    Stacked,
}

/// What the user wants to see.
#[derive(Clone, Debug)]
pub struct Options {
    /// `None`: what suits the history.
    pub layout: Option<Layout>,
    pub title: Option<String>,
    pub by: By,
    /// How many groups or tasks are shown by themselves; `None`: as many as matter.
    pub top: Option<usize>,
    pub filter: Vec<Filter>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            layout: None,
            title: None,
            by: By::Command,
            top: None,
            filter: Vec::new(),
        }
    }
}

/// What an area or a line is of. Each has one look in all plots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    User,
    System,
    /// A group of tasks: the number of its colour.
    Group(usize),
    Others,
    Waiting,
    /// The waiting time of all groups, as a line.
    WaitingLine,
    NotSampled,
}

/// A coloured area. It is drawn on top of the areas before it.
#[derive(Clone, Debug)]
pub struct Area {
    pub meaning: Meaning,
    /// The height in each bin, as a share of one CPU; `None` if nothing was sampled.
    pub heights: Vec<Option<f64>>,
}

/// Stacked areas, the lowest first, over one time axis.
#[derive(Clone, Debug)]
pub struct Panel {
    pub caption: String,
    pub areas: Vec<Area>,
    /// A line of its own in the same unit.
    pub line: Option<Area>,
}

/// The life of a task that has no panel.
#[derive(Clone, Debug)]
pub struct Bar {
    pub caption: String,
    pub life: Window,
    /// The mean share of one CPU over its life.
    pub share: f64,
}

/// The content of a plot.
#[derive(Clone, Debug)]
pub struct Chart {
    pub title: String,
    /// What is said in small print below: host, kernel, interval, when.
    pub small_print: String,
    pub layout: Layout,
    pub window: Window,
    pub time_axis: TimeAxis,
    pub share_axis: ShareAxis,
    /// The number of CPUs of the machine, if it is known and the axis is that high.
    pub cpus: Option<u32>,
    /// The number of bins.
    pub bins: usize,
    /// The ranges in which nothing was sampled.
    pub unsampled: Vec<Window>,
    /// In the order of the stack, from the top down.
    pub legend: Vec<(Meaning, String)>,
    pub panels: Vec<Panel>,
    pub bars: Vec<Bar>,
    /// How many tasks have neither a panel nor a bar.
    pub left_out: usize,
}

impl Chart {
    /// Computes the plot of an excerpt. If no layout is wanted, the recording of several tasks is
    /// stacked if it is one of a tree, and any other history has panels.
    ///
    /// Fails if all samples have the same time, or no task is selected.
    pub fn of(excerpt: &Excerpt, options: &Options) -> Result<Self> {
        let overview = excerpt.overview();
        let window = excerpt.window;
        let is_tree = overview.metadata.tree.is_some() && overview.tasks.len() > 1;
        let layout = options.layout.unwrap_or(match is_tree {
            true => Layout::Stacked,
            false => Layout::Panels,
        });
        if window.length_us() == 0 {
            bail!("nothing to draw: there are no samples of different times");
        }
        let used = usage_of_tasks(&excerpt.history, window)?;
        let mut content = match layout {
            Layout::Stacked => stacked::content(excerpt, options, &used)?,
            Layout::Panels => panels::content(excerpt, options, &used)?,
        };
        if content.panels.is_empty() {
            bail!("nothing to draw: no task is selected that was seen");
        }
        let unsampled = unsampled(excerpt, &used);
        if !unsampled.is_empty() {
            let lengths = unsampled.iter().map(Window::length_us);
            let all_us = lengths.fold(0, u64::saturating_add);
            content.legend.push((
                Meaning::NotSampled,
                format!("not sampled · {}", duration(all_us)),
            ));
        }
        let highest = content
            .panels
            .iter()
            .map(Panel::highest)
            .fold(0.0, f64::max);
        let cpus = overview.metadata.cpus.map_or(0.0, f64::from);
        // Unless it would be far above everything, it is seen how much the machine has.
        let has_cpus = layout == Layout::Stacked && cpus > 0.0 && cpus <= highest * 2.5;
        let share_axis = ShareAxis::up_to(if has_cpus { highest.max(cpus) } else { highest });
        let bins = content.panels[0]
            .areas
            .first()
            .map_or(0, |area| area.heights.len());
        Ok(Self {
            title: title(excerpt, options),
            small_print: small_print(excerpt),
            layout,
            window,
            time_axis: TimeAxis::of(window, &excerpt.clock),
            cpus: overview
                .metadata
                .cpus
                .filter(|_| cpus > 0.0 && cpus <= share_axis.top),
            share_axis,
            bins,
            unsampled,
            legend: content.legend,
            panels: content.panels,
            bars: content.bars,
            left_out: content.left_out,
        })
    }
}

/// The part of a chart that depends on its layout.
#[derive(Default)]
struct Content {
    legend: Vec<(Meaning, String)>,
    panels: Vec<Panel>,
    bars: Vec<Bar>,
    left_out: usize,
}

impl Panel {
    /// Returns the highest point, as a share of one CPU.
    pub fn highest(&self) -> f64 {
        let bins = self.areas.first().map_or(0, |area| area.heights.len());
        let sum = |bin: usize| -> f64 {
            let heights = self
                .areas
                .iter()
                .filter_map(|area| area.heights.get(bin).copied().flatten());
            heights.sum()
        };
        let line = self
            .line
            .iter()
            .flat_map(|line| line.heights.iter().flatten().copied());
        (0..bins).map(sum).chain(line).fold(0.0, f64::max)
    }
}

/// Returns the ranges in which nothing was sampled, without those that cannot be told from a pass that
/// was late.
pub fn unsampled(excerpt: &Excerpt, used: &WindowUsage) -> Vec<Window> {
    let period_ms = excerpt.overview().metadata.period_ms.unwrap_or(0);
    let late_us = period_ms.saturating_mul(4000);
    let ranges = used.unsampled.iter().copied();
    ranges.filter(|range| range.length_us() > late_us).collect()
}

/// Returns the title of a plot: what the user wants, or what was recorded.
pub fn title(excerpt: &Excerpt, options: &Options) -> String {
    let command = excerpt.overview().metadata.command.as_ref();
    let title = options.title.as_ref().or(command);
    title.map_or("CPU share of watched tasks".to_string(), |title| {
        printable(title)
    })
}

/// Returns when, where and how a history was recorded.
pub fn small_print(excerpt: &Excerpt) -> String {
    let metadata = &excerpt.overview().metadata;
    let (window, clock) = (excerpt.window, &excerpt.clock);
    let mut parts = vec![format!(
        "{} to {}",
        clock.text(window.from_us),
        clock.text(window.to_us)
    )];
    parts.extend(metadata.host.as_deref().map(printable));
    parts.extend(
        metadata
            .kernel
            .as_deref()
            .map(|kernel| format!("Linux {}", printable(kernel))),
    );
    parts.extend(metadata.cpus.map(cpus_text));
    parts.extend(
        metadata
            .period_ms
            .map(|ms| format!("sampled every {ms} ms")),
    );
    parts.join(" · ")
}

/// Returns CPU time as text, and as a share of all that is shown.
fn time_and_share(usage: Usage, all: Usage) -> String {
    let percent = usage.cpu_us() as f64 / all.cpu_us().max(1) as f64 * 100.0;
    format!("{} · {percent:.0}%", duration(usage.cpu_us()))
}
