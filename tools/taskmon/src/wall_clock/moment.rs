// SPDX-License-Identifier: GPL-2.0

//! A time as it was typed: what journalctl(1) takes, and times since boot.

use super::span;
use anyhow::{bail, Result};
use jiff::{
    civil::{Date, Time, Weekday},
    tz::{Offset, TimeZone},
};
use std::str::FromStr;

/// A time as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// What was typed, for messages.
    text: String,
    pub(super) kind: Kind,
}

/// What a time is relative to. Times are in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// `boot+90s`
    SinceBoot(u64),
    /// `now`, `-10min`, `+5min`, `10min ago`: before (negative) or after the end of the history.
    FromEnd(i64),
    /// `@1796000000`
    Unix(i64),
    /// `2026-11-25 03:10`, `yesterday 22:15`
    OnDay(Day, Time, Zone),
    /// `03:10`: on a day of the history.
    OfDay(Time, Zone),
}

/// A day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Day {
    Date(Date),
    /// So many days after today.
    FromToday(i64),
}

/// The time zone that was typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Zone {
    /// None: that in which times are printed.
    Local,
    Known(TimeZone),
    /// `CET`, `EDT`: what local time is called then.
    Abbreviation(String),
}

impl Moment {
    /// Returns what was typed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match parse(text.trim()) {
            Some(kind) => Ok(Self {
                text: text.trim().to_string(),
                kind,
            }),
            None => bail!(
                "not a time; times are `03:00`, `yesterday 22:15`, `2026-11-25 03:10:05`, `-10min`, \
                 `boot+90s`, …"
            ),
        }
    }
}

fn parse(text: &str) -> Option<Kind> {
    if let Some(after) = text.strip_prefix("boot") {
        let after = after.trim_start();
        return match after.strip_prefix('+') {
            Some(length) => span::parse(length).map(Kind::SinceBoot),
            None => after.is_empty().then_some(Kind::SinceBoot(0)),
        };
    }
    if let Some(seconds) = text.strip_prefix('@') {
        return unix(seconds).map(Kind::Unix);
    }
    let signed = |length: &str| i64::try_from(span::parse(length)?).ok();
    if let Some(length) = text.strip_prefix('-') {
        return signed(length).map(|us| Kind::FromEnd(-us));
    }
    if let Some(length) = text.strip_prefix('+') {
        return signed(length).map(Kind::FromEnd);
    }
    if let Some(length) = text.strip_suffix(" ago") {
        return signed(length).map(|us| Kind::FromEnd(-us));
    }
    match text {
        "now" => Some(Kind::FromEnd(0)),
        _ => calendar(text),
    }
}

/// Parses seconds since the beginning of 1970, with decimals.
fn unix(text: &str) -> Option<i64> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() || decimals.len() > 6 || !is_digits(seconds) || !is_digits(decimals) {
        return None;
    }
    let us: i64 = format!("{decimals:0<6}").parse().ok()?;
    seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(us)
}

/// Parses `[WEEKDAY] [DAY] [TIME] [ZONE]`, of which a day or a time must be there.
fn calendar(text: &str) -> Option<Kind> {
    // RFC 3339, as in the JSON output.
    let text = match text.split_once('T') {
        Some((day, time)) if day.parse::<Date>().is_ok() => format!("{day} {time}"),
        _ => text.to_string(),
    };
    let mut words = text.split_ascii_whitespace().peekable();
    let weekday = words.next_if(|word| weekday(word).is_some());
    let day = words.next_if(|word| day(word).is_some()).and_then(day);
    let mut zone = Zone::Local;
    let time = match words.peek() {
        Some(word) if word.contains(':') => {
            let (time, attached) = time(word)?;
            zone = attached;
            words.next();
            Some(time)
        }
        _ => None,
    };
    if let Some(word) = words.next() {
        if zone != Zone::Local {
            return None;
        }
        zone = self::zone(word)?;
    }
    if words.next().is_some() {
        return None;
    }
    if let Some(weekday) = weekday {
        // As systemd.time(7): it must be the right one.
        let Some(Day::Date(date)) = day else {
            return None;
        };
        if Some(date.weekday()) != self::weekday(weekday) {
            return None;
        }
    }
    match (day, time) {
        (Some(day), time) => Some(Kind::OnDay(day, time.unwrap_or(Time::midnight()), zone)),
        (None, Some(time)) => Some(Kind::OfDay(time, zone)),
        (None, None) => None,
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let word = word.trim_end_matches(',').to_ascii_lowercase();
    let is_it = |name: &str| word == name || word == name[..3];
    NAMES
        .into_iter()
        .find(|(name, _)| is_it(name))
        .map(|(_, day)| day)
}

fn day(word: &str) -> Option<Day> {
    match word {
        "today" => Some(Day::FromToday(0)),
        "yesterday" => Some(Day::FromToday(-1)),
        "tomorrow" => Some(Day::FromToday(1)),
        _ if word.len() == 10 => word.parse().ok().map(Day::Date),
        _ => None,
    }
}

/// Parses `HH:MM[:SS[.FRACTION]]`, with `Z` or an offset from UTC after it if there is one.
fn time(word: &str) -> Option<(Time, Zone)> {
    let end = word.find(['Z', '+', '-']).unwrap_or(word.len());
    let (time, zone) = word.split_at(end);
    let zone = match zone {
        "" => Zone::Local,
        zone => self::zone(zone)?,
    };
    let mut parts = time.splitn(3, ':');
    let two_digits = |part: &str| {
        let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i8>().ok()).flatten()
    };
    let (hour, minute) = (two_digits(parts.next()?)?, two_digits(parts.next()?)?);
    let (second, decimals) = match parts.next() {
        Some(seconds) => {
            let (seconds, decimals) = seconds.split_once('.').unwrap_or((seconds, "0"));
            (two_digits(seconds)?, decimals)
        }
        None => (0, "0"),
    };
    let is_fraction =
        (1..=9).contains(&decimals.len()) && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let nanosecond = is_fraction
        .then(|| format!("{decimals:0<9}").parse().ok())
        .flatten()?;
    Time::new(hour, minute, second, nanosecond)
        .ok()
        .map(|time| (time, zone))
}

/// Parses a time zone: `UTC`, `Z`, an offset from UTC, a name, or an abbreviation of local time.
fn zone(word: &str) -> Option<Zone> {
    if matches!(word, "UTC" | "Z" | "GMT") {
        return Some(Zone::Known(TimeZone::UTC));
    }
    if let Some(offset) = offset(word) {
        return Some(Zone::Known(TimeZone::fixed(offset)));
    }
    if word.contains('/') {
        return TimeZone::get(word).ok().map(Zone::Known);
    }
    let is_name =
        (3..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase());
    is_name.then(|| Zone::Abbreviation(word.to_string()))
}

/// Parses `+HH:MM`, `+HHMM` or `+HH`.
fn offset(word: &str) -> Option<Offset> {
    let sign = match word.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = word[1..].replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits[2..].parse().unwrap_or(0);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}
