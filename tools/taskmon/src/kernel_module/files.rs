// SPDX-License-Identifier: GPL-2.0

//! The module's files: where they are, and what to do when they are not.

use crate::output::plain;
use anyhow::{anyhow, Result};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

pub const DEBUGFS: &str = "/sys/kernel/debug/taskmonitor";
pub const SYSFS: &str = "/sys/kernel/taskmonitor";
pub const STATISTICS: &str = "/sys/kernel/debug/taskmonitor_stats";
pub(super) const MODULE: &str = "/sys/module/taskmonitor";
pub const PERIOD_MS: &str = "/sys/module/taskmonitor/parameters/period_ms";

/// Why root can be refused what root alone may.
pub(super) const NOT_EVEN_ROOT: &str =
    "not even root may do that here: it takes CAP_SYS_ADMIN outside of any \
    user namespace or container, and a kernel that is not locked down \
    (/sys/kernel/security/lockdown)";

/// Opens one of the module's files for reading.
pub fn open(path: &str) -> Result<File> {
    File::open(path).map_err(|error| advice(path, &error))
}

/// What to do about one of the module's files that cannot be opened.
pub(super) fn advice(path: &str, error: &io::Error) -> anyhow::Error {
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

/// The module's control file, held open so that it can be written from anywhere.
pub fn control() -> Result<File> {
    OpenOptions::new()
        .write(true)
        .open(SYSFS)
        .map_err(|error| advice(SYSFS, &error))
}
