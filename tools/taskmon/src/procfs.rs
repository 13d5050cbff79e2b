// SPDX-License-Identifier: GPL-2.0

//! Tasks as /proc shows them: names, states, start times. Also the clock that samples use.
//!
//! A PID can be reused, so a task is identified by its PID and the time at which it began: see
//! [`Stat::of_life`].

use nix::time::{clock_gettime, ClockId};
use std::{ffi::OsStr, fs, io, os::unix::ffi::OsStrExt, path::Path, time::Duration};

/// The fields of /proc/PID/stat that taskmon needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Stat {
    /// The command name, which is any sequence of bytes. The kernel truncates it to 15 bytes.
    pub name: Vec<u8>,
    /// The state letter of proc(5): R, S, D, T, Z, …
    pub state: char,
    /// The PID of the parent; 0 if there is none, or none that is visible.
    pub parent: u32,
    /// Start time in microseconds since boot, rounded down to a clock tick.
    pub started_us: u64,
}

impl Stat {
    /// Reads the stat file of the task `pid`, if it exists.
    pub fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads the stat file of the task `pid` that began at `started_us`. Returns `None` if it does
    /// not exist any more, even if a later task has its PID now.
    pub fn of_life(pid: u32, started_us: u64) -> Option<Self> {
        let in_ticks = |us: u64| us / us_per_tick();
        Self::of(pid).filter(|stat| in_ticks(stat.started_us) == in_ticks(started_us))
    }

    /// Parses the content of the file. The name is in parentheses, and can itself contain
    /// parentheses.
    fn parse(text: &[u8]) -> Option<Self> {
        let begin = text.iter().position(|byte| *byte == b'(')?;
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let name = text.get(begin + 1..end)?.to_vec();
        let fields = std::str::from_utf8(&text[end + 1..]).ok()?;
        let mut fields = fields.split_ascii_whitespace();
        // In proc(5), the state is field 3, the parent is field 4 and the start time is field 22.
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let ticks: u64 = fields.nth(17)?.parse().ok()?;
        Some(Self {
            name,
            state,
            parent,
            started_us: ticks.saturating_mul(us_per_tick()),
        })
    }
}

/// Returns the length of a clock tick, in which /proc has times.
fn us_per_tick() -> u64 {
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK);
    let per_second = ticks.ok().flatten().and_then(|ticks| ticks.try_into().ok());
    1_000_000 / per_second.unwrap_or(100)
}

/// Returns the time in microseconds since boot, on the clock of the samples (CLOCK_BOOTTIME).
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    now.map_or(0, |now| now.as_micros().try_into().unwrap_or(u64::MAX))
}

/// Returns the number of CPUs that are online, if it can be found out.
pub fn cpus() -> Option<u32> {
    let cpus = nix::unistd::sysconf(nix::unistd::SysconfVar::_NPROCESSORS_ONLN);
    cpus.ok().flatten()?.try_into().ok()
}

/// Returns the PIDs of all processes, in ascending order. Fails if /proc cannot be read, or if it
/// shows another PID namespace than the one of taskmon.
pub fn processes() -> io::Result<Vec<u32>> {
    let own_pid = fs::read_link("/proc/self")?;
    if own_pid.to_str() != Some(&std::process::id().to_string()) {
        return Err(io::Error::other("it is that of another PID namespace"));
    }
    let mut pids: Vec<u32> = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    Ok(pids)
}

/// Returns the PIDs of the processes whose parent is not a visible process: init and kthreadd or,
/// in a PID namespace, its first process and those that have entered it. All other processes are
/// their descendants.
pub fn roots() -> io::Result<Vec<u32>> {
    let mut pids = processes()?;
    pids.retain(|pid| Stat::of(*pid).is_some_and(|stat| stat.parent == 0));
    Ok(pids)
}

/// Returns the PIDs of all processes named `name`, in ascending order. Fails like [`processes`].
pub fn pids_named(name: &[u8]) -> io::Result<Vec<u32>> {
    let mut pids = processes()?;
    pids.retain(|pid| Stat::of(*pid).is_some_and(|stat| has_name(*pid, &stat.name, name)));
    Ok(pids)
}

/// Returns whether `name` is the name of the process `pid`, whose command name is `command`.
///
/// If the kernel truncated the command name, `name` is compared to the file names of the first
/// three words of the command line: a script is the first or second argument of its interpreter.
pub fn has_name(pid: u32, command: &[u8], name: &[u8]) -> bool {
    const MAX_LEN: usize = 15;
    if command == name {
        return true;
    }
    if command.len() < MAX_LEN || !name.starts_with(command) {
        return false;
    }
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = command_line.split(|byte| *byte == 0).take(3);
    let name = Some(OsStr::from_bytes(name));
    words.any(|word| Path::new(OsStr::from_bytes(word)).file_name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses() {
        let text = b"12 (a) \xff (c) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 250 1 1 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.name, b"a) \xff (c");
        assert_eq!(stat.state, 'S');
        assert_eq!(stat.parent, 1);
        assert_eq!(stat.started_us, 250 * us_per_tick());
        for other in [&b"12 (a"[..], b"12 (a) S 1", b"12 )a( S 1", b""] {
            assert_eq!(Stat::parse(other), None);
        }
    }

    #[test]
    fn this_process() {
        let pid = std::process::id();
        let name = Stat::of(pid).unwrap().name;
        let started_us = Stat::of(pid).unwrap().started_us;
        let life = |us| Stat::of_life(pid, us).map(|stat| stat.name);
        assert_eq!(life(started_us + us_per_tick() - 1), Some(name.clone()));
        assert_eq!(life(started_us + us_per_tick()), None);
        assert!(pids_named(&name).unwrap().contains(&pid));
    }
}
