// SPDX-License-Identifier: GPL-2.0

//! The commands and their syntax. control.rs executes them.

use crate::params::PERIOD_MS;

/// A command. PIDs are those of the PID namespace of the process that writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command {
    /// `1234` or `+1234`: watch a task.
    Add(i32),
    /// `tree:1234`: watch a process, its living descendants, and those that are forked from now on.
    AddTree(i32),
    /// `-1234`: stop watching the tasks that have or had this PID, and free their samples.
    Remove(i32),
    /// `-tree:1234`: stop watching what `tree:1234` added, and free the samples.
    RemoveTree(i32),
    /// `-id:41`: stop watching the task with this ID, and free its samples.
    RemoveId(u64),
    /// `-ended`: stop watching all tasks that have ended, and free their samples.
    RemoveEnded,
    /// `period:20`: sample at least every 20 ms for as long as the file is open.
    Period(u64),
    /// `stop`: stop sampling.
    Stop,
    /// `start`: start sampling.
    Start,
    /// `clear`: free all samples.
    Clear,
}

impl Command {
    /// Parses one command. Returns `None` if `text` is not a command.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"stop" => return Some(Self::Stop),
            b"start" => return Some(Self::Start),
            b"clear" => return Some(Self::Clear),
            b"-ended" => return Some(Self::RemoveEnded),
            _ => {}
        }
        if let Some(digits) = text.strip_prefix(b"tree:") {
            number(digits).map(Self::AddTree)
        } else if let Some(digits) = text.strip_prefix(b"-tree:") {
            number(digits).map(Self::RemoveTree)
        } else if let Some(digits) = text.strip_prefix(b"-id:") {
            number(digits).map(|id| Self::RemoveId(id.unsigned_abs().into()))
        } else if let Some(digits) = text.strip_prefix(b"period:") {
            let period_ms = number(digits)?.unsigned_abs().into();
            PERIOD_MS
                .accepts(period_ms)
                .then_some(Self::Period(period_ms))
        } else if let Some(digits) = text.strip_prefix(b"-") {
            number(digits).map(Self::Remove)
        } else {
            number(text.strip_prefix(b"+").unwrap_or(text)).map(Self::Add)
        }
    }
}

/// Parses a decimal number from 1 to 2147483647, without a sign.
fn number(digits: &[u8]) -> Option<i32> {
    let value = digits.iter().try_fold(0_i32, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| i32::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    (value > 0).then_some(value)
}

#[cfg_attr(
    CONFIG_TASKMONITOR_KUNIT_TEST,
    kernel::prelude::kunit_tests(taskmonitor_command)
)]
#[cfg(any(test, CONFIG_TASKMONITOR_KUNIT_TEST))]
mod tests {
    use super::*;

    #[test]
    fn commands_are_parsed() {
        assert_eq!(Command::parse(b"12"), Some(Command::Add(12)));
        assert_eq!(Command::parse(b"+2147483647"), Some(Command::Add(i32::MAX)));
        assert_eq!(Command::parse(b"-12"), Some(Command::Remove(12)));
        assert_eq!(Command::parse(b"tree:12"), Some(Command::AddTree(12)));
        assert_eq!(Command::parse(b"-tree:12"), Some(Command::RemoveTree(12)));
        assert_eq!(Command::parse(b"-id:41"), Some(Command::RemoveId(41)));
        assert_eq!(Command::parse(b"-ended"), Some(Command::RemoveEnded));
        assert_eq!(Command::parse(b"period:1"), Some(Command::Period(1)));
        assert_eq!(
            Command::parse(b"period:3600000"),
            Some(Command::Period(3_600_000))
        );
        assert_eq!(Command::parse(b"stop"), Some(Command::Stop));
        assert_eq!(Command::parse(b"start"), Some(Command::Start));
        assert_eq!(Command::parse(b"clear"), Some(Command::Clear));
    }

    #[test]
    fn anything_else_is_refused() {
        let others: [&[u8]; 23] = [
            b"",
            b"+",
            b"-",
            b"0",
            b"-0",
            b"+0",
            b"2147483648",
            b"4294967297",
            b"+-1",
            b"--1",
            b"1x",
            b"0x1",
            b"tree:",
            b"tree:-1",
            b"+tree:1",
            b"id:1",
            b"-id:",
            b"-id:0",
            b"ended",
            b"period:",
            b"period:0",
            b"period:3600001",
            b"Stop",
        ];
        for other in others {
            assert_eq!(Command::parse(other), None);
        }
    }
}
