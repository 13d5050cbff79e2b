// SPDX-License-Identifier: GPL-2.0

//! Destinations of results: standard output, a pipe or device, or a file that appears only when it
//! is complete.

use super::{
    explained::{explain, Explained},
    unnamed_file::UnnamedFile,
};
use anyhow::{anyhow, Result};
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, stdout, BufWriter, IntoInnerError, IsTerminal, Write},
    path::{Path, PathBuf},
};

/// What to do if there is no space for the output.
const ADVICE: &str = "free some space, or write to another file system";

/// A buffered output. It is complete only after [`Output::finish`].
///
/// Errors name the file and say what to do.
pub enum Output {
    Stdout(BufWriter<Explained<io::Stdout>>),
    /// A pipe or a device, written to directly.
    Stream(BufWriter<Explained<File>>),
    /// A regular file, which gets its name in `finish`.
    File(BufWriter<Explained<UnnamedFile>>, PathBuf),
}

impl Output {
    /// Returns an output to standard output.
    pub fn stdout() -> Self {
        Self::Stdout(buffered(stdout(), "standard output".to_string()))
    }

    /// Returns an output to the file `path`.
    ///
    /// A regular file replaces the previous file of that name in [`Output::finish`]. If `path` is a
    /// pipe or a device such as /dev/null, the output is written to it directly. `-` and
    /// /dev/stdout mean standard output.
    ///
    /// Fails if `path` is a directory, or if no file can be created in its directory.
    pub fn file(path: &Path) -> Result<Self> {
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            return Ok(Self::stdout());
        }
        let name = path.display().to_string();
        let failed = |error: io::Error| explain(&name, ADVICE, &error);
        let path = match fs::metadata(path) {
            Ok(of) if of.is_dir() => {
                return Err(anyhow!("{name}: is a directory: specify a file in it"));
            }
            Ok(of) if !of.is_file() => {
                let file = OpenOptions::new().write(true).open(path);
                return Ok(Self::Stream(buffered(file.map_err(failed)?, name)));
            }
            // If `path` is a symbolic link, its target is replaced and the link stays.
            Ok(_) => fs::canonicalize(path).map_err(failed)?,
            Err(_) => path.to_path_buf(),
        };
        let file = UnnamedFile::create_in(directory(&path), 0o666).map_err(failed)?;
        Ok(Self::File(buffered(file, name), path))
    }

    /// Returns an output to the file `path`, or to standard output if there is no path. Fails like
    /// [`Output::file`].
    pub fn file_or_stdout(path: Option<&Path>) -> Result<Self> {
        path.map_or_else(|| Ok(Self::stdout()), Self::file)
    }

    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Stdout(_)) && stdout().is_terminal()
    }

    /// Writes what is buffered, and gives a regular file its name. Without this call, no such file
    /// appears.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush()?,
            Self::Stream(mut out) => out.flush()?,
            Self::File(file, path) => {
                let file = file.into_inner().map_err(IntoInnerError::into_error)?;
                let linked = file.into_inner().link(directory(&path), ".taskmon.", "");
                linked
                    .and_then(|linked| linked.persist(&path).map_err(|error| error.error))
                    .map_err(|error| explain(&path.display().to_string(), ADVICE, &error))?;
            }
        }
        Ok(())
    }
}

fn buffered<W: Write>(to: W, name: String) -> BufWriter<Explained<W>> {
    BufWriter::with_capacity(1 << 16, Explained::new(to, name, ADVICE))
}

/// Returns the directory part of `path`, `.` if it has none.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Stream(out) => out.write(bytes),
            Self::File(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Stream(out) => out.flush(),
            Self::File(file, _) => file.flush(),
        }
    }
}

/// Writes a whole file.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut out = Output::file(path)?;
    out.write_all(bytes)?;
    out.finish()
}

/// Writes `value` to standard output as one line of JSON.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let mut out = Output::stdout();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    out.finish()
}
