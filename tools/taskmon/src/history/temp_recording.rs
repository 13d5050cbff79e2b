// SPDX-License-Identifier: GPL-2.0

//! A recording without a name: a history that stays as it is while it is read twice.

use super::{
    recording::{About, Writer},
    source::Source,
};
use crate::output::Unnamed;
use anyhow::{anyhow, Context, Error, Result};
use std::{
    env,
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

/// It goes with this value.
pub struct Spool(Unnamed);

impl Spool {
    /// What `fill` writes.
    pub fn write(
        about: &About,
        fill: impl FnOnce(&mut Writer<BufWriter<Unnamed>>) -> Result<()>,
    ) -> Result<Self> {
        let folder = env::temp_dir();
        let file = Unnamed::in_folder(&folder, 0o600)
            .with_context(|| format!("a temporary file in {}", folder.display()))?;
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
        // By then it is known what the history is about.
        let first = history.next()?.map(|(task, sample)| (task.clone(), sample));
        let about = history.about().clone();
        Self::write(&about, |writer| {
            let Some((task, sample)) = first else {
                return Ok(());
            };
            writer.task(task.pid, task.name.as_deref())?;
            writer.sample(&sample)?;
            let mut at = task.index;
            while let Some((task, sample)) = history.next()? {
                if at != task.index {
                    at = task.index;
                    writer.task(task.pid, task.name.as_deref())?;
                }
                writer.sample(&sample)?;
            }
            Ok(())
        })
    }

    pub fn source(&self) -> Source {
        Source::Recording(self.0.path())
    }

    pub fn copy_to(&self, to: &mut impl Write) -> io::Result<()> {
        io::copy(&mut File::open(self.0.path())?, to).map(drop)
    }

    /// What to say after an error, when this is all that there is of a recording: the error, and the
    /// name under which the recording is kept.
    pub fn rescued(self, error: &Error) -> Error {
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
