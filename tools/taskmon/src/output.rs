// SPDX-License-Identifier: GPL-2.0

//! What taskmon writes.

mod destination;
pub mod format;
mod messages;
mod progress;
mod unnamed_file;

pub use destination::Output;
pub use messages::{bold, is_closed_pipe, is_colourful, plain, say};
pub use progress::Progress;
pub use unnamed_file::Unnamed;
