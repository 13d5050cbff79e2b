// SPDX-License-Identifier: GPL-2.0

//! The newest sample of each watched task.

use super::{History, Sample, Source};
use crate::kernel_module;
use anyhow::{Context, Result};
use std::{collections::BTreeSet, io};

/// Of all tasks, that many, in the order in which they were added: from the short file where it has
/// them all, else from the long one.
pub fn newest_of_each(targets: u64) -> Result<Vec<Sample>> {
    let newest = on_page()?;
    if newest.len() as u64 >= targets {
        return Ok(newest);
    }
    let history = Source::Module(BTreeSet::new()).open()?;
    in_history(history.without_progress())
}

fn in_history(mut history: History) -> Result<Vec<Sample>> {
    let mut newest: Vec<Sample> = Vec::new();
    while let Some((task, sample)) = history.next()? {
        match newest.get_mut(task.index) {
            Some(last) => *last = sample,
            None => newest.push(sample),
        }
    }
    Ok(newest)
}

fn on_page() -> Result<Vec<Sample>> {
    let page = io::read_to_string(kernel_module::open(kernel_module::SYSFS)?)
        .context(kernel_module::SYSFS)?;
    let mut newest: Vec<Sample> = Vec::new();
    for sample in page
        .lines()
        .filter_map(|line| Sample::parse(line.as_bytes()))
    {
        match newest.last_mut().filter(|last| sample.follows(last)) {
            Some(last) => *last = sample,
            None => newest.push(sample),
        }
    }
    Ok(newest)
}
