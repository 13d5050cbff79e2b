// SPDX-License-Identifier: GPL-2.0

//! Safe wrappers for what the `kernel` crate does not offer yet.
//!
//! The lower of the module's two floors: `unsafe` and the C bindings are here and nowhere else, and
//! nothing here knows of samples or segments.

pub(crate) mod clock;
pub(crate) mod cputime;
pub(crate) mod delayed_work;
pub(crate) mod exit;
pub(crate) mod exit_notice;
pub(crate) mod kthread;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod once;
pub(crate) mod param;
pub(crate) mod pid;
pub(crate) mod pid_numbers;
#[cfg(CONFIG_KUNIT)]
pub(crate) mod random;
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
