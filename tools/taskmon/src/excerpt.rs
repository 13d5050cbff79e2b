// SPDX-License-Identifier: GPL-2.0

//! The part of a history that `--since` and `--until` select.

use crate::{
    cli::Times,
    history::{Overview, Source, StableHistory, Window},
    procfs,
    wall_clock::{Clock, WallClock},
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

    /// Returns the overview of the history.
    pub fn overview(&self) -> &Overview {
        self.history.overview()
    }
}

/// Returns the wall clock of a history: of a recording what it says, of the module the present one.
fn wall_clock(source: &Source, overview: &Overview, is_utc: bool) -> WallClock {
    match source {
        Source::KernelModule(_) => WallClock::new(&[Clock::now(procfs::now_us())], is_utc),
        Source::Recording(_) => {
            let clocks: Vec<Clock> = overview.metadata.clock.into_iter().collect();
            WallClock::new(&clocks, is_utc)
        }
    }
}

/// Returns the window that the options select, cut to the range of the history.
fn window(overview: &Overview, times: &Times, clock: &WallClock) -> Result<Window> {
    let Window {
        from_us: start,
        to_us: end,
    } = overview.range();
    let mut window = Window {
        from_us: start,
        to_us: end,
    };
    if let Some(since) = &times.since {
        window.from_us = clock.boot_us(since, end)?.max(start);
    }
    if let Some(until) = &times.until {
        window.to_us = clock.boot_us(until, end)?.min(end);
    }
    if window.from_us > window.to_us {
        bail!("nothing was recorded in this window");
    }
    Ok(window)
}
