// SPDX-License-Identifier: GPL-2.0

//! The samples of tasks.

mod newest;
mod overview;
mod reader;
mod recording;
mod sample;
mod source;
mod temp_recording;

pub use newest::newest_of_each;
pub use overview::{Overview, Span};
#[cfg(test)]
pub use reader::tests::history_of;
pub use reader::{History, Task};
pub use recording::About;
pub use sample::Sample;
pub use source::Source;
pub use temp_recording::Spool;
