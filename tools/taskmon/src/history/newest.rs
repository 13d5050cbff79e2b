// SPDX-License-Identifier: GPL-2.0

//! The newest sample of each watched task.

use super::{
    reader::{HistoryReader, Identities},
    Metadata, Sample, Source,
};
use crate::{kernel_module, output::Progress};
use anyhow::{Context, Result};
use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Cursor},
};

/// Returns the newest samples of the watched tasks, by the tasks' ids. A task without samples has
/// none.
///
/// `sampled` is the number of watched tasks that have samples. The file in sysfs holds at most one
/// page of lines. If it lacks some of the tasks, the whole file in debugfs is read.
pub fn newest_samples(sampled: usize) -> Result<HashMap<u64, Sample>> {
    const PATH: &str = kernel_module::SYSFS_SAMPLES;
    let page = io::read_to_string(kernel_module::open(PATH)?).context(PATH)?;
    let metadata = Metadata::default();
    let page = HistoryReader::new(PATH, Cursor::new(page), metadata, Progress::hidden())
        .of_module(&BTreeSet::new(), Identities::of_module()?);
    let newest = newest_by_id(page)?;
    if newest.len() >= sampled {
        return Ok(newest);
    }
    newest_by_id(Source::all_watched().open()?.without_progress())
}

fn newest_by_id(mut history: HistoryReader) -> Result<HashMap<u64, Sample>> {
    let mut newest = HashMap::new();
    while let Some((task, sample)) = history.next()? {
        if let Some(id) = task.id() {
            newest.insert(id, sample);
        }
    }
    Ok(newest)
}
