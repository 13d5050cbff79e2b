// SPDX-License-Identifier: GPL-2.0

//! One panel, in which groups of tasks are stacked.

use super::{time_and_share, Area, Content, Meaning, Options, Panel, MAX_BINS};
use crate::{
    cpu_share::{series_of_groups, TimeSeries, Usage, WindowUsage},
    excerpt::Excerpt,
    grouping::{Group, Grouping},
    output::format::{duration, printable},
};
use anyhow::Result;
use std::cmp::Reverse;

/// How many groups have a colour.
pub const MAX_GROUPS: usize = 8;
/// The groups that are shown by themselves use this part of the whole together, if they can.
const COVERED: f64 = 0.9;

/// What a group used.
struct Used {
    index: usize,
    usage: Usage,
    tasks: usize,
}

/// How fine a stack is.
#[derive(Clone, Copy, Debug)]
pub struct Resolution {
    /// The most bins.
    bins: usize,
    /// The most steps of the line of waiting time.
    steps: usize,
}

impl Resolution {
    /// That of a drawing. With more steps, the line of waiting time would hide the areas behind it.
    pub const DRAWING: Self = Self {
        bins: MAX_BINS,
        steps: 80,
    };

    /// One in which the user can zoom.
    pub fn fine(bins: usize) -> Self {
        Self { bins, steps: bins }
    }
}

/// Groups of tasks, stacked.
pub struct Stack {
    pub panel: Panel,
    /// Name, CPU time and share of each area, the lowest first.
    pub legend: Vec<String>,
    /// The number of the area of each task, by the index of the task.
    pub area_of_task: Vec<Option<usize>>,
    /// What all groups used.
    pub all: Usage,
}

impl Stack {
    /// Stacks the groups of the tasks that are selected; `None` if none of them was seen.
    ///
    /// Fails if the history has other tasks now than when it was read first.
    pub fn of(
        excerpt: &Excerpt,
        options: &Options,
        used: &WindowUsage,
        resolution: Resolution,
    ) -> Result<Option<Self>> {
        let overview = excerpt.overview();
        let filter = &options.filter;
        let grouping = Grouping::of(overview, options.by, false, |task| {
            filter.is_empty() || filter.iter().any(|filter| filter.selects(task))
        });
        let mut all = Usage::default();
        let mut groups: Vec<Used> = Vec::new();
        for (index, group) in grouping.groups.iter().enumerate() {
            let found = of_group(index, group, used);
            if found.tasks > 0 {
                all += found.usage;
                groups.push(found);
            }
        }
        groups.sort_by_key(|group| Reverse(group.usage.cpu_us()));
        let named = named(&groups, all, options.top);
        let others = groups.split_off(named);
        if groups.is_empty() {
            return Ok(None);
        }
        // For each group of the history, the number of its area.
        let mut area_of = vec![None; grouping.groups.len()];
        for (area, group) in groups.iter().enumerate() {
            area_of[group.index] = Some(area);
        }
        for group in &others {
            area_of[group.index] = Some(groups.len());
        }
        let count = groups.len() + usize::from(!others.is_empty());
        let area_of_task = |index: usize| area_of[grouping.group_of(index)?];
        let (history, window) = (&excerpt.history, excerpt.window);
        let series = series_of_groups(history, window, resolution.bins, count, area_of_task)?;
        let mut legend = Vec::new();
        for group in &groups {
            let name = with_count(&grouping.groups[group.index].name, group.tasks);
            legend.push(format!("{name} · {}", time_and_share(group.usage, all)));
        }
        if !others.is_empty() {
            let mut usage = Usage::default();
            others.iter().for_each(|group| usage += group.usage);
            let name = match others.len() {
                1 => "1 other".to_string(),
                count => format!("{count} others"),
            };
            legend.push(format!("{name} · {}", time_and_share(usage, all)));
        }
        let meanings = (0..count).map(|area| match area {
            area if area == groups.len() => Meaning::Others,
            area => Meaning::Group(area),
        });
        let tasks = groups.iter().chain(&others).map(|group| group.tasks).sum();
        Ok(Some(Self {
            panel: panel(series, meanings, tasks, resolution.steps),
            legend,
            area_of_task: (0..overview.tasks.len()).map(area_of_task).collect(),
            all,
        }))
    }
}

