// SPDX-License-Identifier: GPL-2.0

//! The words that the module obeys.

use super::files::{MODULE, NOT_EVEN_ROOT};
use nix::errno::Errno;
use std::{fs::File, io::Write};

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
