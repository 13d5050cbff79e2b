// SPDX-License-Identifier: GPL-2.0

//! The words that one can write to either file.
//!
//! A write of several words whose last one is not followed by white space is refused whole, as it may
//! have been cut: stdio writes 4,096 bytes that end within a number, and what it writes next begins
//! with the rest of that number. A single word needs no end, so that `echo -n` and a shell's `printf`
//! do as well as `echo`.

use crate::{
    abstractions::{killable, written::Written},
    recorder::Recorder,
};
use kernel::{current, page::PAGE_SIZE, prelude::*, sync::Arc, task};

/// A word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    Add(i32),
    AddTree(i32),
    Remove(i32),
    RemoveTree(i32),
    Stop,
    Start,
    Clear,
}

impl Word {
    /// What `text` says; `None` where it is none of the words.
    fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"stop" => return Some(Self::Stop),
            b"start" => return Some(Self::Start),
            b"clear" => return Some(Self::Clear),
            _ => {}
        }
        if let Some(digits) = text.strip_prefix(b"tree:") {
            number(digits).map(Self::AddTree)
        } else if let Some(digits) = text.strip_prefix(b"-tree:") {
            number(digits).map(Self::RemoveTree)
        } else if let Some(digits) = text.strip_prefix(b"-") {
            number(digits).map(Self::Remove)
        } else {
            number(text.strip_prefix(b"+").unwrap_or(text)).map(Self::Add)
        }
    }
}

/// A decimal number from 1 to 2147483647 and nothing else.
fn number(digits: &[u8]) -> Option<i32> {
    let value = digits.iter().try_fold(0_i32, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| i32::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    (value > 0).then_some(value)
}

/// What separates words: white space, as the C locale has it.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The text of one write. It may be memory of the writer's, which can change from one look to the
/// next.
pub(crate) trait Text {
    /// How many bytes there are.
    fn len(&self) -> usize;

    /// Copies the bytes from `at` on to `out`. Returns how many; fewer than fit and are there: what
    /// comes next cannot be read.
    fn peek(&self, at: usize, out: &mut [u8]) -> usize;
}

impl Text for Written<'_> {
    fn len(&self) -> usize {
        Written::len(self)
    }

    fn peek(&self, at: usize, out: &mut [u8]) -> usize {
        Written::peek(self, at, out)
    }
}

impl Text for [u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn peek(&self, at: usize, out: &mut [u8]) -> usize {
        let rest = self.get(at..).unwrap_or_default();
        rest.iter().zip(out).map(|(from, to)| *to = *from).count()
    }
}

/// What a look at the whole of a write finds.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    /// Each word is followed by white space, or there is none.
    Ended,
    /// One word, after so many bytes of white space, and nothing behind it.
    Single(usize),
    /// Several words, and nothing behind the last one.
    Unended,
}

