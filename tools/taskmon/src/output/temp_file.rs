// SPDX-License-Identifier: GPL-2.0

//! Files in the directory for temporary files.

use super::{
    explained::{explain, Explained},
    unnamed_file::UnnamedFile,
};
use std::{
    env,
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

const ADVICE: &str = "free some space, or set TMPDIR to another directory";

/// A file that the kernel frees when this value is dropped.
pub struct TempFile(UnnamedFile);

impl TempFile {
    /// Creates an empty file.
    pub fn create() -> io::Result<Self> {
        let directory = env::temp_dir();
        let file = UnnamedFile::create_in(&directory, 0o600);
        file.map(Self)
            .map_err(|error| explain(&name(&directory), ADVICE, &error))
    }

    /// Returns a writer to the file.
    pub fn writer(&self) -> io::Result<BufWriter<Explained<File>>> {
        let file = self.0.duplicate()?;
        let file = Explained::new(file, name(&env::temp_dir()), ADVICE);
        Ok(BufWriter::with_capacity(1 << 16, file))
    }

    /// Returns a path by which this process can open the file.
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }
}

fn name(directory: &Path) -> String {
    format!("a temporary file in {}", directory.display())
}
