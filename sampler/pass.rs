// SPDX-License-Identifier: GPL-2.0

//! One sampling pass: one sample of every target, a chunk of them at a time.

use crate::{
    abstractions::{
        clock,
        kthread::Current,
        slab::{Object, Ref, Vacant},
    },
    cputime::{Reading, Subject},
    eviction::Detached,
    recorder::Recorder,
    sample_cache::{spare_segment, Store},
    segment::Segment,
    target::Target,
    timeline,
};
use kernel::{prelude::*, sync::rcu};

/// How many targets are sampled before the locks are let go of, for others to have them.
const CHUNK: usize = 100;

/// A pass under way.
pub(crate) struct Pass<'a> {
    recorder: &'a Recorder,
    /// When the one before it began, microseconds since boot.
    last_us: u64,
    /// Memory for the next segment that is begun.
    spare: &'a mut Option<Vacant<Segment>>,
}

/// Why a chunk came to its end.
enum Stop {
    /// There are no more targets.
    Last,
    /// It is full.
    Full,
    /// This target's sample takes a new segment, and there is no spare one.
    NoRoom(Ref<Target>, Reading),
    /// Reading this target may take long.
    Wide(Ref<Target>, Pin<KBox<Subject>>),
    /// This target has ended, and its last sample has been taken.
    Ended(Ref<Target>, Option<Pin<KBox<Subject>>>),
}

impl<'a> Pass<'a> {
    /// Makes a pass. The next one is expected `period_ns` later. `spare` is kept from pass to pass.
    ///
    /// False: there was no memory for the moment at which it begins, so that nobody was sampled.
    pub(crate) fn run(
        recorder: &'a Recorder,
        me: &Current,
        period_ns: u64,
        spare: &'a mut Option<Vacant<Segment>>,
    ) -> bool {
        let Some(mut pass) = Self::begin(recorder, period_ns, spare) else {
            return false;
        };
        loop {
            match pass.chunk() {
                Stop::Last => break,
                Stop::Full => {}
                Stop::NoRoom(target, reading) => pass.finish(target, None, reading),
                Stop::Wide(target, mut subject) => {
                    let reading = subject.as_mut().read(&rcu::read_lock());
                    pass.finish(target, Some(subject), reading);
                }
                Stop::Ended(target, subject) => {
                    recorder.registry.lock().retire(&target);
                    recorder.check_probes();
                    drop(subject);
                }
            }
            me.reschedule();
        }
        let mut detached = Detached::new();
        recorder.store.lock().end_pass(&mut detached);
        detached.free();
        true
    }

    fn begin(
        recorder: &'a Recorder,
        period_ns: u64,
        spare: &'a mut Option<Vacant<Segment>>,
    ) -> Option<Self> {
        if spare.is_none() {
            *spare = spare_segment(recorder);
        }
        let step_us = u32::try_from(period_ns / 1000).unwrap_or(u32::MAX);
        let mut detached = Detached::new();
        let mut registry = recorder.registry.lock();
        let mut store = recorder.store.lock();
        // Under the locks: later than the first sample of whoever was added before.
        let moment_us = clock::boottime_us();
        let last_us = store.timeline.last_us();
        let is_begun = timeline::begin_pass(
            &mut store,
            &recorder.store,
            (moment_us, step_us),
            spare,
            &mut detached,
        );
        drop(store);
        if !is_begun {
            return None;
        }
        registry.position = registry.living().first().map(Ref::from);
        drop(registry);
        detached.free();
        Some(Self {
            recorder,
            last_us,
            spare,
        })
    }

    /// Samples the next few targets.
    fn chunk(&mut self) -> Stop {
        if self.spare.is_none() {
            *self.spare = spare_segment(self.recorder);
        }
        // Goes when the locks have been let go of.
        let mut detached = Detached::new();
        let rcu = rcu::read_lock();
        let mut registry = self.recorder.registry.lock();
        let mut store = self.recorder.store.lock();
        let Some(first) = registry.position.take() else {
            return Stop::Last;
        };
        let mut stop = None;
        let mut taken = 0;
        let mut targets = registry.living().iter_from(Some(&first));
        for target in (&mut targets).take(CHUNK) {
            let state = target.state_mut(&mut store);
            if state.sample_swiftly() {
                // No more than there are targets.
                taken = u64::wrapping_add(taken, 1);
                continue;
            }
            stop = self.sample(&mut store, target, &rcu, &mut detached);
            if stop.is_some() || detached.is_full() {
                break;
            }
        }
        store.count_taken(taken);
        let next = targets.next().map(Ref::from);
        drop(targets);
        let stop = stop.unwrap_or(if next.is_some() {
            Stop::Full
        } else {
            Stop::Last
        });
        registry.position = next;
        stop
    }

    /// Takes the sample of `target`, which has not been taken swiftly. Returns what stops the chunk.
    // Out of the loop over those that are, which has the registers for itself.
    #[inline(never)]
    fn sample(
        &mut self,
        store: &mut Store,
        target: &Object<Target>,
        rcu: &rcu::Guard,
        detached: &mut Detached,
    ) -> Option<Stop> {
        let state = target.state_mut(store);
        let subject = state.subject.as_mut()?;
        if subject.is_wide() {
            let subject = state.subject.take();
            return subject.map(|subject| Stop::Wide(Ref::from(target), subject));
        }
        let reading = subject.as_mut().read(rcu);
        let end_us = state.end_us(reading, self.last_us);
        let lock = &self.recorder.store;
        if !store.append(lock, target, reading.sample(), self.spare, detached) {
            return Some(Stop::NoRoom(Ref::from(target), reading));
        }
        let subject = target.state_mut(store).record_end(end_us?);
        store.close(target);
        Some(Stop::Ended(Ref::from(target), subject))
    }

    /// Writes down a sample that was read without the locks, or that there was no room for. The
    /// target may have been removed meanwhile.
    fn finish(
        &mut self,
        target: Ref<Target>,
        subject: Option<Pin<KBox<Subject>>>,
        reading: Reading,
    ) {
        if self.spare.is_none() {
            *self.spare = spare_segment(self.recorder);
        }
        let mut detached = Detached::new();
        let mut registry = self.recorder.registry.lock();
        if !registry.living().contains(&target) {
            return;
        }
        let lock = &self.recorder.store;
        let mut store = lock.lock();
        let end_us = target.state(&store).end_us(reading, self.last_us);
        if !store.append(lock, &target, reading.sample(), self.spare, &mut detached) {
            store.forgo(&target);
        }
        let state = target.state_mut(&mut store);
        if subject.is_some() {
            state.subject = subject;
        }
        let ended = end_us.and_then(|end_us| state.record_end(end_us));
        if end_us.is_some() {
            store.close(&target);
        }
        drop(store);
        if end_us.is_some() {
            registry.retire(&target);
        }
        drop(registry);
        if end_us.is_some() {
            self.recorder.check_probes();
        }
        drop(ended);
        detached.free();
    }
}
