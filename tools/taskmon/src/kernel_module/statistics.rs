// SPDX-License-Identifier: GPL-2.0

//! The module's statistics.

use super::files::{open, STATISTICS};
use anyhow::{bail, Context, Result};
use std::{fs::File, io, os::unix::fs::FileExt};

/// What each statistic means. The unit is in the name: `bytes`, `pass_ns`. All others are counts.
const MEANINGS: [(&str, &str); 13] = [
    ("targets", "tasks watched, ended ones included"),
    ("created", "samples taken since the module was loaded"),
    ("alive", "samples in memory now"),
    ("evicted", "samples evicted by memory pressure or a limit"),
    ("removed", "samples freed by commands"),
    ("bytes", "kernel memory used for samples and timestamps"),
    ("passes", "sampling passes"),
    ("pass_ns", "time spent in sampling passes"),
    ("late", "passes that began a period or more late"),
    ("missed", "periods in which no pass began"),
    (
        "lost",
        "descendants not followed: no memory, or max_targets",
    ),
    ("reserve", "allocations served from the reserve"),
    (
        "recycled",
        "allocations that reused memory of the oldest samples",
    ),
];

/// Returns what the statistic `name` means, in a few words; `None` if the name is unknown.
pub fn meaning(name: &str) -> Option<&'static str> {
    let found = MEANINGS.iter().find(|(each, _)| *each == name);
    found.map(|(_, meaning)| *meaning)
}

/// Reads all statistics, in the module's order.
pub fn statistics() -> Result<Vec<(String, u64)>> {
    let text = io::read_to_string(open(STATISTICS)?).context(STATISTICS)?;
    text.lines()
        .map(|line| {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            let value = value
                .parse()
                .with_context(|| format!("{STATISTICS}: {line}"))?;
            Ok((name.to_string(), value))
        })
        .collect()
}

/// Reads one statistic. Fails if the module does not have it.
pub fn statistic(name: &str) -> Result<u64> {
    let all = statistics()?;
    match all.iter().find(|(each, _)| each == name) {
        Some((_, value)) => Ok(*value),
        None => bail!("{STATISTICS} has no {name}: the module has another version than taskmon"),
    }
}

/// Reads the statistic `created` from the open statistics file. Allocates no memory, so it may be
/// called between fork and exec.
pub fn created_samples(statistics: &File) -> io::Result<u64> {
    let mut text = [0; 1024];
    let len = statistics.read_at(&mut text, 0)?;
    let lines = text[..len].split(|byte| *byte == b'\n');
    let number = lines
        .filter_map(|line| line.strip_prefix(b"created "))
        .find_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    number.ok_or(io::ErrorKind::InvalidData.into())
}
