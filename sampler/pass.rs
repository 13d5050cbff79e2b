// SPDX-License-Identifier: GPL-2.0

//! One sampling pass: takes one sample of each living target, a chunk of targets at a time.
//!
//! Most samples are taken by `State::try_sample` (targets/target.rs), with the locks held for a
//! chunk. Any other sample is read by [`TaskReader::read`] and appended by [`StoreGuard::append`].
//! If that needs memory, or if reading takes long, the chunk ends, and the sample is appended after
//! the locks have been released and taken again.

use crate::{
    abstractions::{
        clock,
        kthread::Current,
        slab::{Object, Ref},
    },
    recorder::Recorder,
    sample_cache::{Detached, SpareSegment, StoreGuard},
    targets::{Reading, Target, TaskReader},
};
use kernel::{prelude::*, sync::rcu};

/// How many targets are sampled before the locks are released.
const CHUNK: u64 = 100;

/// A pass that is under way.
pub(super) struct Pass<'a> {
    recorder: &'a Recorder,
    /// When the previous pass began, microseconds since boot; 0 if there was none.
    last_us: u64,
    /// Memory for the next segment.
    spare: &'a mut SpareSegment<Target>,
}

/// Why a chunk ended.
enum ChunkEnd {
    /// There are no more targets.
    Last,
    /// The chunk is full.
    Full,
    /// The sample of this target needs a new segment, and there is no spare one.
    NoSpare(Ref<Target>, Reading),
    /// Reading this target takes long, so it is done with no lock held. Its reader was taken out of
    /// it.
    ManyThreads(Ref<Target>, Pin<KBox<TaskReader>>),
    /// The exit sample of this target has been appended. The target must be marked as ended, and
    /// its reader must be dropped with no lock held.
    Ended(Ref<Target>, Option<Pin<KBox<TaskReader>>>),
}

impl<'a> Pass<'a> {
    /// Makes a pass. The next one is expected `period_ns` later. `spare` is passed on from one pass
    /// to the next.
    ///
    /// May give up the CPU between two chunks. Returns false if there was no memory for the
    /// timestamp of the pass. Then no samples were taken.
    pub(super) fn run(
        recorder: &'a Recorder,
        me: &Current,
        period_ns: u64,
        spare: &'a mut SpareSegment<Target>,
    ) -> bool {
        let Some(mut pass) = Self::begin(recorder, period_ns, spare) else {
            return false;
        };
        loop {
            match pass.sample_chunk() {
                ChunkEnd::Last => break,
                ChunkEnd::Full => {}
                ChunkEnd::NoSpare(target, reading) => pass.finish(target, None, reading),
                ChunkEnd::ManyThreads(target, mut reader) => {
                    let reading = reader.as_mut().read(&rcu::read_lock());
                    pass.finish(target, Some(reader), reading);
                }
                ChunkEnd::Ended(target, reader) => pass.end_target(&target, reader),
            }
            me.reschedule();
        }
        let mut detached = Detached::new();
        recorder.samples().lock().end_pass(&mut detached);
        detached.free();
        true
    }

    /// Records the timestamp of the pass. Returns `None` if there is no memory for it.
    fn begin(
        recorder: &'a Recorder,
        period_ns: u64,
        spare: &'a mut SpareSegment<Target>,
    ) -> Option<Self> {
        recorder.samples().fill_spare(spare);
        let period_us = u32::try_from(period_ns / 1000).unwrap_or(u32::MAX);
        let mut detached = Detached::new();
        let mut registry = recorder.targets().lock();
        let mut store = recorder.samples().lock();
        // Read under the locks, so it is no earlier than the first sample of each target added
        // before.
        let time_us = clock::boottime_us();
        let last_us = store.latest_pass_us();
        let is_begun = store.begin_pass(time_us, period_us, spare, &mut detached);
        drop(store);
        if !is_begun {
            return None;
        }
        registry.pass_position = registry.living().first().map(Ref::from);
        drop(registry);
        detached.free();
        Some(Self {
            recorder,
            last_us,
            spare,
        })
    }

