// SPDX-License-Identifier: GPL-2.0

//! The file format of `taskmon record`: the module's sample lines, and annotations: lines that
//! begin with `#`.
//!
//! ```text
//! # taskmon 3
//! # period_ms 100
//! # tree 1234
//! # command make -j4
//! # task pid:1234 : id 41 parent 1200 started 884683400 first 0 next 1 usr 0 sys 0 wait 0 name make
//! # samples 41
//! pid:1234 num:0 : usr 0 sys 0 wait 0 time 884683417
//! …
//! # end complete
//! ```
//!
//! [`Metadata`] is what the annotations say of the whole recording. A [`Writer`] writes a recording
//! so that each line is valid by itself: wherever it is cut off, the lines before count.

mod line;
mod metadata;
mod writer;

pub use line::{Annotation, Line};
pub use metadata::{Ending, Losses, Metadata};
pub use writer::Writer;
