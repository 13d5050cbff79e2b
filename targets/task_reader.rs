// SPDX-License-Identifier: GPL-2.0

//! Reading the CPU time and the run delay of one task, a thread or a process, until it has been
//! reaped.

mod ending;

use super::{
    identity::{Identity, LastSeen},
    reading::{sample, QuickCheck, Reading},
};
use crate::{
    abstractions::{
        cputime::{self, Activity, Sequence, SingleThreaded},
        exit,
        exit_notice::ExitNotice,
        pid::Pid,
        process_tree,
        run_delay::{self, EndedThreads},
    },
    codec::Sample,
};
use kernel::{
    alloc::Flags,
    current,
    prelude::*,
    sync::{aref::ARef, rcu},
    task::Task,
};

/// A process with more threads than this is read without any lock of this module.
const MANY_THREADS: u32 = 16;

/// The value of [`TaskReader::process_ns`] if there is no reading to compare with.
const NO_READING: (u64, u64) = (u64::MAX, u64::MAX);

/// Reads one thread, or all threads of a process.
///
/// Holds references to the `task_struct` and to the `struct pid` of the task. It is dropped as soon
/// as the exit sample has been taken, and with no spinlock held.
#[pin_data]
pub(crate) struct TaskReader {
    /// The thread; or the leader, or a former leader, of the process.
    task: ARef<Task>,
    is_process: bool,
    /// The run time and the run delay of all threads of the process when [`read`](Self::read) last
    /// read it while it was alive and had several threads, nanoseconds. Not used for a thread.
    process_ns: (u64, u64),
    /// The activity of `task` alone when it was last read, if it is a thread or was the only thread
    /// of the process then.
    own: Activity,
    /// The sequence count of the sums of the process when `read_single` last read them.
    sequence: Sequence,
    /// What the ended threads of the process have waited. Not used for a thread.
    ended_threads: EndedThreads,
    /// The kernel's notices of the end of the task.
    #[pin]
    exit: ExitNotice,
}

impl TaskReader {
    /// A reader for the task with `pid`: the process if the task is a thread group leader, else the
    /// thread.
    ///
    /// May sleep if `flags` allow it. Fails with `ESRCH` if there is no such task, and with
    /// `ENOMEM`.
    pub(super) fn find(pid: ARef<Pid>, flags: Flags) -> Result<Pin<KBox<Self>>> {
        let (task, is_process) = match pid.leader() {
            Some(leader) => (leader, true),
            None => (pid.thread().ok_or(ESRCH)?, false),
        };
        Self::new(task, pid, is_process, flags)
    }

    /// A reader for a new process, whose `leader` has not run yet. Does not sleep. Fails with
    /// `ENOMEM`.
    pub(super) fn new_process(leader: &Task, pid: ARef<Pid>) -> Result<Pin<KBox<Self>>> {
        Self::new(leader.into(), pid, true, GFP_NOWAIT)
    }

