// SPDX-License-Identifier: GPL-2.0

//! The CPU time that tasks have consumed, as the scheduler accounts it.
//!
//! What `kernel/sched/cputime.c` computes for /proc/PID/stat and `wait4()`, for modules: of its
//! functions only `task_cputime_adjusted()` is exported, so times are computed here by the same rules
//! and with the same state, the `prev_cputime` of a thread or of a process. Whoever asks the kernel
//! about it, before or after, is therefore told of the same split.
//!
//! C headers: [`include/linux/sched/cputime.h`](srctree/include/linux/sched/cputime.h),
//! [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).

use super::{once::read_once, seqlock};
use core::ptr::{addr_of, addr_of_mut};
use kernel::{bindings, ffi::c_void, sync::rcu, task::Task};

pub(crate) use super::{seqlock::Sequence, vtime::timed as is_timed};

/// CPU time consumed, in nanoseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// In user mode.
    pub(crate) user_ns: u64,
    /// In the kernel.
    pub(crate) system_ns: u64,
}

impl CpuTime {
    /// Both together.
    pub(crate) fn total_ns(self) -> u64 {
        self.user_ns.wrapping_add(self.system_ns)
    }
}

extern "C" {
    /// Exported by kernel/sched/cputime.c for modules under the GPL. The task's type is left out, as
    /// `struct task_struct` has parts that are empty in some kernels, which is not for other ABIs.
    pub(super) fn task_cputime_adjusted(task: *mut c_void, user: *mut u64, system: *mut u64);
}

/// The time for which `task`, a thread, has run, in nanoseconds.
#[inline]
pub(crate) fn thread_runtime_ns(task: &Task) -> u64 {
    // SAFETY: The task is live memory.
    unsafe { read_once!(task.as_ptr(), se.sum_exec_runtime) }
}

/// What `task`, a thread, has consumed.
pub(crate) fn thread_times(task: &Task) -> CpuTime {
    let mut times = CpuTime::default();
    // SAFETY: The task is live, also after its end.
    unsafe {
        task_cputime_adjusted(
            task.as_ptr().cast(),
            &mut times.user_ns,
            &mut times.system_ns,
        )
    };
    times
}

/// The same where it is known that the thread has run for `runtime_ns`, and that ticks book that.
#[inline(always)]
pub(crate) fn thread_times_at(task: &Task, runtime_ns: u64) -> CpuTime {
    let task = task.as_ptr();
    // SAFETY: The task is live, also after its end.
    unsafe {
        let booked = super::vtime::booked_times(task);
        let totals = Totals {
            runtime_ns,
            user_ns: booked.user_ns,
            system_ns: booked.system_ns,
        };
        with_previous(addr_of_mut!((*task).prev_cputime), |previous| {
            adjust(previous, totals)
        })
    }
}

/// Whether the process of `leader`, which leads it, has run since it was read as a [`Single`] of this
/// `own_ns` and `sequence`; `None` if it has come to have more threads.
///
/// If it has not, the caller looks afterwards whether the leader has not begun to end, as with
/// [`single_totals`].
#[inline(always)]
pub(crate) fn has_single_run(leader: &Task, own_ns: u64, sequence: Sequence) -> Option<bool> {
    let leader = leader.as_ptr();
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe {
        if read_once!(leader, se.sum_exec_runtime) != own_ns {
            return Some(true);
        }
        let signal = read_once!(leader, signal);
        if read_once!(signal, nr_threads) != 1 {
            return None;
        }
        let counter = addr_of!((*signal).stats_lock.seqcount.seqcount);
        Some(!seqlock::is_unchanged(counter, sequence))
    }
}

/// The time for which all other threads of the process of `leader` have run, in nanoseconds, if they
/// have all been reaped; `None` if some are left.
///
/// To be called with `tasklist_lock` held for writing, under which threads are created and reaped, or
/// while the process cannot change for another reason.
pub(super) fn alone(leader: &Task) -> Option<u64> {
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe {
        let signal = read_once!(leader.as_ptr(), signal);
        (read_once!(signal, nr_threads) == 1).then(|| read_once!(signal, sum_sched_runtime))
    }
}

/// The unscaled totals of a thread, or of a process with its dead threads.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals {
    /// For how long it has run, in nanoseconds.
    pub(crate) runtime_ns: u64,
    user_ns: u64,
    system_ns: u64,
}

/// The totals of a process of one thread.
pub(crate) struct Single {
    /// Of the process, with what threads had used that were reaped before.
    pub(crate) totals: Totals,
    /// The run time of the thread alone, in nanoseconds.
    pub(crate) own_ns: u64,
    /// The sequence of the process's sums at which that was read.
    pub(crate) sequence: Sequence,
}

