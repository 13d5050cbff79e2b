// SPDX-License-Identifier: GPL-2.0

//! The samples file in debugfs, held open by a recorder.
//!
//! After the end of the file, the next read returns the samples that were taken since then. A period
//! that is written to the file is in force for as long as the descriptor is open, so a recorder that
//! is killed leaves nothing changed.

use super::files::{explain, DEBUGFS_SAMPLES};
use anyhow::{bail, Result};
use nix::errno::Errno;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
};

/// The size of the buffer for reading.
const BUFFER: usize = 1 << 18;

/// The samples file, open for reading, and for writing unless the kernel is locked down.
pub struct SamplesFile {
    input: BufReader<File>,
    is_writable: bool,
}

impl SamplesFile {
    /// Opens the file. The error says what to do.
    pub fn open() -> Result<Self> {
        let open = |is_writable: bool| {
            let file = OpenOptions::new()
                .read(true)
                .write(is_writable)
                .open(DEBUGFS_SAMPLES)?;
            Ok(Self {
                input: BufReader::with_capacity(BUFFER, file),
                is_writable,
            })
        };
        // Under lockdown, files in debugfs can be opened for reading only.
        open(true)
            .or_else(|error: io::Error| match error.raw_os_error() {
                Some(code) if code == Errno::EPERM as i32 => open(false),
                _ => Err(error),
            })
            .map_err(|error| explain(DEBUGFS_SAMPLES, &error))
    }

    /// Returns whether a period can be requested. Under kernel lockdown it cannot.
    pub fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Requests that all watched tasks are sampled at least every `period_ms` milliseconds, for as
    /// long as this value exists.
    pub fn request_period(&self, period_ms: u64) -> Result<()> {
        let written = self
            .input
            .get_ref()
            .write_all(format!("period:{period_ms}").as_bytes());
        match written {
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => bail!(
                "the module refused a period of {period_ms} ms: it has another version than taskmon"
            ),
            other => other.map_err(|error| explain(DEBUGFS_SAMPLES, &error)),
        }
    }

    /// Reads to the end of the file without looking at the samples.
    pub fn skip_to_end(&mut self) -> io::Result<()> {
        self.input.consume(self.input.buffer().len());
        io::copy(self.input.get_mut(), &mut io::sink()).map(drop)
    }
}

impl Read for SamplesFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.input.read(bytes)
    }
}

impl BufRead for SamplesFile {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, len: usize) {
        self.input.consume(len);
    }
}
