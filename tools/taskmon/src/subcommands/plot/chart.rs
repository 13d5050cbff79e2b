// SPDX-License-Identifier: GPL-2.0

//! What a picture shows, read from a history.

use crate::{
    cpu_share::{self, Timeline},
    history::{Overview, Source, Span},
    output::say,
};
use anyhow::{bail, Result};
use std::{cmp::Reverse, collections::HashMap};

/// As many steps as the eye tells apart in a picture.
const STEPS: usize = 480;
/// More panels than this are no picture any more.
const PANELS_MAX: usize = 12;
/// As many processes as there are colours for; the others are one area.
const STACKED_MAX: usize = 7;

/// How tasks are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A panel for each, user and system time stacked.
    Panels,
    /// One panel, the processes stacked.
    Stacked,
}

/// An area: its height above that below it, in each step, as parts of one CPU.
#[derive(Clone, Debug)]
pub struct Area {
    pub name: String,
    pub heights: Vec<Option<f64>>,
}

/// Areas on top of each other, the lowest first.
#[derive(Clone, Debug)]
pub struct Panel {
    pub caption: String,
    pub areas: Vec<Area>,
}

#[derive(Clone, Debug)]
pub struct Picture {
    pub title: String,
    pub layout: Layout,
    /// The length of the time axis.
    pub range_s: f64,
    pub step_s: f64,
    pub panels: Vec<Panel>,
}

impl Picture {
    /// Reads a history that does not change meanwhile.
    pub fn read(source: &Source, layout: Option<Layout>, title: Option<String>) -> Result<Self> {
        let overview = Overview::read(source)?;
        let is_tree = overview.about.tree.is_some() && overview.spans.len() > 1;
        let layout = layout.unwrap_or(if is_tree {
            Layout::Stacked
        } else {
            Layout::Panels
        });
        let (start, end) = overview.range_us();
        if start == end {
            bail!("fewer than two samples: nothing to draw yet");
        }
        let panels = match layout {
            Layout::Panels => panels(&overview, source)?,
            Layout::Stacked => vec![stacked(&overview, source)?],
        };
        let command = overview.about.command.clone();
        Ok(Self {
            title: title
                .or(command)
                .unwrap_or_else(|| "CPU share of watched tasks".to_string()),
            layout,
            range_s: end.saturating_sub(start) as f64 / 1e6,
            step_s: cpu_share::timeline(&overview, STEPS).step_s(),
            panels,
        })
    }
}

/// The indexes of the tasks that consumed most, in the order of the history.
fn costliest(overview: &Overview, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..overview.spans.len()).collect();
    order.sort_by_key(|index| Reverse(overview.spans[*index].consumed_us()));
    order.truncate(count);
    order.sort_unstable();
    order
}

fn caption(span: &Span) -> String {
    format!("{} ({})", span.task.label(), span.task.pid)
}

fn panels(overview: &Overview, source: &Source) -> Result<Vec<Panel>> {
    let chosen = costliest(overview, PANELS_MAX);
    let left_out = overview.spans.len() - chosen.len();
    if left_out > 0 {
        say(format_args!(
            "{left_out} tasks that consumed less are left out"
        ));
    }
    let mut panels = Vec::new();
    cpu_share::each_timeline(overview, source, STEPS, |index, timeline| {
        if chosen.contains(&index) {
            let (user, system) = timeline.shares().map(split).unzip();
            let area = |name: &str, heights| Area {
                name: name.to_string(),
                heights,
            };
            panels.push(Panel {
                caption: caption(&overview.spans[index]),
                areas: vec![area("user", user), area("system", system)],
            });
        }
    })?;
    Ok(panels)
}

fn split(shares: Option<(f64, f64)>) -> (Option<f64>, Option<f64>) {
    (
        shares.map(|(user, _)| user),
        shares.map(|(_, system)| system),
    )
}

/// Processes of one name are one area, for a build has a thousand compilers.
fn stacked(overview: &Overview, source: &Source) -> Result<Panel> {
    let key = |span: &Span| {
        span.task
            .name
            .clone()
            .unwrap_or_else(|| span.task.pid.to_string())
    };
    let mut consumed: HashMap<String, (u64, usize)> = HashMap::new();
    for span in &overview.spans {
        let sum = consumed.entry(key(span)).or_default();
        sum.0 += span.consumed_us();
        sum.1 += 1;
    }
    let mut names: Vec<&String> = consumed.keys().collect();
    names.sort_by_key(|name| (Reverse(consumed[*name].0), *name));
    let places: HashMap<&String, usize> =
        names.iter().take(STACKED_MAX).copied().zip(0..).collect();
    let others = places.len();

    let empty = cpu_share::timeline(overview, STEPS);
    let mut areas = vec![empty.emptied(); others + 1];
    let mut all = empty;
    cpu_share::each_timeline(overview, source, STEPS, |index, timeline| {
        all.join(timeline);
        let place = places.get(&key(&overview.spans[index]));
        areas[*place.unwrap_or(&others)].join(timeline);
    })?;

    let mut captions: Vec<String> = names
        .iter()
        .take(others)
        .map(|name| with_count(name, consumed[*name].1))
        .collect();
    if names.len() > others {
        captions.push(with_count(
            "others",
            names[others..].iter().map(|name| consumed[*name].1).sum(),
        ));
    }
    let area = |(name, timeline): (String, &mut Timeline)| {
        timeline.seen_as(&all);
        Area {
            name,
            heights: timeline.totals().collect(),
        }
    };
    Ok(Panel {
        caption: match overview.spans.len() {
            1 => "1 process".to_string(),
            count => format!("{count} processes"),
        },
        areas: captions.into_iter().zip(&mut areas).map(area).collect(),
    })
}

fn with_count(name: &str, count: usize) -> String {
    match count {
        1 => name.to_string(),
        _ => format!("{name} ×{count}"),
    }
}
