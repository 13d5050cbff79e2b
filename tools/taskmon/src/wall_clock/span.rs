// SPDX-License-Identifier: GPL-2.0

//! Lengths of time as systemd.time(7) writes them: `90s`, `10min`, `1h 30min`, `2 days`.

use std::time::Duration;

/// The units and their lengths in seconds. A month and a year are those of systemd.time(7).
const UNITS: [(&[&str], f64); 9] = [
    (&["us", "usec", "µs"], 1e-6),
    (&["ms", "msec"], 1e-3),
    (&["", "s", "sec", "second", "seconds"], 1.0),
    (&["m", "min", "minute", "minutes"], 60.0),
    (&["h", "hr", "hour", "hours"], 3600.0),
    (&["d", "day", "days"], 86_400.0),
    (&["w", "week", "weeks"], 604_800.0),
    (&["M", "month", "months"], 2_629_800.0),
    (&["y", "year", "years"], 31_557_600.0),
];

/// Parses a length of time. Returns microseconds; `None` if it is none.
pub fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let is_number = |letter: char| letter.is_ascii_digit() || letter == '.';
        let (number, after) = split(rest, is_number);
        let (unit, after) = split(after.trim_start(), |letter| {
            letter.is_alphabetic() || letter == 'µ'
        });
        let number: f64 = number.parse().ok()?;
        let (_, seconds) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        let part = Duration::try_from_secs_f64(number * seconds).ok()?;
        sum = sum.checked_add(part)?;
        rest = after.trim_start();
    }
    // Rounded: 0.07 is not a whole number of microseconds as a binary fraction.
    let us = sum.as_nanos().checked_add(500)? / 1000;
    us.try_into().ok()
}

/// Splits `text` after the letters at its beginning of which `is_wanted` is true.
fn split(text: &str, is_wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|letter| !is_wanted(letter));
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (text, us) in [
            ("90s", 90_000_000),
            ("90", 90_000_000),
            ("1.5h", 5_400_000_000),
            ("1h 30min", 5_400_000_000),
            ("1h30min", 5_400_000_000),
            ("10 min", 600_000_000),
            ("250ms", 250_000),
            ("7us", 7),
            ("0.07s", 70_000),
            ("2 days", 172_800_000_000),
        ] {
            assert_eq!(parse(text), Some(us), "{text}");
        }
        for text in [
            "",
            " ",
            "min",
            "5x",
            "-5s",
            "1e3s",
            "1..5s",
            "5 s x",
            "99999999999999999999y",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
