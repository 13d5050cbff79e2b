// SPDX-License-Identifier: GPL-2.0

//! Messages on standard error, colours, and errors as text.

use nix::errno::Errno;
use std::{
    fmt::Display,
    io::{self, stderr, stdout, IsTerminal, Write},
};

/// An error of the system, in its words, without Rust's `(os error 2)`.
pub fn plain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_string(),
        None => error.to_string(),
    }
}

/// A remark or complaint on standard error. Nobody there to read it is no failure.
pub fn say(what: impl Display) {
    let _ = writeln!(stderr(), "taskmon: {what}");
}

/// Whether to use colours: on a terminal, unless the user wants none.
pub fn is_colourful(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A heading on standard output.
pub fn bold(text: &str) -> String {
    if is_colourful(stdout().is_terminal()) {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_string()
    }
}

/// Whether an error is that nobody reads standard output any more.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(|error| error.io_error_kind());
        let csv = cause
            .downcast_ref::<csv::Error>()
            .and_then(|error| match error.kind() {
                csv::ErrorKind::Io(error) => Some(error.kind()),
                _ => None,
            });
        io.or(json).or(csv) == Some(io::ErrorKind::BrokenPipe)
    })
}
