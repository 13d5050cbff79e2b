// SPDX-License-Identifier: GPL-2.0

//! What ends a recording: the end of the command, or a signal. Signals are forwarded to the command
//! while it runs.

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
    sync::{
        mpsc::{self, Receiver, Sender},
        Arc, Mutex, MutexGuard, PoisonError,
    },
    thread,
    time::Duration,
};

/// The signals that end a recording of tasks that run by themselves.
const STOPPING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
/// The other signals that are forwarded to a command.
const OTHERS: [i32; 3] = [SIGALRM, SIGUSR1, SIGUSR2];

/// Something that can end the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The command has ended. It has not been reaped.
    CommandEnded,
    /// A signal asks taskmon to stop.
    Stop,
}

/// Catches signals that are sent to taskmon, and waits for events.
pub struct Signals {
    recipient: SharedRecipient,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

/// Where a signal that arrives now goes.
enum Recipient {
    /// Nothing has started. These signals are delivered when something has.
    Nothing(Vec<Signal>),
    /// The command.
    Command(Pid),
    /// taskmon itself: some signals end the recording.
    Taskmon,
}

type SharedRecipient = Arc<Mutex<Recipient>>;

fn locked(recipient: &SharedRecipient) -> MutexGuard<'_, Recipient> {
    recipient.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Signals {
    /// Starts catching signals. A signal that was ignored when taskmon started stays ignored, also
    /// in the command (nohup(1)). SIGCHLD is an exception: it is never ignored.
    pub fn catch(has_command: bool) -> Result<Self> {
        // Some daemons start their children with SIGCHLD ignored. wait4() could not return the
        // command's status then.
        // SAFETY: no function of this program becomes a signal handler.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.context("catching signals")?;
        let others = OTHERS.iter().filter(|_| has_command);
        let caught = STOPPING
            .iter()
            .chain(others)
            .filter(|number| !is_ignored(**number));
        let mut signals = SignalsInfo::<WithOrigin>::new(caught).context("catching signals")?;
        let recipient = Arc::new(Mutex::new(Recipient::Nothing(Vec::new())));
        let (sender, events) = mpsc::channel();
        let caught = Self {
            recipient: recipient.clone(),
            sender: sender.clone(),
            events,
        };
        thread::spawn(move || {
            for origin in &mut signals {
                deliver(&origin, &recipient, &sender);
            }
        });
        Ok(caught)
    }

    /// Forwards signals to the child process `pid` from now on, until it ends.
    pub fn forward_to(&self, pid: u32) {
        // CAST: a PID is at most 2^22.
        let pid = Pid::from_raw(pid as i32);
        self.start(Recipient::Command(pid), |signal| send(signal, pid));
        let (recipient, sender) = (self.recipient.clone(), self.sender.clone());
        thread::spawn(move || {
            // It is not reaped here, so its PID is not used again while signals are forwarded.
            while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
                == Err(nix::errno::Errno::EINTR)
            {}
            *locked(&recipient) = Recipient::Taskmon;
            let _ = sender.send(Event::CommandEnded);
        });
    }

    /// Lets signals end the recording from now on.
    pub fn stop_recording(&self) {
        self.start(Recipient::Taskmon, |signal| stop(signal, &self.sender));
    }

    /// Delivers the signals that have arrived before.
    fn start(&self, recipient: Recipient, mut deliver: impl FnMut(Signal)) {
        let before = std::mem::replace(&mut *locked(&self.recipient), recipient);
        if let Recipient::Nothing(signals) = before {
            signals.into_iter().for_each(&mut deliver);
        }
    }

    /// Waits for an event, at most for `timeout`.
    pub fn wait(&self, timeout: Duration) -> Option<Event> {
        self.events.recv_timeout(timeout).ok()
    }
}

fn deliver(origin: &Origin, recipient: &SharedRecipient, sender: &Sender<Event>) {
    let Ok(signal) = Signal::try_from(origin.signal) else {
        return;
    };
    match &mut *locked(recipient) {
        Recipient::Nothing(signals) => signals.push(signal),
        // The terminal has sent it to the command too: both are in the same process group.
        Recipient::Command(_) if origin.cause == Cause::Kernel => {}
        Recipient::Command(pid) => send(signal, *pid),
        Recipient::Taskmon => stop(signal, sender),
    }
}

fn send(signal: Signal, to: Pid) {
    // An error means that the process has ended.
    let _ = kill(to, signal);
}

fn stop(signal: Signal, sender: &Sender<Event>) {
    if STOPPING.contains(&(signal as i32)) {
        let _ = sender.send(Event::Stop);
    }
}

/// Returns whether a signal was ignored when taskmon started.
fn is_ignored(number: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (number - 1)) != 0)
}