/// Adds up what the process of `leader`, which leads it, has consumed, if that is the only thread left;
/// `None` if it is not.
///
/// The caller looks afterwards whether the leader has not begun to end ([`exit::lives`]). When it
/// is reaped, `__exit_signal()` adds its own times to those of the other threads, and by then it is a
/// zombie for others to see.
///
/// [`exit::lives`]: super::exit::lives
#[inline(always)]
pub(crate) fn single_totals(leader: &Task) -> Option<Single> {
    // SAFETY: A task keeps its signal structure until it is freed itself. `__exit_signal()` changes
    // the sums and the number of threads of a process within one write section of `stats_lock`, so
    // that what is read within one sequence belongs together. A thread that is created meanwhile has
    // not run.
    unsafe {
        let leader = leader.as_ptr();
        let signal = read_once!(leader, signal);
        let counter = addr_of!((*signal).stats_lock.seqcount.seqcount);
        let sequence = seqlock::begin(counter)?;
        if read_once!(signal, nr_threads) != 1 {
            return None;
        }
        let own_ns = read_once!(leader, se.sum_exec_runtime);
        let raw = super::vtime::raw_times(leader);
        let totals = Totals {
            runtime_ns: read_once!(signal, sum_sched_runtime).wrapping_add(own_ns),
            user_ns: read_once!(signal, utime).wrapping_add(raw.user_ns),
            system_ns: read_once!(signal, stime).wrapping_add(raw.system_ns),
        };
        seqlock::is_unchanged(counter, sequence).then_some(Single {
            totals,
            own_ns,
            sequence,
        })
    }
}

/// Adds up what the threads of the process of `task` have consumed, dead ones included, each once.
///
/// As long as threads come and go during the sum it begins anew, at last under their lock.
#[inline(never)]
pub(crate) fn process_totals(task: &Task, _rcu: &rcu::Guard) -> Totals {
    // SAFETY: A task keeps its signal structure until it is freed itself. Under RCU the threads on
    // the list, and their links, stay where they are.
    unsafe {
        let signal = read_once!(task.as_ptr(), signal);
        seqlock::read(addr_of_mut!((*signal).stats_lock), || {
            let mut totals = Totals {
                runtime_ns: read_once!(signal, sum_sched_runtime),
                user_ns: read_once!(signal, utime),
                system_ns: read_once!(signal, stime),
            };
            let head = addr_of_mut!((*signal).thread_head);
            let mut link = read_once!(head, next);
            while link != head {
                let thread = kernel::container_of!(link, bindings::task_struct, thread_node);
                let raw = super::vtime::raw_times(thread);
                totals.runtime_ns += read_once!(thread, se.sum_exec_runtime);
                totals.user_ns += raw.user_ns;
                totals.system_ns += raw.system_ns;
                link = read_once!(link, next);
            }
            totals
        })
    }
}

/// What the process of `task` has consumed, given its totals.
#[inline(always)]
pub(crate) fn process_times(task: &Task, totals: Totals) -> CpuTime {
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe { with_previous(process_previous(task), |previous| adjust(previous, totals)) }
}

/// What the last one who asked was given as the totals of the process of `task`: its parent, once
/// that has waited for it.
pub(crate) fn process_times_told(task: &Task) -> CpuTime {
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe { with_previous(process_previous(task), |_| {}) }
}

fn process_previous(task: &Task) -> *mut bindings::prev_cputime {
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe { addr_of_mut!((*read_once!(task.as_ptr(), signal)).prev_cputime) }
}

/// Splits the run time as `cputime_adjust()` does, given what was told of it before.
#[inline(always)]
fn adjust(previous: &mut CpuTime, totals: Totals) {
    let runtime = totals.runtime_ns;
    if previous.total_ns() >= runtime {
        return;
    }
    let system = match totals.system_ns {
        0 => 0,
        // All of it where nothing was booked as user time.
        system => mul_div(system, runtime, totals.user_ns.wrapping_add(system)),
    };
    // Neither part ever falls. As the total grows, there is always one that can give way. Both that
    // share and what was told before are no more than the total.
    let system = system.max(previous.system_ns);
    let user = runtime.wrapping_sub(system).max(previous.user_ns);
    *previous = CpuTime {
        user_ns: user,
        system_ns: runtime.wrapping_sub(user),
    };
}

/// Runs `f` on a `prev_cputime`, under its lock, which is a leaf, and returns what it left.
///
/// # Safety
///
/// `previous` is that of a live task, or of the signal structure of one.
#[inline(always)]
unsafe fn with_previous(
    previous: *mut bindings::prev_cputime,
    f: impl FnOnce(&mut CpuTime),
) -> CpuTime {
    // SAFETY: By the safety requirement. The times are accessed under their lock.
    unsafe {
        let flags = bindings::_raw_spin_lock_irqsave(addr_of_mut!((*previous).lock));
        let mut times = CpuTime {
            user_ns: (*previous).utime,
            system_ns: (*previous).stime,
        };
        f(&mut times);
        (*previous).utime = times.user_ns;
        (*previous).stime = times.system_ns;
        bindings::_raw_spin_unlock_irqrestore(addr_of_mut!((*previous).lock), flags);
        times
    }
}

/// `a * b / c`, with the product in full, as `mul_u64_u64_div_u64()`. `a` is at most `c`.
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    if a >= c {
        return b;
    }
    #[cfg(target_arch = "x86_64")]
    {
        let quotient: u64;
        // SAFETY: As `a` is less than `c`, the quotient is less than `b`: no overflow, and `c` is
        // not zero.
        unsafe {
            core::arch::asm!(
                "mul {b}",
                "div {c}",
                b = in(reg) b,
                c = in(reg) c,
                inout("rax") a => quotient,
                out("rdx") _,
                options(pure, nomem, nostack),
            );
        }
        quotient
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: `c` is not zero, as it is greater than `a`.
        unsafe { bindings::mul_u64_add_u64_div_u64(a, b, 0, c) }
    }
}
