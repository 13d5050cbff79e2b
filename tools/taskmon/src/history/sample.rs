// SPDX-License-Identifier: GPL-2.0

//! One line of the module's files.

use std::fmt;

/// The CPU time that a task had consumed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub pid: u32,
    /// Counts the task's samples from 0, with no hole.
    pub num: u64,
    pub usr_us: u64,
    pub sys_us: u64,
    /// Microseconds since boot.
    pub time_us: u64,
    /// The last one of a task that has ended: its final totals.
    pub is_end: bool,
}

impl Sample {
    /// What a line says, without its newline; `None` where it is no sample.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut rest = line;
        let sample = Self {
            pid: field(&mut rest, b"pid:")?.try_into().ok()?,
            num: field(&mut rest, b" num:")?,
            usr_us: field(&mut rest, b" : usr ")?,
            sys_us: field(&mut rest, b" sys ")?,
            time_us: field(&mut rest, b" time ")?,
            is_end: rest == b" exit",
        };
        (rest.is_empty() || sample.is_end).then_some(sample)
    }

    /// Whether it can come after another one, of the same task.
    pub fn follows(&self, last: &Self) -> bool {
        self.pid == last.pid && self.num > last.num && !last.is_end
    }

    /// User and system time together.
    pub fn total_us(&self) -> u64 {
        self.usr_us + self.sys_us
    }
}

/// Takes a label and the number behind it off the front of `rest`.
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
        to.write_str(if self.is_end { " exit" } else { "" })
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
    fn what_is_no_sample() {
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
