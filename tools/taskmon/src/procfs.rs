// SPDX-License-Identifier: GPL-2.0

//! Tasks as /proc shows them: names, states, start times. Also the clock that samples use.
//!
//! A PID can be reused, so a task is identified by its PID and a time at which it existed: see
//! [`Stat::of_task`].

use nix::time::{clock_gettime, ClockId};
use std::{ffi::OsStr, fs, io, os::unix::ffi::OsStrExt, path::Path, time::Duration};

/// The fields of /proc/PID/stat that taskmon needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Stat {
    /// The command name. The kernel truncates it to 15 bytes.
    pub name: String,
    /// The state letter of proc(5): R, S, D, T, Z, …
    pub state: char,
    /// Start time in microseconds since boot, rounded down to a clock tick.
    pub started_us: u64,
}

impl Stat {
    /// Reads the stat file of the task `pid`, if it exists.
    pub fn of(pid: u32) -> Option<Self> {
        // A command name is any sequence of bytes.
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// Reads the stat file of the task that had the PID `pid` at `time_us`. Returns `None` if that
    /// task does not exist any more, even if a later task has its PID now.
    pub fn of_task(pid: u32, time_us: u64) -> Option<Self> {
        Self::of(pid).filter(|stat| stat.started_us <= time_us)
    }

    /// Parses the content of the file. The name is in parentheses, and can itself contain
    /// parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (begin, rest) = text.rsplit_once(')')?;
        let (_, name) = begin.split_once('(')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // In proc(5), the state is field 3 and the start time is field 22.
        let ticks: u64 = fields.nth(18)?.parse().ok()?;
        Some(Self {
            name: name.to_string(),
            state,
            started_us: ticks.saturating_mul(1_000_000 / ticks_per_second()),
        })
    }
}

fn ticks_per_second() -> u64 {
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK);
    ticks
        .ok()
        .flatten()
        .and_then(|ticks| ticks.try_into().ok())
        .unwrap_or(100)
}

/// Returns the time in microseconds since boot, on the clock of the samples (CLOCK_BOOTTIME).
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    now.map_or(0, |now| now.as_micros().try_into().unwrap_or(u64::MAX))
}

/// Returns the name of the task that had the PID `pid` at `time_us`, if that task still exists.
pub fn name_of_task(pid: u32, time_us: u64) -> Option<String> {
    Stat::of_task(pid, time_us).map(|stat| stat.name)
}

/// Returns the PIDs of all processes named `name`, in ascending order. Fails if /proc cannot be
/// read.
pub fn pids_named(name: &str) -> io::Result<Vec<u32>> {
    let mut found: Vec<u32> = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| has_name(*pid, name))
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// Returns whether `name` is the command name of a process.
///
/// If the kernel truncated the command name, `name` is compared to the file names of the first
/// three words of the command line: a script is the first or second argument of its interpreter.
fn has_name(pid: u32, name: &str) -> bool {
    const MAX_LEN: usize = 15;
    let Some(stat) = Stat::of(pid) else {
        return false;
    };
    if stat.name == name {
        return true;
    }
    if stat.name.len() < MAX_LEN || !name.starts_with(&stat.name) {
        return false;
    }
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = command_line.split(|byte| *byte == 0).take(3);
    words.any(|word| Path::new(OsStr::from_bytes(word)).file_name() == Some(name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses() {
        let text = "12 (a) b (c) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 250 1 1 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.name, "a) b (c");
        assert_eq!(stat.state, 'S');
        assert_eq!(stat.started_us, 250 * (1_000_000 / ticks_per_second()));
        assert_eq!(Stat::parse("12 (a"), None);
        assert_eq!(Stat::parse("12 (a) S 1"), None);
    }

    #[test]
    fn this_process() {
        let pid = std::process::id();
        let name = Stat::of(pid).unwrap().name;
        assert!(pids_named(&name).unwrap().contains(&pid));
        assert_eq!(name_of_task(pid, 0), None);
        assert_eq!(name_of_task(pid, u64::MAX), Some(name));
    }
}
