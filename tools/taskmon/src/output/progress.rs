// SPDX-License-Identifier: GPL-2.0

//! A progress bar for reading samples, shown on a terminal if reading takes more than a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{stderr, IsTerminal},
    time::{Duration, Instant},
};

/// How long reading takes before the bar is shown.
const SHOW_AFTER: Duration = Duration::from_secs(1);
/// How many lines are read between two updates of the bar.
const LINES_PER_UPDATE: u64 = 4096;

enum Unit {
    Samples,
    Bytes,
    /// The bar is never shown.
    Nothing,
}

/// How much of a history has been read.
pub struct Progress {
    unit: Unit,
    total: Option<u64>,
    lines: u64,
    bytes: u64,
    begun: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Counts samples. `total` is the number of samples in the history, if known.
    pub fn of_samples(total: Option<u64>) -> Self {
        Self::new(Unit::Samples, total)
    }

    /// Counts bytes. `total` is the size of the file, if known.
    pub fn of_bytes(total: Option<u64>) -> Self {
        Self::new(Unit::Bytes, total)
    }

    /// Never shows a bar.
    pub fn hidden() -> Self {
        Self::new(Unit::Nothing, None)
    }

    fn new(unit: Unit, total: Option<u64>) -> Self {
        Self {
            unit,
            total,
            lines: 0,
            bytes: 0,
            begun: Instant::now(),
            bar: None,
        }
    }

    /// Counts one more line of `bytes` bytes.
    pub fn advance(&mut self, bytes: usize) {
        self.lines += 1;
        self.bytes += bytes as u64;
        if self.lines % LINES_PER_UPDATE == 0 {
            self.update();
        }
    }

    fn update(&mut self) {
        let position = match self.unit {
            Unit::Samples => self.lines,
            Unit::Bytes => self.bytes,
            Unit::Nothing => return,
        };
        if self.bar.is_none() {
            if !stderr().is_terminal() || self.begun.elapsed() < SHOW_AFTER {
                return;
            }
            self.bar = Some(self.new_bar());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        }
    }

    fn new_bar(&self) -> ProgressBar {
        let template = match self.total {
            Some(_) => "reading [{wide_bar}] {percent}% {eta}",
            None => "reading {human_pos} {spinner}",
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        ProgressBar::with_draw_target(self.total, ProgressDrawTarget::stderr()).with_style(style)
    }

    /// Removes the bar from the terminal.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
