// SPDX-License-Identifier: GPL-2.0

//! The module's files: where they are, and what to do when they are not.

use anyhow::{anyhow, bail, Context, Result};
use nix::errno::Errno;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
};

pub const DEBUGFS: &str = "/sys/kernel/debug/taskmonitor";
pub const SYSFS: &str = "/sys/kernel/taskmonitor";
pub const STATISTICS: &str = "/sys/kernel/debug/taskmonitor_stats";
const MODULE: &str = "/sys/module/taskmonitor";
pub const PERIOD_MS: &str = "/sys/module/taskmonitor/parameters/period_ms";

/// Why root can be refused what root alone may.
const NOT_EVEN_ROOT: &str =
    "not even root may do that here: it takes CAP_SYS_ADMIN outside of any \
    user namespace or container, and a kernel that is not locked down \
    (/sys/kernel/security/lockdown)";

/// Opens one of the module's files for reading.
pub fn open(path: &str) -> Result<File> {
    File::open(path).map_err(|error| advice(path, &error))
}

/// What to do about one of the module's files that cannot be opened.
fn advice(path: &str, error: &io::Error) -> anyhow::Error {
    if !is_loaded() {
        return anyhow!("the module is not loaded: run `modprobe taskmonitor`");
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied if !nix::unistd::geteuid().is_root() => {
            anyhow!("only root may use {path}: run it by sudo, or as root")
        }
        io::ErrorKind::PermissionDenied => anyhow!("{path}: {NOT_EVEN_ROOT}"),
        io::ErrorKind::NotFound
            if path.starts_with("/sys/kernel/debug/") && !debugfs_is_there() =>
        {
            anyhow!("debugfs is not mounted: run `mount -t debugfs none /sys/kernel/debug`")
        }
        io::ErrorKind::NotFound => anyhow!(
            "the module is loaded, but there is no {path}: the kernel needs CONFIG_DEBUG_FS and \
             CONFIG_SYSFS"
        ),
        _ => anyhow!("{path}: {}", plain(error)),
    }
}

pub fn is_loaded() -> bool {
    Path::new(MODULE).exists()
}

fn debugfs_is_there() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .any(|place| place == "/sys/kernel/debug")
}

/// An error of the system, in its words, without Rust's `(os error 2)`.
pub fn plain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_string(),
        None => error.to_string(),
    }
}

/// The module's control file, held open so that it can be written from anywhere.
pub fn control() -> Result<File> {
    OpenOptions::new()
        .write(true)
        .open(SYSFS)
        .map_err(|error| advice(SYSFS, &error))
}

/// Has the module obey one word; the error is the kernel's.
pub fn obey(mut control: &File, word: &str) -> Result<(), Errno> {
    control
        .write_all(word.as_bytes())
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
}

/// Why the module refused a word, as a sentence about `what`.
pub fn refusal(word: &str, what: &str, error: Errno) -> String {
    let removes = word.starts_with('-');
    match error {
        Errno::ESRCH if removes => format!("{what} is not watched"),
        Errno::ESRCH => format!("{what}: no such task"),
        Errno::EEXIST => format!("{what} is watched already"),
        Errno::ENOSPC => format!(
            "{what}: as many tasks are watched as may be; remove some, or raise \
             {MODULE}/parameters/max_targets"
        ),
        Errno::EOPNOTSUPP => format!(
            "{what}: this kernel cannot follow descendants (CONFIG_TRACEPOINTS); \
             watch it alone"
        ),
        Errno::EPERM => format!("{what}: {NOT_EVEN_ROOT}"),
        other => format!("{what}: {}", other.desc()),
    }
}

/// The statistics, in the module's order.
pub fn statistics() -> Result<Vec<(String, u64)>> {
    let text = io::read_to_string(open(STATISTICS)?).context(STATISTICS)?;
    text.lines()
        .map(|line| {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            let value = value
                .parse()
                .with_context(|| format!("{STATISTICS}: {line}"))?;
            Ok((name.to_string(), value))
        })
        .collect()
}

/// One of the statistics.
pub fn statistic(name: &str) -> Result<u64> {
    let all = statistics()?;
    match all.iter().find(|(each, _)| each == name) {
        Some((_, value)) => Ok(*value),
        None => bail!("{STATISTICS} has no {name}: the module is of another version"),
    }
}

/// How many samples were ever taken, for one who must not allocate memory and has the file of the
/// statistics open.
pub fn created(statistics: &File) -> io::Result<u64> {
    let mut text = [0; 1024];
    let len = statistics.read_at(&mut text, 0)?;
    let lines = text[..len].split(|byte| *byte == b'\n');
    let number = lines
        .filter_map(|line| line.strip_prefix(b"created "))
        .find_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    number.ok_or(io::ErrorKind::InvalidData.into())
}

/// The time between two samples of a task.
pub fn period_ms() -> Result<u64> {
    let text = io::read_to_string(open(PERIOD_MS)?).context(PERIOD_MS)?;
    text.trim().parse().context(PERIOD_MS)
}

/// Changes the time between two samples, for all tasks.
pub fn set_period_ms(period_ms: u64) -> Result<()> {
    fs::write(PERIOD_MS, format!("{period_ms}\n")).map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::EINVAL as i32 => {
            anyhow!("a period of {period_ms} ms: it must be 1 to 3600000")
        }
        _ => advice(PERIOD_MS, &error),
    })
}
