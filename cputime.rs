// SPDX-License-Identifier: GPL-2.0

//! What a task has consumed: a thread or a process, alive or dead.

use crate::{
    abstractions::{
        cputime::{self, CpuTime},
        exit::{self, End},
        pid::Pid,
    },
    delta::Sample,
};
use kernel::{
    prelude::*,
    sync::{aref::ARef, rcu},
    task::Task,
};

/// Processes with more threads than this are added up with no lock of ours held.
const MANY_THREADS: u32 = 16;

/// The task whose CPU time is read: one thread, or all threads of a process.
pub(crate) struct Subject {
    /// The thread, or one that leads or has led the process. Kept until the end has been recorded.
    task: ARef<Task>,
    is_process: bool,
    /// Whether nobody would have waited for it, when that was last looked at.
    is_unattended: bool,
    /// Whether that was when it began to end, and holds.
    is_settled: bool,
    /// The run time at the last reading.
    runtime_ns: u64,
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
    Ended(Sample),
}

impl Reading {
    /// The sample, where it differs from the one before.
    pub(crate) fn sample(self) -> Option<Sample> {
        match self {
            Reading::Same => None,
            Reading::Changed(sample) | Reading::Ended(sample) => Some(sample),
        }
    }

    /// Whether the task has ended.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Reading::Ended(_))
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
    /// The task that `pid` names: a process, where it leads one, else a thread. `ESRCH`: none.
    pub(crate) fn find(pid: &Pid) -> Result<Self> {
        let (task, is_process) = match pid.leader() {
            Some(leader) => (leader, true),
            None => (pid.thread().ok_or(ESRCH)?, false),
        };
        Ok(Self::new(task, is_process))
    }

    /// The process that `leader` leads, which has not run yet.
    pub(crate) fn new_process(leader: &Task) -> Self {
        Self::new(leader.into(), true)
    }

    fn new(task: ARef<Task>, is_process: bool) -> Self {
        let mut subject = Self {
            task,
            is_process,
            is_unattended: false,
            is_settled: false,
            runtime_ns: 0,
        };
        subject.look_who_waits(&rcu::read_lock());
        subject
    }

    /// Looks at whether anybody will wait for it.
    fn look_who_waits(&mut self, rcu: &rcu::Guard) {
        if !self.is_settled {
            self.is_unattended = self.is_process && exit::is_unattended(&self.task, rcu);
        }
    }

    /// Says that it begins to end just now.
    pub(crate) fn begin_end(&mut self, rcu: &rcu::Guard) {
        self.look_who_waits(rcu);
        self.is_settled = true;
    }

    /// Whether it is a process.
    pub(crate) fn is_process(&self) -> bool {
        self.is_process
    }

    /// Looks at the task. `pid` is the number under which it was found. Where it has run, that is a
    /// reading, which [`read_thread`](Self::read_thread) or [`read_single`](Self::read_single) is to
    /// follow.
    #[inline(always)]
    pub(crate) fn glance(&mut self, pid: &Pid) -> Glance {
        if !exit::lives_as(&self.task, pid) {
            return Glance::Unknown;
        }
        let runtime_ns = if self.is_process {
            cputime::single_runtime_ns(&self.task)
        } else {
            // Where switches are timed, a thread's run time is not brought up to date by ticks.
            (!cputime::is_timed()).then(|| cputime::thread_runtime_ns(&self.task))
        };
        match runtime_ns {
            None => Glance::Unknown,
            Some(runtime_ns) if runtime_ns == self.runtime_ns => Glance::Same,
            Some(runtime_ns) => {
                self.runtime_ns = runtime_ns;
                if self.is_process {
                    Glance::ProcessRan
                } else {
                    Glance::ThreadRan
                }
            }
        }
    }

    /// Reads what a thread has consumed of which a glance has just said that it has run.
    #[inline(always)]
    pub(crate) fn read_thread(&self) -> Sample {
        cputime::thread_times_at(&self.task, self.runtime_ns).into()
    }

