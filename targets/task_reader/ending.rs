// SPDX-License-Identifier: GPL-2.0

//! Reading a task that is ending, or has ended.

use super::TaskReader;
use crate::{
    abstractions::{
        cputime::{self, CpuTime},
        exit::{self, ExitProgress},
        run_delay,
    },
    targets::reading::{sample, Reading, TaskEnd},
};
use kernel::{prelude::*, sync::rcu};

impl TaskReader {
    /// Reads a thread that is ending, or that no longer has its PID.
    #[cold]
    pub(super) fn read_exiting_thread(self: Pin<&mut Self>, rcu: &rcu::Guard) -> Reading {
        match exit::progress(&self.task) {
            // After an `exec` the thread has the PID of the process, and no thread has its old one.
            ExitProgress::Running if self.exit.pid().thread().is_none() => {}
            ExitProgress::Running | ExitProgress::Reaping => return self.read_alive(rcu),
            ExitProgress::Zombie | ExitProgress::Reaped => {}
        }
        self.ended(
            cputime::thread_times(&self.task),
            run_delay::thread_ns(&self.task),
        )
    }

    /// Reads a process whose leader is ending: `progress` says how far, or that has a new leader.
    #[cold]
    pub(super) fn read_exiting_process(
        self: Pin<&mut Self>,
        progress: ExitProgress,
        rcu: &rcu::Guard,
    ) -> Reading {
        let run_delay_ns = self.ended_threads.exited_process_ns(&self.task);
        match progress {
            ExitProgress::Reaped => self.ended(self.final_times(rcu), run_delay_ns),
            // A process has not ended as long as it has other threads that were not reaped.
            ExitProgress::Zombie if exit::process_threads(&self.task) == 1 => {
                let totals = cputime::process_totals(&self.task, self.ended_threads, rcu);
                self.ended(cputime::process_times(&self.task, totals), run_delay_ns)
            }
            // The parent may just be reading the totals. Computing them again here could change
            // what it is given.
            ExitProgress::Reaping => Reading::Changed(sample(
                cputime::reported_process_times(&self.task),
                run_delay_ns,
            )),
            ExitProgress::Running | ExitProgress::Zombie => self.read_alive(rcu),
        }
    }

    /// Returns the reading of a task that has ended with the totals `times` and `run_delay_ns`.
    fn ended(&self, times: CpuTime, run_delay_ns: u64) -> Reading {
        let zombie = self.exit.zombie();
        let end = TaskEnd {
            at_us: zombie.map(|zombie| zombie.at_us),
            is_single: zombie.map_or(!self.is_process, |zombie| zombie.reaped_threads_ns == 0),
        };
        Reading::Ended(sample(times, run_delay_ns), end)
    }

    /// Returns the totals of a process that has been reaped.
    ///
    /// If the parent reaped it by `wait4()`, these are the totals that the parent was given. They
    /// may lack what was accounted between that reading and the reaping. Otherwise they are what
    /// the scheduler accounted: for the other threads until they were reaped, for the leader until
    /// it left the CPU. The sums that `__exit_signal()` makes are not enough for that, because a
    /// process that reaps itself is still running then.
    fn final_times(&self, rcu: &rcu::Guard) -> CpuTime {
        if self.exit.is_reported() {
            return cputime::reported_process_times(&self.task);
        }
        let mut totals = cputime::process_totals(&self.task, self.ended_threads, rcu);
        if let Some(zombie) = self.exit.zombie().filter(|zombie| zombie.is(&self.task)) {
            let booked_ns = zombie.reaped_threads_ns + cputime::thread_runtime_ns(&self.task);
            totals.runtime_ns = totals.runtime_ns.max(booked_ns);
        }
        cputime::process_times(&self.task, totals)
    }
}
