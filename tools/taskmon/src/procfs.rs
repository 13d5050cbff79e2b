// SPDX-License-Identifier: GPL-2.0

//! What the kernel itself says: of a task its name and state, who has a name, the time.

use nix::time::{clock_gettime, ClockId};
use std::{ffi::OsStr, fs, io, os::unix::ffi::OsStrExt, path::Path, time::Duration};

/// What /proc/PID/stat says of a task.
#[derive(Debug, PartialEq, Eq)]
pub struct Stat {
    /// The command's name, cut by the kernel to 15 bytes.
    pub name: String,
    /// R, S, D, T, Z, …
    pub state: char,
    /// Microseconds since boot, in steps of a clock tick.
    pub started_us: u64,
}

impl Stat {
    pub fn of(pid: u32) -> Option<Self> {
        // A command's name may be any bytes.
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// The name stands in parentheses, and may hold some itself.
    fn parse(text: &str) -> Option<Self> {
        let (begin, rest) = text.rsplit_once(')')?;
        let (_, name) = begin.split_once('(')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // The state is the 3rd field of proc(5), the start the 22nd.
        let ticks: u64 = fields.nth(18)?.parse().ok()?;
        Some(Self {
            name: name.to_string(),
            state,
            started_us: ticks.saturating_mul(1_000_000 / ticks_a_second()),
        })
    }

    /// Whether this can be the task that was sampled at `time_us`, rather than a later one that
    /// has got its number.
    pub fn was_there_at(&self, time_us: u64) -> bool {
        self.started_us <= time_us
    }
}

fn ticks_a_second() -> u64 {
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK);
    ticks
        .ok()
        .flatten()
        .and_then(|ticks| ticks.try_into().ok())
        .unwrap_or(100)
}

/// Microseconds since boot, as samples have them.
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    now.map_or(0, |now| now.as_micros().try_into().unwrap_or(u64::MAX))
}

/// The name of the task that was sampled at `time_us`, if it is still there.
pub fn name_of(pid: u32, time_us: u64) -> Option<String> {
    let stat = Stat::of(pid)?;
    stat.was_there_at(time_us).then_some(stat.name)
}

/// The processes that have this name, by number.
pub fn named(name: &str) -> io::Result<Vec<u32>> {
    let mut found: Vec<u32> = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| has_name(*pid, name))
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// Its short name, or that of the file it runs where the kernel has cut the short one. A script is
/// what its interpreter has as an argument, the first one or the second.
fn has_name(pid: u32, name: &str) -> bool {
    const CUT_AT: usize = 15;
    let Some(stat) = Stat::of(pid) else {
        return false;
    };
    if stat.name == name {
        return true;
    }
    if stat.name.len() < CUT_AT || !name.starts_with(&stat.name) {
        return false;
    }
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = command.split(|byte| *byte == 0).take(3);
    words.any(|word| Path::new(OsStr::from_bytes(word)).file_name() == Some(name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names() {
        let text = "12 (a) b (c) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 250 1 1 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.name, "a) b (c");
        assert_eq!(stat.state, 'S');
        assert_eq!(stat.started_us, 250 * (1_000_000 / ticks_a_second()));
        assert_eq!(Stat::parse("12 (a"), None);
        assert_eq!(Stat::parse("12 (a) S 1"), None);
    }

    #[test]
    fn this_process() {
        let pid = std::process::id();
        let name = Stat::of(pid).unwrap().name;
        assert!(named(&name).unwrap().contains(&pid));
        assert_eq!(name_of(pid, 0), None);
        assert_eq!(name_of(pid, u64::MAX), Some(name));
    }
}
