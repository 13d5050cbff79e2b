// SPDX-License-Identifier: GPL-2.0

//! A recording in a file without a name. It does not change, so it can be read twice.

use super::{
    recording::{Metadata, OldWriter},
    source::Source,
};
use crate::output::UnnamedFile;
use anyhow::{anyhow, Context, Error, Result};
use std::{
    env,
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

/// A recording in the directory for temporary files. It is freed when this value is dropped.
pub struct TempRecording(UnnamedFile);

impl TempRecording {
    /// Creates a recording. `fill` writes its samples.
    pub fn write(
        metadata: &Metadata,
        fill: impl FnOnce(&mut OldWriter<BufWriter<UnnamedFile>>) -> Result<()>,
    ) -> Result<Self> {
        let directory = env::temp_dir();
        let file = UnnamedFile::create_in(&directory, 0o600)
            .with_context(|| format!("creating a temporary file in {}", directory.display()))?;
        let mut writer = OldWriter::begin(BufWriter::with_capacity(1 << 16, file), metadata)?;
        fill(&mut writer)?;
        let file = writer
            .finish()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok(Self(file))
    }

    /// Returns the source from which the recording can be read while this value exists.
    pub fn source(&self) -> Source {
        Source::Recording(self.0.path())
    }

    /// Copies the text of the recording to `to`.
    pub fn copy_to(&self, to: &mut impl Write) -> io::Result<()> {
        io::copy(&mut File::open(self.0.path())?, to).map(drop)
    }

    /// Gives the recording a name, so that it is not lost because of `error`. Returns `error` with
    /// that name added.
    pub fn keep_after(self, error: &Error) -> Error {
        match self.keep() {
            Ok(path) => anyhow!("{error:#}; the recording is kept in {}", path.display()),
            Err(why) => anyhow!("{error:#}; the recording could not be kept either: {why}"),
        }
    }

    fn keep(self) -> io::Result<PathBuf> {
        let name = self.0.link(&env::temp_dir(), "taskmon.", ".out")?;
        Ok(name.keep()?)
    }
}
