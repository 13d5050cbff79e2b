// SPDX-License-Identifier: GPL-2.0

//! What is known of this machine, for recordings and for the module's samples.

use super::{Metadata, Overview};
use crate::{procfs, selection::Cgroup};
use std::{collections::HashSet, ffi::OsStr, fs};

/// Returns the names of the machine, its kernel and its boot, and the number of its CPUs.
pub fn machine() -> Metadata {
    let names = nix::sys::utsname::uname().ok();
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    Metadata {
        host: names.as_ref().map(|names| text(names.nodename())),
        kernel: names.as_ref().map(|names| text(names.release())),
        cpus: procfs::cpus(),
        boot_id: boot_id.map(|id| id.trim().to_string()),
        ..Metadata::default()
    }
}

impl Overview {
    /// Adds what is known of this machine, from whose module the history was read.
    pub(super) fn add_machine(&mut self) {
        let infos = self.tasks.iter().filter_map(|task| task.task.info.as_ref());
        let cgroups: HashSet<u64> = infos.filter_map(|info| info.cgroup).collect();
        let mut paths = match cgroups.is_empty() {
            true => Vec::new(),
            false => Cgroup::paths(),
        };
        paths.retain(|(id, _)| cgroups.contains(id));
        let paths = paths.into_iter();
        let of_machine = machine();
        let known = &mut self.metadata;
        known.host = of_machine.host;
        known.kernel = of_machine.kernel;
        known.cpus = of_machine.cpus;
        known.boot_id = of_machine.boot_id;
        known.cgroups = paths
            .map(|(id, path)| (id, path.to_string_lossy().into_owned()))
            .collect();
    }
}
