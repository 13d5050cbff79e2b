// SPDX-License-Identifier: GPL-2.0

//! Destinations of results: standard output, a pipe or device, or a file that appears only when it
//! is complete.

use super::{messages::os_error_text, unnamed_file::UnnamedFile};
use anyhow::{anyhow, Context, Result};
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, stdout, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

/// A buffered output. It is complete only after [`Output::finish`].
pub enum Output {
    Stdout(BufWriter<io::Stdout>),
    /// A pipe or a device, written to directly.
    Stream(BufWriter<File>, PathBuf),
    /// A regular file, which gets its name in `finish`.
    File(BufWriter<UnnamedFile>, PathBuf),
}

impl Output {
    /// Returns an output to standard output.
    pub fn stdout() -> Self {
        Self::Stdout(BufWriter::with_capacity(1 << 16, stdout()))
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
        let failed = |error: &io::Error| anyhow!("{}: {}", path.display(), os_error_text(error));
        let path = match fs::metadata(path) {
            Ok(of) if of.is_dir() => return Err(anyhow!("{}: is a directory", path.display())),
            Ok(of) if !of.is_file() => {
                let file = OpenOptions::new().write(true).open(path);
                let file = file.map_err(|error| failed(&error))?;
                let stream = BufWriter::with_capacity(1 << 16, file);
                return Ok(Self::Stream(stream, path.to_path_buf()));
            }
            // If `path` is a symbolic link, its target is replaced and the link stays.
            Ok(_) => fs::canonicalize(path).map_err(|error| failed(&error))?,
            Err(_) => path.to_path_buf(),
        };
        let file =
            UnnamedFile::create_in(directory(&path), 0o666).map_err(|error| failed(&error))?;
        Ok(Self::File(BufWriter::with_capacity(1 << 16, file), path))
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
            Self::Stdout(mut out) => out.flush().map_err(Into::into),
            Self::Stream(mut out, path) => out.flush().with_context(|| path.display().to_string()),
            Self::File(file, path) => {
                let name = path.display().to_string();
                let file = file
                    .into_inner()
                    .map_err(|error| error.into_error())
                    .context(name.clone())?;
                let linked = file.link(directory(&path), ".taskmon.", "");
                linked
                    .and_then(|linked| linked.persist(&path).map_err(|error| error.error))
                    .context(name)
            }
        }
    }
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

/// Writes `value` to standard output as one line of JSON.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let mut out = Output::stdout();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    out.finish()
}
