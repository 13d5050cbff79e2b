// SPDX-License-Identifier: GPL-2.0

//! `taskmon record`: a command, watched from its first instruction to its last.

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
    history::{newest_of_each, About, Sample, Spool},
    kernel_module,
    output::{format::printable, is_closed_pipe, say, Output},
    procfs::{self, Stat},
};
use anyhow::{Context, Result};
use launch::Failure;
use losses::Losses;
use period::Period;
use process_names::Names;
use signals::Receiver;
use std::{
    fs::File,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ExitCode, ExitStatus},
    time::{Duration, Instant},
};
use summary::{Outcome, Summary};

/// The exit statuses of programs that run others, such as env and timeout.
const FAILED: u8 = 125;
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
/// The end of a task is sampled at the next pass, which shall not be far when the command is over.
const PERIOD_AT_END_MS: u64 = 50;
/// How long that pass may take to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon it is noticed, at best.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// Records the command; the exit status is its own, or says why there is none.
pub fn record(command: &Record) -> ExitCode {
    let failed = |status: u8, error: anyhow::Error| {
        say(format_args!("{error:#}"));
        ExitCode::from(status)
    };
    let ready = match Ready::new(command) {
        Ok(ready) => ready,
        Err(error) => return failed(FAILED, error),
    };
    let begun_us = procfs::now_us();
    let begun = Instant::now();
    let child = match launch::launch(command, &ready.control) {
        Ok(child) => child,
        Err(Failure::Unwatched(error)) => return failed(FAILED, error),
        Err(Failure::NotRunnable(error)) => return failed(NOT_RUNNABLE, error),
        Err(Failure::NotFound(error)) => return failed(NOT_FOUND, error),
    };
    match ready.follow(command, child, begun_us, begun) {
        Ok(status) => ExitCode::from(shell_status(status)),
        Err(error) => failed(FAILED, error),
    }
}

/// As a shell tells it.
fn shell_status(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| code.try_into().ok()).unwrap_or(FAILED)
}

/// All that could fail before the command runs, done.
struct Ready {
    control: File,
    output: Output,
    summary_to: Option<Output>,
    receiver: Receiver,
    period: Period,
    names: Names,
    losses: Losses,
}

impl Ready {
    fn new(command: &Record) -> Result<Self> {
        let control = kernel_module::control()?;
        // Without it nothing could be read at the end.
        kernel_module::open(kernel_module::DEBUGFS)?;
        let losses = Losses::until_now()?;
        let output = Output::file(&command.output)?;
        let summary_to = command.summary.as_deref().map(Output::file).transpose()?;
        Ok(Self {
            control,
            output,
            summary_to,
            // First, so that no signal ends the program with the period changed.
            receiver: Receiver::new()?,
            period: Period::during(command.period)?,
            names: Names::listen(),
            losses,
        })
    }

    /// Waits for the command's end, and tells what was recorded.
    fn follow(
        mut self,
        command: &Record,
        mut child: Child,
        begun_us: u64,
        begun: Instant,
    ) -> Result<ExitStatus> {
        let root = child.id();
        let about = About {
            period_ms: Some(self.period.ms),
            tree: (!command.alone).then_some(root),
            command: Some(typed(command)),
        };
        let ended = self.await_end_of(&mut child, begun_us, begun);
        let (status, wall) = ended.map_err(|error| collect::left(&error, &about, root))?;
        let names = self.names.take();
        let spool = collect::collect(&self.control, &about, root, begun_us, names)?;
        // From here on the module is as it was.
        self.period.put_back();
        if let Err(error) = written(&spool, self.output, &command.output) {
            // Who closed the pipe has seen enough.
            if !is_closed_pipe(&error) {
                return Err(spool.rescued(&error));
            }
        }
        let outcome = Outcome {
            status,
            wall,
            losses: Losses::until_now()?.since(self.losses),
            told_us: (!command.alone).then(losses::told_us).transpose()?,
        };
        let summary = Summary::of(&spool.source(), &outcome)?;
        if !summary.is_ended() {
            say("the end was not sampled, so the totals fall short; is sampling stopped?");
        }
        let text = if command.json {
            summary.json()?
        } else {
            summary.text(&command.output)
        };
        match self.summary_to {
            Some(mut to) => {
                to.write_all(text.as_bytes())?;
                to.end()?;
            }
            // Nobody there to read it is no failure of the command.
            None => drop(std::io::stderr().write_all(text.as_bytes())),
        }
        Ok(status)
    }

    /// Waits for the command's end, and for its last sample; its status, and how long it took.
    fn await_end_of(
        &mut self,
        child: &mut Child,
        begun_us: u64,
        begun: Instant,
    ) -> Result<(ExitStatus, Duration)> {
        self.receiver.be(child.id())?;
        let wall = begun.elapsed();
        let status = child.wait().context("waiting for the command")?;
        self.await_last_sample_of(child.id(), begun_us)?;
        Ok((status, wall))
    }

    /// Waits until what has ended was sampled for the last time, or it seems that it never will be.
    fn await_last_sample_of(&mut self, pid: u32, begun_us: u64) -> Result<()> {
        // One pass may be under way, and have looked at the command before its end. When all that is
        // watched has ended, no further one follows.
        let enough = kernel_module::statistic("passes")? + 2;
        self.period.shorten(PERIOD_AT_END_MS)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let look = Instant::now();
            if are_ends_sampled(pid, begun_us)?
                || kernel_module::statistic("passes")? >= enough
                || look >= deadline
            {
                return Ok(());
            }
            // Where many are watched a look takes a while.
            std::thread::sleep(BETWEEN_LOOKS.max(4 * look.elapsed()));
        }
    }
}

/// Writes the recording to where the user wants it.
fn written(spool: &Spool, mut to: Output, path: &Path) -> Result<()> {
    spool
        .copy_to(&mut to)
        .with_context(|| path.display().to_string())?;
    to.end()
}

/// Whether the command has its last sample, and so have all others that have ended, its descendants
/// among them. Another task of the same number ended before it began.
fn are_ends_sampled(pid: u32, begun_us: u64) -> Result<bool> {
    let newest = newest_of_each(kernel_module::statistic("targets")?)?;
    let (ended, living): (Vec<Sample>, Vec<Sample>) =
        newest.into_iter().partition(|sample| sample.is_end);
    let is_there = |sample: &Sample| {
        Stat::of(sample.pid).is_some_and(|stat| stat.was_there_at(sample.time_us))
    };
    let is_root = |sample: &Sample| sample.pid == pid && sample.time_us >= begun_us;
    Ok(ended.iter().any(is_root) && living.iter().all(is_there))
}

/// The command as it was typed, or might have been.
fn typed(command: &Record) -> String {
    let words: Vec<_> = command
        .command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    printable(&words.join(" "))
}
