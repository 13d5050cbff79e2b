// SPDX-License-Identifier: GPL-2.0

//! Safe wrappers for what the `kernel` crate does not offer yet.
//!
//! The lower of the module's two floors: `unsafe` and the C bindings are here and nowhere else, and
//! nothing here knows of samples or segments.
//!
//! Safe code may leak any value ([`core::mem::forget`]), move it, drop it early, and use it from as many
//! threads as its type allows. Each type's `# Invariants` say why it is sound all the same. One thing
//! they cannot answer for, here as in the `kernel` crate: a value by which the kernel calls into the
//! module (a thread, a shrinker, a probe, a file) is to go before the module's code does, so that the
//! module's own value must own it, which the kernel crate drops at unload.

#[cfg(CONFIG_VIRT_CPU_ACCOUNTING_NATIVE)]
compile_error!(
    "taskmonitor cannot read the CPU time of a kernel that accounts it natively: \
     it needs one without CONFIG_VIRT_CPU_ACCOUNTING_NATIVE"
);

pub(crate) mod clock;
pub(crate) mod cputime;
pub(crate) mod delayed_work;
pub(crate) mod exit;
pub(crate) mod exit_notice;
pub(crate) mod killable;
pub(crate) mod kthread;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod once;
pub(crate) mod param;
pub(crate) mod pid;
pub(crate) mod pid_numbers;
pub(crate) mod rights;
pub(crate) mod seq_file;
mod seqlock;
pub(crate) mod shrinker;
pub(crate) mod slab;
mod slab_batch;
mod slab_object;
pub(crate) mod sysfs;
pub(crate) mod tracepoint;
mod vtime;
pub(crate) mod written;

/// The kernel goes on calling these where the value that registered them is leaked, so that they must not
/// borrow: this compiles for only as long as each of the traits says `'static`.
#[allow(dead_code)]
fn none_borrows<R, S, W, L, A, F, D>()
where
    R: kthread::Run,
    S: shrinker::Shrink,
    W: tracepoint::Watch,
    L: param::Listener,
    A: sysfs::Show,
    F: seq_file::Records,
    D: delayed_work::Deferred<0>,
{
    fn is_static<T: 'static>() {}
    is_static::<(R, S, W, L, A, F, D)>();
}
