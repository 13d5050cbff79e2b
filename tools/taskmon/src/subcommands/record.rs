// SPDX-License-Identifier: GPL-2.0

//! `taskmon record`: runs a command and records the CPU time of it and its descendants.
//!
//! [`Recorder::new`] does all that can fail before the command runs. `launch` starts the command so
//! that the module watches it from its first instruction. While it runs, `signals` forwards signals
//! to it and `process_names` collects the names of processes that exit. After its exit sample has
//! been taken, `collect` moves the samples from the module to a file, and `summary` reports the
//! result.

mod collect;
mod launch;
mod losses;
mod netlink;
mod period;
mod process_names;
mod signals;
mod summary;

use crate::{
    cli::Record,
    history::{newest_of_each, Metadata, Sample, TempRecording},
    kernel_module::{self, ControlFile},
    output::{format::printable, is_broken_pipe, print_message, Output},
    procfs::{self, Stat},
};
use anyhow::{Context, Result};
use launch::LaunchError;
use losses::Losses;
use period::RecordingPeriod;
use process_names::ProcessNames;
use signals::SignalForwarder;
use std::{
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ExitCode, ExitStatus},
    time::{Duration, Instant},
};
use summary::{Outcome, Summary};

/// The exit statuses of programs that run others, such as env(1) and timeout(1).
const FAILED: u8 = 125;
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
/// When the command has ended, the period is shortened to at most this, because the next sampling
/// pass takes the exit sample.
const MAX_PERIOD_AT_END_MS: u64 = 50;
/// How long to wait for that pass.
const EXIT_SAMPLE_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest time between two checks for the exit sample.
const CHECK_INTERVAL: Duration = Duration::from_millis(2);

/// Runs `taskmon record`. Returns the command's exit status, or a status that says why there is
/// none.
pub fn record(arguments: &Record) -> ExitCode {
    let failed = |status: u8, error: anyhow::Error| {
        print_message(format_args!("{error:#}"));
        ExitCode::from(status)
    };
    let recorder = match Recorder::new(arguments) {
        Ok(recorder) => recorder,
        Err(error) => return failed(FAILED, error),
    };
    let start = Start {
        time_us: procfs::now_us(),
        instant: Instant::now(),
    };
    let child = match launch::launch(arguments, &recorder.control) {
        Ok(child) => child,
        Err(LaunchError::WatchFailed(error)) => return failed(FAILED, error),
        Err(LaunchError::NotRunnable(error)) => return failed(NOT_RUNNABLE, error),
        Err(LaunchError::NotFound(error)) => return failed(NOT_FOUND, error),
    };
    match recorder.finish(arguments, child, start) {
        Ok(status) => ExitCode::from(shell_status(status)),
        Err(error) => failed(FAILED, error),
    }
}

/// Returns an exit status as a shell does: 128 plus the number of the signal that ended the
/// process.
fn shell_status(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| code.try_into().ok()).unwrap_or(FAILED)
}

/// The time just before the command was started, on two clocks.
#[derive(Clone, Copy)]
struct Start {
    /// Microseconds since boot, as samples have it.
    time_us: u64,
    instant: Instant,
}

/// What a recording needs, prepared before the command runs.
struct Recorder {
    control: ControlFile,
    output: Output,
    summary_output: Option<Output>,
    signals: SignalForwarder,
    period: RecordingPeriod,
    names: ProcessNames,
    losses_before: Losses,
}

impl Recorder {
    fn new(arguments: &Record) -> Result<Self> {
        let control = ControlFile::open()?;
        // The samples are read from this file when the command has ended.
        kernel_module::open(kernel_module::DEBUGFS_SAMPLES)?;
        let losses_before = Losses::so_far()?;
        let output = Output::file(&arguments.output)?;
        let summary_output = arguments.summary.as_deref().map(Output::file).transpose()?;
        Ok(Self {
            control,
            output,
            summary_output,
            // Before the period is changed: a signal must not end taskmon without restoring it.
            signals: SignalForwarder::new()?,
            period: RecordingPeriod::set(arguments.period)?,
            names: ProcessNames::listen(),
            losses_before,
        })
    }

