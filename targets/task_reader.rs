// SPDX-License-Identifier: GPL-2.0

//! What a task has consumed: a thread or a process, alive or dead.

use crate::{
    abstractions::{
        cputime::{self, CpuTime, Sequence},
        exit::{self, End},
        exit_notice::ExitNotice,
        pid::Pid,
    },
    delta::Sample,
};
use kernel::{
    alloc::Flags,
    prelude::*,
    sync::{aref::ARef, rcu},
    task::Task,
};

/// Processes with more threads than this are added up with no lock of ours held.
const MANY_THREADS: u32 = 16;

/// The task whose CPU time is read: one thread, or all threads of a process.
///
/// Holds all that keeps structures of the kernel's alive, the task and its `struct pid`, and is dropped
/// once the end has been recorded.
#[pin_data]
pub(crate) struct Subject {
    /// The thread, or one that leads or has led the process.
    task: ARef<Task>,
    is_process: bool,
    /// The run time at the last reading, of all threads of a process.
    runtime_ns: u64,
    /// The run time of `task` itself at the last reading by [`glance`](Self::glance), and the sequence
    /// of its process's sums then.
    own_ns: u64,
    sequence: Sequence,
    /// What the kernel says of its end.
    #[pin]
    exit: ExitNotice,
}

/// When a task ended.
#[derive(Clone, Copy)]
pub(crate) struct Ended {
    /// When it became a zombie, microseconds since boot: all but its last instructions, on the way
    /// out, had been executed. `None` if no notice of that came.
    pub(crate) at_us: Option<u64>,
    /// Whether no more than one thread has ever consumed it.
    pub(crate) is_single: bool,
}

/// What a glance at a task tells of it.
pub(crate) enum Glance {
    /// Nothing was consumed since the last reading.
    Same,
    /// It is one thread, and has run since the last reading.
    ThreadRan,
    /// It is a process of one thread, and has run since the last reading.
    ProcessRan,
    /// It is to be read to know.
    Unknown,
}

/// What a reading found.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    /// Nothing was consumed since the reading before.
    Same,
    /// This has been consumed.
    Changed(Sample),
    /// The task has ended, and this is all that it has consumed.
    Ended(Sample, Ended),
}

impl Reading {
    /// The sample, where it differs from the one before.
    pub(crate) fn sample(self) -> Option<Sample> {
        match self {
            Reading::Same => None,
            Reading::Changed(sample) | Reading::Ended(sample, _) => Some(sample),
        }
    }

    /// Whether the task has ended.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Reading::Ended(..))
    }
}

/// That many nanoseconds, of the 492 years until the inverse is not exact any more; an instruction or
/// two less than the compiler's division, which is for all 64 bits.
#[inline(always)]
fn microseconds(nanoseconds: u64) -> u64 {
    /// 2^73 / 1000, rounded up.
    const INVERSE: u128 = (1_u128 << 73).div_ceil(1000);
    ((u128::from(nanoseconds) * INVERSE) >> 73) as u64
}

impl From<CpuTime> for Sample {
    fn from(time: CpuTime) -> Self {
        Self {
            usr: microseconds(time.user_ns),
            sys: microseconds(time.system_ns),
        }
    }
}

impl Subject {
    /// The task that `pid` names: a process if it leads one, else a thread. May sleep. Fails with
    /// `ESRCH` if there is none, `ENOMEM`.
    pub(crate) fn find(pid: ARef<Pid>) -> Result<Pin<KBox<Self>>> {
        let (task, is_process) = match pid.leader() {
            Some(leader) => (leader, true),
            None => (pid.thread().ok_or(ESRCH)?, false),
        };
        Self::new(task, pid, is_process, GFP_KERNEL)
    }

