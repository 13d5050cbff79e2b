// SPDX-License-Identifier: GPL-2.0

use super::*;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000;
const HOUR: u64 = 3600 * SECOND;

/// Returns a time in seconds since 1970.
fn unix(text: &str) -> u64 {
    let time: Timestamp = text.parse().unwrap();
    time.as_microsecond().try_into().unwrap()
}

/// Returns the wall clock of a machine in Berlin that was booted at a time.
fn berlin(booted: &str) -> WallClock {
    let clock = Clock {
        boot_us: 0,
        unix_us: unix(booted),
    };
    WallClock::in_zone(&[clock], TimeZone::get("Europe/Berlin").unwrap())
}

/// Returns the local time of what `text` means in a history.
fn found(clock: &WallClock, text: &str, edge: Edge, from_us: u64, to_us: u64) -> String {
    let moment: Moment = text.parse().expect(text);
    match clock.find(&moment, edge, from_us as i64, to_us as i64) {
        Ok(us) => clock.text(us.max(0) as u64),
        Err(error) => error.to_string(),
    }
}

#[test]
fn times_in_a_night() {
    // From 22:00 to 08:00.
    let clock = berlin("2026-11-24T21:00:00Z");
    for (text, since, until) in [
        (
            "03:10",
            "2026-11-25 03:10:00 CET",
            "2026-11-25 03:10:00 CET",
        ),
        (
            "03:10:05.5",
            "2026-11-25 03:10:05 CET",
            "2026-11-25 03:10:05 CET",
        ),
        (
            "23:00",
            "2026-11-24 23:00:00 CET",
            "2026-11-24 23:00:00 CET",
        ),
        (
            "12:00",
            "2026-11-24 12:00:00 CET",
            "2026-11-25 12:00:00 CET",
        ),
        (
            "2026-11-25 03:10:05",
            "2026-11-25 03:10:05 CET",
            "2026-11-25 03:10:05 CET",
        ),
        (
            "2026-11-25",
            "2026-11-25 00:00:00 CET",
            "2026-11-25 00:00:00 CET",
        ),
        (
            "Wed 2026-11-25 03:10",
            "2026-11-25 03:10:00 CET",
            "2026-11-25 03:10:00 CET",
        ),
        (
            "2026-11-25T03:10:00Z",
            "2026-11-25 04:10:00 CET",
            "2026-11-25 04:10:00 CET",
        ),
        (
            "2026-11-25 03:10 UTC",
            "2026-11-25 04:10:00 CET",
            "2026-11-25 04:10:00 CET",
        ),
        (
            "2026-11-25T03:10:00-05:00",
            "2026-11-25 09:10:00 CET",
            "2026-11-25 09:10:00 CET",
        ),
        (
            "2026-11-25 03:10 America/New_York",
            "2026-11-25 09:10:00 CET",
            "2026-11-25 09:10:00 CET",
        ),
        (
            "02:10 UTC",
            "2026-11-25 03:10:00 CET",
            "2026-11-25 03:10:00 CET",
        ),
        (
            "-10min",
            "2026-11-25 07:50:00 CET",
            "2026-11-25 07:50:00 CET",
        ),
        (
            "1h 30min ago",
            "2026-11-25 06:30:00 CET",
            "2026-11-25 06:30:00 CET",
        ),
        ("now", "2026-11-25 08:00:00 CET", "2026-11-25 08:00:00 CET"),
        (
            "boot+90s",
            "2026-11-24 22:01:30 CET",
            "2026-11-24 22:01:30 CET",
        ),
        (
            "@1764000000.25",
            "2025-11-24 17:00:00 CET",
            "2025-11-24 17:00:00 CET",
        ),
    ] {
        // A time before the boot becomes the boot.
        let at_boot = "2026-11-24 22:00:00 CET".to_string();
        let expected = |text: &str| at_boot.clone().max(text.to_string());
        assert_eq!(
            found(&clock, text, Edge::Since, 0, 10 * HOUR),
            expected(since),
            "{text}"
        );
        assert_eq!(
            found(&clock, text, Edge::Until, 0, 10 * HOUR),
            expected(until),
            "{text}"
        );
    }
}

