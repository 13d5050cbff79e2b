// SPDX-License-Identifier: GPL-2.0

//! The samples of tasks, read from the module or from a recording.
//!
//! - A [`Source`] says where the samples are. It can be opened several times.
//! - A [`HistoryReader`] reads a source line by line. It returns each [`Sample`] with its [`Task`].
//!   The samples of each task are in order; those of different tasks can alternate. A recording is
//!   a file that anybody may have written, so each line is checked.
//! - `recording` is the file format of `taskmon record`: [`Writer`] writes it. [`Metadata`] describes
//!   a whole recording.
//! - An [`Overview`] has the first and the last sample of each task. A [`StableHistory`] can be read
//!   a second time. [`newest_samples`] reads only the newest samples.
//! - [`Lives`] says which process had a PID at a time. `machine` is what is known of this machine.

mod lines;
mod lives;
mod machine;
mod newest;
mod overview;
mod reader;
mod recording;
mod sample;
mod source;
mod stable;
mod task;
mod window;

pub use lives::Lives;
pub use machine::machine;
pub use newest::newest_samples;
pub use overview::{Overview, TaskOverview};
#[cfg(test)]
pub use reader::tests::history_of;
pub use reader::HistoryReader;
pub use recording::{Losses, Metadata, Writer};
pub use sample::Sample;
pub use source::Source;
pub use stable::StableHistory;
pub use task::Task;
pub use window::Window;
