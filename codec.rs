// SPDX-License-Identifier: GPL-2.0

//! Samples and timestamps as sequences of bits.
//!
//! Pure functions: nothing here allocates, locks, or calls the kernel. So the unit tests of this
//! module can also run outside of a kernel.
//!
//! - [`Sample`] is the CPU time that a task has consumed so far. [`SampleEncoder`] writes a
//!   sequence of samples as differences, and [`SampleDecoder`] reads them. sample.rs describes the
//!   format, and run_length.rs the part of it that says how often a sample is repeated.
//! - [`TimestampEncoder`] and [`TimestampDecoder`] do the same for the times at which passes begin.
//!   timestamp.rs describes that format.
//! - Both formats use bits.rs, which writes and reads bits, and width.rs, which chooses how many
//!   bits a number takes.
//!
//! An encoder passes each full 64-bit word to a function of its caller. A decoder reads words by
//! the trait [`Words`]. So neither depends on where the words are kept.

mod bits;
#[cfg(any(test, CONFIG_TASKMONITOR_KUNIT_TEST))]
pub(crate) mod random;
mod run_length;
mod sample;
mod sample_decoder;
mod sample_encoder;
mod timestamp;
mod width;

pub(crate) use bits::Words;
pub(crate) use sample::{Extent, Sample, SampleBase, TimedSample};
pub(crate) use sample_decoder::SampleDecoder;
pub(crate) use sample_encoder::SampleEncoder;
pub(crate) use timestamp::{TimestampBase, TimestampDecoder, TimestampEncoder};
