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

/// The most steps of the line of waiting time. With more, it would hide the areas behind it.
const MAX_STEPS: usize = 80;
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

/// Returns the panel and its legend.
pub fn content(excerpt: &Excerpt, options: &Options, used: &WindowUsage) -> Result<Content> {
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
        return Ok(Content::default());
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
    let series = series_of_groups(&excerpt.history, excerpt.window, MAX_BINS, count, |index| {
        area_of[grouping.group_of(index)?]
    })?;

    let mut legend = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        let name = with_count(&grouping.groups[group.index].name, group.tasks);
        let text = format!("{name} · {}", time_and_share(group.usage, all));
        legend.push((Meaning::Group(number), text));
    }
    if !others.is_empty() {
        let mut usage = Usage::default();
        others.iter().for_each(|group| usage += group.usage);
        let name = match others.len() {
            1 => "1 other".to_string(),
            count => format!("{count} others"),
        };
        legend.push((
            Meaning::Others,
            format!("{name} · {}", time_and_share(usage, all)),
        ));
    }
    let meanings: Vec<Meaning> = legend.iter().map(|(meaning, _)| *meaning).collect();
    // The last area is on top.
    legend.reverse();
    let (panel, has_line) = panel(series, meanings, groups.iter().chain(&others));
    if has_line {
        let text = format!(
            "waiting for a CPU, all processes · {}",
            duration(all.wait_us.unwrap_or(0))
        );
        legend.insert(0, (Meaning::WaitingLine, text));
    }
    Ok(Content {
        legend,
        panels: vec![panel],
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

fn panel<'a>(
    series: Vec<TimeSeries>,
    meanings: Vec<Meaning>,
    groups: impl Iterator<Item = &'a Used>,
) -> (Panel, bool) {
    let mut all = series[0].clone();
    series[1..].iter().for_each(|more| all.merge(more));
    let waits = in_steps(&all.wait_shares().collect::<Vec<_>>());
    let has_line = waits.iter().flatten().any(|share| *share > 0.0);
    let area = |(meaning, mut series): (Meaning, TimeSeries)| {
        series.set_sampled_like(&all);
        Area {
            meaning,
            heights: series.total_shares().collect(),
        }
    };
    let tasks = groups.map(|group| group.tasks).sum();
    let panel = Panel {
        caption: match tasks {
            1 => "1 process".to_string(),
            count => format!("{count} processes"),
        },
        areas: meanings.into_iter().zip(series).map(area).collect(),
        line: has_line.then_some(Area {
            meaning: Meaning::WaitingLine,
            heights: waits,
        }),
    };
    (panel, has_line)
}

fn with_count(name: &str, count: usize) -> String {
    match count {
        1 => printable(name),
        _ => format!("{} ×{count}", printable(name)),
    }
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
