// SPDX-License-Identifier: GPL-2.0

//! A progress bar for what takes more than a second, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{stderr, IsTerminal},
    time::{Duration, Instant},
};

/// How long reading may take without a word.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many lines go by between two looks at the clock.
const LINES_A_LOOK: u64 = 4096;

enum Unit {
    Samples,
    Bytes,
    /// Nothing is to be shown.
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
    /// Of a history of that many samples, if it is known how many.
    pub fn of_samples(total: Option<u64>) -> Self {
        Self::new(Unit::Samples, total)
    }

    /// Of a file of that many bytes, if it is known how many.
    pub fn of_bytes(total: Option<u64>) -> Self {
        Self::new(Unit::Bytes, total)
    }

    /// Shown to nobody.
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

    /// A line of that many bytes was read.
    pub fn advance(&mut self, bytes: usize) {
        self.lines += 1;
        self.bytes += bytes as u64;
        if self.lines % LINES_A_LOOK == 0 {
            self.look();
        }
    }

    fn look(&mut self) {
        let position = match self.unit {
            Unit::Samples => self.lines,
            Unit::Bytes => self.bytes,
            Unit::Nothing => return,
        };
        if self.bar.is_none() {
            if !stderr().is_terminal() || self.begun.elapsed() < PATIENCE {
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

    /// Takes the bar off the terminal.
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
