// SPDX-License-Identifier: GPL-2.0

//! `taskmon diff`: what two recordings of the same job used, by command.

use crate::{
    cli::{self, DiffBy},
    cpu_share::{usage_of_tasks, Usage},
    excerpt::Excerpt,
    grouping::{By, Grouping},
    history::Source,
    output::{
        format::{cpus_text, duration, or_dash, printable, short_seconds},
        Align, Columns, Output,
    },
};
use anyhow::Result;
use serde::Serialize;
use std::{cmp::Reverse, collections::BTreeMap, io::Write, path::Path};

/// What the processes of one name used in both recordings. CSV and JSON have a field for each field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Row {
    name: String,
    before_processes: usize,
    after_processes: usize,
    before_us: u64,
    after_us: u64,
    /// By how much user and system time have changed.
    change_us: i64,
    /// The change as a fraction of the time before; `None` if that was 0.
    change: Option<f64>,
    before_wait_us: Option<u64>,
    after_wait_us: Option<u64>,
}

/// The comparison of two recordings.
#[derive(Serialize)]
struct Comparison {
    before_wall_us: u64,
    after_wall_us: u64,
    total: Row,
    rows: Vec<Row>,
    left_out: usize,
}

/// What a recording used.
struct Side {
    /// The recording, and what was recorded when.
    about: String,
    wall_us: u64,
    /// How many processes of each name, and what they used.
    of_name: BTreeMap<String, (usize, Usage)>,
}

/// Runs `taskmon diff`.
pub fn diff(arguments: &cli::Diff) -> Result<()> {
    let read = |path: &Path| -> Result<Excerpt> {
        let source = Source::Recording(path.into());
        let excerpt = Excerpt::whole(&source, true)?;
        source.tell_what_is_missing(&excerpt.overview().metadata);
        Ok(excerpt)
    };
    let (before, after) = (read(&arguments.before)?, read(&arguments.after)?);
    let mut out = Output::stdout();
    write(&before, &after, arguments, &mut out)?;
    out.finish()
}

/// Writes the comparison of two recordings.
///
/// Fails if one of them cannot be read again, or if it cannot be written.
pub fn write(
    before: &Excerpt,
    after: &Excerpt,
    arguments: &cli::Diff,
    to: &mut impl Write,
) -> Result<()> {
    let by = match arguments.by {
        DiffBy::Command => By::Command,
        DiffBy::Stem => By::Stem,
        DiffBy::Cgroup => By::Cgroup,
    };
    let before = Side::of(before, &arguments.before, by)?;
    let after = Side::of(after, &arguments.after, by)?;
    let comparison = Comparison::of(&before, &after, arguments.form.max_rows());
    if arguments.form.json {
        serde_json::to_writer(&mut *to, &comparison)?;
        to.write_all(b"\n")?;
    } else if arguments.form.csv {
        let mut to = csv::Writer::from_writer(to);
        for row in &comparison.rows {
            to.serialize(row)?;
        }
        to.flush()?;
    } else {
        let about = format!("before: {}\nafter:  {}\n\n", before.about, after.about);
        let name = match arguments.by {
            DiffBy::Cgroup => "CGROUP",
            _ => "COMMAND",
        };
        to.write_all((about + &comparison.text(name)).as_bytes())?;
    }
    Ok(())
}

impl Side {
    fn of(excerpt: &Excerpt, path: &Path, by: By) -> Result<Self> {
        let used = usage_of_tasks(&excerpt.history, excerpt.window)?;
        let mut of_name: BTreeMap<String, (usize, Usage)> = BTreeMap::new();
        for group in Grouping::of(excerpt.overview(), by, false, |_| true).groups {
            let (processes, usage) = of_name.entry(group.name).or_default();
            *processes += group.tasks.len();
            group
                .tasks
                .iter()
                .for_each(|index| *usage += used.tasks[*index].usage);
        }
        let metadata = &excerpt.overview().metadata;
        let mut about = vec![
            printable(&path.to_string_lossy()),
            excerpt.clock.text(excerpt.window.from_us),
            duration(excerpt.window.length_us()),
        ];
        about.extend(metadata.cpus.map(cpus_text));
        about.extend(metadata.command.as_deref().map(printable));
        Ok(Self {
            about: about.join("; "),
            wall_us: excerpt.window.length_us(),
            of_name,
        })
    }
}

