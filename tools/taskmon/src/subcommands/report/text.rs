// SPDX-License-Identifier: GPL-2.0

//! A report as text.

use super::{Report, Row};
use crate::{
    cli::ReportBy,
    cpu_share::Usage,
    output::{
        bold,
        format::{
            cpus_text, downsampled, duration, or_dash, percent, printable, seconds, short_seconds,
            sparkline, wait_status,
        },
        Align, Columns,
    },
    wall_clock::WallClock,
};
use std::{cmp::Reverse, fmt::Write};

/// So that the line has 80 columns.
const SPARKLINE_LEN: usize = 50;
/// How many ranges without samples are named.
const MAX_RANGES: usize = 3;
/// The most columns by which a row is indented.
const MAX_INDENT: usize = 40;

/// Returns a report as text.
pub fn whole(report: &Report, clock: &WallClock) -> String {
    let mut to = head(report, clock);
    if let Some(missing) = &report.missing {
        // Writing to a string cannot fail.
        let _ = writeln!(to, "  missing   {}", printable(missing));
    }
    if report.processes > 0 {
        to += "\n";
        to += &table(report, clock);
    }
    to
}

/// Returns what a report says of the window as a whole.
pub fn head(report: &Report, clock: &WallClock) -> String {
    let mut to = String::new();
    let _ = write_head(&mut to, report, clock);
    to
}

fn write_head(to: &mut String, report: &Report, clock: &WallClock) -> std::fmt::Result {
    if let Some(command) = &report.command {
        writeln!(to, "{}", bold(&printable(command)))?;
    }
    let window = report.window;
    writeln!(
        to,
        "{} to {}, {}",
        clock.text(window.from_us),
        clock.text(window.to_us),
        duration(window.length_us())
    )?;
    let host = report.host.as_ref();
    let mut about: Vec<String> = host
        .map(|host| format!("host {}", printable(host)))
        .into_iter()
        .collect();
    about.extend(report.cpus.map(cpus_text));
    about.extend(report.period_ms.map(|ms| format!("sampled every {ms} ms")));
    about.push(match (report.processes, report.is_filtered) {
        (1, false) => "1 process".to_string(),
        (processes, false) => format!("{processes} processes"),
        (processes, true) => format!("{processes} of the processes"),
    });
    writeln!(to, "{}\n", about.join("; "))?;
    if report.processes == 0 {
        let which = match report.is_filtered {
            true => "none of the selected tasks",
            false => "no task",
        };
        return writeln!(to, "  {which} was sampled twice in this window");
    }
    let total = &report.total;
    writeln!(to, "  user      {:>16} s", seconds(total.usr_us))?;
    writeln!(to, "  system    {:>16} s", seconds(total.sys_us))?;
    if let Some(wait_us) = total.wait_us {
        writeln!(to, "  waiting   {:>16} s for a CPU", seconds(wait_us))?;
    }
    if let (Some(unused_us), Some(cpus)) = (report.unused_us(), report.cpus) {
        writeln!(
            to,
            "  unused    {:>16} s of {}: idle, or used by others",
            seconds(unused_us),
            cpus_text(cpus),
        )?;
    }
    writeln!(
        to,
        "  CPU       {:>16} mean, {} peak over {}",
        percent(report.share(total.cpu_us())),
        percent(report.peak),
        duration((report.peak_over_s * 1e6) as u64),
    )?;
    writeln!(to, "  {}", sparkline_line(report))?;
    write_unsampled(to, report, clock)
}

/// Returns the share over time as a line of blocks, and what a column of it is worth.
fn sparkline_line(report: &Report) -> String {
    let columns = downsampled(&report.shares, SPARKLINE_LEN);
    let column_us = report.window.length_us() / columns.len().max(1) as u64;
    format!(
        "{}  each column is {}",
        sparkline(&columns, 0.0),
        duration(column_us)
    )
}

/// Writes when nothing was sampled, the longest times first.
fn write_unsampled(to: &mut String, report: &Report, clock: &WallClock) -> std::fmt::Result {
    // Less than this is the time to the first sample.
    let least_us = report.period_ms.unwrap_or(0).saturating_mul(4000);
    let mut ranges: Vec<_> = report
        .unsampled
        .iter()
        .filter(|range| range.length_us() > least_us)
        .collect();
    if ranges.is_empty() {
        return Ok(());
    }
    ranges.sort_by_key(|range| Reverse(range.length_us()));
    let begin = |us| clock.short_text(us, report.window.length_us() / 100);
    let named = ranges.iter().take(MAX_RANGES);
    let mut named: Vec<String> = named
        .map(|range| {
            format!(
                "{} from {}",
                duration(range.length_us()),
                begin(range.from_us)
            )
        })
        .collect();
    if ranges.len() > MAX_RANGES {
        named.push(format!("{} more times", ranges.len() - MAX_RANGES));
    }
    let lengths = ranges.iter().map(|range| range.length_us());
    let all_us = lengths.fold(0, u64::saturating_add);
    let in_all = match ranges.len() {
        1 => String::new(),
        _ => format!("{} in all: ", duration(all_us)),
    };
    writeln!(to, "  nothing was sampled for {in_all}{}", named.join(", "))
}

/// Returns the rows of a report as a table.
pub fn table(report: &Report, clock: &WallClock) -> String {
    let first = match report.by {
        ReportBy::Process | ReportBy::Tree => "PID",
        _ => "PROCESSES",
    };
    let name = match report.by {
        ReportBy::Process | ReportBy::Tree | ReportBy::Command => "COMMAND",
        ReportBy::Parent => "PARENT",
        ReportBy::Cgroup => "CGROUP",
        ReportBy::Root => "ROOT",
    };
    let right = |head| (head, Align::Right);
    let left = |head| (head, Align::Left);
    let mut columns = Columns::new(&[
        right(first),
        right("USER s"),
        right("SYSTEM s"),
        right("WAIT s"),
        right("CPU%"),
        right("PEAK"),
        left("FIRST"),
        left("LAST"),
        left("STATUS"),
        left(name),
    ]);
    let time = |us| clock.short_text(us, report.window.length_us() / 100);
    let numbers = |first: String, usage: &Usage| {
        vec![
            first,
            short_seconds(usage.usr_us),
            short_seconds(usage.sys_us),
            or_dash(usage.wait_us.map(short_seconds)),
            percent(report.share(usage.cpu_us())),
        ]
    };
    for row in &report.rows {
        let first = match row.task {
            Some(task) => task.pid.to_string(),
            None => row.tasks.to_string(),
        };
        let mut cells = numbers(first, &row.usage);
        cells.extend([
            percent(row.peak),
            time(row.first_us),
            time(row.last_us),
            failure(row),
            " ".repeat((row.depth * 2).min(MAX_INDENT)) + &printable(&row.name),
        ]);
        columns.push(cells);
    }
    if report.left_out > 0 {
        let mut cells = numbers(String::new(), &report.left_out_usage);
        cells.resize(9, String::new());
        cells.push(format!("{} more (-n 0 shows all)", report.left_out));
        columns.push(cells);
    }
    columns.text()
}

/// Returns how the task of a row ended if it failed or was killed; of several, how many did.
fn failure(row: &Row) -> String {
    let status = row.task.and_then(|task| task.status);
    match (status, row.task) {
        (Some(status), _) if status != 0 => wait_status(status),
        (_, None) if row.failed > 0 => format!("{} failed", row.failed),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
