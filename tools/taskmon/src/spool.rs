// SPDX-License-Identifier: GPL-2.0

//! A recording without a name: a history that stays as it is while it is read twice.

use crate::{
    history::Source,
    recording::{About, Writer},
};
use anyhow::{Context, Result};
use std::io::{self, BufWriter, Write};
use tempfile::NamedTempFile;

/// It goes with this value.
pub struct Spool(NamedTempFile);

impl Spool {
    /// What `fill` writes.
    pub fn write(
        about: &About,
        fill: impl FnOnce(&mut Writer<BufWriter<NamedTempFile>>) -> Result<()>,
    ) -> Result<Self> {
        let file = NamedTempFile::new().context("a temporary file")?;
        let mut writer = Writer::begin(BufWriter::with_capacity(1 << 16, file), about)?;
        fill(&mut writer)?;
        let file = writer
            .end()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok(Self(file))
    }

    /// A copy of a history as it is now.
    pub fn copy_of(source: &Source) -> Result<Self> {
        let mut history = source.open()?;
        let about = history.about().clone();
        Self::write(&about, |writer| {
            let mut at = None;
            while let Some((task, sample)) = history.next()? {
                if at != Some(task.index) {
                    at = Some(task.index);
                    writer.task(task.pid, task.name.as_deref())?;
                }
                writer.sample(&sample)?;
            }
            Ok(())
        })
    }

    pub fn source(&self) -> Source {
        Source::Recording(self.0.path().to_path_buf())
    }

    pub fn copy_to(&self, to: &mut impl Write) -> io::Result<()> {
        io::copy(&mut self.0.reopen()?, to).map(drop)
    }
}
