// SPDX-License-Identifier: GPL-2.0

//! The content of a chart, computed from a history.

use crate::{
    cpu_share::{self, Shares, TimeSeries},
    history::{Overview, StableHistory, TaskOverview, Window},
    output::{format::printable, print_message},
};
use anyhow::{bail, Result};
use std::{borrow::Cow, cmp::Reverse, collections::HashMap};

/// The most bins on the time axis. With more, a bin would be too narrow to see.
const MAX_BINS: usize = 480;
/// The most panels of a chart. The tasks that wanted the least CPU time are left out.
const MAX_PANELS: usize = 12;
/// The most steps of the line of waiting time. With more, it would hide the areas behind it.
const MAX_STEPS: usize = 80;
/// The most names in a stacked chart. Each has a colour; all others share one area.
const MAX_STACKED: usize = 7;

/// How the tasks are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One panel per task, with user, system and waiting time stacked.
    Panels,
    /// One panel, with all processes stacked.
    Stacked,
}

/// A coloured area. It is drawn on top of the areas before it.
#[derive(Clone, Debug)]
pub struct Area {
    pub name: String,
    /// The height in each bin, as a share of one CPU; `None` if nothing was sampled.
    pub heights: Vec<Option<f64>>,
}

/// Stacked areas, the lowest first, over one time axis.
#[derive(Clone, Debug)]
pub struct Panel {
    pub caption: String,
    pub areas: Vec<Area>,
    /// The time spent waiting for a CPU, in the same unit; `None` if it is not known in any bin. With
    /// a panel per task, it is on top of the areas, so that the sum is what the task wanted. Where
    /// processes are stacked, it is a line of its own, for all of them.
    pub waiting: Option<Area>,
}

/// The content of a plot.
#[derive(Clone, Debug)]
pub struct Chart {
    pub title: String,
    pub layout: Layout,
    /// The length of the time axis.
    pub range_s: f64,
    /// The length of a bin.
    pub bin_s: f64,
    /// The number of CPUs of the machine, if known.
    pub cpus: Option<u32>,
    pub panels: Vec<Panel>,
}

impl Chart {
    /// Reads the history a second time. If `layout` is `None`, the recording of a tree with several
    /// tasks is stacked, and any other history has panels.
    ///
    /// Fails if all samples have the same time.
    pub fn read(
        history: &StableHistory,
        layout: Option<Layout>,
        title: Option<String>,
    ) -> Result<Self> {
        let overview = history.overview();
        let is_tree = overview.metadata.tree.is_some() && overview.tasks.len() > 1;
        let layout = layout.unwrap_or(if is_tree {
            Layout::Stacked
        } else {
            Layout::Panels
        });
        let Window {
            from_us: start,
            to_us: end,
        } = overview.range();
        if start == end {
            bail!("nothing to draw: there are no samples of different times");
        }
        let panels = match layout {
            Layout::Panels => panels(history)?,
            Layout::Stacked => vec![stacked(history)?],
        };
        let title = title.or_else(|| overview.metadata.command.clone());
        Ok(Self {
            title: title.map_or("CPU share of watched tasks".to_string(), |title| {
                printable(&title)
            }),
            layout,
            range_s: end.saturating_sub(start) as f64 / 1e6,
            bin_s: cpu_share::empty_series(history, overview.range(), MAX_BINS).bin_s(),
            cpus: overview.metadata.cpus,
            panels,
        })
    }
}

/// Returns the indexes of the `count` tasks that wanted the most CPU time, in the order of the
/// history.
fn most_demanding(overview: &Overview, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..overview.tasks.len()).collect();
    order.sort_by_key(|index| Reverse(overview.tasks[*index].wanted_us()));
    order.truncate(count);
    order.sort_unstable();
    order
}

fn caption(task: &TaskOverview) -> String {
    format!("{} ({})", printable(task.task.label()), task.task.pid)
}

fn panels(history: &StableHistory) -> Result<Vec<Panel>> {
    let overview = history.overview();
    let chosen = most_demanding(overview, MAX_PANELS);
    let left_out = overview.tasks.len() - chosen.len();
    if left_out > 0 {
        print_message(format_args!(
            "only the {MAX_PANELS} tasks with the most CPU and waiting time are drawn; {left_out} are \
             left out"
        ));
    }
    let series =
        cpu_share::series_of_groups(history, overview.range(), MAX_BINS, chosen.len(), |index| {
            chosen.binary_search(&index).ok()
        })?;
    let panel = |(index, series): (&usize, &TimeSeries)| {
        let area = |name: &str, part: fn(Shares) -> f64| Area {
            name: name.to_string(),
            heights: series.shares().map(|shares| shares.map(part)).collect(),
        };
        Panel {
            caption: caption(&overview.tasks[*index]),
            areas: vec![
                area("user", |shares| shares.usr),
                area("system", |shares| shares.sys),
            ],
            waiting: waiting("waiting for a CPU", series.wait_shares().collect()),
        }
    };
    Ok(chosen.iter().zip(&series).map(panel).collect())
}