    /// Reads what a process of one thread has consumed of which a glance has just said that it has run.
    #[inline(always)]
    pub(crate) fn read_single(&self) -> Sample {
        cputime::single_times_at(&self.task, self.runtime_ns).into()
    }

    /// Forgets the last reading, of which no sample was made, so that the next one is none of the same.
    #[cold]
    pub(crate) fn forget_reading(&mut self) {
        self.runtime_ns = u64::MAX;
    }

    /// Whether reading may take long, and is to be done with no lock held.
    pub(crate) fn is_wide(&self) -> bool {
        self.is_process && exit::process_threads(&self.task) > MANY_THREADS
    }

    /// Reads what has been consumed, in time that grows with the number of threads. `pid` is the
    /// number under which the subject was found.
    pub(crate) fn read(&mut self, pid: &Pid, rcu: &rcu::Guard) -> Reading {
        if !exit::lives_as(&self.task, pid) {
            return self.read_beyond(pid, rcu);
        }
        self.read_alive(rcu)
    }

    fn read_alive(&mut self, rcu: &rcu::Guard) -> Reading {
        if !self.is_process {
            self.runtime_ns = cputime::thread_runtime_ns(&self.task);
            return Reading::Changed(cputime::thread_times(&self.task).into());
        }
        self.look_who_waits(rcu);
        let totals = cputime::process_totals(&self.task, rcu);
        if core::mem::replace(&mut self.runtime_ns, totals.runtime_ns) == totals.runtime_ns {
            return Reading::Same;
        }
        Reading::Changed(cputime::process_times(&self.task, totals).into())
    }

    /// Reads a task that has ended, or that no longer bears the number.
    #[cold]
    fn read_beyond(&mut self, pid: &Pid, rcu: &rcu::Guard) -> Reading {
        if self.is_process {
            self.read_process_beyond(pid, rcu)
        } else {
            self.read_thread_beyond(pid, rcu)
        }
    }

    fn read_thread_beyond(&mut self, pid: &Pid, rcu: &rcu::Guard) -> Reading {
        match exit::end_of(&self.task) {
            // An `exec` gave it the number of its process: no thread has this number any more.
            End::Coming if pid.thread().is_none() => {}
            End::Coming | End::Reaping => return self.read_alive(rcu),
            End::Final | End::Reaped => {}
        }
        Reading::Ended(cputime::thread_times(&self.task).into())
    }

    fn read_process_beyond(&mut self, pid: &Pid, rcu: &rcu::Guard) -> Reading {
        // After an `exec` by another thread that one leads.
        if let Some(leader) = pid.leader() {
            self.task = leader;
        }
        match exit::end_of(&self.task) {
            End::Reaped => Reading::Ended(self.final_times(rcu).into()),
            // Alone: threads that have not been reaped keep the process from ending.
            End::Final if exit::process_threads(&self.task) == 1 => {
                let totals = cputime::process_totals(&self.task, rcu);
                Reading::Ended(cputime::process_times(&self.task, totals).into())
            }
            // The parent is being told. What it is told must not be changed by our asking.
            End::Reaping => Reading::Changed(cputime::process_times_told(&self.task).into()),
            End::Coming | End::Final => self.read_alive(rcu),
        }
    }

    /// What a process that has been reaped has consumed.
    ///
    /// That is what its parent was told. Between that and the reaping the scheduler may have booked
    /// the last instructions of the exit, and a tick. Where nobody waited for it nobody was told: the
    /// process reaped itself. So it did, too, where more than that is missing and it was not seen to
    /// begin to end: its parent has ceased to care for children since it was looked at.
    fn final_times(&self, rcu: &rcu::Guard) -> CpuTime {
        let told = cputime::process_times_told(&self.task);
        let totals = cputime::process_totals(&self.task, rcu);
        let untold_ns = totals.runtime_ns.saturating_sub(told.total_ns());
        let is_much_untold = !self.is_settled && untold_ns > 2 * cputime::TICK_NS;
        if self.is_unattended || is_much_untold {
            return cputime::process_times(&self.task, totals);
        }
        told
    }
}
