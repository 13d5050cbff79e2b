// SPDX-License-Identifier: GPL-2.0

//! Delayed work items that can be cancelled.
//!
//! The `kernel` crate's [`workqueue`] has delayed work items, but cannot cancel one. A module must
//! cancel its work items before it is unloaded. Here a work item can be queued only while a guard
//! keeps it [enabled](Enabled). After the guard has been dropped, the item's function does not run
//! any more.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h).
//!
//! # Examples
//!
//! ```ignore
//! const FLUSH: u64 = 0;
//!
//! struct Log {
//!     flush: Work<Log, FLUSH>,
//! }
//!
//! impl Deferred<FLUSH> for Log {
//!     fn run(&self) {
//!         self.write_out();
//!     }
//! }
//!
//! let log = Arc::new(Log { flush: Work::new()? }, GFP_KERNEL)?;
//! let enabled = log.flush.enable(log.clone())?;
//! log.flush.queue(1000);
//! // Cancels what is queued.
//! drop(enabled);
//! ```

use kernel::{
    bindings, container_of, impl_has_delayed_work, new_delayed_work, new_spinlock,
    prelude::*,
    sync::{Arc, SpinLock},
    time::msecs_to_jiffies,
    workqueue::{self, DelayedWork, HasWork, WorkItem},
};

/// The function of a [`Work`] item for an object of this type. A type that has several work items
/// implements this for one `ID` each.
///
/// `'static`, because a workqueue continues to call the function of an item whose [`Enabled`] is
/// leaked.
pub(crate) trait Deferred<const ID: u64>: Send + Sync + 'static {
    /// Called by a worker of `system_long_wq`. May sleep.
    fn run(&self);
}

/// The work item of the `kernel` crate, and the object that its function is called for.
///
/// # Invariants
///
/// - The disable count of the C work item is 0 while there is an [`Enabled`] for this item, and 1
///   otherwise.
/// - While the C work item is pending, the workqueue owns one reference to this item, made by
///   [`Arc::into_raw`], which the function takes over; see the implementation of `RawWorkItem` for
///   `Arc`.
#[pin_data]
struct Item<T: Deferred<ID>, const ID: u64> {
    #[pin]
    work: DelayedWork<Self>,
    /// `None` while the item is not enabled.
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
    /// Returns the C work item.
    fn raw(this: &Arc<Self>) -> *mut bindings::delayed_work {
        // SAFETY: There is a reference to the item, so that it is alive. Its `work_struct` is part
        // of a `delayed_work`, because its type is `DelayedWork`.
        unsafe {
            let work = <Self as HasWork<Self>>::raw_get_work(Arc::as_ptr(this).cast_mut());
            let work = workqueue::Work::raw_get(work);
            container_of!(work, bindings::delayed_work, work)
        }
    }
}

/// A delayed work item for an object of type `T`.
pub(crate) struct Work<T: Deferred<ID>, const ID: u64>(Arc<Item<T, ID>>);

impl<T: Deferred<ID>, const ID: u64> Work<T, ID> {
    /// Creates a work item that is not enabled. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let item = Arc::pin_init(
            pin_init!(Item {
                work <- new_delayed_work!("delayed_work::Item::work"),
                object <- new_spinlock!(None, "delayed_work::Item::object"),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The C work item was initialised above.
        // INVARIANT: Its disable count is 1 from now on.
        unsafe { bindings::disable_delayed_work(Item::raw(&item)) };
        Ok(Self(item))
    }

    /// Queues the work item: its function runs after `delay_ms` milliseconds.
    ///
    /// Does nothing if the item is pending or not enabled. If the function is running, it runs once
    /// more. Does not sleep and allocates nothing. May be called from any context but NMI, also
    /// from reclaim.
    pub(crate) fn queue(&self, delay_ms: u32) {
        let delay = msecs_to_jiffies(delay_ms);
        let _ = workqueue::system_long().enqueue_delayed(self.0.clone(), delay);
    }

    /// Enables the work item for `object` until the returned guard is dropped. Fails with `EBUSY`
    /// if it is enabled already.
    pub(crate) fn enable(&self, object: Arc<T>) -> Result<Enabled<T, ID>> {
        let item = self.0.clone();
        let mut slot = item.object.lock();
        if slot.is_some() {
            return Err(EBUSY);
        }
        *slot = Some(object);
        drop(slot);
        // INVARIANT: There was no `Enabled`, so that the disable count was 1. It is 0 after the
        // call below.
        let enabled = Enabled(item);
        // SAFETY: `new` has initialised the work item.
        unsafe { bindings::enable_delayed_work(Item::raw(&enabled.0)) };
        Ok(enabled)
    }
}

/// A guard: the work item can be queued while this exists.
///
/// Dropping it disables the work item, cancels it if it is pending, and waits for its function if
/// that is running; it may sleep. A module must not leak this, because the function is part of the
/// module.
pub(crate) struct Enabled<T: Deferred<ID>, const ID: u64>(Arc<Item<T, ID>>);

impl<T: Deferred<ID>, const ID: u64> Drop for Enabled<T, ID> {
    fn drop(&mut self) {
        // SAFETY: `Work::new` has initialised the work item.
        // INVARIANT: The disable count is 1 from now on, so that the item cannot be queued. If it
        // was pending, `__cancel_work()` has removed it from the queue or stopped its timer.
        // `__flush_work()` has waited for the function.
        let was_pending = unsafe { bindings::disable_delayed_work_sync(Item::raw(&self.0)) };
        if was_pending {
            // SAFETY: By the invariants of `Item` the workqueue owned a reference, which the
            // function would have taken over. The function does not run for it any more.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(&self.0)) });
        }
        let object = self.0.object.lock().take();
        // No lock is held here, because this may be the last reference.
        drop(object);
    }
}

#[cfg(CONFIG_TASKMONITOR_KUNIT_TEST)]
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
    fn an_item_that_is_queued_many_times_runs_once() -> Result {
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
    fn an_item_that_is_not_enabled_does_not_run() -> Result {
        let (work, object) = (Work::new()?, counter()?);
        work.queue(0);
        drop(work.enable(object.clone())?);
        work.queue(0);
        fsleep(Delta::from_millis(20));
        assert_eq!(object.0.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn dropping_the_guard_cancels_a_pending_item() -> Result {
        let (work, object) = (Work::new()?, counter()?);
        let enabled = work.enable(object.clone())?;
        assert!(work.enable(object.clone()).is_err());
        work.queue(3_600_000);
        let pending = enabled.0.clone();
        drop(enabled);
        assert_eq!(object.0.load(Relaxed), 0);
        // Neither the item nor the queue refers to the object, and the queue does not refer to the
        // item.
        assert!(Arc::into_unique_or_drop(object).is_some());
        drop(work);
        assert!(Arc::into_unique_or_drop(pending).is_some());
        Ok(())
    }
}
