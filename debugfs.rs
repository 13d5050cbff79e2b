// SPDX-License-Identifier: GPL-2.0

//! /sys/kernel/debug/taskmonitor: all samples, target by target.

use crate::{
    abstractions::{
        rights,
        seq_file::{Page, Records},
        slab::Ref,
        written::Written,
    },
    line::Lines,
    reader::Reader,
    recorder::Recorder,
    target::Target,
    TaskMonitor,
};
use kernel::{current, prelude::*, sync::Arc};

/// The bytes that are shown at once: as large as leaves little of a page over, and small enough that
/// what is shown twice, as the page was full, is not much.
const BLOCK: usize = 1024;

/// The file while it is open. What `seq_file` calls a record is a block of lines.
///
/// What it shows was there when it was last read from its beginning, so that it comes to an end.
pub(crate) struct Samples {
    recorder: Arc<Recorder>,
    reader: KBox<Reader>,
    /// The number by which the reading process knows the target.
    pid: i32,
    lines: KBox<Lines<BLOCK>>,
    /// Whether all has been shown, but for the present lines.
    is_done: bool,
    /// The last target to show.
    last_order: u64,
    /// The last pass to show.
    last_pass: u64,
}

impl Samples {
    /// Goes to the next lines. False: there are none.
    fn advance(&mut self) -> bool {
        self.lines.clear();
        while self.lines.have_room() && !self.is_done {
            match self.reader.next(&self.recorder) {
                Some(row) => self.lines.push(self.pid, &row),
                None => self.is_done = !self.enter_next(),
            }
        }
        !self.lines.text().is_empty()
    }

    /// Goes to the next target. False: there is none.
    fn enter_next(&mut self) -> bool {
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
            self.reader.leave();
            return false;
        };
        self.enter(target);
        true
    }

    fn enter(&mut self, target: Ref<Target>) {
        let current = current!();
        let number = current
            .active_pid_ns()
            .and_then(|namespace| target.numbers.in_namespace(namespace));
        // One that the reader cannot see is passed over: as if all its samples had been read.
        let from = if number.is_some() { 0 } else { u64::MAX };
        self.pid = number.unwrap_or(0);
        self.reader
            .enter(&self.recorder, target, from, self.last_pass);
    }
}

impl Records for Samples {
    type Data = Recorder;
    type Module = TaskMonitor;
    const WRITABLE: bool = true;

    fn open(recorder: &Arc<Recorder>) -> Result<Self> {
        rights::require_admin()?;
        Ok(Self {
            recorder: recorder.clone(),
            reader: KBox::init(Reader::new(), GFP_KERNEL)?,
            pid: 0,
            lines: KBox::init(Lines::in_place(), GFP_KERNEL)?,
            is_done: false,
            last_order: 0,
            last_pass: 0,
        })
    }

    fn first(&mut self) -> bool {
        self.reader.leave();
        self.is_done = false;
        let registry = self.recorder.registry.lock();
        self.last_order = registry.last_order();
        drop(registry);
        self.last_pass = self.recorder.store.lock().timeline.next() - 1;
        self.advance()
    }

    fn next(&mut self) -> bool {
        self.advance()
    }

    fn show(&mut self, page: &Page<'_>) -> Result {
        page.put(self.lines.text());
        Ok(())
    }

    fn write(recorder: &Arc<Recorder>, text: &Written<'_>) -> Result<usize> {
        recorder.obey(text, false)
    }
}
