// SPDX-License-Identifier: GPL-2.0

//! Delayed work items that act on an object and can be cancelled.
//!
//! The kernel crate's [`workqueue`] has delayed work items, but cannot cancel one. Here an item can be
//! queued only while there is a guard that keeps it [enabled](Enabled). Once that has been dropped, its
//! function neither runs nor will run.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h).

use kernel::{
    bindings, container_of, impl_has_delayed_work, new_delayed_work, new_spinlock,
    prelude::*,
    sync::{Arc, SpinLock},
    time::msecs_to_jiffies,
    workqueue::{self, DelayedWork, HasWork, WorkItem},
};

/// An object on which a work item acts. A type may have several, each with an `ID`.
pub(crate) trait Deferred<const ID: u64>: Send + Sync + 'static {
    /// What a worker of the system's work queue runs for the object. May sleep.
    fn run(&self);
}

/// # Invariants
///
/// The C work item is enabled (its disable count is 0) only while an [`Enabled`] refers to this. While
/// it is pending, the work queue owns one reference to this, by [`Arc::into_raw`], which its function
/// takes over; see `RawWorkItem` for `Arc`.
#[pin_data]
struct Item<T: Deferred<ID>, const ID: u64> {
    #[pin]
    work: DelayedWork<Self>,
    /// None while it is not enabled.
    #[pin]
    object: SpinLock<Option<Arc<T>>>,
}

impl_has_delayed_work! {
    impl{T: Deferred<ID>, const ID: u64} HasDelayedWork<Self> for Item<T, ID> { self.work }
}

impl<T: Deferred<ID>, const ID: u64> WorkItem for Item<T, ID> {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let object = this.object.lock().clone();
        if let Some(object) = object {
            object.run();
        }
    }
}

impl<T: Deferred<ID>, const ID: u64> Item<T, ID> {
    /// The C work item.
    fn raw(this: &Arc<Self>) -> *mut bindings::delayed_work {
        // SAFETY: The item is alive, as there is a reference to it, and its `work_struct` is that of a
        // `delayed_work`.
        unsafe {
            let work = <Self as HasWork<Self>>::raw_get_work(Arc::as_ptr(this).cast_mut());
            let work = workqueue::Work::raw_get(work);
            container_of!(work, bindings::delayed_work, work)
        }
    }
}

/// A delayed work item for an object.
pub(crate) struct Work<T: Deferred<ID>, const ID: u64>(Arc<Item<T, ID>>);

impl<T: Deferred<ID>, const ID: u64> Work<T, ID> {
    /// A work item that is not enabled. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let item = Arc::pin_init(
            pin_init!(Item {
                work <- new_delayed_work!("taskmonitor work"),
                object <- new_spinlock!(None, "taskmonitor work item's object"),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: It was just initialised.
        // INVARIANT: Its disable count is 1 now.
        unsafe { bindings::disable_delayed_work(Item::raw(&item)) };
        Ok(Self(item))
    }

    /// Queues the work item: its function runs in `delay_ms` milliseconds. Does nothing if the item is
    /// disabled or pending; if its function is running, it runs once more. May be called from any
    /// context, reclaim included, with any locks held: it allocates nothing.
    pub(crate) fn queue(&self, delay_ms: u32) {
        let delay = msecs_to_jiffies(delay_ms);
        let _ = workqueue::system_long().enqueue_delayed(self.0.clone(), delay);
    }

    /// Enables the work item, for `object`, until the returned guard is dropped. Fails with `EBUSY` if it
    /// is enabled already.
    pub(crate) fn enable(&self, object: Arc<T>) -> Result<Enabled<T, ID>> {
        let item = self.0.clone();
        let mut place = item.object.lock();
        if place.is_some() {
            return Err(EBUSY);
        }
        *place = Some(object);
        drop(place);
        // INVARIANT: The disable count is 0 again; it was 1, as there was no `Enabled`.
        let enabled = Enabled(item);
        // SAFETY: The work item was initialised by `new`.
        unsafe { bindings::enable_delayed_work(Item::raw(&enabled.0)) };
        Ok(enabled)
    }
}

/// A work item that can be queued. Dropping it disables and cancels the work item, and waits until its
/// function has returned, if it runs; may sleep.
///
/// A module must not leak one, as the function is part of it.
pub(crate) struct Enabled<T: Deferred<ID>, const ID: u64>(Arc<Item<T, ID>>);

impl<T: Deferred<ID>, const ID: u64> Drop for Enabled<T, ID> {
    fn drop(&mut self) {
        // SAFETY: The work item was initialised by `Work::new`.
        // INVARIANT: The disable count is 1 from now on. So nobody can queue it, `__cancel_work()` has
        // taken it off the queue or stopped its timer where it was pending, and `__flush_work()` has
        // waited for the function.
        let was_pending = unsafe { bindings::disable_delayed_work_sync(Item::raw(&self.0)) };
        if was_pending {
            // SAFETY: By the type invariant of `Item` the work queue owned a reference for its function
            // to take over, which will not run for it any more.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(&self.0)) });
        }
        let object = self.0.object.lock().take();
        // With no lock held: it may be the last reference.
        drop(object);
    }
}

#[kunit_tests(taskmonitor_delayed_work)]
mod tests {
    use super::*;
    use kernel::{
        sync::atomic::{Atomic, Relaxed},
        time::{delay::fsleep, Delta},
    };

    struct Counter(Atomic<u64>);

    impl Deferred<0> for Counter {
        fn run(&self) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn counter() -> Result<Arc<Counter>> {
        Ok(Arc::new(Counter(Atomic::new(0)), GFP_KERNEL)?)
    }

    fn runs(counter: &Counter) -> u64 {
        for _ in 0..1000 {
            if counter.0.load(Relaxed) != 0 {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
        counter.0.load(Relaxed)
    }

    #[test]
    fn it_runs_once_however_often_it_is_queued() -> Result {
        let (work, object) = (Work::new()?, counter()?);
        let enabled = work.enable(object.clone())?;
        for _ in 0..10 {
            work.queue(5);
        }
        assert_eq!(runs(&object), 1);
        drop(enabled);
        Ok(())
    }

    #[test]
    fn it_does_not_run_unless_enabled() -> Result {
        let (work, object) = (Work::new()?, counter()?);
        work.queue(0);
        drop(work.enable(object.clone())?);
        work.queue(0);
        fsleep(Delta::from_millis(20));
        assert_eq!(object.0.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn a_pending_one_is_cancelled_and_forgotten() -> Result {
        let (work, object) = (Work::new()?, counter()?);
        let enabled = work.enable(object.clone())?;
        assert!(work.enable(object.clone()).is_err());
        work.queue(3_600_000);
        let pending = enabled.0.clone();
        drop(enabled);
        assert_eq!(object.0.load(Relaxed), 0);
        // Neither the item nor the queue refers to the object, nor the queue to the item.
        assert!(Arc::into_unique_or_drop(object).is_some());
        drop(work);
        assert!(Arc::into_unique_or_drop(pending).is_some());
        Ok(())
    }
}
