// SPDX-License-Identifier: GPL-2.0

//! The subcommands.

pub mod add_remove;
pub mod export;
pub mod generate;
pub mod list;
pub mod plot;
pub mod record;
pub mod stats;
pub mod top;