#[test]
fn the_end_is_after_the_beginning() {
    // From 22:00 for three days.
    let clock = berlin("2026-11-24T21:00:00Z");
    let since = found(&clock, "23:30", Edge::Since, 0, 72 * HOUR);
    assert_eq!(since, "2026-11-26 23:30:00 CET");
    let until = found(
        &clock,
        "00:30",
        Edge::Until,
        49 * HOUR + HOUR / 2,
        72 * HOUR,
    );
    assert_eq!(until, "2026-11-27 00:30:00 CET");
}

#[test]
fn what_is_no_time() {
    for text in [
        "",
        "3",
        "3:10",
        "24:00",
        "03:60",
        "03:10:61",
        "yesterday at 3",
        "2026-13-01",
        "2026-02-30 03:00",
        "-",
        "-10x",
        "boot-3s",
        "boot90",
        "@",
        "@x",
        "Mon 2026-11-25",
        "Mon",
        "03:10 Nowhere/Else",
        "03:10 utc now",
    ] {
        assert!(text.parse::<Moment>().is_err(), "{text}");
    }
}

#[test]
fn set_back_in_autumn() {
    // 2026-10-25: at 03:00 CEST it is 02:00 CET. From 00:00 to 06:00.
    let clock = berlin("2026-10-24T22:00:00Z");
    let at = |text, edge| found(&clock, text, edge, 0, 7 * HOUR);
    assert_eq!(at("02:30", Edge::Since), "2026-10-25 02:30:00 CEST");
    assert_eq!(at("02:30", Edge::Until), "2026-10-25 02:30:00 CET");
    assert_eq!(at("02:30 CET", Edge::Since), "2026-10-25 02:30:00 CET");
    assert_eq!(at("02:30 CEST", Edge::Until), "2026-10-25 02:30:00 CEST");
    assert_eq!(
        at("2026-10-25 02:30 CET", Edge::Since),
        "2026-10-25 02:30:00 CET"
    );
    assert_eq!(at("03:30", Edge::Since), "2026-10-25 03:30:00 CET");
    assert_eq!(at("01:30", Edge::Until), "2026-10-25 01:30:00 CEST");
}

#[test]
fn left_out_in_spring() {
    // 2026-03-29: at 02:00 CET it is 03:00 CEST.
    let clock = berlin("2026-03-28T23:00:00Z");
    for edge in [Edge::Since, Edge::Until] {
        let time = found(&clock, "2026-03-29 02:30", edge, 0, 6 * HOUR);
        assert_eq!(time, "2026-03-29 03:30:00 CEST");
    }
    assert_eq!(
        found(&clock, "03:10", Edge::Since, 0, 6 * HOUR),
        "2026-03-29 03:10:00 CEST"
    );
}

/// Returns a wall clock that is set at one hour, from 10:00 UTC to another time.
fn set_to(other: &str) -> WallClock {
    let clocks = [
        Clock {
            boot_us: 0,
            unix_us: unix("2026-11-25T09:00:00Z"),
        },
        Clock {
            boot_us: HOUR,
            unix_us: unix(other),
        },
    ];
    WallClock::in_zone(&clocks, TimeZone::UTC)
}

fn hours(clock: &WallClock, text: &str, edge: Edge) -> f64 {
    let moment: Moment = text.parse().unwrap();
    clock.find(&moment, edge, 0, 4 * HOUR as i64).unwrap() as f64 / HOUR as f64
}

