// SPDX-License-Identifier: GPL-2.0

//! Messages on standard error, text of errors, and the decision whether to use colours.

use super::escape::printable;
use nix::errno::Errno;
use std::{
    error::Error,
    fmt::Display,
    io::{self, stderr, stdout, IsTerminal, Write},
};

/// Writes one line to standard error, after the program's name. A failed write is ignored.
///
/// The message can contain foreign text: it is made printable.
pub fn print_message(message: impl Display) {
    let _ = writeln!(stderr(), "taskmon: {}", printable(&message.to_string()));
}

/// Writes an error and its causes to standard error, like [`print_message`].
pub fn print_error(error: &anyhow::Error) {
    print_message(error_text(error));
}

/// Returns the text of an error and its causes, without numbers of system errors.
pub fn error_text(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(cause_text).collect();
    causes.join(": ")
}

/// Returns the text of one cause of an error.
fn cause_text(cause: &(dyn Error + 'static)) -> String {
    match cause.downcast_ref::<io::Error>() {
        Some(error) => os_error_text(error),
        None => match cause.downcast_ref::<Errno>() {
            Some(code) => code.desc().to_string(),
            None => cause.to_string(),
        },
    }
}

/// Fails with all errors in one line, unless there are none.
pub fn fail_with_all(errors: Vec<anyhow::Error>) -> anyhow::Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = errors.iter().map(error_text).collect();
    Err(anyhow::anyhow!(lines.join("; ")))
}

/// Returns the system's description of an error, without the `(os error 2)` that Rust appends.
pub fn os_error_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_string(),
        None => error.to_string(),
    }
}

/// Returns whether to use colours: on a terminal, unless NO_COLOR is set and not empty.
pub fn use_colours(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Returns `text` in bold type if standard output shows colours.
pub fn bold(text: &str) -> String {
    if use_colours(stdout().is_terminal()) {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_string()
    }
}

/// Returns whether an error is a write to a pipe that has no reader any more.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn causes() {
        let failed = Err::<(), _>(io::Error::from_raw_os_error(28)).context("x");
        assert_eq!(
            error_text(&failed.unwrap_err()),
            "x: No space left on device"
        );
        assert_eq!(error_text(&Errno::EPERM.into()), "Operation not permitted");
    }
}
