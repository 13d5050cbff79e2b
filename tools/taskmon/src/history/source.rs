// SPDX-License-Identifier: GPL-2.0

//! Where a history comes from: the module or a recording.

use super::{reader::History, recording::About};
use crate::{
    kernel_module,
    output::{plain, Progress},
};
use anyhow::{anyhow, bail, Result};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::BufReader,
    path::PathBuf,
};

/// A history that can be read, more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// What the module keeps: of these tasks, or of all.
    Module(BTreeSet<u32>),
    /// What `taskmon record` wrote, or a copy of the module's file.
    Recording(PathBuf),
}

impl Source {
    /// What `FILE or PID…` on the command line means; nothing: all that the module keeps.
    pub fn from_words(words: &[String]) -> Result<Self> {
        let numbers: Option<BTreeSet<u32>> = words.iter().map(|word| word.parse().ok()).collect();
        match (numbers, words) {
            (Some(pids), _) => Ok(Self::Module(pids)),
            (None, [path]) => Ok(Self::Recording(path.into())),
            (None, _) => bail!("give one recording, or the numbers of watched tasks"),
        }
    }

    /// Whether it stays the same, so that it can be read twice: a file does, but for pipes and those
    /// that the kernel makes up while they are read, which say that they are empty.
    pub fn is_steady(&self) -> bool {
        match self {
            Self::Module(_) => false,
            Self::Recording(path) => {
                fs::metadata(path).is_ok_and(|of| of.is_file() && of.len() > 0)
            }
        }
    }

    /// Opens it at its beginning.
    pub fn open(&self) -> Result<History> {
        match self {
            Self::Module(pids) => {
                let file = kernel_module::open(kernel_module::DEBUGFS)?;
                let samples = kernel_module::statistic("alive").ok();
                let about = About {
                    period_ms: kernel_module::period_ms().ok(),
                    ..About::default()
                };
                let input = BufReader::with_capacity(1 << 18, file);
                let progress = Progress::of_samples(samples);
                Ok(History::new(kernel_module::DEBUGFS, input, about, progress).of_living(pids))
            }
            Self::Recording(path) => {
                let name = path.display().to_string();
                let file =
                    File::open(path).map_err(|error| anyhow!("{name}: {}", plain(&error)))?;
                let bytes = file
                    .metadata()
                    .ok()
                    .filter(|of| of.is_file())
                    .map(|of| of.len());
                let input = BufReader::with_capacity(1 << 18, file);
                Ok(History::new(
                    &name,
                    input,
                    About::default(),
                    Progress::of_bytes(bytes),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_twice() {
        let steady = |path: &str| Source::Recording(path.into()).is_steady();
        assert!(steady("/proc/self/exe"));
        assert!(!steady("/proc/self/stat"));
        assert!(!steady("/dev/null"));
        assert!(!steady("/no/such"));
        assert!(!Source::Module(BTreeSet::new()).is_steady());
    }

    #[test]
    fn words() {
        let words =
            |all: &[&str]| -> Vec<String> { all.iter().map(|one| one.to_string()).collect() };
        let pids = Source::Module(BTreeSet::from([12, 3]));
        assert_eq!(Source::from_words(&words(&["12", "3"])).unwrap(), pids);
        assert_eq!(
            Source::from_words(&[]).unwrap(),
            Source::Module(BTreeSet::new())
        );
        let file = Source::Recording("a.out".into());
        assert_eq!(Source::from_words(&words(&["a.out"])).unwrap(), file);
        assert!(Source::from_words(&words(&["a.out", "3"])).is_err());
    }
}
