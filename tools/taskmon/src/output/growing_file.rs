// SPDX-License-Identifier: GPL-2.0

//! A file that grows while taskmon runs, and whose content is valid whenever it is cut off.

use super::{explained::explain, messages::os_error_text, unnamed_file::UnnamedFile};
use anyhow::{anyhow, bail, Context, Error, Result};
use nix::fcntl::{Flock, FlockArg};
use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

/// How many bytes are collected at most before they are written.
const MAX_BUFFERED: usize = 1 << 20;

/// A file of lines to which whole blocks are appended. What was written once is not changed.
///
/// [`flush`](Write::flush) writes what has been collected. If that fails, for example because the
/// file system is full, the lines that fitted stay, and the rest is dropped.
pub struct GrowingFile {
    to: Destination,
    buffer: Vec<u8>,
}

enum Destination {
    /// A regular file. The lock keeps another taskmon from writing to it. `len` is `None` while it
    /// still has its previous content.
    Regular { file: Flock<File>, len: Option<u64> },
    /// A pipe, a device or standard output, and a copy that can be read again.
    Stream { file: File, copy: UnnamedFile },
}

/// The place of a [`GrowingFile`]. An existing file keeps its content until the first block is
/// written. A new file is removed when this value is dropped.
pub struct ReservedFile {
    to: Option<Destination>,
    /// The path of a new file.
    created: Option<PathBuf>,
}

impl ReservedFile {
    /// Opens the file `path`, or creates an empty one. `-` and /dev/stdout mean standard output.
    ///
    /// Fails if `path` is a directory, cannot be written, or is being written by another taskmon.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| anyhow!("{}: {}", path.display(), os_error_text(&error));
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            let file = nix::unistd::dup(io::stdout()).map_err(io::Error::from);
            return Self::stream(file.map(File::from).map_err(failed)?);
        }
        let before = fs::metadata(path);
        match &before {
            Ok(of) if of.is_dir() => bail!("{}: is a directory", path.display()),
            Ok(of) if !of.is_file() => {
                return Self::stream(OpenOptions::new().write(true).open(path).map_err(failed)?)
            }
            _ => {}
        }
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .clone();
        let file = options.open(path).map_err(failed)?;
        let file = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
            anyhow!(
                "{}: another taskmon is writing to this file",
                path.display()
            )
        })?;
        Ok(Self {
            to: Some(Destination::Regular { file, len: None }),
            created: before.is_err().then(|| path.to_path_buf()),
        })
    }

    fn stream(file: File) -> Result<Self> {
        let directory = env::temp_dir();
        let copy = UnnamedFile::create_in(&directory, 0o600)
            .with_context(|| format!("creating a temporary file in {}", directory.display()))?;
        Ok(Self {
            to: Some(Destination::Stream { file, copy }),
            created: None,
        })
    }

    /// Returns the file, to which blocks are written from now on.
    pub fn begin(mut self) -> Option<GrowingFile> {
        self.created = None;
        let to = self.to.take()?;
        Some(GrowingFile {
            to,
            buffer: Vec::new(),
        })
    }
}

impl Drop for ReservedFile {
    fn drop(&mut self) {
        if let Some(path) = &self.created {
            let _ = fs::remove_file(path);
        }
    }
}

impl GrowingFile {
    /// Opens what has been written and will be written, for reading.
    pub fn reader(&self) -> io::Result<File> {
        match &self.to {
            Destination::Regular { file, .. } => {
                File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
            }
            Destination::Stream { copy, .. } => File::open(copy.path()),
        }
    }
}

impl Write for GrowingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > MAX_BUFFERED {
            self.flush()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = match &mut self.to {
            Destination::Regular { file, len } => cut_once(file, len)
                .and_then(|()| append(file, len.get_or_insert_default(), &self.buffer)),
            // The copy is written first: it is complete even if the reader of a pipe has gone.
            Destination::Stream { file, copy } => copy
                .write_all(&self.buffer)
                .and_then(|()| file.write_all(&self.buffer)),
        };
        self.buffer.clear();
        written
    }
}

/// Removes the previous content of `file`, unless that has been done.
fn cut_once(file: &File, len: &mut Option<u64>) -> io::Result<()> {
    if len.is_none() {
        file.set_len(0)?;
        *len = Some(0);
    }
    Ok(())
}

/// Appends `bytes` to `file`, which is `len` bytes long. After an error, the file ends with the last
/// whole line that could be written.
fn append(file: &mut File, len: &mut u64, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    let failed = loop {
        if rest.is_empty() {
            *len += bytes.len() as u64;
            return Ok(());
        }
        match file.write(rest) {
            Ok(0) => break io::ErrorKind::WriteZero.into(),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break error,
        }
    };
    let written = &bytes[..bytes.len() - rest.len()];
    let lines = written.iter().rposition(|byte| *byte == b'\n');
    *len += lines.map_or(0, |last| last as u64 + 1);
    // If this fails too, the file ends in the middle of a line.
    let _ = file.set_len(*len);
    let _ = file.seek(SeekFrom::Start(*len));
    Err(failed)
}

/// Returns the error of a failed write to the file `name`, with what to do.
pub fn write_failure(name: &Path, error: &io::Error) -> Error {
    const ADVICE: &str = "free some space, or name a file on another file system";
    explain(&name.display().to_string(), ADVICE, error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_content_stays_until_the_first_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "before").unwrap();
        drop(ReservedFile::open(&path).unwrap());
        let mut file = ReservedFile::open(&path).unwrap().begin().unwrap();
        file.write_all(b"a line\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"before");
        file.flush().unwrap();
        file.write_all(b"b\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a line\n");
        let error = ReservedFile::open(&path).err().unwrap().to_string();
        assert!(error.ends_with("another taskmon is writing to this file"));
        file.flush().unwrap();
        assert_eq!(
            io::read_to_string(file.reader().unwrap()).unwrap(),
            "a line\nb\n"
        );
    }

    #[test]
    fn new_file_of_a_recording_that_does_not_begin() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let reserved = ReservedFile::open(&path).unwrap();
        assert!(path.exists());
        drop(reserved);
        assert!(!path.exists());
        assert!(ReservedFile::open(directory.path()).is_err());
    }

    #[test]
    fn device_that_is_full() {
        let mut file = ReservedFile::open(Path::new("/dev/full"))
            .unwrap()
            .begin()
            .unwrap();
        file.write_all(b"a\n").unwrap();
        let error = file.flush().unwrap_err();
        let text = write_failure(Path::new("/dev/full"), &error).to_string();
        assert!(text.starts_with("/dev/full: No space left on device: free some space"));
        assert_eq!(io::read_to_string(file.reader().unwrap()).unwrap(), "a\n");
    }
}
