// SPDX-License-Identifier: GPL-2.0

//! A flight recorder for CPU time.
//!
//! A kernel thread samples the user and system time of the tasks that it is told to watch, once a
//! period, and keeps the history in kernel memory: densely, giving way when memory is short, and
//! outliving the tasks that it is about.
//!
//! Everything but [`abstractions`] is safe Rust.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod abstractions;
mod bits;
mod control;
mod cputime;
mod cursor;
mod debugfs;
mod decoder;
mod delta;
mod encoder;
mod eviction;
mod family;
mod grid;
mod history;
mod line;
mod marks;
mod moments;
mod params;
mod pass;
mod queue;
mod reader;
mod reclaim_work;
mod recorder;
mod registry;
mod run;
mod sample_cache;
mod sampler;
mod segment;
mod shrinker;
mod stats;
mod sysfs;
mod target;
mod timeline;
mod watch;
mod width;

use abstractions::{
    delayed_work::Enabled, kthread::KThread, layout, param::Subscription, seq_file,
    shrinker::Shrinker, sysfs::Attribute,
};
use family::Following;
use kernel::{prelude::*, static_lock_class, sync::Arc};
use reclaim_work::{CLEAN_UP, GIVE_BACK};
use recorder::Recorder;
use sampler::{Sampler, Tuning};

module! {
    type: TaskMonitor,
    name: "taskmonitor",
    authors: ["The taskmonitor developers"],
    description: "Flight recorder for the CPU time of tasks",
    license: "GPL",
}

/// All that the module has made. The fields go in this order: nobody gets in any more, nothing is
/// sampled any more, nothing is asked of it any more, and then what was kept goes.
pub(crate) struct TaskMonitor {
    _stats: seq_file::File<stats::Stats>,
    _samples: seq_file::File<debugfs::Samples>,
    _newest: Attribute<Recorder>,
    _parameters: Subscription,
    _following: Following,
    _sampler: Arc<KThread<Sampler>>,
    _shrinker: Shrinker<Recorder>,
    _give_back: Enabled<Recorder, GIVE_BACK>,
    _clean_up: Enabled<Recorder, CLEAN_UP>,
    _kept: Kept,
}

impl kernel::Module for TaskMonitor {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if let Err(what) = layout::check() {
            pr_err!(
                "this kernel's Rust bindings misplace {what}; \
                 build it with CONFIG_SCHEDSTATS, and the module for it\n"
            );
            return Err(ENOEXEC);
        }
        let pid = params::PID.get() as i32;
        let is_tree = params::TREE.get() != 0;
        if is_tree && pid == 0 {
            pr_err!("tree=1 follows the descendants of a task: name it by pid=\n");
            return Err(EINVAL);
        }
        let recorder = Recorder::new()?;
        let mut kept = Kept {
            recorder: recorder.clone(),
            is_loaded: false,
        };
        let following = Following(recorder.clone());
        watch_first(&recorder, pid, is_tree)?;
        let clean_up = recorder.clean_up.enable(recorder.clone())?;
        let give_back = recorder.give_back.enable(recorder.clone())?;
        let shrinker = Shrinker::register(c"taskmonitor", recorder.clone())?;
        let sampler = KThread::spawn(
            c"taskmonitor",
            Arc::new(Sampler(recorder.clone()), GFP_KERNEL)?,
        )?;
        let sampler = Arc::new(sampler, GFP_KERNEL)?;
        let tuning = Tuning::new(recorder.clone(), sampler.clone());
        let parameters = Subscription::new(Arc::new(tuning, GFP_KERNEL)?);
        // Nobody is to have used a file in a load that fails. Those in debugfs refuse to be opened
        // until the load has succeeded (abstractions/seq_file.rs); the one in sysfs can be used as
        // soon as it is there, so it comes last of all that can fail.
        let stats = seq_file::File::create(c"taskmonitor_stats", recorder.clone())?;
        let samples = seq_file::File::create(c"taskmonitor", recorder.clone())?;
        let newest = Attribute::create(c"taskmonitor", recorder, static_lock_class!())?;
        kept.is_loaded = true;
        Ok(Self {
            _stats: stats,
            _samples: samples,
            _newest: newest,
            _parameters: parameters,
            _following: following,
            _sampler: sampler,
            _shrinker: shrinker,
            _give_back: give_back,
            _clean_up: clean_up,
            _kept: kept,
        })
    }
}

/// Watches the task that the parameters name, if they name one.
///
/// kmod shows the ESRCH of a load as "Module has wrong symbol version", so that the log says what it means.
fn watch_first(recorder: &Arc<Recorder>, pid: i32, is_tree: bool) -> Result {
    let watched = match (pid, is_tree) {
        (0, _) => Ok(()),
        (pid, false) => recorder.add(pid),
        (pid, true) => recorder.add_tree(pid),
    };
    if watched == Err(ESRCH) {
        pr_err!("no task with PID {pid} (in the loader's PID namespace)\n");
    }
    watched
}

/// The targets and their samples.
///
/// Each segment refers to its target, and each target to its segments: somebody has to part them.
struct Kept {
    recorder: Arc<Recorder>,
    /// Whether the module was loaded, so that there is something to tell of.
    is_loaded: bool,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.recorder.free_displaced();
        if self.is_loaded {
            let counts = self.recorder.store.lock().counts;
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
