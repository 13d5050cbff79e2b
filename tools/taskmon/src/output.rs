// SPDX-License-Identifier: GPL-2.0

//! What taskmon writes: results, messages and progress bars.
//!
//! - [`Output`] is the destination of a result: standard output, or a file that appears only when
//!   it is complete. `unnamed_file` has the file until then. [`TempFile`] is a copy of what can be
//!   read only once. Errors of all of them name the file, and say what to do if there is no space.
//! - [`GrowingFile`] is a file to which a recording is written while it goes on.
//! - `messages` writes to standard error, and decides whether to use colours. [`Progress`] is the
//!   progress bar.
//! - [`Columns`] is a table as text. [`format`] turns times, shares and names into text. Its functions are pure. Foreign text
//!   becomes harmless in `escape`.
//!
//! This module uses no other module of taskmon.

mod columns;
mod destination;
mod escape;
mod explained;
pub mod format;
mod growing_file;
mod messages;
mod progress;
mod temp_file;
mod unnamed_file;

pub use columns::{Align, Columns};
pub use destination::{print_json, write_file, Output};
pub use growing_file::{write_failure, GrowingFile, ReservedFile};
pub use messages::{
    bold, error_text, fail_with_all, is_broken_pipe, os_error_text, print_error, print_message,
    use_colours,
};
pub use progress::Progress;
pub use temp_file::TempFile;
