// SPDX-License-Identifier: GPL-2.0

//! Paths of the module's files, and the error messages if one cannot be opened.

use crate::output::os_error_text;
use anyhow::{anyhow, Result};
use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// All samples of all watched tasks.
pub const DEBUGFS_SAMPLES: &str = "/sys/kernel/debug/taskmonitor";
/// The newest samples, at most one page of text. Commands are written to this file, because debugfs
/// cannot be written to while the kernel is locked down.
pub const SYSFS_SAMPLES: &str = "/sys/kernel/taskmonitor";
/// The identities of the watched tasks, one line for each.
pub const TASKS: &str = "/sys/kernel/debug/taskmonitor_tasks";
pub const STATISTICS: &str = "/sys/kernel/debug/taskmonitor_stats";
pub(super) const MODULE: &str = "/sys/module/taskmonitor";

/// Why the kernel can refuse a request of root.
pub(super) const REFUSED_FOR_ROOT: &str =
    "not permitted, even for root: it requires CAP_SYS_ADMIN in the initial user namespace, outside \
    of any container";

/// Opens one of the module's files for reading. The error says why that failed and what to do.
pub fn open(path: &str) -> Result<File> {
    File::open(path).map_err(|error| explain(path, &error))
}

/// Returns an error that says why one of the module's files cannot be opened or written, and what
/// to do.
pub(super) fn explain(path: &str, error: &io::Error) -> anyhow::Error {
    if !is_loaded() {
        return anyhow!("the module is not loaded: run `modprobe taskmonitor`");
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied if !nix::unistd::geteuid().is_root() => {
            anyhow!("only root can use {path}: run taskmon with sudo or as root")
        }
        io::ErrorKind::PermissionDenied => anyhow!("{path}: {REFUSED_FOR_ROOT}"),
        io::ErrorKind::NotFound
            if path.starts_with("/sys/kernel/debug/") && !is_debugfs_mounted() =>
        {
            anyhow!("debugfs is not mounted: run `mount -t debugfs none /sys/kernel/debug`")
        }
        io::ErrorKind::NotFound => anyhow!(
            "the module is loaded, but {path} does not exist: the kernel needs CONFIG_DEBUG_FS and \
             CONFIG_SYSFS"
        ),
        _ => anyhow!("{path}: {}", os_error_text(error)),
    }
}

/// Returns whether the module is loaded.
pub fn is_loaded() -> bool {
    Path::new(MODULE).exists()
}

fn is_debugfs_mounted() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .any(|place| place == "/sys/kernel/debug")
}
