// SPDX-License-Identifier: GPL-2.0

//! Where samples are read from: the module or a recording.

use super::{
    reader::{HistoryReader, Identities},
    recording::Metadata,
};
use crate::{
    kernel_module,
    output::{os_error_text, print_message, Progress},
};
use anyhow::{anyhow, bail, Result};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

/// Where the samples are. A source can be opened several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The module's samples of these PIDs, or of all watched tasks if the set is empty.
    KernelModule(BTreeSet<u32>),
    /// A file that `taskmon record` wrote, or a copy of the module's samples file.
    Recording(PathBuf),
}

impl Source {
    /// Returns the source of the samples of all watched tasks.
    pub fn all_watched() -> Self {
        Self::KernelModule(BTreeSet::new())
    }

    /// Interprets the `FILE or PID` arguments of a subcommand. No argument means all watched tasks.
    ///
    /// Fails if there are several arguments and one of them is not a number.
    pub fn from_arguments(words: &[String]) -> Result<Self> {
        let pids: Option<BTreeSet<u32>> = words.iter().map(|word| word.parse().ok()).collect();
        match (pids, words) {
            (Some(pids), _) => Ok(Self::KernelModule(pids)),
            (None, [path]) => Ok(Self::Recording(path.into())),
            (None, _) => bail!("specify one recording, or PIDs of watched tasks"),
        }
    }

    /// Returns whether each reading returns the same samples. This is true for regular files only:
    /// not for a pipe, nor for a file that the kernel generates on each reading, whose size is 0.
    pub fn is_stable(&self) -> bool {
        match self {
            Self::KernelModule(_) => false,
            Self::Recording(path) => {
                fs::metadata(path).is_ok_and(|of| of.is_file() && of.len() > 0)
            }
        }
    }

    /// Opens the source for reading from its beginning.
    pub fn open(&self) -> Result<HistoryReader> {
        match self {
            Self::KernelModule(pids) => open_module(pids),
            Self::Recording(path) => open_recording(path),
        }
    }

    /// Writes one line to standard error if something is missing in the history. `metadata` is what
    /// is known at its end.
    pub fn tell_what_is_missing(&self, metadata: &Metadata) {
        if let (Self::Recording(path), Some(missing)) = (self, metadata.what_is_missing()) {
            print_message(format_args!("{}: {missing}", path.display()));
        }
    }
}

fn open_module(pids: &BTreeSet<u32>) -> Result<HistoryReader> {
    const PATH: &str = kernel_module::DEBUGFS_SAMPLES;
    let file = kernel_module::open(PATH)?;
    // Before the first sample is read: all tasks that were sampled until then are known.
    let identities = Identities::of_module()?;
    let metadata = Metadata {
        period_ms: kernel_module::period_ms().ok(),
        ..Metadata::default()
    };
    let progress = Progress::of_samples(kernel_module::statistic("alive").ok());
    let history = HistoryReader::new(PATH, buffered(file), metadata, progress);
    Ok(history.of_module(pids, identities))
}

fn open_recording(path: &Path) -> Result<HistoryReader> {
    let name = path.display().to_string();
    let failed = |error: &io::Error| anyhow!("{name}: {}", os_error_text(error));
    let file = File::open(path).map_err(|error| failed(&error))?;
    let of = file.metadata().map_err(|error| failed(&error))?;
    if of.is_dir() {
        bail!("{name}: is a directory, not a recording");
    }
    let progress = Progress::of_bytes(of.is_file().then_some(of.len()));
    let metadata = Metadata::default();
    Ok(HistoryReader::new(
        &name,
        buffered(file),
        metadata,
        progress,
    ))
}

fn buffered(file: File) -> BufReader<File> {
    BufReader::with_capacity(1 << 18, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_sources() {
        let stable = |path: &str| Source::Recording(path.into()).is_stable();
        assert!(stable("/proc/self/exe"));
        assert!(!stable("/proc/self/stat"));
        assert!(!stable("/dev/null"));
        assert!(!stable("/no/such"));
        assert!(!Source::all_watched().is_stable());
    }

    #[test]
    fn arguments() {
        let words =
            |all: &[&str]| -> Vec<String> { all.iter().map(|one| one.to_string()).collect() };
        let pids = Source::KernelModule(BTreeSet::from([12, 3]));
        assert_eq!(Source::from_arguments(&words(&["12", "3"])).unwrap(), pids);
        assert_eq!(Source::from_arguments(&[]).unwrap(), Source::all_watched());
        let file = Source::Recording("a.out".into());
        assert_eq!(Source::from_arguments(&words(&["a.out"])).unwrap(), file);
        assert!(Source::from_arguments(&words(&["a.out", "3"])).is_err());
    }
}
