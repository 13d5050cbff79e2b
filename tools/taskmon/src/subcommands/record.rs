// SPDX-License-Identifier: GPL-2.0

//! `taskmon record`: records the CPU time of a command, or of tasks that run already, and of their
//! descendants.
//!
//! [`Recorder::new`] does all that can fail before anything starts. `launch` starts the command so
//! that the module watches it from its first instruction; `attach` makes the module watch tasks
//! that run already. From then on, `session` reads the samples again and again: `stream` writes
//! those of the recorded tasks, which `ours` tells from others, to the output. `recording` goes on
//! until `signals` or the tasks say that it ends. `ending` writes the last samples, and `summary`
//! reports the result.

mod about;
mod attach;
mod counters;
mod ending;
mod feed;
mod launch;
mod ours;
mod pace;
mod recording;
mod release;
mod session;
mod signals;
mod stream;
mod summary;
mod surroundings;
mod task_list;

use crate::{
    cli::Record,
    kernel_module::{period_ms, ControlFile, SamplesFile},
    output::{print_error, print_message, Output, ReservedFile},
};
use anyhow::Result;
use attach::Attachment;
use launch::{LaunchError, Launched};
use ours::{Membership, Root};
use recording::{Origin, Recording};
use session::Session;
use signals::Signals;
use std::{process::ExitCode, time::Instant};

/// The exit statuses of programs that run others, such as env(1) and timeout(1).
const FAILED: u8 = 125;
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Runs `taskmon record`. Returns the command's exit status, or a status that says why there is
/// none.
pub fn record(arguments: &Record) -> ExitCode {
    let recorder = Recorder::new(arguments).map_err(LaunchError::WatchFailed);
    let (status, error) = match recorder.and_then(Recorder::start) {
        Ok(recording) => return ExitCode::from(recording.run()),
        Err(LaunchError::WatchFailed(error)) => (FAILED, error),
        Err(LaunchError::NotRunnable(error)) => (NOT_RUNNABLE, error),
        Err(LaunchError::NotFound(error)) => (NOT_FOUND, error),
    };
    print_error(&error);
    ExitCode::from(status)
}

/// What a recording needs, prepared before anything starts.
struct Recorder<'a> {
    arguments: &'a Record,
    session: Session,
    /// The tasks to record; `None` if a command is recorded.
    attachment: Option<Attachment>,
    output: ReservedFile,
    summary_output: Option<Output>,
    signals: Signals,
}

impl<'a> Recorder<'a> {
    fn new(arguments: &'a Record) -> Result<Self> {
        let control = ControlFile::open()?;
        let samples = SamplesFile::open()?;
        let attachment = arguments
            .command
            .is_empty()
            .then(|| Attachment::of(arguments));
        let attachment = attachment.transpose()?;
        let output = ReservedFile::open(&arguments.output)?;
        let summary_output = arguments.summary.as_deref().map(Output::file).transpose()?;
        let signals = Signals::catch(attachment.is_none())?;
        let period_ms = request_period(&samples, arguments.interval)?;
        let is_all = attachment.as_ref().is_some_and(Attachment::is_all);
        Ok(Self {
            arguments,
            session: Session::new(samples, control, period_ms, is_all)?,
            attachment,
            output,
            summary_output,
            signals,
        })
    }

    /// Starts the command, or makes the module watch the selected tasks. After that, nothing fails.
    fn start(self) -> Result<Recording<'a>, LaunchError> {
        let mut origin = Origin {
            clock: about::clock(),
            started: Instant::now(),
            child: None,
            roots: Vec::new(),
        };
        let control = &self.session.control;
        match &self.attachment {
            None => {
                let launched = launch::launch(self.arguments, control)?;
                origin.roots.push(root_of(&launched, self.arguments));
                origin.child = Some(launched.child);
            }
            Some(attachment) => {
                let watched = self.session.stream.list().tasks();
                let added = attachment.add(control, watched);
                origin.roots = added.map_err(LaunchError::WatchFailed)?;
            }
        }
        Ok(Recording::begin(self, origin))
    }
}

/// Requests the period `wanted_ms` or, if there is none, that the period does not become longer.
/// Returns the period of the recording.
fn request_period(samples: &SamplesFile, wanted_ms: Option<u64>) -> Result<u64> {
    let present_ms = period_ms()?;
    let wanted_ms = wanted_ms.unwrap_or(present_ms);
    if samples.is_writable() {
        samples.request_period(wanted_ms)?;
        return Ok(wanted_ms.min(present_ms));
    }
    if wanted_ms != present_ms {
        print_message(format_args!(
            "the kernel is locked down, so the interval is that of the module: {present_ms} ms"
        ));
    }
    Ok(present_ms)
}

/// Returns how the command is recorded.
fn root_of(launched: &Launched, arguments: &Record) -> Root {
    let is_ours = !launched.is_watched_by_others;
    Root {
        pid: launched.child.id(),
        has_tree: !arguments.alone,
        is_followed_by_us: !arguments.alone && is_ours,
        membership: if is_ours {
            Membership::Added
        } else {
            Membership::Shared
        },
    }
}
