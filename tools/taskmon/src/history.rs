// SPDX-License-Identifier: GPL-2.0

//! The samples of tasks, read from the module or from a recording.
//!
//! - A [`Source`] says where the samples are. It can be opened several times.
//! - A [`HistoryReader`] reads a source line by line, in constant memory. It returns each
//!   [`Sample`] with its [`Task`]. The samples of a task are adjacent, oldest first.
//! - `recording` is the file format of `taskmon record`. [`Metadata`] describes a whole recording.
//!   A [`TempRecording`] is a recording in a file without a name.
//! - An [`Overview`] has the first and the last sample of each task. [`newest_of_each`] reads only
//!   the newest samples.

mod newest;
mod overview;
mod reader;
mod recording;
mod sample;
mod source;
mod task;
mod temp_recording;

pub use newest::newest_of_each;
pub use overview::{Overview, TaskOverview};
#[cfg(test)]
pub use reader::tests::history_of;
pub use reader::HistoryReader;
pub use recording::{Clock, Ending, Losses, Metadata, Writer};
pub use sample::Sample;
pub use source::Source;
pub use task::Task;
pub use temp_recording::TempRecording;
