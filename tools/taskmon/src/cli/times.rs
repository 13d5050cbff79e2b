// SPDX-License-Identifier: GPL-2.0

//! The options that select a window of time.

use crate::wall_clock::Moment;
use clap::Args;

/// A window of time, and how times are printed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Times")]
pub struct Times {
    /// Begin at this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<Moment>,

    /// End at this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<Moment>,

    /// Print times in UTC instead of local time, and read them so
    #[arg(long)]
    pub utc: bool,
}
