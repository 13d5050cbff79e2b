// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/taskmonitor: the newest samples, as many as fit one page. Commands can be written to
//! it.

use crate::{
    abstractions::{capability, slab::Ref, sysfs::AttributeOperations},
    codec::TimedSample,
    control,
    recorder::Recorder,
    sample_cache::HistoryReader,
    targets::Target,
    text::{Lines, LINE_SPACE},
};
use kernel::{current, page::PAGE_SIZE, prelude::*, sync::Arc};

/// How many bytes of a page sysfs shows.
const TEXT_MAX: usize = PAGE_SIZE - 1;
/// The length of the shortest line.
const LINE_MIN: usize = "pid:1 num:0 : usr 0 sys 0 wait 0 time 0\n".len();
/// How many lines fit a page at most.
const LINES_MAX: usize = TEXT_MAX / LINE_MIN;

/// A sample that is shown if the page has space for it.
#[derive(Clone, Copy)]
struct RankedSample {
    /// The PID of its target in the PID namespace of the process that reads.
    pid: i32,
    sample: TimedSample,
    /// Whether it is the newest sample of its target.
    is_newest: bool,
}

impl RankedSample {
    /// Returns the rank. The newest sample of each target ranks higher than all samples that are
    /// not the newest. Among the others a later sample ranks higher than an earlier one.
    fn rank(&self) -> (bool, u64) {
        (self.is_newest, self.sample.time_us)
    }

    fn line(&self) -> Lines<LINE_SPACE> {
        let mut line = Lines::new();
        line.push(self.pid, &self.sample);
        line
    }

    fn len(&self) -> usize {
        self.line().text().len()
    }
}

/// The samples that are shown, in the order in which they are shown.
struct Newest {
    samples: KVec<RankedSample>,
    /// The length of all their lines, in bytes.
    len: usize,
}

impl Newest {
    /// Collects the newest samples of all targets that the current process can see.
    ///
    /// May sleep. Fails with `ENOMEM`.
    fn collect(recorder: &Recorder) -> Result<Self> {
        let mut newest = Self {
            samples: KVec::with_capacity(LINES_MAX, GFP_KERNEL)?,
            len: 0,
        };
        let mut reader = KBox::init(HistoryReader::new(), GFP_KERNEL)?;
        let targets = recorder.targets();
        let mut at = targets.first();
        while let Some(target) = at {
            if !newest.add_target(recorder, &mut reader, target.clone())? {
                break;
            }
            at = targets.next(&target);
        }
        Ok(newest)
    }

    /// Adds the newest samples of `target`, if the current process can see it. Returns false if the
    /// newest samples of other targets leave no space for its newest one.
    ///
    /// May sleep. Fails with `ENOMEM`.
    fn add_target(
        &mut self,
        recorder: &Recorder,
        reader: &mut HistoryReader<Target>,
        target: Ref<Target>,
    ) -> Result<bool> {
        let current = current!();
        let namespace = current.active_pid_ns();
        let Some(pid) = namespace.and_then(|namespace| target.pids().in_namespace(namespace))
        else {
            return Ok(true);
        };
        let samples = recorder.samples();
        reader.enter_newest(samples, target, LINES_MAX as u64);
        let mut next = reader.next(samples);
        while let Some(sample) = next {
            next = reader.next(samples);
            let is_newest = next.is_none();
            let is_added = self.add(RankedSample {
                pid,
                sample,
                is_newest,
            })?;
            if is_newest {
                return Ok(is_added);
            }
        }
        Ok(true)
    }

    /// Adds a sample. If its line does not fit the page, first drops samples of lower rank, but
    /// none that is the newest of its target. Returns false, and does not add the sample, if it
    /// still does not fit.
    ///
    /// May sleep. Fails with `ENOMEM`.
    fn add(&mut self, added: RankedSample) -> Result<bool> {
        let len = added.len();
        while self.len + len > TEXT_MAX {
            let least = self
                .samples
                .iter()
                .enumerate()
                .min_by_key(|(_, other)| other.rank());
            match least {
                Some((index, least)) if least.rank() < added.rank() && !least.is_newest => {
                    self.len -= least.len();
                    self.samples.remove(index).map_err(|_| EINVAL)?;
                }
                _ => return Ok(false),
            }
        }
        self.len += len;
        self.samples.push(added, GFP_KERNEL)?;
        Ok(true)
    }
}

impl AttributeOperations for Recorder {
    fn show(&self, text: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        capability::require_admin()?;
        let newest = Newest::collect(self)?;
        let mut len = 0;
        for sample in &newest.samples {
            let line = sample.line();
            let line = line.text();
            let place = text.get_mut(len..len + line.len()).ok_or(ENOSPC)?;
            place.copy_from_slice(line);
            len += line.len();
        }
        Ok(len)
    }

    fn store(this: &Arc<Self>, bytes: &[u8]) -> Result<usize> {
        capability::require_admin()?;
        // kernfs_fop_write_iter() passes one page of a longer write.
        let may_be_cut = bytes.len() == PAGE_SIZE;
        control::execute(this, bytes, may_be_cut, None)
    }
}