    /// The process of `pid` that `leader` leads, which has not run yet. Does not sleep. Fails with
    /// `ENOMEM`.
    pub(crate) fn new_process(leader: &Task, pid: ARef<Pid>) -> Result<Pin<KBox<Self>>> {
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
                runtime_ns: 0,
                own_ns: u64::MAX,
                sequence: Sequence::default(),
                exit <- ExitNotice::new(pid, *is_process),
            }),
            flags,
        )
    }

    /// The PID under which it was found.
    pub(crate) fn pid(&self) -> &Pid {
        self.exit.pid()
    }

    /// Whether it is a process.
    pub(crate) fn is_process(&self) -> bool {
        self.is_process
    }

    /// Looks at whether the task has run since it was last looked at. If it has,
    /// [`read_thread`](Self::read_thread) or [`read_single`](Self::read_single) reads it.
    #[inline(always)]
    pub(crate) fn glance(&self) -> Glance {
        if self.is_process {
            match cputime::has_single_run(&self.task, self.own_ns, self.sequence) {
                None => return Glance::Unknown,
                Some(true) => return Glance::ProcessRan,
                Some(false) => {}
            }
        } else if cputime::is_timed() {
            // There, a thread's run time is not brought up to date by ticks.
            return Glance::Unknown;
        } else if cputime::thread_runtime_ns(&self.task) != self.own_ns {
            return Glance::ThreadRan;
        }
        if self.lives() {
            Glance::Same
        } else {
            Glance::Unknown
        }
    }

    /// Whether it has not begun to end, and is still the task to which its PID leads. If that is so
    /// after a reading, it had not been reaped when it was read.
    #[inline(always)]
    fn lives(&self) -> bool {
        if self.is_process {
            exit::lives(&self.task)
        } else {
            exit::lives_as(&self.task, self.exit.pid())
        }
    }

    /// Reads what a thread has consumed; `None` if it has come to end.
    #[inline(always)]
    pub(crate) fn read_thread(self: Pin<&mut Self>) -> Option<Sample> {
        if !self.lives() {
            return None;
        }
        let this = self.project();
        *this.own_ns = cputime::thread_runtime_ns(this.task);
        Some(cputime::thread_times_at(this.task, *this.own_ns).into())
    }

    /// Reads what a process of one thread has consumed; `None` if it has come to have more, or to end.
    #[inline(always)]
    pub(crate) fn read_single(self: Pin<&mut Self>) -> Option<Sample> {
        let single = cputime::single_totals(&self.task)?;
        if !self.lives() {
            return None;
        }
        let this = self.project();
        *this.own_ns = single.own_ns;
        *this.sequence = single.sequence;
        *this.runtime_ns = single.totals.runtime_ns;
        Some(cputime::process_times(this.task, single.totals).into())
    }

    /// Forgets the last reading, of which no sample was made, so that the next one is none of the same.
    #[cold]
    pub(crate) fn forget_reading(self: Pin<&mut Self>) {
        let this = self.project();
        *this.own_ns = u64::MAX;
        *this.runtime_ns = u64::MAX;
    }

    /// Whether reading may take long, and is to be done with no lock held.
    pub(crate) fn is_wide(&self) -> bool {
        self.is_process && exit::process_threads(&self.task) > MANY_THREADS
    }

    /// Reads what has been consumed, in time that grows with the number of threads.
    pub(crate) fn read(mut self: Pin<&mut Self>, rcu: &rcu::Guard) -> Reading {
        if self.lives() {
            return self.read_alive(rcu);
        }
        if !self.is_process {
            return self.read_exiting_thread(rcu);
        }
        // After an `exec` by another thread that one leads.
        let leader = self.exit.pid().leader();
        if let Some(leader) = leader {
            *self.as_mut().project().task = leader;
        }
        self.read_exiting_process(rcu)
    }

    fn read_alive(self: Pin<&mut Self>, rcu: &rcu::Guard) -> Reading {
        let this = self.project();
        if !*this.is_process {
            return Reading::Changed(cputime::thread_times(this.task).into());
        }
        let totals = cputime::process_totals(this.task, rcu);
        if core::mem::replace(this.runtime_ns, totals.runtime_ns) == totals.runtime_ns {
            return Reading::Same;
        }
        Reading::Changed(cputime::process_times(this.task, totals).into())
    }

    /// Reads a thread that has ended, or that no longer has its PID.
    #[cold]
    fn read_exiting_thread(self: Pin<&mut Self>, rcu: &rcu::Guard) -> Reading {
        match exit::end_of(&self.task) {
            // An `exec` gave it the PID of its process: no thread has this one any more.
            End::Coming if self.exit.pid().thread().is_none() => {}
            End::Coming | End::Reaping => return self.read_alive(rcu),
            End::Final | End::Reaped => {}
        }
        self.ended(cputime::thread_times(&self.task))
    }

    /// Reads a process that has ended, or that another thread has come to lead.
    #[cold]
    fn read_exiting_process(self: Pin<&mut Self>, rcu: &rcu::Guard) -> Reading {
        match exit::end_of(&self.task) {
            End::Reaped => self.ended(self.final_times(rcu)),
            // Alone: threads that have not been reaped keep the process from ending.
            End::Final if exit::process_threads(&self.task) == 1 => {
                let totals = cputime::process_totals(&self.task, rcu);
                self.ended(cputime::process_times(&self.task, totals))
            }
            // A parent may be asking for the totals. What it is given must not be changed by a later
            // question of ours.
            End::Reaping => Reading::Changed(cputime::process_times_told(&self.task).into()),
            End::Coming | End::Final => self.read_alive(rcu),
        }
    }

    /// The reading of a task that has ended, and has consumed `times`.
    fn ended(&self, times: CpuTime) -> Reading {
        let zombie = self.exit.zombie();
        let ended = Ended {
            at_us: zombie.map(|zombie| zombie.at_us),
            is_single: zombie.map_or(!self.is_process, |zombie| zombie.reaped_threads_ns == 0),
        };
        Reading::Ended(times.into(), ended)
    }

    /// What a process that has been reaped has consumed.
    ///
    /// If its parent reaped it, that is what the parent was given, which may lack what was booked
    /// between the question and the reaping. Else it is what the scheduler booked: for the other
    /// threads until they were reaped, for the leader until it left the CPU. `__exit_signal()` adds up
    /// what is booked at the reaping, when a process that reaps itself is still running.
    fn final_times(&self, rcu: &rcu::Guard) -> CpuTime {
        if self.exit.is_reported() {
            return cputime::process_times_told(&self.task);
        }
        let mut totals = cputime::process_totals(&self.task, rcu);
        if let Some(zombie) = self.exit.zombie().filter(|zombie| zombie.is(&self.task)) {
            let booked_ns = zombie.reaped_threads_ns + cputime::thread_runtime_ns(&self.task);
            totals.runtime_ns = totals.runtime_ns.max(booked_ns);
        }
        cputime::process_times(&self.task, totals)
    }
}
