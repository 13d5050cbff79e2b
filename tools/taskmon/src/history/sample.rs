// SPDX-License-Identifier: GPL-2.0

//! One sample: a line of the module's samples files.

use std::fmt;

/// The CPU time that a task has consumed, and how long it has waited for a CPU, since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub pid: u32,
    /// The number of the sample. A task's samples are numbered from 0, without a gap.
    pub num: u64,
    /// User time.
    pub usr_us: u64,
    /// System time.
    pub sys_us: u64,
    /// How long the task was runnable without a CPU. `None` if it is not known: earlier versions of
    /// the module do not count it.
    pub wait_us: Option<u64>,
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
            wait_us: match rest.starts_with(WAIT) {
                true => Some(field(&mut rest, WAIT)?),
                false => None,
            },
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

    /// Returns how long the task has waited for a CPU since the sample `before`, if both know it.
    pub fn waited_since_us(&self, before: &Self) -> Option<u64> {
        Some(self.wait_us?.saturating_sub(before.wait_us?))
    }
}

/// The label of the field that can be missing.
const WAIT: &[u8] = b" wait ";

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
            "pid:{} num:{} : usr {} sys {}",
            self.pid, self.num, self.usr_us, self.sys_us
        )?;
        if let Some(wait_us) = self.wait_us {
            write!(to, " wait {wait_us}")?;
        }
        write!(to, " time {}", self.time_us)?;
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
            "pid:267 num:0 : usr 1000 sys 3000 wait 210 time 884683417",
            "pid:267 num:1 : usr 9000 sys 3000 time 884783420 exit",
            "pid:267 num:1 : usr 9000 sys 3000 wait 0 time 884783420 exit",
            "pid:1 num:1 : usr 0 sys 0 wait 18446744073709551615 time 1",
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
            "pid:1 num:0 : usr 1 sys 3 wait time 8",
            "pid:1 num:0 : usr 1 sys 3 wait  time 8",
            "pid:1 num:0 : usr 1 sys 3 wait -1 time 8",
            "pid:1 num:0 : usr 1 sys 3 wait 5 wait 5 time 8",
            "pid:1 num:0 : usr 1 sys 3 wait 18446744073709551616 time 8",
            "pid:1 num:0 : usr 1 sys 3 time 8 wait 5",
            "pid:1 num:0 : wait 5 usr 1 sys 3 time 8",
        ] {
            assert_eq!(Sample::parse(line.as_bytes()), None, "{line}");
        }
    }
    #[test]
    fn waiting_is_known_if_both_samples_have_it() {
        let waited = |wait_us| Sample {
            wait_us,
            ..Sample::default()
        };
        assert_eq!(waited(Some(9)).waited_since_us(&waited(Some(4))), Some(5));
        assert_eq!(waited(Some(4)).waited_since_us(&waited(Some(9))), Some(0));
        assert_eq!(waited(None).waited_since_us(&waited(Some(4))), None);
        assert_eq!(waited(Some(4)).waited_since_us(&waited(None)), None);
    }
}
