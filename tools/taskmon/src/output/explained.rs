// SPDX-License-Identifier: GPL-2.0

//! Writers whose errors name the file and say what to do.

use super::messages::os_error_text;
use std::io::{self, ErrorKind, Write};

/// A writer to a file.
pub struct Explained<W> {
    to: W,
    name: String,
    advice: &'static str,
}

impl<W> Explained<W> {
    /// Returns a writer to `to`, which is called `name` in messages. `advice` says what to do if
    /// there is no space.
    pub fn new(to: W, name: String, advice: &'static str) -> Self {
        Self { to, name, advice }
    }

    /// Returns what is written to.
    pub fn into_inner(self) -> W {
        self.to
    }

    fn explained<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| explain(&self.name, self.advice, &error))
    }
}

impl<W: Write> Write for Explained<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes);
        self.explained(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.to.flush();
        self.explained(flushed)
    }
}

/// Returns an error of the same kind whose text begins with the file's name, and ends with the
/// advice if there is no space.
pub fn explain(name: &str, advice: &str, error: &io::Error) -> io::Error {
    let text = os_error_text(error);
    let text = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            format!("{name}: {text}: {advice}")
        }
        _ => format!("{name}: {text}"),
    };
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    #[test]
    fn a_full_disk() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut to = Explained::new(full, "x.csv".to_string(), "free some");
        let error = to.write_all(b"a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(
            error.to_string(),
            "x.csv: No space left on device: free some"
        );
    }

    #[test]
    fn other_errors() {
        let error = explain("x", "advice", &io::Error::from_raw_os_error(32));
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::BrokenPipe, "x: Broken pipe")
        );
    }
}
