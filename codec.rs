// SPDX-License-Identifier: GPL-2.0

//! How samples and timestamps are coded as bits.
//!
//! Pure functions: nothing here allocates, locks, or calls the kernel. `make check` also runs the unit
//! tests of this module outside of a kernel.
//!
//! - [`Sample`] is the CPU time that a task has consumed so far. [`SampleEncoder`] writes a sequence of
//!   samples as differences, and [`SampleDecoder`] reads them; sample.rs describes the format.
//! - [`TimestampEncoder`] and [`TimestampDecoder`] do the same for the times at which passes begin;
//!   timestamp.rs describes that format.
//! - bits.rs writes and reads single bits. width.rs chooses how many of them a number takes, and
//!   run_length.rs writes how often a sample is repeated. Both formats use them.
//!
//! An encoder hands each full 64-bit word to its caller, who stores it. A decoder reads words through
//! the trait [`Words`]. So neither knows where the words are kept.

mod bits;
#[cfg(any(test, CONFIG_KUNIT))]
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