#[test]
fn a_clock_that_was_set_back() {
    let clock = set_to("2026-11-25T09:30:00Z");
    assert_eq!(hours(&clock, "2026-11-25 09:45", Edge::Since), 0.75);
    assert_eq!(hours(&clock, "2026-11-25 09:45", Edge::Until), 1.25);
    assert_eq!(hours(&clock, "2026-11-25 10:30", Edge::Since), 2.0);
    assert_eq!(clock.text(HOUR / 2), "2026-11-25 09:30:00 UTC");
    assert_eq!(clock.text(HOUR), "2026-11-25 09:30:00 UTC");
    // To a time before the recording began.
    let clock = set_to("2026-11-25T08:30:00Z");
    for edge in [Edge::Since, Edge::Until] {
        assert_eq!(hours(&clock, "2026-11-25 08:45", edge), 1.25);
        assert_eq!(hours(&clock, "2026-11-25 08:15", edge), -0.75);
    }
}

#[test]
fn a_clock_that_was_set_forward() {
    let clock = set_to("2026-11-25T15:00:00Z");
    for edge in [Edge::Since, Edge::Until] {
        assert_eq!(hours(&clock, "2026-11-25 12:00", edge), 1.0);
        assert_eq!(hours(&clock, "2026-11-25 16:00", edge), 2.0);
        assert_eq!(hours(&clock, "2026-11-25 09:30", edge), 0.5);
    }
}

#[test]
fn pieces_in_which_time_runs_evenly() {
    // 2026-10-25: at 03:00 CEST it is 02:00 CET, three hours after midnight.
    let clock = berlin("2026-10-24T22:00:00Z");
    let pieces = clock.pieces(0, 6 * HOUR);
    let found: Vec<_> = pieces
        .iter()
        .map(|(us, _, zone)| (*us, zone.as_str()))
        .collect();
    assert_eq!(found, [(0, "CEST"), (3 * HOUR, "CET")]);
    assert_eq!(pieces[0].1 - pieces[1].1, HOUR as i64);
    let set = set_to("2026-11-25T15:00:00Z").pieces(0, 2 * HOUR);
    assert_eq!(
        set.iter().map(|piece| piece.0).collect::<Vec<_>>(),
        [0, HOUR]
    );
    assert_eq!(WallClock::new(&[], true).pieces(0, HOUR), []);
}

#[test]
fn an_unknown_wall_clock() {
    let clock = WallClock::new(&[], true);
    assert_eq!(clock.text(90_123_456), "boot+90.123s");
    assert!(found(&clock, "03:00", Edge::Since, 0, HOUR).contains("does not say what time it was"));
    assert_eq!(
        found(&clock, "boot+90s", Edge::Since, 0, HOUR),
        "boot+90.000s"
    );
    assert_eq!((clock.rfc3339(1), clock.date(1)), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_clock(clocks in prop::collection::vec((any::<u64>(), any::<u64>()), 0..4), us: u64, seconds in -(1i64 << 40)..1i64 << 40) {
        let clocks: Vec<Clock> = clocks.iter().map(|(boot_us, unix_us)| Clock { boot_us: *boot_us, unix_us: *unix_us }).collect();
        let clock = WallClock::in_zone(&clocks, TimeZone::get("Europe/Berlin").unwrap());
        let _ = (clock.text(us), clock.rfc3339(us), clock.time_of_day_us(us));
        for edge in [Edge::Since, Edge::Until] {
            for text in [format!("@{}", seconds.unsigned_abs()), "03:00".to_string(), "yesterday 03:00".to_string()] {
                let moment: Moment = text.parse().unwrap();
                let _ = clock.find(&moment, edge, 0, us as i64);
            }
        }
    }

    #[test]
    fn text_and_back(after_us in 0u64..400 * 24 * HOUR) {
        let clock = berlin("2026-01-01T00:00:00Z");
        let moment: Moment = clock.rfc3339(after_us).unwrap().parse().unwrap();
        for edge in [Edge::Since, Edge::Until] {
            prop_assert_eq!(clock.find(&moment, edge, 0, i64::MAX).unwrap(), after_us as i64);
        }
        let moment: Moment = clock.text(after_us).parse().unwrap();
        prop_assert_eq!(clock.find(&moment, Edge::Since, 0, i64::MAX).unwrap(), (after_us / SECOND * SECOND) as i64);
    }
}
