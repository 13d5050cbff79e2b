// SPDX-License-Identifier: GPL-2.0

//! taskmonitor: a flight recorder for CPU time.
//!
//! A kernel thread samples the user and system time of the watched tasks once a period, and keeps
//! the samples in kernel memory. A sample takes a few bits. Samples are kept after their task has
//! ended. Under memory pressure the oldest ones are freed first.
//!
//! The source consists of layers. A module imports only from the layers below its own:
//!
//! ```text
//! taskmonitor                             init and teardown of the module (this file)
//! debugfs  sysfs  tasks                   the samples files; the identities of the targets
//! control  stats  sampler  shrinker       commands; statistics; the thread; memory pressure
//! recorder                                the layers below, joined
//! targets                                 which tasks are watched; reading their CPU time
//! sample_cache  schedule                  what was sampled; when passes are due
//! text                                    samples as text
//! codec                                   samples and timestamps as bits
//! params                                  the module parameters
//! abstractions                            safe wrappers for what the kernel crate lacks
//! ```
//!
//! A module X is the file X.rs with the folder X/. X.rs begins with a description of how the module
//! works. Only `abstractions` has unsafe code.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod abstractions;
mod codec;
mod control;
mod debugfs;
mod params;
mod recorder;
mod sample_cache;
mod sampler;
mod schedule;
mod shrinker;
mod stats;
mod sysfs;
mod targets;
mod tasks;
mod text;

use abstractions::{
    debugfs_file, kthread::KThread, layout, param::Subscription, shrinker::Shrinker,
    sysfs::Attribute,
};
use kernel::{prelude::*, static_lock_class, sync::Arc};
use recorder::{EnabledWork, ForkTrackingGuard, Recorder};
use sampler::{Sampler, Tunables};

module! {
    type: TaskMonitor,
    name: "taskmonitor",
    authors: ["The taskmonitor developers"],
    description: "Flight recorder for the CPU time of tasks",
    license: "GPL",
}

/// What the module has registered and allocated.
///
/// Drop order, which is the order of the fields: remove the files, ignore changes of parameters,
/// stop following forks, stop sampling, unregister the shrinker, cancel deferred work, free the
/// samples.
pub(crate) struct TaskMonitor {
    _stats: debugfs_file::File<stats::Stats>,
    _tasks: debugfs_file::File<tasks::Tasks>,
    _samples: debugfs_file::File<debugfs::Samples>,
    _newest: Attribute<Recorder>,
    _parameters: Subscription,
    _fork_tracking: ForkTrackingGuard,
    _sampler: Arc<KThread<Sampler>>,
    _shrinker: Shrinker<Recorder>,
    _work: EnabledWork,
    _teardown: Teardown,
}

impl kernel::Module for TaskMonitor {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if let Err(what) = layout::check() {
            pr_err!(
                "the Rust bindings have a wrong offset for {what}: {}\n",
                layout::REMEDY
            );
            return Err(ENOEXEC);
        }
        let pid = params::PID.get() as i32;
        let is_tree = params::TREE.get() != 0;
        if is_tree && pid == 0 {
            pr_err!("tree=1 requires pid=N: the process whose forks are followed\n");
            return Err(EINVAL);
        }
        let recorder = Recorder::new()?;
        let mut teardown = Teardown {
            recorder: recorder.clone(),
            is_loaded: false,
        };
        let fork_tracking = ForkTrackingGuard(recorder.clone());
        add_first(&recorder, pid, is_tree)?;
        let work = recorder.enable_work()?;
        let shrinker = Shrinker::register(c"taskmonitor", recorder.clone())?;
        let sampler = Arc::new(Sampler(recorder.clone()), GFP_KERNEL)?;
        let sampler = Arc::new(KThread::spawn(c"taskmonitor", sampler)?, GFP_KERNEL)?;
        let tunables = Tunables::new(recorder.clone(), sampler.clone());
        let parameters = Subscription::new(Arc::new(tunables, GFP_KERNEL)?);
        // No file may be used before everything that can fail has succeeded. The files in debugfs
        // refuse to be opened until the module is loaded (abstractions/debugfs_file.rs). The file
        // in sysfs can be used as soon as it exists, so it is created last.
        let stats = debugfs_file::File::create(c"taskmonitor_stats", recorder.clone())?;
        let tasks = debugfs_file::File::create(c"taskmonitor_tasks", recorder.clone())?;
        let samples = debugfs_file::File::create(c"taskmonitor", recorder.clone())?;
        let newest = Attribute::create(c"taskmonitor", recorder, static_lock_class!())?;
        teardown.is_loaded = true;
        Ok(Self {
            _stats: stats,
            _tasks: tasks,
            _samples: samples,
            _newest: newest,
            _parameters: parameters,
            _fork_tracking: fork_tracking,
            _sampler: sampler,
            _shrinker: shrinker,
            _work: work,
            _teardown: teardown,
        })
    }
}

/// Adds the first task to watch. `pid`: its PID; 0: none. `is_tree`: its forks are followed too.
///
/// May sleep. Fails as [`Recorder::add`] and [`Recorder::add_tree`] do. If there is no such task,
/// logs the PID, because kmod explains `ESRCH` as "wrong symbol version".
fn add_first(recorder: &Arc<Recorder>, pid: i32, is_tree: bool) -> Result {
    let added = match (pid, is_tree) {
        (0, _) => Ok(()),
        (pid, false) => recorder.add(pid),
        (pid, true) => recorder.add_tree(pid),
    };
    if added == Err(ESRCH) {
        pr_err!("no task with PID {pid} (in the loader's PID namespace)\n");
    }
    added
}

/// Frees all targets and samples when it is dropped. May sleep then.
///
/// Dropping the recorder alone would leak them: a segment refers to its target, and the target to
/// its segments.
struct Teardown {
    recorder: Arc<Recorder>,
    /// Whether the load succeeded. If so, the final counts are logged.
    is_loaded: bool,
}

impl Drop for Teardown {
    fn drop(&mut self) {
        self.recorder.free_displaced();
        if self.is_loaded {
            let counts = self.recorder.samples().lock().counts();
            pr_info!(
                "created {} evicted {} removed {} alive {}\n",
                counts.created,
                counts.evicted,
                counts.removed,
                counts.alive,
            );
        }
        self.recorder.remove_all();
    }
}