    /// Waits until the command has ended, writes the recording and the summary, and returns the
    /// command's exit status.
    ///
    /// If the recording cannot be written, the error says where the samples are.
    fn finish(mut self, arguments: &Record, mut child: Child, start: Start) -> Result<ExitStatus> {
        let root = child.id();
        let metadata = Metadata {
            period_ms: Some(self.period.ms),
            tree: (!arguments.alone).then_some(root),
            command: Some(command_line(arguments)),
            ..Metadata::default()
        };
        let ended = self.await_end(&mut child, start);
        let (status, wall) =
            ended.map_err(|error| collect::samples_left(&error, &metadata, root))?;
        let names = self.names.take();
        let recording = collect::collect(&self.control, &metadata, root, start.time_us, names)?;
        // All changes to the module are undone now.
        self.period.restore();
        if let Err(error) = write_recording(&recording, self.output, &arguments.output) {
            // The reader of a pipe may close it early.
            if !is_broken_pipe(&error) {
                return Err(recording.keep_after(&error));
            }
        }
        let outcome = Outcome {
            status,
            wall,
            losses: Losses::so_far()?.since(self.losses_before),
            children_us: (!arguments.alone)
                .then(losses::children_cpu_us)
                .transpose()?,
        };
        let summary = Summary::of(&recording.source(), &outcome)?;
        if !summary.is_ended() {
            print_message(
                "the command's exit sample is missing, so the totals are too low; is sampling stopped?",
            );
        }
        let text = if arguments.json {
            summary.json()?
        } else {
            summary.text(&arguments.output)
        };
        match self.summary_output {
            Some(mut to) => {
                to.write_all(text.as_bytes())?;
                to.finish()?;
            }
            // If standard error is closed, the command's exit status is still returned.
            None => drop(std::io::stderr().write_all(text.as_bytes())),
        }
        Ok(status)
    }

    /// Waits until the command has ended and its exit sample has been taken. Returns the exit
    /// status and how long the command ran.
    fn await_end(&mut self, child: &mut Child, start: Start) -> Result<(ExitStatus, Duration)> {
        self.signals.forward_until_end(child.id())?;
        let wall = start.instant.elapsed();
        let status = child.wait().context("waiting for the command")?;
        self.await_exit_samples(child.id(), start.time_us)?;
        Ok((status, wall))
    }

    /// Waits until all ended tasks have their exit samples. Gives up after two passes or a timeout.
    fn await_exit_samples(&mut self, root: u32, start_us: u64) -> Result<()> {
        // A pass that is running now may have sampled the command before its end. The next one
        // takes the exit sample. If all watched tasks have ended, no further pass follows.
        let last_pass = kernel_module::statistic("passes")? + 2;
        self.period.shorten(MAX_PERIOD_AT_END_MS)?;
        let deadline = Instant::now() + EXIT_SAMPLE_TIMEOUT;
        loop {
            let begun = Instant::now();
            if have_exit_samples(root, start_us)?
                || kernel_module::statistic("passes")? >= last_pass
                || begun >= deadline
            {
                return Ok(());
            }
            // The check takes long if many tasks are watched: use at most a fifth of a CPU.
            std::thread::sleep(CHECK_INTERVAL.max(4 * begun.elapsed()));
        }
    }
}

/// Writes the recording to the file that the user named.
fn write_recording(recording: &TempRecording, mut to: Output, path: &Path) -> Result<()> {
    recording
        .copy_to(&mut to)
        .with_context(|| path.display().to_string())?;
    to.finish()
}

/// Returns whether the command and all other watched tasks that have ended, which include its
/// descendants, have their exit samples. `start_us` excludes earlier tasks with the command's PID.
fn have_exit_samples(root: u32, start_us: u64) -> Result<bool> {
    let newest = newest_of_each(kernel_module::statistic("targets")?)?;
    let (ended, others): (Vec<Sample>, Vec<Sample>) =
        newest.into_iter().partition(|sample| sample.is_exit);
    let is_alive = |sample: &Sample| Stat::of_task(sample.pid, sample.time_us).is_some();
    let is_root = |sample: &Sample| sample.pid == root && sample.time_us >= start_us;
    Ok(ended.iter().any(is_root) && others.iter().all(is_alive))
}

/// Returns the command line of the command. Arguments are not quoted.
fn command_line(arguments: &Record) -> String {
    let words: Vec<_> = arguments
        .command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    printable(&words.join(" "))
}
