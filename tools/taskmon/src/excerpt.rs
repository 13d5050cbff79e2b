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
    let find = |moment: &Option<Moment>, edge, from_us| {
        let found = moment
            .as_ref()
            .map(|moment| clock.find(moment, edge, from_us, range.to_us));
        found.transpose()
    };
    let since_us = find(&times.since, Edge::Since, range.from_us)?;
    let from_us = since_us.unwrap_or(range.from_us);
    let until_us = find(&times.until, Edge::Until, from_us)?;
    let to_us = until_us.unwrap_or(range.to_us);
    if since_us.is_some() && until_us.is_some() && from_us >= to_us {
        bail!(
            "--until {} is not after --since {}",
            clock.text(to_us),
            clock.text(from_us)
        );
    }
    let recorded = || {
        format!(
            "{} to {}",
            clock.text(range.from_us),
            clock.text(range.to_us)
        )
    };
    let window = Window {
        from_us: from_us.max(range.from_us),
        to_us: to_us.min(range.to_us),
    };
    let is_limited = since_us.is_some() || until_us.is_some();
    if is_limited && window.from_us >= window.to_us {
        bail!(
            "nothing is recorded in this window; there are samples from {}",
            recorded()
        );
    }
    if from_us < range.from_us || to_us > range.to_us {
        print_message(format_args!(
            "not all of this window is recorded; there are samples from {}",
            recorded()
        ));
    }
    Ok(window)
}
