// SPDX-License-Identifier: GPL-2.0

//! Lines of a file that anybody may have written.

use crate::output::{os_error_text, Progress};
use anyhow::{anyhow, Error, Result};
use std::{
    fmt::Display,
    io::{BufRead, Read},
};

/// The longest line, in bytes.
const MAX_LEN: usize = 1 << 16;

/// A reader of lines, with its position.
pub struct Lines {
    /// The file's name for error messages.
    name: String,
    input: Box<dyn BufRead>,
    progress: Progress,
    line: Vec<u8>,
    number: u64,
    /// The number of the last line to read.
    end: u64,
    is_cut: bool,
}

impl Lines {
    /// Returns a reader of the lines of `input`.
    pub fn new(name: &str, input: impl BufRead + 'static, progress: Progress) -> Self {
        Self {
            name: name.to_string(),
            input: Box::new(input),
            progress,
            line: Vec::new(),
            number: 0,
            end: u64::MAX,
            is_cut: false,
        }
    }

    /// Disables the progress bar.
    pub fn hide_progress(&mut self) {
        self.progress = Progress::hidden();
    }

    /// Makes the line `number` the last one.
    pub fn end_after(&mut self, number: u64) {
        self.end = number;
    }

    /// Reads the next line, without its newline; `None` at the end. A last line without a newline is
    /// not returned, because it was cut off.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        if self.number >= self.end {
            self.progress.finish();
            return Ok(None);
        }
        let most = MAX_LEN as u64 + 1;
        let len = (&mut self.input)
            .take(most)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| anyhow!("{}: {}", self.name, os_error_text(&error)))?;
        if len == 0 {
            self.progress.finish();
            return Ok(None);
        }
        self.number += 1;
        if len > MAX_LEN {
            return Err(self.error(format_args!("longer than {MAX_LEN} bytes")));
        }
        self.progress.advance(len);
        let line = self.line.strip_suffix(b"\n");
        self.is_cut = line.is_none();
        Ok(line)
    }

    /// Returns the line that was read last, with its newline.
    pub fn current(&self) -> &[u8] {
        &self.line
    }

    /// Returns the number of the line that was read last, from 1; 0 before the first one.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the number of lines that were read, without a last line that was cut off.
    pub fn whole(&self) -> u64 {
        self.number - u64::from(self.is_cut)
    }

    /// Returns whether the last line has no newline.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns an error that says what is wrong with the line that was read last.
    pub fn error(&self, what: impl Display) -> Error {
        anyhow!("{}: line {}: {what}", self.name, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{repeat, BufReader, Cursor};

    fn lines(text: &'static [u8]) -> Lines {
        Lines::new("text", Cursor::new(text), Progress::hidden())
    }

    #[test]
    fn a_last_line_that_is_cut() {
        let mut lines = lines(b"a\n\nb");
        assert_eq!(lines.next().unwrap(), Some(&b"a"[..]));
        assert_eq!(lines.next().unwrap(), Some(&b""[..]));
        assert_eq!((lines.number(), lines.is_cut()), (2, false));
        assert_eq!(lines.next().unwrap(), None);
        assert_eq!((lines.number(), lines.is_cut()), (3, true));
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.is_cut());
    }

    #[test]
    fn an_unending_line() {
        let unending = BufReader::new(repeat(0));
        let mut lines = Lines::new("zero", unending, Progress::hidden());
        let error = lines.next().unwrap_err();
        assert_eq!(error.to_string(), "zero: line 1: longer than 65536 bytes");
    }
}
