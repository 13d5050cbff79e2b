// SPDX-License-Identifier: GPL-2.0

//! Where results go: standard output, or a file that is there whole or not at all.

use super::{messages::plain, unnamed_file::Unnamed};
use anyhow::{anyhow, Context, Result};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, stdout, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

/// An output that is complete only once it was ended.
pub enum Output {
    Stdout(BufWriter<io::Stdout>),
    Stream(BufWriter<File>, PathBuf),
    File(BufWriter<Unnamed>, PathBuf),
}

impl Output {
    pub fn stdout() -> Self {
        Self::Stdout(BufWriter::with_capacity(1 << 16, stdout()))
    }

    /// A file of that name, which is put there when the output ends. What is no ordinary file, such
    /// as a pipe or /dev/null, is written to as it is.
    pub fn file(path: &Path) -> Result<Self> {
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            return Ok(Self::stdout());
        }
        let failed = |error: &io::Error| anyhow!("{}: {}", path.display(), plain(error));
        let path = match fs::metadata(path) {
            Ok(of) if of.is_dir() => return Err(anyhow!("{}: it is a folder", path.display())),
            Ok(of) if !of.is_file() => {
                let file = OpenOptions::new().write(true).open(path);
                let file = file.map_err(|error| failed(&error))?;
                let stream = BufWriter::with_capacity(1 << 16, file);
                return Ok(Self::Stream(stream, path.to_path_buf()));
            }
            // A link stays one.
            Ok(_) => fs::canonicalize(path).map_err(|error| failed(&error))?,
            Err(_) => path.to_path_buf(),
        };
        // As a file that anybody may read.
        let file = Unnamed::in_folder(folder(&path), 0o666).map_err(|error| failed(&error))?;
        Ok(Self::File(BufWriter::with_capacity(1 << 16, file), path))
    }

    /// The named file, or standard output.
    pub fn of(path: Option<&Path>) -> Result<Self> {
        path.map_or_else(|| Ok(Self::stdout()), Self::file)
    }

    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Stdout(_)) && stdout().is_terminal()
    }

    /// All is written; a file gets its name.
    pub fn end(self) -> Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush().map_err(Into::into),
            Self::Stream(mut out, path) => out.flush().with_context(|| path.display().to_string()),
            Self::File(file, path) => {
                let name = path.display().to_string();
                let file = file
                    .into_inner()
                    .map_err(|error| error.into_error())
                    .context(name.clone())?;
                let linked = file.link(folder(&path), ".taskmon.", "");
                linked
                    .and_then(|linked| linked.persist(&path).map_err(|error| error.error))
                    .context(name)
            }
        }
    }
}

/// Where a file of that name lies.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Stream(out, _) => out.write(bytes),
            Self::File(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Stream(out, _) => out.flush(),
            Self::File(file, _) => file.flush(),
        }
    }
}
