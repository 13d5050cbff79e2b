// SPDX-License-Identifier: GPL-2.0

//! The subcommands of taskmon: a file for each, or for a few that are similar. A large one has a
//! directory for its parts.
//!
//! `cli` has their options and help texts. main.rs calls the function that is named like the
//! subcommand.

pub mod add;
pub mod candidates;
pub mod diff;
pub mod export;
pub mod generate;
pub mod list;
pub mod plot;
pub mod record;
pub mod remove;
pub mod report;
pub mod sampling;
pub mod stats;
pub mod top;