/// Returns the waiting time, if it is known in any bin.
fn waiting(name: &str, heights: Vec<Option<f64>>) -> Option<Area> {
    heights.iter().any(Option::is_some).then(|| Area {
        name: name.to_string(),
        heights,
    })
}

/// Returns heights of which neighbouring ones have their mean, so that there are at most `MAX_STEPS`
/// different ones.
fn in_steps(heights: &[Option<f64>]) -> Vec<Option<f64>> {
    let step = heights.len().div_ceil(MAX_STEPS).max(1);
    let mean = |part: &[Option<f64>]| {
        let known = part.iter().flatten();
        known.clone().sum::<f64>() / known.count().max(1) as f64
    };
    heights
        .chunks(step)
        .flat_map(|part| {
            let mean = mean(part);
            part.iter().map(move |height| height.map(|_| mean))
        })
        .collect()
}

/// The processes of one name.
struct Namesakes<'a> {
    name: Cow<'a, str>,
    consumed_us: u64,
    count: usize,
}

/// Returns the name that a process is stacked by: its PID if it has none.
fn stacked_name(task: &TaskOverview) -> Cow<'_, str> {
    match &task.task.name {
        Some(name) => name.into(),
        None => task.task.pid.to_string().into(),
    }
}

/// Returns the processes of each name, those with the most CPU time first.
fn namesakes(overview: &Overview) -> Vec<Namesakes<'_>> {
    let mut of_name: HashMap<Cow<'_, str>, (u64, usize)> = HashMap::new();
    for task in &overview.tasks {
        let (consumed_us, count) = of_name.entry(stacked_name(task)).or_default();
        *consumed_us = consumed_us.saturating_add(task.consumed_us());
        *count += 1;
    }
    let mut all: Vec<Namesakes<'_>> = of_name
        .into_iter()
        .map(|(name, (consumed_us, count))| Namesakes {
            name,
            consumed_us,
            count,
        })
        .collect();
    all.sort_unstable_by(|one, other| {
        let by_time = other.consumed_us.cmp(&one.consumed_us);
        by_time.then_with(|| one.name.cmp(&other.name))
    });
    all
}

/// Returns a panel in which processes of the same name share one area, because a build can run
/// thousands of compilers.
fn stacked(history: &StableHistory) -> Result<Panel> {
    let overview = history.overview();
    let names = namesakes(overview);
    let (shown, others) = names.split_at(names.len().min(MAX_STACKED));
    let group_of = |index: usize| {
        let name = stacked_name(&overview.tasks[index]);
        let position = shown.iter().position(|each| each.name == name);
        Some(position.unwrap_or(shown.len()))
    };
    let mut areas = cpu_share::series_of_groups(
        history,
        overview.range(),
        MAX_BINS,
        shown.len() + 1,
        group_of,
    )?;
    let mut all = cpu_share::empty_series(history, overview.range(), MAX_BINS);
    areas.iter().for_each(|series| all.merge(series));

    let mut captions: Vec<String> = shown
        .iter()
        .map(|each| with_count(&each.name, each.count))
        .collect();
    if !others.is_empty() {
        let count = others.iter().map(|each| each.count).sum();
        captions.push(with_count("others", count));
    }
    let area = |(name, series): (String, &mut TimeSeries)| {
        series.set_sampled_like(&all);
        Area {
            name,
            heights: series.total_shares().collect(),
        }
    };
    Ok(Panel {
        caption: match overview.tasks.len() {
            1 => "1 process".to_string(),
            count => format!("{count} processes"),
        },
        areas: captions.into_iter().zip(&mut areas).map(area).collect(),
        waiting: waiting(
            "waiting for a CPU, all processes",
            in_steps(&all.wait_shares().collect::<Vec<_>>()),
        ),
    })
}

fn with_count(name: &str, count: usize) -> String {
    match count {
        1 => printable(name),
        _ => format!("{} ×{count}", printable(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let few = [Some(1.0), None, Some(3.0)];
        assert_eq!(in_steps(&few), few);
        assert_eq!(in_steps(&[]), []);
        let mut many = vec![Some(1.0); 2 * MAX_STEPS];
        many[0] = Some(4.0);
        many[3] = None;
        let steps = in_steps(&many);
        assert_eq!(
            steps[..5],
            [Some(2.5), Some(2.5), Some(1.0), None, Some(1.0)]
        );
        let sum = |heights: &[Option<f64>]| heights.iter().flatten().sum::<f64>();
        assert_eq!(sum(&steps), sum(&many));
    }
}
