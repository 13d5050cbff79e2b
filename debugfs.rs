// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/debug/taskmonitor: all samples, target by target.

use crate::{
    abstractions::{
        rights,
        seq_file::{Page, SeqFile},
        slab::Ref,
    },
    control::Obeyed,
    line::Line,
    reader::{Reader, Row},
    recorder::Recorder,
    target::Target,
    TaskMonitor,
};
use kernel::{current, page::PAGE_SIZE, prelude::*, sync::Arc, uaccess::UserSliceReader};

/// The file while it is open.
///
/// What it shows was there when it was last read from its beginning, so that it comes to an end.
pub(crate) struct Samples {
    recorder: Arc<Recorder>,
    reader: Reader,
    /// The number by which the reading process knows the target.
    pid: i32,
    row: Option<Row>,
    line: Line,
    /// The last target to show.
    last_order: u64,
    /// The last pass to show.
    last_pass: u64,
}

impl Samples {
    /// Goes to the next sample, of this target or of those after it.
    fn advance(&mut self) -> bool {
        loop {
            self.row = self.reader.next(&self.recorder);
            if self.row.is_some() {
                return true;
            }
            let next = {
                let registry = self.recorder.registry.lock();
                let store = self.recorder.store.lock();
                let next = match self.reader.target() {
                    Some(target) => registry.next(target, &store),
                    None => registry.first(),
                };
                next.filter(|next| next.state(&store).order <= self.last_order)
                    .map(Ref::from)
            };
            let Some(target) = next else {
                self.reader.leave(&self.recorder);
                return false;
            };
            self.enter(target);
        }
    }

    fn enter(&mut self, target: Ref<Target>) {
        let current = current!();
        let number = current
            .active_pid_ns()
            .and_then(|namespace| target.pid.number_in(namespace));
        // One that the reader cannot see is passed over: as if all its samples had been read.
        let from = if number.is_some() { 0 } else { u64::MAX };
        self.pid = number.unwrap_or(0);
        self.reader
            .enter(&self.recorder, target, from, self.last_pass);
    }
}

impl SeqFile for Samples {
    type Data = Recorder;
    type Module = TaskMonitor;
    const WRITABLE: bool = true;

    fn open(recorder: &Arc<Recorder>) -> Result<Self> {
        rights::require_admin()?;
        Ok(Self {
            recorder: recorder.clone(),
            reader: Reader::new(),
            pid: 0,
            row: None,
            line: Line::new(),
            last_order: 0,
            last_pass: 0,
        })
    }

    fn first(&mut self) -> bool {
        self.reader.leave(&self.recorder);
        let registry = self.recorder.registry.lock();
        self.last_order = registry.last_order();
        drop(registry);
        self.last_pass = self.recorder.store.lock().timeline.next() - 1;
        self.advance()
    }

    fn next(&mut self) -> bool {
        self.advance()
    }

    fn show(&mut self, page: &mut Page<'_>) -> Result {
        if let Some(row) = &self.row {
            page.put(self.line.write(self.pid, row));
        }
        Ok(())
    }

    fn write(recorder: &Arc<Recorder>, mut from: UserSliceReader) -> Result<usize> {
        let mut text = KVec::from_elem(0, from.len().min(PAGE_SIZE), GFP_KERNEL)?;
        let mut obeyed = Obeyed::default();
        loop {
            // A look ahead: what is not consumed is read again, with what follows it.
            let mut ahead = from.clone_reader();
            let part = text.get_mut(..from.len().min(PAGE_SIZE)).ok_or(EINVAL)?;
            ahead.read_slice(part)?;
            let before = obeyed.consumed();
            recorder.obey(part, !ahead.is_empty(), &mut obeyed);
            if obeyed.has_failed() || ahead.is_empty() {
                return obeyed.written();
            }
            from.skip(obeyed.consumed() - before)?;
        }
    }
}

impl Drop for Samples {
    fn drop(&mut self) {
        self.reader.leave(&self.recorder);
    }
}