    /// Samples the next chunk of targets. Holds the locks of the registry and of the store
    /// meanwhile.
    fn sample_chunk(&mut self) -> ChunkEnd {
        self.recorder.samples().fill_spare(self.spare);
        // Declared before the guards, so dropped after the locks have been released.
        let mut detached = Detached::new();
        let rcu = rcu::read_lock();
        let mut registry = self.recorder.targets().lock();
        let mut store = self.recorder.samples().lock();
        let Some(first) = registry.pass_position.take() else {
            return ChunkEnd::Last;
        };
        let mut end = None;
        let (mut left, mut not_quick) = (CHUNK, 0);
        let mut targets = registry.living().iter_from(Some(&first));
        while left != 0 {
            let Some(target) = targets.next() else {
                break;
            };
            left -= 1;
            if target.state_mut(&mut store).try_sample() {
                continue;
            }
            not_quick += 1;
            end = self.sample(&mut store, target, &rcu, &mut detached);
            if end.is_some() || detached.is_full() {
                break;
            }
        }
        store.count_appended(CHUNK - left - not_quick);
        let next = targets.next().map(Ref::from);
        drop(targets);
        let end = end.unwrap_or(if next.is_some() {
            ChunkEnd::Full
        } else {
            ChunkEnd::Last
        });
        registry.pass_position = next;
        end
    }

    /// Takes a sample of `target` that `try_sample` could not take. Returns why the chunk must end,
    /// if it must. Both locks are held.
    // Not inlined, so that the loop over `try_sample` has the registers for itself.
    #[inline(never)]
    fn sample(
        &mut self,
        store: &mut StoreGuard<'_, Target>,
        target: &Object<Target>,
        rcu: &rcu::Guard,
        detached: &mut Detached<Target>,
    ) -> Option<ChunkEnd> {
        let state = target.state_mut(store);
        let reader = state.reader()?;
        if reader.has_many_threads() {
            let reader = state.take_reader();
            return reader.map(|reader| ChunkEnd::ManyThreads(Ref::from(target), reader));
        }
        let reading = reader.read(rcu);
        let exit_time_us = state.exit_time_us(reading, self.last_us);
        if !store.append(target, reading.sample(), self.spare, detached) {
            return Some(ChunkEnd::NoSpare(Ref::from(target), reading));
        }
        let reader = end_history(store, target, exit_time_us?);
        Some(ChunkEnd::Ended(Ref::from(target), reader))
    }

    /// Appends a sample after the locks have been released: one that needed a new segment, or one
    /// that was read without the locks, by `reader`. The target may have been removed since then.
    fn finish(
        &mut self,
        target: Ref<Target>,
        reader: Option<Pin<KBox<TaskReader>>>,
        mut reading: Reading,
    ) {
        self.recorder.samples().fill_spare(self.spare);
        let mut detached = Detached::new();
        let registry = self.recorder.targets().lock();
        if !registry.living().contains(&target) {
            return;
        }
        let mut store = self.recorder.samples().lock();
        let state = target.state_mut(&mut store);
        if let Some(reader) = reader {
            state.put_back(reader);
            // Threads that ended after the reader was taken out are not in its sum of waits. When
            // the process has ended, all are in that of the target, and there is one thread to
            // read.
            if let Some(reader) = state.reader().filter(|_| reading.is_end()) {
                reading = reader.read(&rcu::read_lock());
            }
        }
        let exit_time_us = state.exit_time_us(reading, self.last_us);
        if !store.append(&target, reading.sample(), self.spare, &mut detached) {
            store.skip_sample(&target);
            // The next reading must not be the same as this one, of which there is no sample.
            if let Some(reader) = target.state_mut(&mut store).reader() {
                reader.discard_reading();
            }
        }
        let Some(time_us) = exit_time_us else {
            return;
        };
        let reader = end_history(&mut store, &target, time_us);
        drop(store);
        drop(registry);
        self.end_target(&target, reader);
    }

    /// Marks `target` as ended. `reader` is its reader, which is dropped. No lock is held.
    fn end_target(&self, target: &Object<Target>, reader: Option<Pin<KBox<TaskReader>>>) {
        self.recorder.targets().lock().mark_ended(target);
        self.recorder.check_fork_probe();
        drop(reader);
    }
}

/// Ends the history of `target`, whose exit sample has been appended and has the time `time_us`.
///
/// Returns the reader of the target, which must be dropped with no lock held.
fn end_history(
    store: &mut StoreGuard<'_, Target>,
    target: &Object<Target>,
    time_us: u64,
) -> Option<Pin<KBox<TaskReader>>> {
    let reader = target.state_mut(store).end(time_us);
    store.close(target);
    reader
}