impl Comparison {
    fn of(before: &Side, after: &Side, most: usize) -> Self {
        let names = before.of_name.keys().chain(after.of_name.keys());
        let mut rows: BTreeMap<&str, Row> =
            names.map(|name| (name.as_str(), Row::default())).collect();
        let mut total = (Usage::default(), Usage::default());
        for (name, row) in &mut rows {
            let (count, used) = before.of_name.get(*name).copied().unwrap_or_default();
            let (count_after, used_after) = after.of_name.get(*name).copied().unwrap_or_default();
            *row = Row::of(name, (count, used), (count_after, used_after));
            total.0 += used;
            total.1 += used_after;
        }
        let mut rows: Vec<Row> = rows.into_values().collect();
        let count = |count: fn(&Row) -> usize| rows.iter().map(count).sum();
        let counts: (usize, usize) = (
            count(|row| row.before_processes),
            count(|row| row.after_processes),
        );
        let total = Row::of("all", (counts.0, total.0), (counts.1, total.1));
        rows.sort_by_key(|row| Reverse(row.change_us.unsigned_abs()));
        let left_out = rows.len().saturating_sub(most);
        rows.truncate(rows.len() - left_out);
        Self {
            before_wall_us: before.wall_us,
            after_wall_us: after.wall_us,
            total,
            rows,
            left_out,
        }
    }

    /// Returns the comparison as text. `name` is the head of the last column.
    fn text(&self, name: &str) -> String {
        let right = |head| (head, Align::Right);
        let mut columns = Columns::new(&[
            right("BEFORE s"),
            right("AFTER s"),
            right("CHANGE s"),
            right("CHANGE"),
            right("WAIT BEFORE"),
            right("AFTER"),
            right("PROCESSES"),
            (name, Align::Left),
        ]);
        for row in std::iter::once(&self.total).chain(&self.rows) {
            columns.push(row.cells());
        }
        if self.left_out > 0 {
            let mut cells = vec![String::new(); 7];
            cells.push(format!("{} more (-n 0 shows all)", self.left_out));
            columns.push(cells);
        }
        columns.text()
    }
}

impl Row {
    fn of(name: &str, before: (usize, Usage), after: (usize, Usage)) -> Self {
        let (before_us, after_us) = (before.1.cpu_us(), after.1.cpu_us());
        let change_us = i128::from(after_us) - i128::from(before_us);
        Self {
            name: name.to_string(),
            before_processes: before.0,
            after_processes: after.0,
            before_us,
            after_us,
            // CAST: `clamp` bounds it.
            change_us: change_us.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            change: fraction(before_us, after_us),
            before_wait_us: before.1.wait_us,
            after_wait_us: after.1.wait_us,
        }
    }

    fn cells(&self) -> Vec<String> {
        let sign = match self.change_us {
            ..0 => "-",
            0 => "",
            1.. => "+",
        };
        let processes = match self.before_processes == self.after_processes {
            true => self.after_processes.to_string(),
            false => format!("{} → {}", self.before_processes, self.after_processes),
        };
        vec![
            short_seconds(self.before_us),
            short_seconds(self.after_us),
            sign.to_string() + &short_seconds(self.change_us.unsigned_abs()),
            self.change_text(),
            or_dash(self.before_wait_us.map(short_seconds)),
            or_dash(self.after_wait_us.map(short_seconds)),
            processes,
            printable(&self.name),
        ]
    }

    /// Returns the change in per cent, or as a factor if it is large.
    fn change_text(&self) -> String {
        match (self.before_processes, self.after_processes, self.change) {
            (0, _, _) => "new".to_string(),
            (_, 0, _) => "gone".to_string(),
            (_, _, None) => "-".to_string(),
            (_, _, Some(change)) if change < 10.0 => format!("{:+.1}%", change * 100.0),
            (_, _, Some(change)) => format!("×{:.0}", change + 1.0),
        }
    }
}

/// Returns a change as a fraction of what was before; `None` if that was 0.
fn fraction(before_us: u64, after_us: u64) -> Option<f64> {
    (before_us > 0).then(|| (after_us as f64 - before_us as f64) / before_us as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(wall_us: u64, of: &[(&str, usize, u64)]) -> Side {
        let one = |(name, count, usr_us): &(&str, usize, u64)| {
            let usage = Usage {
                usr_us: *usr_us,
                ..Usage::default()
            };
            (name.to_string(), (*count, usage))
        };
        Side {
            about: String::new(),
            wall_us,
            of_name: of.iter().map(one).collect(),
        }
    }

    #[test]
    fn what_changed_most_comes_first() {
        let before = side(
            10,
            &[
                ("cc1", 4, 1000),
                ("ld", 1, 500),
                ("as", 4, 300),
                ("gone", 1, 40),
            ],
        );
        let after = side(
            20,
            &[
                ("cc1", 4, 1100),
                ("ld", 1, 100),
                ("as", 3, 300),
                ("new", 2, 60),
            ],
        );
        let found = Comparison::of(&before, &after, 4);
        let rows: Vec<_> = found
            .rows
            .iter()
            .map(|row| (row.name.as_str(), row.change_us))
            .collect();
        assert_eq!(
            rows,
            [("ld", -400), ("cc1", 100), ("new", 60), ("gone", -40)]
        );
        assert_eq!((found.left_out, found.total.change_us), (1, -280));
        let text = found.text("COMMAND");
        assert!(
            ["-80.0%", "+10.0%", "new", "gone", "1 more"]
                .iter()
                .all(|word| text.contains(word)),
            "{text}"
        );
    }
}