/// Returns the panel and its legend.
pub fn content(excerpt: &Excerpt, options: &Options, used: &WindowUsage) -> Result<Content> {
    let Some(stack) = Stack::of(excerpt, options, used, Resolution::DRAWING)? else {
        return Ok(Content::default());
    };
    let meanings = stack.panel.areas.iter().map(|area| area.meaning);
    let mut legend: Vec<_> = meanings.zip(stack.legend).collect();
    // The last area is on top.
    legend.reverse();
    if stack.panel.line.is_some() {
        let waited = duration(stack.all.wait_us.unwrap_or(0));
        let text = format!("waiting for a CPU, all processes · {waited}");
        legend.insert(0, (Meaning::WaitingLine, text));
    }
    Ok(Content {
        legend,
        panels: vec![stack.panel],
        ..Content::default()
    })
}

fn of_group(index: usize, group: &Group, used: &WindowUsage) -> Used {
    let mut found = Used {
        index,
        usage: Usage::default(),
        tasks: 0,
    };
    for task in &group.tasks {
        found.usage += used.tasks[*task].usage;
        found.tasks += usize::from(used.tasks[*task].is_seen());
    }
    found
}

/// Returns how many of the groups, which are sorted, are shown by themselves: as many as the user
/// wants, or as use most of the whole.
fn named(groups: &[Used], all: Usage, top: Option<usize>) -> usize {
    if let Some(top) = top {
        return top.min(groups.len()).min(MAX_GROUPS);
    }
    let enough = all.cpu_us() as f64 * COVERED;
    let (mut count, mut covered) = (0, 0.0);
    while count < groups.len().min(MAX_GROUPS) && (covered < enough || count == 0) {
        covered += groups[count].usage.cpu_us() as f64;
        count += 1;
    }
    // A single other one has a name of its own.
    if groups.len() == count + 1 && count < MAX_GROUPS {
        count += 1;
    }
    count
}

fn panel(
    series: Vec<TimeSeries>,
    meanings: impl Iterator<Item = Meaning>,
    tasks: usize,
    steps: usize,
) -> Panel {
    let mut all = series[0].clone();
    series[1..].iter().for_each(|more| all.merge(more));
    let waits = in_steps(&all.wait_shares().collect::<Vec<_>>(), steps);
    let has_line = waits.iter().flatten().any(|share| *share > 0.0);
    let area = |(meaning, mut series): (Meaning, TimeSeries)| {
        series.set_sampled_like(&all);
        Area {
            meaning,
            heights: series.total_shares().collect(),
        }
    };
    Panel {
        caption: match tasks {
            1 => "1 process".to_string(),
            count => format!("{count} processes"),
        },
        areas: meanings.zip(series).map(area).collect(),
        line: has_line.then_some(Area {
            meaning: Meaning::WaitingLine,
            heights: waits,
        }),
    }
}

fn with_count(name: &str, count: usize) -> String {
    match count {
        1 => printable(name),
        _ => format!("{} ×{count}", printable(name)),
    }
}

/// Returns heights of which neighbouring ones have their mean, so that there are at most `steps`
/// different ones.
fn in_steps(heights: &[Option<f64>], steps: usize) -> Vec<Option<f64>> {
    let step = heights.len().div_ceil(steps).max(1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let few = [Some(1.0), None, Some(3.0)];
        assert_eq!(in_steps(&few, 80), few);
        assert_eq!(in_steps(&[], 80), []);
        let mut many = vec![Some(1.0); 160];
        many[0] = Some(4.0);
        many[3] = None;
        let steps = in_steps(&many, 80);
        assert_eq!(steps[..4], [Some(2.5), Some(2.5), Some(1.0), None]);
    }

    #[test]
    fn most_of_the_whole_is_named() {
        let groups = |used: &[u64]| -> Vec<Used> {
            let group = |(index, usr_us): (usize, &u64)| Used {
                index,
                usage: Usage {
                    usr_us: *usr_us,
                    ..Usage::default()
                },
                tasks: 1,
            };
            used.iter().enumerate().map(group).collect()
        };
        let count = |used: &[u64], top| {
            let all = Usage {
                usr_us: used.iter().sum(),
                ..Usage::default()
            };
            named(&groups(used), all, top)
        };
        assert_eq!(count(&[80, 15, 3, 2], None), 2);
        assert_eq!(count(&[95, 5], None), 2);
        assert_eq!(count(&[10; 40], None), MAX_GROUPS);
        assert_eq!(count(&[80, 15, 3, 2], Some(3)), 3);
        assert_eq!(count(&[0, 0], None), 2);
        assert_eq!(count(&[], None), 0);
    }
}
