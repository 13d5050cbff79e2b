// SPDX-License-Identifier: GPL-2.0

//! A report as text.

use super::{Report, Row};
use crate::{
    cli::ReportBy,
    output::{
        bold,
        format::{
            cpus_text, downsampled, duration, or_dash, percent, printable, seconds, short_seconds,
            sparkline, wait_status,
        },
    },
    wall_clock::WallClock,
};
use std::fmt::Write;

const SPARKLINE_LEN: usize = 60;
/// How many ranges without samples are named.
const MAX_RANGES: usize = 3;

/// Returns a report as text.
pub fn whole(report: &Report, clock: &WallClock) -> String {
    let mut to = head(report, clock);
    if let Some(missing) = &report.missing {
        // Writing to a string cannot fail.
        let _ = writeln!(to, "  missing   {}", printable(missing));
    }
    to + "\n" + &table(report, clock)
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
    let mut about = vec![format!(
        "{} to {}, {}",
        clock.text(window.from_us),
        clock.text(window.to_us),
        duration(window.length_us())
    )];
    about.extend(
        report
            .host
            .as_ref()
            .map(|host| format!("host {}", printable(host))),
    );
    about.extend(report.cpus.map(cpus_text));
    about.extend(report.period_ms.map(|ms| format!("sampled every {ms} ms")));
    writeln!(to, "{}\n", about.join("; "))?;
    let total = &report.total;
    writeln!(to, "  user      {:>16} s", seconds(total.usr_us))?;
    writeln!(to, "  system    {:>16} s", seconds(total.sys_us))?;
    if let Some(wait_us) = total.wait_us {
        writeln!(to, "  waiting   {:>16} s for a CPU", seconds(wait_us))?;
    }
    if let Some(unused_us) = report.unused_us() {
        writeln!(
            to,
            "  unused    {:>16} s of {} by {}",
            seconds(unused_us),
            cpus_text(report.cpus.unwrap_or(0)),
            match report.processes {
                1 => "this process".to_string(),
                processes => format!("these {processes} processes"),
            }
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

/// Writes when nothing was sampled.
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
    ranges.sort_by_key(|range| std::cmp::Reverse(range.length_us()));
    let text = |us| clock.short_text(us, report.window.length_us() / 100);
    let named = ranges.iter().take(MAX_RANGES);
    let mut named: Vec<String> = named
        .map(|range| format!("{} to {}", text(range.from_us), text(range.to_us)))
        .collect();
    if ranges.len() > MAX_RANGES {
        named.push(format!("{} more times", ranges.len() - MAX_RANGES));
    }
    let all_us: u64 = ranges
        .iter()
        .map(|range| range.length_us())
        .fold(0, u64::saturating_add);
    writeln!(
        to,
        "  nothing was sampled for {}: {}",
        duration(all_us),
        named.join(", ")
    )
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
    let time = |us| clock.short_text(us, report.window.length_us() / 100);
    // As wide as the times, which are longer without a wall clock.
    let times = report
        .rows
        .iter()
        .flat_map(|row| [time(row.first_us), time(row.last_us)]);
    let width = times.map(|text| text.len()).max().unwrap_or(0).max(5);
    let head = format!(
        "{first:>9} {:>10} {:>10} {:>10} {:>7} {:>7} {:>width$} {:>width$} {:10} {name}",
        "USER s", "SYSTEM s", "WAIT s", "CPU%", "PEAK", "FIRST", "LAST", "STATUS"
    );
    let mut to = bold(&head) + "\n";
    for row in &report.rows {
        let usage = &row.usage;
        let line = format!(
            "{:>9} {:>10} {:>10} {:>10} {:>7} {:>7} {:>width$} {:>width$} {:10} {}{}",
            row.task
                .map_or(row.tasks.to_string(), |task| task.pid.to_string()),
            short_seconds(usage.usr_us),
            short_seconds(usage.sys_us),
            or_dash(usage.wait_us.map(short_seconds)),
            percent(report.share(usage.cpu_us())),
            percent(row.peak),
            time(row.first_us),
            time(row.last_us),
            failure(row),
            "  ".repeat(row.depth.min(20)),
            printable(&row.name),
        );
        to += line.trim_end();
        to += "\n";
    }
    if report.left_out > 0 {
        let usage = &report.left_out_usage;
        let _ = writeln!(
            to,
            "{:>9} {:>10} {:>10} {:>10} {:>7} {}",
            "",
            short_seconds(usage.usr_us),
            short_seconds(usage.sys_us),
            or_dash(usage.wait_us.map(short_seconds)),
            percent(report.share(usage.cpu_us())),
            match report.left_out {
                1 => "in 1 more row (-n 0 shows all)".to_string(),
                more => format!("in {more} more rows (-n 0 shows all)"),
            }
        );
    }
    to
}

/// Returns how the task of a row ended if it failed or was killed.
fn failure(row: &Row) -> String {
    let status = row.task.and_then(|task| task.status);
    status
        .filter(|status| *status != 0)
        .map_or(String::new(), wait_status)
}
