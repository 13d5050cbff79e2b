// SPDX-License-Identifier: GPL-2.0

//! Safe wrappers for what the `kernel` crate lacks.
//!
//! This is the lowest layer of the module. `unsafe` code and the C bindings are here and nowhere
//! else. Nothing here depends on what the module is for, so that each wrapper could be sent
//! upstream. The head of each file says what the `kernel` crate lacks.
//!
//! - Memory and containers: [`slab`], [`list`].
//! - Tasks: [`pid`], [`upid`], [`cputime`], [`exit`], [`exit_notice`], [`signal`], [`capability`].
//! - Values through which the kernel calls into the module: [`kthread`], [`delayed_work`],
//!   [`shrinker`], [`tracepoint`], [`param`], [`sysfs`], [`debugfs_file`] with [`seq_file`] and
//!   [`write_data`].
//! - Waiting and time: [`wait_queue`], [`clock`].
//! - Reads of shared memory: [`read_once`], `barrier`, `seqlock`.
//! - A check of the bindings: [`layout`]. The module itself: `this_module`.
//! - Differences between kernel versions: [`compat`].
//!
//! # Soundness
//!
//! Safe code may leak any value ([`core::mem::forget`]), move it, drop it early, and use it in as
//! many threads as its type allows. The `# Invariants` of each type say why that is sound. As in
//! the `kernel` crate, one thing is left to the user: a value through which the kernel calls into
//! the module must be dropped before the module's code is freed. So the module's own value, which
//! the `kernel` crate drops at unload, must own it.

#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_NATIVE)]
compile_error!(
    "taskmonitor cannot read the CPU time of a kernel that accounts it natively: \
     it needs one without CONFIG_VIRT_CPU_ACCOUNTING_NATIVE"
);

mod barrier;
pub(crate) mod capability;
pub(crate) mod clock;
pub(crate) mod compat;
pub(crate) mod cputime;
pub(crate) mod debugfs_file;
pub(crate) mod delayed_work;
pub(crate) mod exit;
pub(crate) mod exit_notice;
pub(crate) mod kthread;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod param;
pub(crate) mod pid;
pub(crate) mod process_tree;
pub(crate) mod read_once;
pub(crate) mod run_delay;
pub(crate) mod seq_file;
mod seqlock;
pub(crate) mod shrinker;
pub(crate) mod signal;
pub(crate) mod slab;
pub(crate) mod sysfs;
pub(crate) mod task_identity;
mod this_module;
pub(crate) mod tracepoint;
pub(crate) mod upid;
pub(crate) mod wait_queue;
pub(crate) mod write_data;

/// Compiles only if each of these traits requires `'static`. Their implementations must not borrow,
/// because the kernel continues to call them if the value that registered them is leaked.
#[allow(dead_code)]
fn callbacks_are_static<R, S, H, E, L, A, F, D>()
where
    R: kthread::Run,
    S: shrinker::Shrink,
    H: tracepoint::ForkHandler,
    E: tracepoint::ExitHandler,
    L: param::Listener,
    A: sysfs::AttributeOperations,
    F: debugfs_file::FileOperations,
    D: delayed_work::Deferred<0>,
{
    fn is_static<T: 'static>() {}
    is_static::<(R, S, H, E, L, A, F, D)>();
}
