// SPDX-License-Identifier: GPL-2.0

//! What the parts of the recorder share.

use crate::{
    abstractions::{delayed_work::Work, killable::WaitQueue, kthread::Bell, slab::Cache},
    family::Family,
    params,
    reclaim_work::{CLEAN_UP, GIVE_BACK},
    registry::Registry,
    sample_cache::{Caches, Store},
    sampler::Pace,
    target::Target,
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    static_lock_class,
    sync::{Arc, Mutex, SpinLock},
};

/// What the parts of the recorder share.
#[pin_data]
pub(crate) struct Recorder {
    /// Who is watched.
    #[pin]
    pub(crate) registry: SpinLock<Registry>,
    /// What was seen.
    #[pin]
    pub(crate) store: SpinLock<Store>,
    /// Whether, and how, the sampler goes on.
    #[pin]
    pub(crate) pace: SpinLock<Pace>,
    /// What wakes the sampler.
    #[pin]
    pub(crate) bell: Bell,
    /// Where those wait who wait for the end of a pass.
    #[pin]
    pub(crate) pass_ended: WaitQueue,
    /// What it takes to follow forks.
    #[pin]
    pub(crate) family: Mutex<Family>,
    /// The work item that gives slab pages back.
    pub(crate) give_back: Work<Recorder, GIVE_BACK>,
    /// The work item that frees displaced targets and takes idle probes away.
    pub(crate) clean_up: Work<Recorder, CLEAN_UP>,
    /// Memory for segments.
    pub(crate) segments: Caches,
    /// Memory for targets.
    pub(crate) targets: Cache<Target>,
}

impl Recorder {
    /// A recorder that watches nobody. May sleep. Fails with `ENOMEM`.
    // What is moved about here is not to be in the caller's stack frame.
    #[inline(never)]
    pub(crate) fn new() -> Result<Arc<Self>> {
        let segments = Caches::new()?;
        let targets = Cache::new(c"taskmonitor_target", 0, 0)?;
        let registry = Registry::new()?;
        let (give_back, clean_up) = (Work::new()?, Work::new()?);
        let store = Store::new(params::MAX_SAMPLES.get());
        Arc::pin_init(
            pin_init!(Self {
                registry <- new_spinlock!(registry, "taskmonitor registry"),
                store <- new_spinlock!(store, "taskmonitor store"),
                pace <- new_spinlock!(Pace::new(), "taskmonitor pace"),
                bell <- Bell::new(c"taskmonitor bell", static_lock_class!()),
                pass_ended <- WaitQueue::new(c"taskmonitor pass", static_lock_class!()),
                family <- new_mutex!(Family::default(), "taskmonitor family"),
                give_back,
                clean_up,
                segments,
                targets,
            }),
            GFP_KERNEL,
        )
    }
}
