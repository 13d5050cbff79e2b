// SPDX-License-Identifier: GPL-2.0

//! A history that can be read again and is the same then.

use super::{overview::Overview, reader::HistoryReader, source::Source};
use crate::output::TempFile;
use anyhow::Result;

/// A history that was read once, and can be read again. The second reading ends where the first one
/// ended, even if the recording has grown meanwhile.
///
/// What can be read only once, the module's samples or a pipe, is copied to a temporary file.
pub struct StableHistory {
    overview: Overview,
    source: Source,
    /// The number of lines of the first reading.
    lines: u64,
    has_progress: bool,
    _copy: Option<TempFile>,
}

impl StableHistory {
    /// Reads a history for the first time. `has_progress` says whether a progress bar may be shown.
    pub fn read(source: &Source, has_progress: bool) -> Result<Self> {
        let mut history = source.open()?;
        if !has_progress {
            history = history.without_progress();
        }
        let copy = if source.is_stable() {
            None
        } else {
            let copy = TempFile::create()?;
            history = history.copying_to(copy.writer()?);
            Some(copy)
        };
        let mut overview = Overview::read_from(&mut history)?;
        if matches!(source, Source::KernelModule(_)) {
            overview.add_machine();
        }
        Ok(Self {
            overview,
            source: match &copy {
                Some(copy) => Source::Recording(copy.path()),
                None => source.clone(),
            },
            lines: match &copy {
                // The copy has fewer lines than the module, and all of them are whole.
                Some(_) => u64::MAX,
                None => history.whole_lines(),
            },
            has_progress,
            _copy: copy,
        })
    }

    /// Returns the overview of the first reading.
    pub fn overview(&self) -> &Overview {
        &self.overview
    }

    /// Opens the history for another reading. Its tasks have the same indexes; names and metadata
    /// are those of the first reading.
    pub fn open(&self) -> Result<HistoryReader> {
        let history = self.source.open()?.ending_after_line(self.lines);
        Ok(if self.has_progress {
            history
        } else {
            history.without_progress()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::OpenOptions, io::Write};

    const BEGIN: &str = "\
# taskmon 2
# task pid:7 : id 4 started 0 first 0 next 0 usr 0 sys 0 name sh
# samples 4
pid:7 num:0 : usr 0 sys 0 time 1
";
    const MORE: &str = "\
# task pid:8 : id 5 started 0 first 0 next 0 usr 0 sys 0 name sh
# samples 5
pid:8 num:0 : usr 0 sys 0 time 2
";

    fn count(history: &StableHistory) -> usize {
        let mut history = history.open().unwrap();
        let mut count = 0;
        while history.next().unwrap().is_some() {
            count += 1;
        }
        count
    }

    #[test]
    fn a_recording_that_grows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("recording");
        let mut file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(BEGIN.as_bytes()).unwrap();
        file.write_all(&MORE.as_bytes()[..9]).unwrap();
        let history = StableHistory::read(&Source::Recording(path), false).unwrap();
        assert_eq!(history.overview().metadata.cut_off_at, Some(5));
        file.write_all(&MORE.as_bytes()[9..]).unwrap();
        assert_eq!((history.overview().tasks.len(), count(&history)), (1, 1));
    }
}
