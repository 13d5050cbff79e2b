// SPDX-License-Identifier: GPL-2.0

//! Reading a process of one thread, in fewer instructions than any process.

use super::{
    adjust::{adjust, with_previous},
    raw::{raw_times, CpuTime},
    thread_activity, Activity,
};
use crate::abstractions::{
    exit,
    read_once::read_once,
    run_delay::EndedThreads,
    seqlock::{self, Sequence},
};
use core::{
    marker::PhantomData,
    ptr::{addr_of, addr_of_mut},
};
use kernel::{bindings, task::Task};

/// What a process of one thread has consumed and waited, including its reaped threads.
///
/// # Invariants
///
/// `signal` is the signal structure of a task that is alive for `'a`.
pub(crate) struct SingleThreaded<'a> {
    signal: *mut bindings::signal_struct,
    _leader: PhantomData<&'a Task>,
    /// For how long it has run, in nanoseconds.
    runtime_ns: u64,
    raw: CpuTime,
    /// For how long it has waited for a CPU, in nanoseconds.
    pub(crate) run_delay_ns: u64,
    /// The activity of the thread alone.
    pub(crate) own: Activity,
    /// The value of the sequence counter of the sums.
    pub(crate) sequence: Sequence,
}

impl<'a> SingleThreaded<'a> {
    /// Reads the process that `leader` leads. `ended`: what its ended threads have waited.
    ///
    /// Returns `None` if it has more than one thread, is ending, or a writer of the sums is active.
    #[inline(always)]
    pub(crate) fn read(leader: &'a Task, ended: EndedThreads) -> Option<Self> {
        // SAFETY: A `&Task` is a live `task_struct`, which keeps its signal structure until it is
        // freed. `__exit_signal()` changes the sums and the number of threads of a process in one
        // write section of `stats_lock`, so that all reads within one sequence are consistent. A
        // thread that is created meanwhile has not run yet.
        unsafe {
            let task = leader.as_ptr();
            let signal = read_once!(task, signal);
            let counter = addr_of!((*signal).stats_lock.seqcount.seqcount);
            let sequence = seqlock::begin(counter);
            if read_once!(signal, nr_threads) != 1 {
                return None;
            }
            let own_ns = read_once!(task, se.sum_exec_runtime);
            let ended = ended.sum(signal);
            let own_delay_ns = ended.of_thread_not_in(task);
            let own = raw_times(task);
            let runtime_ns = read_once!(signal, sum_sched_runtime).wrapping_add(own_ns);
            let raw = CpuTime {
                user_ns: read_once!(signal, utime).wrapping_add(own.user_ns),
                system_ns: read_once!(signal, stime).wrapping_add(own.system_ns),
            };
            // If another thread calls `exec`, the old leader is reaped while one thread is left
            // (`de_thread()`). `__exit_signal()` adds its times to those of the reaped threads, so
            // that they were counted twice above. By then all CPUs see that the old leader is not
            // alive.
            if !seqlock::is_unchanged(counter, sequence) || !exit::is_alive(leader) {
                return None;
            }
            // INVARIANT: The leader is borrowed, and keeps its signal structure until it is freed.
            Some(Self {
                signal,
                _leader: PhantomData,
                runtime_ns,
                raw,
                run_delay_ns: ended.total_ns.wrapping_add(own_delay_ns),
                own: Activity::new(own_ns, own_delay_ns),
                sequence,
            })
        }
    }

    /// Returns the CPU time that the process has consumed.
    #[inline(always)]
    pub(crate) fn times(&self) -> CpuTime {
        // SAFETY: By the type invariant the signal structure is valid.
        unsafe {
            with_previous(addr_of_mut!((*self.signal).prev_cputime), |previous| {
                adjust(previous, self.runtime_ns, self.raw)
            })
        }
    }

    /// Returns whether the process that `leader` leads has run or waited for a CPU since
    /// [`read`](Self::read) returned this `own` and `sequence` for it; `None` if it has more than
    /// one thread now.
    ///
    /// If it has not, the caller must check afterwards that the leader is alive
    /// ([`exit::is_alive`]).
    #[inline(always)]
    pub(crate) fn has_run(leader: &Task, own: Activity, sequence: Sequence) -> Option<bool> {
        if thread_activity(leader) != own {
            return Some(true);
        }
        // SAFETY: As in `read`.
        unsafe {
            let signal = read_once!(leader.as_ptr(), signal);
            if read_once!(signal, nr_threads) != 1 {
                return None;
            }
            let counter = addr_of!((*signal).stats_lock.seqcount.seqcount);
            Some(!seqlock::is_unchanged(counter, sequence))
        }
    }
}
