// SPDX-License-Identifier: GPL-2.0

//! The words that one can write to either file.

use crate::recorder::Recorder;
use kernel::{current, prelude::*, sync::Arc};

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

/// How far a write was obeyed.
#[derive(Default)]
pub(crate) struct Obeyed {
    /// The bytes up to the first word that failed, or that may not be whole.
    consumed: usize,
    /// How many words were obeyed.
    words: usize,
    /// Why the next one failed.
    failed: Option<Error>,
}

impl Obeyed {
    /// How many bytes were consumed until now.
    pub(crate) fn consumed(&self) -> usize {
        self.consumed
    }

    /// Whether a word failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Says that no more words can be had, and why.
    pub(crate) fn fail(&mut self, error: Error) {
        self.failed = Some(error);
    }

    /// What the write returns: how many bytes were consumed, or the error where no word was obeyed
    /// before one failed.
    pub(crate) fn written(&self) -> Result<usize> {
        match self.failed {
            Some(error) if self.words == 0 => Err(error),
            _ => Ok(self.consumed),
        }
    }
}

impl Recorder {
    /// Obeys the words in `text`, a part of a write, from left to right, until one fails; adds to
    /// `obeyed` what was.
    ///
    /// `goes_on`: more text follows, so that a word at the very end may not be whole; it is left.
    ///
    /// May sleep. The errors are those of the words, and `EINVAL` for what is none.
    pub(crate) fn obey(self: &Arc<Self>, text: &[u8], goes_on: bool, obeyed: &mut Obeyed) {
        let mut rest = text;
        loop {
            let Some(begin) = rest.iter().position(|byte| !is_space(byte)) else {
                obeyed.consumed += rest.len();
                return;
            };
            let (blanks, word) = rest.split_at_checked(begin).unwrap_or_default();
            obeyed.consumed += blanks.len();
            let len = word.iter().position(is_space);
            if len.is_none() && goes_on {
                if word.len() == text.len() {
                    // None of ours is as long as all the text.
                    obeyed.failed = Some(EINVAL);
                }
                return;
            }
            let len = len.unwrap_or(word.len());
            let (word, after) = word.split_at_checked(len).unwrap_or_default();
            let word = Word::parse(word).ok_or(EINVAL);
            if let Err(error) = word.and_then(|word| self.follow(word)) {
                obeyed.failed = Some(error);
                return;
            }
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
}
