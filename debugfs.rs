// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/debug/taskmonitor: all samples, target by target. Commands can be written to it.

use crate::{
    abstractions::{
        capability,
        debugfs_file::FileOperations,
        seq_file::{Records, SeqWrite},
        slab::Ref,
        write_data::WriteData,
    },
    control,
    recorder::Recorder,
    sample_cache::HistoryReader,
    targets::Target,
    text::Lines,
};
use kernel::{current, prelude::*, seq_file::SeqFile, sync::Arc};

/// The size in bytes of a block of lines, which is one record for `seq_file`.
///
/// `seq_file` collects records in a buffer of one page. If a record does not fit the rest of the
/// buffer, it is copied once more for the next page, so a record must not be large. Blocks of this
/// size leave little of a page unused.
const BLOCK: usize = 1024;

/// The open file.
///
/// A read from the beginning fixes what is shown: the targets and the passes that exist then. So
/// reading ends, even while more samples are taken.
pub(crate) struct Samples {
    recorder: Arc<Recorder>,
    reader: KBox<HistoryReader<Target>>,
    /// The PID of the current target in the PID namespace of the process that reads; 0 if that
    /// process cannot see the target.
    pid: i32,
    /// The current record.
    lines: KBox<Lines<BLOCK>>,
    /// Whether `lines` are the last ones.
    is_done: bool,
    /// The [order](Target::order) of the last target to show.
    last_order: u64,
    /// The last pass to show.
    last_pass: u64,
}

impl Samples {
    /// Formats the next block of lines. Returns false if there are no more.
    fn advance(&mut self) -> bool {
        self.lines.clear();
        while self.lines.can_take_line() && !self.is_done {
            match self.reader.next(self.recorder.samples()) {
                Some(sample) => self.lines.push(self.pid, &sample),
                None => self.is_done = !self.enter_next(),
            }
        }
        !self.lines.text().is_empty()
    }

    /// Moves to the next target. Returns false if there is none.
    fn enter_next(&mut self) -> bool {
        let targets = self.recorder.targets();
        let next = match self.reader.owner() {
            Some(target) => targets.next(target),
            None => targets.first(),
        };
        match next.filter(|next| next.order() <= self.last_order) {
            Some(target) => {
                self.enter(target);
                true
            }
            None => {
                self.reader.leave();
                false
            }
        }
    }

    /// Begins to read the history of `target`.
    fn enter(&mut self, target: Ref<Target>) {
        let current = current!();
        let namespace = current.active_pid_ns();
        let pid = namespace.and_then(|namespace| target.pids().in_namespace(namespace));
        // If the process cannot see the target, reading starts after the last sample.
        let from = if pid.is_some() { 0 } else { u64::MAX };
        self.pid = pid.unwrap_or(0);
        self.reader
            .enter(self.recorder.samples(), target, from, self.last_pass);
    }
}

impl FileOperations for Samples {
    type Data = Recorder;
    const WRITABLE: bool = true;

    fn open(recorder: &Arc<Recorder>) -> Result<Self> {
        capability::require_admin()?;
        Ok(Self {
            recorder: recorder.clone(),
            reader: KBox::init(HistoryReader::new(), GFP_KERNEL)?,
            pid: 0,
            lines: KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?,
            is_done: false,
            last_order: 0,
            last_pass: 0,
        })
    }

    fn write(recorder: &Arc<Recorder>, text: &WriteData<'_>) -> Result<usize> {
        // debugfs passes all of a write at once.
        let may_be_cut = false;
        control::execute(recorder, text, may_be_cut)
    }
}

impl Records for Samples {
    fn first(&mut self) -> bool {
        self.reader.leave();
        self.is_done = false;
        self.last_order = self.recorder.targets().lock().last_order();
        self.last_pass = self.recorder.samples().lock().next_pass() - 1;
        self.advance()
    }

    fn next(&mut self) -> bool {
        self.advance()
    }

    fn show(&mut self, file: &SeqFile) -> Result {
        file.write(self.lines.text());
        Ok(())
    }
}
