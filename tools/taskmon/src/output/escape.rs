// SPDX-License-Identifier: GPL-2.0

//! Text of others, such as command names: any bytes, which must not break a line, a file or a
//! terminal.
//!
//! What cannot be written as it is becomes the octal escape of its bytes, as in the module's files:
//! a newline is `\012`.

use std::{fmt::Write, str};
use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

/// Returns `bytes` as the module writes names: control characters, `\` and bytes that are not UTF-8
/// are escaped. [`unescaped`] is the inverse.
pub fn escaped(bytes: &[u8]) -> String {
    escape(bytes, |letter| letter.is_control() || letter == '\\')
}

/// Replaces each escape `\ooo` by its byte. A `\` that begins no escape stays.
pub fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        match escape_at(rest) {
            Some((byte, end)) => {
                bytes.push(byte);
                rest = end;
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// Returns the byte of the escape at the beginning of `text`, and what follows it.
fn escape_at(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.strip_prefix(b"\\")?.split_first_chunk::<3>()?;
    let is_octal = digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
    let digits = str::from_utf8(digits).ok().filter(|_| is_octal)?;
    Some((u8::from_str_radix(digits, 8).ok()?, rest))
}

/// Returns `bytes` as text for a file of data. Only bytes that are not UTF-8 are escaped.
pub fn as_data(bytes: &[u8]) -> String {
    escape(bytes, |_| false)
}

/// Returns `text` for a terminal or a drawing. Letters that can disturb a terminal, reorder the text
/// around them, or that are not seen, are escaped.
pub fn printable(text: &str) -> String {
    escape(text.as_bytes(), |letter| !is_visible(letter))
}

/// Returns whether a letter has an image of its own, or is a space or a combining mark.
fn is_visible(letter: char) -> bool {
    let is_ignorable = matches!(
        letter,
        // The letters of Unicode's property Default_Ignorable_Code_Point that have another
        // category than those below: a combining joiner, fillers and variation selectors.
        '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
    );
    let has_image = !matches!(
        letter.general_category(),
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::PrivateUse
            | Category::Surrogate
            | Category::Unassigned
    );
    has_image && !is_ignorable
}

/// Escapes bytes that are not UTF-8, and the letters for which `is_escaped` is true.
fn escape(bytes: &[u8], is_escaped: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    let push_escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\{byte:03o}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if is_escaped(letter) {
                push_escape(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(letter);
            }
        }
        push_escape(&mut text, chunk.invalid());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_and_back() {
        for (bytes, text) in [
            (&b"cc1"[..], "cc1"),
            (b"", ""),
            (b"a b:c", "a b:c"),
            (b"a\nb\\c\x7f", "a\\012b\\134c\\177"),
            (b"\xff\xfe", "\\377\\376"),
            ("Zoë\u{85}".as_bytes(), "Zoë\\302\\205"),
        ] {
            assert_eq!(escaped(bytes), text);
            assert_eq!(unescaped(text.as_bytes()), bytes);
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["\\", "\\12", "\\08x", "\\400", "a\\+12", "\\x41"] {
            assert_eq!(unescaped(text.as_bytes()), text.as_bytes());
        }
        assert_eq!(unescaped(b"\\\\101"), b"\\A");
    }

    #[test]
    fn letters_that_are_not_seen() {
        for letter in [
            '\0',
            '\n',
            '\x1b',
            '\x7f',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{3164}',
            '\u{e000}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{378}',
            '\u{e0041}',
            '\u{10ffff}',
        ] {
            let shown = printable(&format!("a{letter}b"));
            assert!(shown.is_ascii() && shown.len() >= 6, "{letter:?}: {shown}");
            assert_eq!(
                unescaped(shown.as_bytes()),
                format!("a{letter}b").as_bytes()
            );
        }
        assert_eq!(printable("a\u{202e}b"), "a\\342\\200\\256b");
        for text in [
            "cc1 -O2 \\n",
            "Zoë",
            "e\u{301}",
            "日本 語",
            "עברית",
            "🦀",
            "×…µ",
        ] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn data() {
        assert_eq!(as_data(b"a\n\xffb\\"), "a\n\\377b\\");
    }
}
