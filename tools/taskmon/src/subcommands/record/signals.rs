// SPDX-License-Identifier: GPL-2.0

//! What signals mean while a command is recorded: they are for the command.

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

/// The process that gets the signals.
#[derive(Clone, Default)]
pub struct Receiver(Arc<Mutex<Whose>>);

/// Who gets a signal that comes now.
enum Whose {
    /// The command is about to run, and gets them then.
    Early(Vec<Signal>),
    Of(Pid),
    /// It has ended.
    Nobody,
}

impl Default for Whose {
    fn default() -> Self {
        Self::Early(Vec::new())
    }
}

impl Receiver {
    /// From now on, what taskmon is sent goes to the receiver. Signals that were ignored stay so,
    /// for the command too (nohup), but for SIGCHLD.
    pub fn new() -> Result<Self> {
        // Where it is ignored, as some daemons have it, a child's end leaves nothing to wait for.
        // SAFETY: it is no function of ours that the signal then calls.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.context("catching signals")?;
        let receiver = Self::default();
        let passed_on = [SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
        let caught = passed_on.iter().filter(|number| !is_ignored(**number));
        let mut signals = SignalsInfo::<WithOrigin>::new(caught).context("catching signals")?;
        let to = receiver.clone();
        thread::spawn(move || {
            for origin in &mut signals {
                to.pass_on(&origin);
            }
        });
        Ok(receiver)
    }

    fn pass_on(&self, origin: &Origin) {
        let Ok(signal) = Signal::try_from(origin.signal) else {
            return;
        };
        match &mut *self.whose() {
            Whose::Early(signals) => signals.push(signal),
            // What the terminal sends, the command has got itself.
            Whose::Of(_) if origin.cause == Cause::Kernel => {}
            Whose::Of(pid) => pass(signal, *pid),
            Whose::Nobody => {}
        }
    }

    fn whose(&self) -> MutexGuard<'_, Whose> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes signals on to the process until it has ended. It is left to be waited for, so that
    /// nobody else can have its number meanwhile.
    pub fn be(&self, pid: u32) -> Result<()> {
        // CAST: a pid is never above 2^22.
        let pid = Pid::from_raw(pid as i32);
        let before = std::mem::replace(&mut *self.whose(), Whose::Of(pid));
        if let Whose::Early(signals) = before {
            signals.into_iter().for_each(|signal| pass(signal, pid));
        }
        let ended = loop {
            match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
                Err(nix::errno::Errno::EINTR) => {}
                other => break other,
            }
        };
        *self.whose() = Whose::Nobody;
        ended.map(drop).context("waiting for the command")
    }
}

fn pass(signal: Signal, to: Pid) {
    // It may have ended by now.
    let _ = kill(to, signal);
}

/// Whether a signal was ignored when taskmon began.
fn is_ignored(number: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (number - 1)) != 0)
}
