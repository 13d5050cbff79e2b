// SPDX-License-Identifier: GPL-2.0

//! The part of a history that `--since` and `--until` select.

use crate::{
    cli::Times,
    history::{Overview, Source, StableHistory, Window},
    output::print_message,
    procfs,
    wall_clock::{Clock, Edge, Moment, WallClock},
};
use anyhow::{bail, Result};

/// A history that was read once, and the window of it that is wanted.
pub struct Excerpt {
    pub history: StableHistory,
    /// The window: within the range of the history.
    pub window: Window,
    pub clock: WallClock,
}

impl Excerpt {
    /// Reads a history for the first time and finds the window in it. `has_progress` says whether a
    /// progress bar may be shown.
    ///
    /// Fails if the window ends before it begins, or if nothing of the history is in it.
    pub fn read(source: &Source, times: &Times, has_progress: bool) -> Result<Self> {
        let history = StableHistory::read(source, has_progress)?;
        let clock = wall_clock(source, history.overview(), times.utc);
        let window = window(history.overview(), times, &clock)?;
        Ok(Self {
            history,
            window,
            clock,
        })
    }

    /// Reads a whole history. Times are in local time.
    ///
    /// Fails as opening and reading `source` does.
    pub fn whole(source: &Source, has_progress: bool) -> Result<Self> {
        Self::read(source, &Times::default(), has_progress)
    }

    /// Returns the overview of the history.
    pub fn overview(&self) -> &Overview {
        self.history.overview()
    }
}

/// Returns the wall clock of a history: of a recording what it says, of the module the present one.
fn wall_clock(source: &Source, overview: &Overview, is_utc: bool) -> WallClock {
    match source {
        Source::KernelModule(_) => WallClock::new(&[Clock::now(procfs::now_us())], is_utc),
        Source::Recording(_) => WallClock::new(&overview.metadata.clocks, is_utc),
    }
}

/// Returns the window that the options select, cut to the range of the history.
fn window(overview: &Overview, times: &Times, clock: &WallClock) -> Result<Window> {
    let range = overview.range();
    if !times.is_limited() {
        return Ok(range);
    }
    let signed = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
    let (begin_us, end_us) = (signed(range.from_us), signed(range.to_us));
    let find = |moment: &Option<Moment>, edge, from_us| {
        let found = moment
            .as_ref()
            .map(|moment| clock.find(moment, edge, from_us, end_us));
        found.transpose()
    };
    let since_us = find(&times.since, Edge::Since, begin_us)?.unwrap_or(begin_us);
    let until_us = find(&times.until, Edge::Until, since_us)?.unwrap_or(end_us);
    if let (Some(since), Some(until)) = (&times.since, &times.until) {
        if since_us >= until_us {
            bail!("{} is not before {}", since.text(), until.text());
        }
    }
    let recorded = format!(
        "there are samples from {} to {}",
        clock.text(range.from_us),
        clock.text(range.to_us)
    );
    if since_us.max(begin_us) >= until_us.min(end_us) {
        bail!("nothing is recorded in this window; {recorded}");
    }
    if since_us < begin_us || until_us > end_us {
        print_message(format_args!(
            "not all of this window is recorded; {recorded}"
        ));
    }
    let unsigned = |us: i64| u64::try_from(us).unwrap_or(0);
    Ok(Window {
        from_us: unsigned(since_us).max(range.from_us),
        to_us: unsigned(until_us).min(range.to_us),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::history_of;

    /// A recording of the hour from 03:00 to 04:00 UTC.
    const TEXT: &str = "\
# taskmon 3
# clock 1000000000 1764039600000000
# task pid:7 : id 4 started 0 first 0 next 0 usr 0 sys 0 name sh
# samples 4
pid:7 num:0 : usr 0 sys 0 time 1000000000
pid:7 num:1 : usr 0 sys 0 time 4600000000
# end complete
";

    fn found(since: &str, until: &str) -> Result<(u64, u64)> {
        let overview = Overview::read_from(&mut history_of(TEXT)).unwrap();
        let clock = WallClock::new(&overview.metadata.clocks, true);
        let moment = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        let times = Times {
            since: moment(since),
            until: moment(until),
            utc: true,
        };
        let window = window(&overview, &times, &clock)?;
        Ok((window.from_us / 1_000_000, window.to_us / 1_000_000))
    }

    #[test]
    fn windows() {
        for (since, until, expected) in [
            ("", "", (1000, 4600)),
            ("03:10", "03:20", (1600, 2200)),
            ("02:10", "03:20", (1000, 2200)),
            ("-10min", "", (4000, 4600)),
            ("boot+2000s", "boot+1h", (2000, 3600)),
            ("", "03:30", (1000, 2800)),
            ("", "05:30", (1000, 4600)),
        ] {
            assert_eq!(found(since, until).unwrap(), expected, "{since} {until}");
        }
    }

    #[test]
    fn windows_without_samples() {
        for (since, until, text) in [
            (
                "05:00",
                "06:00",
                "nothing is recorded in this window; there are samples from 2025-11-25 03:00:00",
            ),
            ("2025-11-25 04:00", "", "nothing is recorded"),
            ("", "boot+1s", "nothing is recorded"),
            ("-10min", "-20min", "-10min is not before -20min"),
        ] {
            let error = found(since, until).unwrap_err().to_string();
            assert!(error.starts_with(text), "{since} {until}: {error}");
        }
    }
}