impl Shape {
    /// Looks at `text` up to where it cannot be read any more; `buffer` is for copies of it.
    ///
    /// May sleep. Fails with `EINTR` when the process is being killed.
    fn of(text: &(impl Text + ?Sized), buffer: &mut [u8]) -> Result<Self> {
        let mut last = [b' '];
        text.peek(text.len().saturating_sub(1), &mut last);
        if last.iter().all(is_space) {
            return Ok(Self::Ended);
        }
        let (mut at, mut begin) = (0, None);
        loop {
            check_signals()?;
            let copied = text.peek(at, buffer);
            for byte in buffer.iter().take(copied) {
                match begin {
                    None if !is_space(byte) => begin = Some(at),
                    Some(_) if is_space(byte) => return Ok(Self::Unended),
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

/// Lets others run. Fails with `EINTR` when the process is being killed.
fn check_signals() -> Result {
    task::might_sleep();
    if killable::fatal_signal_pending() {
        return Err(EINTR);
    }
    Ok(())
}

/// How far a write was obeyed.
#[derive(Default)]
struct Obeyed {
    /// The bytes up to the first word that failed, or that may not be whole.
    consumed: usize,
    /// How many words were obeyed.
    words: usize,
}

impl Recorder {
    /// Obeys the words of a write from left to right, until one fails. Returns how many bytes were
    /// consumed: up to that word, if others were obeyed before it.
    ///
    /// `may_be_cut`: there may be more in the same write behind the end of `text`.
    ///
    /// May sleep. Fails, where no word was obeyed, with `EINVAL` for a word that is none, or several
    /// the last of which is not ended; `EFAULT` where `text` cannot be read; `EINTR` when the process
    /// is being killed; `ENOMEM`; and with the errors of the words.
    pub(crate) fn obey(
        self: &Arc<Self>,
        text: &(impl Text + ?Sized),
        may_be_cut: bool,
    ) -> Result<usize> {
        let mut buffer = KVec::from_elem(0, text.len().min(PAGE_SIZE), GFP_KERNEL)?;
        match Shape::of(text, &mut buffer)? {
            Shape::Unended => return Err(EINVAL),
            // The word comes whole with the next write, unless there is no room before it.
            Shape::Single(begin @ 1..) if may_be_cut => return Ok(begin),
            Shape::Single(0) if may_be_cut => return Err(EINVAL),
            Shape::Single(_) | Shape::Ended => {}
        }
        let mut obeyed = Obeyed::default();
        match self.obey_all(text, &mut buffer, &mut obeyed) {
            Err(error) if obeyed.words == 0 => Err(error),
            _ => Ok(obeyed.consumed),
        }
    }

    /// Obeys the words of `text`, and adds to `obeyed` what was, also where it fails.
    fn obey_all(
        self: &Arc<Self>,
        text: &(impl Text + ?Sized),
        buffer: &mut [u8],
        obeyed: &mut Obeyed,
    ) -> Result {
        while obeyed.consumed < text.len() {
            check_signals()?;
            let begin = obeyed.consumed;
            let len = text.peek(begin, buffer);
            let is_readable = len == buffer.len().min(text.len() - begin);
            let part = buffer.get(..len).unwrap_or_default();
            self.obey_part(part, begin + len < text.len(), obeyed)?;
            if !is_readable {
                return Err(EFAULT);
            }
        }
        Ok(())
    }

    /// Obeys the words of a part of a write. `goes_on`: something follows it, so that a word at its
    /// very end may not be whole; it is left.
    fn obey_part(self: &Arc<Self>, part: &[u8], goes_on: bool, obeyed: &mut Obeyed) -> Result {
        let mut rest = part;
        loop {
            let Some(begin) = rest.iter().position(|byte| !is_space(byte)) else {
                obeyed.consumed += rest.len();
                return Ok(());
            };
            let (blanks, word) = rest.split_at_checked(begin).unwrap_or_default();
            obeyed.consumed += blanks.len();
            let end = word.iter().position(is_space);
            let len = end.unwrap_or(word.len());
            if len >= PAGE_SIZE {
                // In a file of sysfs nobody could know where it ends.
                return Err(EINVAL);
            }
            if end.is_none() && goes_on {
                return Ok(());
            }
            if end.is_none() && obeyed.words > 0 {
                // It was followed by white space when the whole was looked at; the writer has changed
                // it meanwhile.
                return Err(EINVAL);
            }
            let (word, after) = word.split_at_checked(len).unwrap_or_default();
            check_signals()?;
            self.follow(Word::parse(word).ok_or(EINVAL)?)?;
            obeyed.consumed += len;
            obeyed.words += 1;
            rest = after;
        }
    }

    fn follow(self: &Arc<Self>, word: Word) -> Result {
        match word {
            Word::Add(number) => self.add(number),
            Word::AddTree(number) => self.add_tree(number),
            Word::Remove(number) => {
                let current = current!();
                self.remove(number, current.active_pid_ns().ok_or(ESRCH)?)
            }
            Word::RemoveTree(number) => {
                let current = current!();
                self.remove_tree(number, current.active_pid_ns().ok_or(ESRCH)?)
            }
            Word::Stop => self.stop(),
            Word::Start => {
                self.start();
                Ok(())
            }
            Word::Clear => {
                self.clear();
                Ok(())
            }
        }
    }
}

#[kunit_tests(taskmonitor_control)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_they_say() {
        assert_eq!(Word::parse(b"12"), Some(Word::Add(12)));
        assert_eq!(Word::parse(b"+2147483647"), Some(Word::Add(i32::MAX)));
        assert_eq!(Word::parse(b"-12"), Some(Word::Remove(12)));
        assert_eq!(Word::parse(b"tree:12"), Some(Word::AddTree(12)));
        assert_eq!(Word::parse(b"-tree:12"), Some(Word::RemoveTree(12)));
        assert_eq!(Word::parse(b"stop"), Some(Word::Stop));
        assert_eq!(Word::parse(b"start"), Some(Word::Start));
        assert_eq!(Word::parse(b"clear"), Some(Word::Clear));
    }

    #[test]
    fn anything_else_is_none() {
        let others: [&[u8]; 16] = [
            b"",
            b"+",
            b"-",
            b"0",
            b"-0",
            b"+0",
            b"2147483648",
            b"4294967297",
            b"+-1",
            b"--1",
            b"1x",
            b"0x1",
            b"tree:",
            b"tree:-1",
            b"+tree:1",
            b"Stop",
        ];
        for other in others {
            assert_eq!(Word::parse(other), None);
        }
    }

    #[test]
    fn only_a_single_word_needs_no_end() {
        let shape = |text: &[u8]| Shape::of(text, &mut [0; 2]);
        for text in [&b""[..], b" ", b"1 ", b" 12 345\n", b"   \t"] {
            assert_eq!(shape(text), Ok(Shape::Ended));
        }
        assert_eq!(shape(b"1"), Ok(Shape::Single(0)));
        assert_eq!(shape(b"1234567"), Ok(Shape::Single(0)));
        assert_eq!(shape(b"     12345"), Ok(Shape::Single(5)));
        for text in [&b"1 2"[..], b" 12 \t345", b"12345678 9", b"1  \n \n  2"] {
            assert_eq!(shape(text), Ok(Shape::Unended));
        }
    }
}
