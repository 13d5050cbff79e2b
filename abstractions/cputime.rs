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
use core::ptr::addr_of_mut;
use kernel::{bindings, ffi::c_void, sync::rcu, task::Task};

/// The time from one tick of the scheduler to the next, in nanoseconds.
pub(crate) const TICK_NS: u64 = 1_000_000_000 / bindings::HZ as u64;

pub(crate) use super::vtime::timed as is_timed;

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

/// The time for which the threads of a process have run, dead ones included, in nanoseconds, where
/// `leader`, which leads it, is the only one left; `None` where it is not.
#[inline(always)]
pub(crate) fn single_runtime_ns(leader: &Task) -> Option<u64> {
    let leader = leader.as_ptr();
    // SAFETY: A task keeps its signal structure until it is freed itself. The number of threads is
    // written last when one goes, so that what it ran for is among the dead once it is one.
    unsafe {
        let signal = read_once!(leader, signal);
        if read_once!(signal, nr_threads) != 1 {
            return None;
        }
        seqlock::read_barrier();
        let own = read_once!(leader, se.sum_exec_runtime);
        Some(read_once!(signal, sum_sched_runtime).wrapping_add(own))
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

/// What the process of `leader` has consumed where that is its only thread, and it is known for how
/// long it has run, dead threads included.
///
/// Those change only while there is another thread, so that nobody needs to be shut out.
#[inline(always)]
pub(crate) fn single_times_at(leader: &Task, runtime_ns: u64) -> CpuTime {
    // SAFETY: A task keeps its signal structure until it is freed itself.
    unsafe {
        let signal = read_once!(leader.as_ptr(), signal);
        let raw = super::vtime::raw_times(leader.as_ptr());
        let totals = Totals {
            runtime_ns,
            user_ns: read_once!(signal, utime).wrapping_add(raw.user_ns),
            system_ns: read_once!(signal, stime).wrapping_add(raw.system_ns),
        };
        with_previous(addr_of_mut!((*signal).prev_cputime), |previous| {
            adjust(previous, totals)
        })
    }
}

/// What somebody was last told about the process of `task`: its parent, once it has been waited for.
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
    if cfg!(CONFIG_VIRT_CPU_ACCOUNTING_NATIVE) {
        *previous = CpuTime {
            user_ns: totals.user_ns,
            system_ns: totals.system_ns,
        };
        return;
    }
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
