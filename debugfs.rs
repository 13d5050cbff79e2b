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
    recorder::{PeriodRequest, Recorder},
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
/// A read from the beginning fixes what is shown: the targets that exist and the passes that have
/// ended by then. So reading ends, even while more samples are taken. A read after the end shows
/// what has come since, in the same way.
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
    /// What has been shown before the last read after the end.
    shown: Part,
    /// What to show.
    to_show: Part,
}

/// A part of all samples: those of some targets, up to some pass.
#[derive(Clone, Copy)]
struct Part {
    /// The [order](Target::order) of the last of these targets.
    last_order: u64,
    /// The last of these passes.
    last_pass: u64,
}

impl Part {
    /// No target.
    const NOTHING: Self = Self {
        last_order: 0,
        last_pass: 0,
    };

    /// All targets that exist now, and all passes that have ended.
    fn of_now(recorder: &Recorder) -> Self {
        // The order first: a target that is added in between is not in this part. The pass that is
        // under way is not either, because some targets have no sample of it yet.
        let last_order = recorder.targets().lock().last_order();
        let last_pass = recorder.samples().lock().last_ended_pass();
        Self {
            last_order,
            last_pass,
        }
    }
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
        match next.filter(|next| next.order() <= self.to_show.last_order) {
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
        let after = match pid {
            // The process cannot see the target, so reading starts after the last sample.
            None => Some(u64::MAX - 1),
            Some(_) if target.order() > self.shown.last_order => None,
            Some(_) => Some(self.shown.last_pass),
        };
        self.pid = pid.unwrap_or(0);
        self.reader.enter(
            self.recorder.samples(),
            target,
            after,
            self.to_show.last_pass,
        );
    }

    /// Begins to show what exists now and is not in `shown`. Returns false if there is nothing.
    fn begin(&mut self, shown: Part) -> bool {
        self.reader.leave();
        self.is_done = false;
        self.shown = shown;
        self.to_show = Part::of_now(&self.recorder);
        self.advance()
    }
}

impl FileOperations for Samples {
    type Data = Recorder;
    type Shared = PeriodRequest;
    const WRITABLE: bool = true;

    fn open(recorder: &Arc<Recorder>) -> Result<(Self, PeriodRequest)> {
        capability::require_admin()?;
        let samples = Self {
            recorder: recorder.clone(),
            reader: KBox::init(HistoryReader::new(), GFP_KERNEL)?,
            pid: 0,
            lines: KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?,
            is_done: false,
            shown: Part::NOTHING,
            to_show: Part::NOTHING,
        };
        Ok((samples, PeriodRequest::none(recorder)))
    }

    fn write(period: &PeriodRequest, text: &WriteData<'_>) -> Result<usize> {
        // debugfs passes all of a write at once.
        let may_be_cut = false;
        control::execute(period.recorder(), text, may_be_cut, Some(period))
    }
}

impl Records for Samples {
    fn first(&mut self) -> bool {
        self.begin(Part::NOTHING)
    }

    fn next(&mut self) -> bool {
        self.advance()
    }

    fn resume(&mut self) -> bool {
        self.begin(self.to_show)
    }

    fn show(&mut self, file: &SeqFile) -> Result {
        file.write(self.lines.text());
        Ok(())
    }
}
