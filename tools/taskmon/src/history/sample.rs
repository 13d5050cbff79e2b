// SPDX-License-Identifier: GPL-2.0

//! One sample: a line of the module's samples files.

use std::fmt;

/// The CPU time that a task has consumed since it began, at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub pid: u32,
    /// The number of the sample. A task's samples are numbered from 0, without a gap.
    pub num: u64,
    /// User time.
    pub usr_us: u64,
    /// System time.
    pub sys_us: u64,
    /// When the sample was taken, since boot.
    pub time_us: u64,
    /// Whether this is the exit sample: the last sample of an ended task, with its final totals.
    pub is_exit: bool,
}

impl Sample {
    /// Parses a line without its newline. Returns `None` if it is not a sample.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut rest = line;
        let sample = Self {
            pid: field(&mut rest, b"pid:")?.try_into().ok()?,
            num: field(&mut rest, b" num:")?,
            usr_us: field(&mut rest, b" : usr ")?,
            sys_us: field(&mut rest, b" sys ")?,
            time_us: field(&mut rest, b" time ")?,
            is_exit: rest == b" exit",
        };
        (rest.is_empty() || sample.is_exit).then_some(sample)
    }

    /// Returns whether this can be a later sample of the task that `last` belongs to.
    pub fn can_follow(&self, last: &Self) -> bool {
        self.pid == last.pid && self.num > last.num && !last.is_exit
    }

    /// Returns user and system time together.
    pub fn total_us(&self) -> u64 {
        self.usr_us.saturating_add(self.sys_us)
    }
}

/// Removes a label and the number after it from the front of `rest`. Returns the number.
fn field(rest: &mut &[u8], label: &[u8]) -> Option<u64> {
    let digits = rest.strip_prefix(label)?;
    let len = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (number, after) = digits.split_at(len);
    *rest = after;
    std::str::from_utf8(number).ok()?.parse().ok()
}

impl fmt::Display for Sample {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "pid:{} num:{} : usr {} sys {} time {}",
            self.pid, self.num, self.usr_us, self.sys_us, self.time_us
        )?;
        to.write_str(if self.is_exit { " exit" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_back() {
        for line in [
            "pid:267 num:0 : usr 1000 sys 3000 time 884683417",
            "pid:267 num:1 : usr 9000 sys 3000 time 884783420 exit",
            "pid:4294967295 num:18446744073709551615 : usr 0 sys 0 time 1",
        ] {
            let sample = Sample::parse(line.as_bytes()).expect(line);
            assert_eq!(sample.to_string(), line);
        }
    }

    #[test]
    fn other_lines() {
        for line in [
            "",
            "pid:1",
            "pid: num:0 : usr 1 sys 3 time 8",
            "pid:1 num:0 : usr 1 sys 3 time 8 ",
            "pid:1 num:0 : usr 1 sys 3 time 8 exited",
            "pid:1 num:0 : usr -1 sys 3 time 8",
            "pid:1 num:0 : usr +1 sys 3 time 8",
            "pid:4294967296 num:0 : usr 1 sys 3 time 8",
            "pid:1 num:0 : usr 18446744073709551616 sys 3 time 8",
            " pid:1 num:0 : usr 1 sys 3 time 8",
        ] {
            assert_eq!(Sample::parse(line.as_bytes()), None, "{line}");
        }
    }
}
