// SPDX-License-Identifier: GPL-2.0

//! The text of one write, and whether its last command is complete.
//!
//! A write may end in the middle of a command. For example, stdio writes 4,096 bytes that end
//! within a number, and its next write begins with the rest of that number. So a write of several
//! commands is refused as a whole if no white space follows the last one. A single command needs no
//! white space after it, so that `echo -n` and `printf` work as well as `echo`.

use crate::abstractions::{signal, write_data::WriteData};
use kernel::prelude::*;

/// Returns whether `byte` is white space in the C locale.
pub(super) fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The text of one write. It may be in the memory of the process that writes, so it may change
/// between two calls.
pub(crate) trait WriteText {
    /// Returns the number of bytes.
    fn len(&self) -> usize;

    /// Copies the bytes from `at` on to `out`. Returns how many were copied. If that is less than
    /// both the length of `out` and what is left, the next byte cannot be read.
    fn read_at(&self, at: usize, out: &mut [u8]) -> usize;
}

impl WriteText for WriteData<'_> {
    fn len(&self) -> usize {
        WriteData::len(self)
    }

    fn read_at(&self, at: usize, out: &mut [u8]) -> usize {
        WriteData::read_at(self, at, out)
    }
}

impl WriteText for [u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn read_at(&self, at: usize, out: &mut [u8]) -> usize {
        let rest = self.get(at..).unwrap_or_default();
        rest.iter().zip(out).map(|(from, to)| *to = *from).count()
    }
}

/// Whether the last command of a write is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// White space follows each command, or there is no command.
    Complete,
    /// There is one command, after this many bytes of white space, and nothing follows it.
    Single(usize),
    /// There are several commands, and nothing follows the last one.
    Incomplete,
}

impl Ending {
    /// Examines `text`, up to the first byte that cannot be read. Uses `buffer`, which is not
    /// empty, for copies of its parts.
    ///
    /// May sleep. Fails with `EINTR` if the process is being killed.
    pub(super) fn of(text: &(impl WriteText + ?Sized), buffer: &mut [u8]) -> Result<Self> {
        let mut last = [b' '];
        text.read_at(text.len().saturating_sub(1), &mut last);
        if last.iter().all(is_space) {
            return Ok(Self::Complete);
        }
        let (mut at, mut begin) = (0, None);
        loop {
            signal::yield_unless_killed()?;
            let copied = text.read_at(at, buffer);
            for byte in buffer.iter().take(copied) {
                match begin {
                    None if !is_space(byte) => begin = Some(at),
                    Some(_) if is_space(byte) => return Ok(Self::Incomplete),
                    _ => {}
                }
                at += 1;
            }
            if copied < buffer.len() || at == text.len() {
                return Ok(Self::Single(begin.unwrap_or(at)));
            }
        }
    }
}

#[cfg(CONFIG_TASKMONITOR_KUNIT_TEST)]
#[kunit_tests(taskmonitor_write_text)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_command_needs_no_white_space_after_it() {
        let ending = |text: &[u8]| Ending::of(text, &mut [0; 2]);
        for text in [&b""[..], b" ", b"1 ", b" 12 345\n", b"   \t"] {
            assert_eq!(ending(text), Ok(Ending::Complete));
        }
        assert_eq!(ending(b"1"), Ok(Ending::Single(0)));
        assert_eq!(ending(b"1234567"), Ok(Ending::Single(0)));
        assert_eq!(ending(b"     12345"), Ok(Ending::Single(5)));
        for text in [&b"1 2"[..], b" 12 \t345", b"12345678 9", b"1  \n \n  2"] {
            assert_eq!(ending(text), Ok(Ending::Incomplete));
        }
    }
}
