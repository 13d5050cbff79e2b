// SPDX-License-Identifier: GPL-2.0

//! Forwards taskmon's signals to the recorded command.

use anyhow::{Context, Result};
use nix::{
    sys::{
        signal::{kill, signal, SigHandler, Signal},
        wait::{waitid, Id, WaitPidFlag},
    },
    unistd::Pid,
};
use signal_hook::{
    consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
    iterator::{exfiltrator::origin::WithOrigin, SignalsInfo},
    low_level::siginfo::{Cause, Origin},
};
use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Catches signals that are sent to taskmon, and forwards them to the command.
#[derive(Clone, Default)]
pub struct SignalForwarder(Arc<Mutex<Recipient>>);

/// Where a signal that arrives now is forwarded to.
enum Recipient {
    /// The command has not started. These signals are forwarded when it has.
    NotStarted(Vec<Signal>),
    Running(Pid),
    /// The command has ended: signals are dropped.
    Ended,
}

impl Default for Recipient {
    fn default() -> Self {
        Self::NotStarted(Vec::new())
    }
}

impl SignalForwarder {
    /// Starts catching signals. A signal that was ignored when taskmon started stays ignored, also
    /// in the command (nohup(1)). SIGCHLD is an exception: it is never ignored.
    pub fn new() -> Result<Self> {
        // Some daemons start their children with SIGCHLD ignored. wait4() could not return the
        // command's status then.
        // SAFETY: no function of this program becomes a signal handler.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.context("catching signals")?;
        let forwarder = Self::default();
        let forwarded = [SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
        let caught = forwarded.iter().filter(|number| !is_ignored(**number));
        let mut signals = SignalsInfo::<WithOrigin>::new(caught).context("catching signals")?;
        let clone = forwarder.clone();
        thread::spawn(move || {
            for origin in &mut signals {
                clone.forward(&origin);
            }
        });
        Ok(forwarder)
    }

    fn forward(&self, origin: &Origin) {
        let Ok(signal) = Signal::try_from(origin.signal) else {
            return;
        };
        match &mut *self.recipient() {
            Recipient::NotStarted(signals) => signals.push(signal),
            // The terminal has sent it to the command too: both are in the same process group.
            Recipient::Running(_) if origin.cause == Cause::Kernel => {}
            Recipient::Running(pid) => send(signal, *pid),
            Recipient::Ended => {}
        }
    }

    fn recipient(&self) -> MutexGuard<'_, Recipient> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forwards signals to the child process `pid` until it has ended. Does not reap it, so its PID
    /// is not reused meanwhile.
    pub fn forward_until_end(&self, pid: u32) -> Result<()> {
        // CAST: a PID is at most 2^22.
        let pid = Pid::from_raw(pid as i32);
        let before = std::mem::replace(&mut *self.recipient(), Recipient::Running(pid));
        if let Recipient::NotStarted(signals) = before {
            signals.into_iter().for_each(|signal| send(signal, pid));
        }
        let ended = loop {
            match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
                Err(nix::errno::Errno::EINTR) => {}
                other => break other,
            }
        };
        *self.recipient() = Recipient::Ended;
        ended.map(drop).context("waiting for the command")
    }
}

fn send(signal: Signal, to: Pid) {
    // An error means that the process has ended.
    let _ = kill(to, signal);
}

/// Returns whether a signal was ignored when taskmon started.
fn is_ignored(number: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (number - 1)) != 0)
}
