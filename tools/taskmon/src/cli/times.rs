// SPDX-License-Identifier: GPL-2.0

//! The options that select a window of time.

use crate::wall_clock::Moment;
use clap::Args;

/// A window of time, and how times are printed.
#[derive(Args, Clone, Debug, Default)]
pub struct Times {
    /// Begin at this time
    ///
    /// The syntax is that of journalctl(1): `03:00`, `yesterday 22:15`, `2026-11-25 03:10:05`,
    /// `-10min`, `1h 30min ago`, `@1796000000`, and `boot+90s`. A time zone can follow, such as `UTC`,
    /// `+01:00` or `Europe/Berlin`. A length of time counts from the end of what is recorded. A time
    /// of the day without a day is the latest one in it.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<Moment>,

    /// End at this time
    ///
    /// A time of the day without a day is the first one after the beginning. If the wall clock was set
    /// meanwhile, or daylight saving time began or ended, a local time can occur twice or not at all:
    /// a window then begins at the first and ends at the last one. A recording says when its clock was
    /// set; of the module's samples, only the present setting is known.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<Moment>,

    /// Print times in UTC instead of local time, and read them so
    #[arg(long)]
    pub utc: bool,
}

impl Times {
    /// Returns whether less than everything may be wanted.
    pub fn is_limited(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }
}
