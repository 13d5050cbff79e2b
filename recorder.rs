// SPDX-License-Identifier: GPL-2.0

//! What the parts of the recorder share.

use crate::{
    abstractions::{kthread::Bell, slab::Cache},
    family::Family,
    params,
    registry::Registry,
    sample_cache::{Caches, Store},
    sampler::Pace,
    target::Target,
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    static_lock_class,
    sync::{atomic::AtomicFlag, Arc, Mutex, SpinLock},
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
    /// What it takes to follow forks.
    #[pin]
    pub(crate) family: Mutex<Family>,
    /// What wakes the thread that tidies up.
    #[pin]
    pub(crate) tidy_bell: Bell,
    /// Whether segments were evicted since slab pages were last given back.
    pub(crate) loose_slabs: AtomicFlag,
    /// Memory for segments.
    pub(crate) segments: Caches,
    /// Memory for targets.
    pub(crate) targets: Cache<Target>,
}

impl Recorder {
    /// A recorder that watches nobody. May sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let segments = Caches::new()?;
        let targets = Cache::new(c"taskmonitor_target", 0, 0)?;
        let registry = Registry::new()?;
        let mut store = Store::new();
        store.set_max_samples(params::MAX_SAMPLES.get());
        Arc::pin_init(
            pin_init!(Self {
                registry <- new_spinlock!(registry, "taskmonitor registry"),
                store <- new_spinlock!(store, "taskmonitor store"),
                pace <- new_spinlock!(Pace::new(), "taskmonitor pace"),
                bell <- Bell::new(c"taskmonitor bell", static_lock_class!()),
                family <- new_mutex!(Family::default(), "taskmonitor family"),
                tidy_bell <- Bell::new(c"taskmonitor tidy bell", static_lock_class!()),
                loose_slabs: AtomicFlag::new(false),
                segments,
                targets,
            }),
            GFP_KERNEL,
        )
    }
}
