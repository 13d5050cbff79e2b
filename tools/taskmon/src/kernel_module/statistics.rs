// SPDX-License-Identifier: GPL-2.0

//! The statistics.

use super::files::{open, STATISTICS};
use anyhow::{bail, Context, Result};
use std::{fs::File, io, os::unix::fs::FileExt};

/// The statistics, in the module's order.
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

/// One of the statistics.
pub fn statistic(name: &str) -> Result<u64> {
    let all = statistics()?;
    match all.iter().find(|(each, _)| each == name) {
        Some((_, value)) => Ok(*value),
        None => bail!("{STATISTICS} has no {name}: the module is of another version"),
    }
}

/// How many samples were ever taken, for one who must not allocate memory and has the file of the
/// statistics open.
pub fn created(statistics: &File) -> io::Result<u64> {
    let mut text = [0; 1024];
    let len = statistics.read_at(&mut text, 0)?;
    let lines = text[..len].split(|byte| *byte == b'\n');
    let number = lines
        .filter_map(|line| line.strip_prefix(b"created "))
        .find_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    number.ok_or(io::ErrorKind::InvalidData.into())
}