    fn new(
        task: ARef<Task>,
        pid: ARef<Pid>,
        is_process: bool,
        flags: Flags,
    ) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                task,
                is_process,
                process_ns: NO_READING,
                own: Activity::NONE,
                sequence: Sequence::default(),
                ended_threads: EndedThreads::new(),
                exit <- ExitNotice::new(pid, *is_process),
            }),
            flags,
        )
    }

    /// Returns the PID by which the task was found.
    pub(super) fn pid(&self) -> &Pid {
        self.exit.pid()
    }

    /// Returns the identity of the task. May sleep if `flags` allow it. Fails with `ENOMEM`.
    pub(super) fn identity(&self, flags: Flags) -> Result<Identity> {
        Identity::of(&self.task, self.exit.pid(), flags)
    }

    /// Returns whether the task is the current process, which has no children and no other thread
    /// that could fork one.
    pub(super) fn is_childless_current(&self) -> bool {
        let current = current!();
        core::ptr::eq(&*self.task, &**current)
            && exit::process_threads(current) == 1
            && !process_tree::has_children(current)
    }

    /// Returns what the task is now, or what it was when it ended.
    pub(super) fn last_seen(&self) -> LastSeen {
        if !self.is_process || exit::is_alive(&self.task) {
            return LastSeen::of(&self.task, self.is_process);
        }
        // If another thread has called `exec`, that thread has become the leader, which the next
        // reading finds out, unless the process has ended by then.
        if let Some(leader) = self.exit.pid().leader() {
            return LastSeen::of(&leader, true);
        }
        match self.exit.zombie() {
            Some(zombie) => LastSeen::of_zombie(&zombie),
            None => LastSeen::of(&self.task, true),
        }
    }

    /// Sets what the ended threads of the process have waited, for the readings to come.
    #[inline(always)]
    pub(super) fn set_ended_threads(self: Pin<&mut Self>, ended_threads: EndedThreads) {
        *self.project().ended_threads = ended_threads;
    }

    /// Returns whether the task is a process.
    pub(super) fn is_process(&self) -> bool {
        self.is_process
    }

    /// Checks quickly whether the task has run since the last reading. If it has,
    /// [`read_thread`](Self::read_thread) or [`read_single`](Self::read_single) reads it.
    #[inline(always)]
    pub(super) fn quick_check(&self) -> QuickCheck {
        if self.is_process {
            match SingleThreaded::has_run(&self.task, self.own, self.sequence) {
                Some(true) => QuickCheck::ProcessRan,
                Some(false) if exit::is_alive(&self.task) => QuickCheck::Idle,
                _ => QuickCheck::Unknown,
            }
        } else if cputime::vtime_accounting_enabled() {
            // On such a machine there are CPUs without a tick, so the run time of a thread that
            // runs may not have been updated.
            QuickCheck::Unknown
        } else if cputime::thread_activity(&self.task) != self.own {
            QuickCheck::ThreadRan
        } else if exit::is_alive_with_pid(&self.task, self.exit.pid()) {
            QuickCheck::Idle
        } else {
            QuickCheck::Unknown
        }
    }

    /// Returns whether the task has no exit state, and if it is a thread, still has its PID. If
    /// this is true after a reading, the task had not been reaped when it was read.
    fn is_alive(&self) -> bool {
        if self.is_process {
            exit::is_alive(&self.task)
        } else {
            exit::is_alive_with_pid(&self.task, self.exit.pid())
        }
    }

    /// Reads a thread. Returns `None` if it is ending.
    #[inline(always)]
    pub(super) fn read_thread(self: Pin<&mut Self>) -> Option<Sample> {
        if !exit::is_alive_with_pid(&self.task, self.exit.pid()) {
            return None;
        }
        let this = self.project();
        let runtime_ns = cputime::thread_runtime_ns(this.task);
        let run_delay_ns = run_delay::thread_ns(this.task);
        *this.own = Activity::new(runtime_ns, run_delay_ns);
        let times = cputime::thread_times_at(this.task, runtime_ns);
        Some(sample(times, run_delay_ns))
    }

    /// Reads a process of one thread. Returns `None` if it has other threads, or is ending.
    #[inline(always)]
    pub(super) fn read_single(self: Pin<&mut Self>) -> Option<Sample> {
        let this = self.project();
        let single = SingleThreaded::read(this.task, *this.ended_threads)?;
        *this.own = single.own;
        *this.sequence = single.sequence;
        Some(sample(single.times(), single.run_delay_ns))
    }

    /// Discards the last reading, because no sample was made from it. The next one is not compared
    /// with it.
    #[cold]
    pub(crate) fn discard_reading(self: Pin<&mut Self>) {
        let this = self.project();
        *this.own = Activity::NONE;
        *this.process_ns = NO_READING;
    }

    /// Returns whether the task is a process with so many threads that it must be read with no lock
    /// held.
    pub(crate) fn has_many_threads(&self) -> bool {
        self.is_process && exit::process_threads(&self.task) > MANY_THREADS
    }

    /// Reads the task. Does not sleep. Takes time proportional to the number of threads.
    pub(crate) fn read(mut self: Pin<&mut Self>, rcu: &rcu::Guard) -> Reading {
        if self.is_alive() {
            return self.read_alive(rcu);
        }
        if !self.is_process {
            return self.read_exiting_thread(rcu);
        }
        loop {
            let progress = exit::progress(&self.task);
            // If the task is still the leader after that, it has been reaped with its process, and
            // not because another thread called `exec`.
            if !self.as_mut().update_leader() {
                return self.read_exiting_process(progress, rcu);
            }
        }
    }

    /// Finds out whether the process has a new leader: if another thread has called `exec`, that
    /// thread has become the leader (`de_thread()`), and the old one has been reaped.
    fn update_leader(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        match this.exit.pid().leader() {
            Some(leader) if !core::ptr::eq(&*leader, &**this.task) => {
                *this.task = leader;
                true
            }
            _ => false,
        }
    }

    fn read_alive(mut self: Pin<&mut Self>, rcu: &rcu::Guard) -> Reading {
        if !self.is_process {
            let this = self.project();
            let run_delay_ns = run_delay::thread_ns(this.task);
            let runtime_ns = cputime::thread_runtime_ns(this.task);
            *this.own = Activity::new(runtime_ns, run_delay_ns);
            let times = cputime::thread_times(this.task);
            return Reading::Changed(sample(times, run_delay_ns));
        }
        if let Some(sample) = self.as_mut().read_single() {
            return Reading::Changed(sample);
        }
        let totals = cputime::process_totals(&self.task, self.ended_threads, rcu);
        let this = self.project();
        let process_ns = (totals.runtime_ns, totals.run_delay_ns);
        if core::mem::replace(this.process_ns, process_ns) == process_ns {
            return Reading::Same;
        }
        let times = cputime::process_times(this.task, totals);
        Reading::Changed(sample(times, totals.run_delay_ns))
    }
}
