// SPDX-License-Identifier: GPL-2.0

//! Commands: what is written to either of the two samples files.
//!
//! [`execute`] takes the text of one write. write_text.rs decides whether its last command is
//! complete, command.rs parses each command, and [`Recorder`] carries it out. The commands of one
//! write are executed from left to right, up to the first one that fails.

mod command;
mod write_text;

use crate::{
    abstractions::signal,
    recorder::{PeriodRequest, Recorder},
};
use command::Command;
use kernel::{current, page::PAGE_SIZE, prelude::*, sync::Arc};
use write_text::{is_space, Ending, WriteText};

/// Executes the commands in the text of one write. Returns how many bytes were consumed: all, or up
/// to the first command that failed, if others were executed before it.
///
/// `may_be_cut`: the text may be the first part of a longer write. `period`: what a command for a
/// period sets; `None`: the file has no such command.
///
/// May sleep. Fails only if no command was executed: with `EINVAL` if the text is not a command, or
/// if it is several commands and the last one is incomplete; `EFAULT` if the text cannot be read;
/// `EINTR` if the process is being killed; `ENOMEM`; or the error of the first command.
pub(crate) fn execute(
    recorder: &Arc<Recorder>,
    text: &(impl WriteText + ?Sized),
    may_be_cut: bool,
    period: Option<&PeriodRequest>,
) -> Result<usize> {
    let mut buffer = KVec::from_elem(0, text.len().min(PAGE_SIZE), GFP_KERNEL)?;
    match Ending::of(text, &mut buffer)? {
        Ending::Incomplete => return Err(EINVAL),
        // Consumes the white space only. The process then writes the command again, with the rest
        // of it. A command without white space before it is a page long and has not ended, so it is
        // refused.
        Ending::Single(begin @ 1..) if may_be_cut => return Ok(begin),
        Ending::Single(0) if may_be_cut => return Err(EINVAL),
        Ending::Single(_) | Ending::Complete => {}
    }
    let mut execution = Execution {
        recorder,
        period,
        consumed: 0,
        commands: 0,
    };
    match execution.run(text, &mut buffer) {
        Err(error) if execution.commands == 0 => Err(error),
        _ => Ok(execution.consumed),
    }
}

/// The execution of the commands of one write.
struct Execution<'a> {
    recorder: &'a Arc<Recorder>,
    period: Option<&'a PeriodRequest>,
    /// How many bytes were consumed: those before the first command that failed or may be
    /// incomplete.
    consumed: usize,
    /// How many commands were executed.
    commands: usize,
}

impl Execution<'_> {
    /// Executes the commands of `text`, copied to `buffer` part by part.
    fn run(&mut self, text: &(impl WriteText + ?Sized), buffer: &mut [u8]) -> Result {
        while self.consumed < text.len() {
            signal::yield_unless_killed()?;
            let begin = self.consumed;
            let len = text.read_at(begin, buffer);
            let is_readable = len == buffer.len().min(text.len() - begin);
            let part = buffer.get(..len).unwrap_or_default();
            self.run_part(part, begin + len < text.len())?;
            if !is_readable {
                return Err(EFAULT);
            }
        }
        Ok(())
    }

    /// Executes the commands of a part of a write. `has_more`: more text follows, so a command at
    /// the very end may be incomplete and is not executed.
    fn run_part(&mut self, part: &[u8], has_more: bool) -> Result {
        let mut rest = part;
        loop {
            let Some(begin) = rest.iter().position(|byte| !is_space(byte)) else {
                self.consumed += rest.len();
                return Ok(());
            };
            let (space, command) = rest.split_at_checked(begin).unwrap_or_default();
            self.consumed += space.len();
            let end = command.iter().position(is_space);
            let len = end.unwrap_or(command.len());
            if len >= PAGE_SIZE {
                // sysfs passes one page at a time, which does not contain the end of such a
                // command.
                return Err(EINVAL);
            }
            if end.is_none() && has_more {
                return Ok(());
            }
            if end.is_none() && self.commands > 0 {
                // White space followed the last command when the ending was examined, so the
                // process has changed its memory since.
                return Err(EINVAL);
            }
            let (command, after) = command.split_at_checked(len).unwrap_or_default();
            signal::yield_unless_killed()?;
            self.run_command(Command::parse(command).ok_or(EINVAL)?)?;
            self.consumed += len;
            self.commands += 1;
            rest = after;
        }
    }

    /// Executes one command. May sleep.
    fn run_command(&self, command: Command) -> Result {
        let recorder = self.recorder;
        match command {
            Command::Add(pid) => recorder.add(pid),
            Command::AddTree(pid) => recorder.add_tree(pid),
            Command::Remove(pid) => {
                let current = current!();
                recorder.remove(pid, current.active_pid_ns().ok_or(ESRCH)?)
            }
            Command::RemoveTree(pid) => {
                let current = current!();
                recorder.remove_tree(pid, current.active_pid_ns().ok_or(ESRCH)?)
            }
            Command::RemoveId(id) => recorder.remove_id(id),
            Command::RemoveEnded => recorder.remove_ended(),
            Command::Period(period_ms) => self.period.ok_or(EINVAL)?.set(period_ms),
            Command::Stop => recorder.stop(),
            Command::Start => {
                recorder.start();
                Ok(())
            }
            Command::Clear => {
                recorder.clear();
                Ok(())
            }
        }
    }
}
