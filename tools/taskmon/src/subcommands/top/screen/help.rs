// SPDX-License-Identifier: GPL-2.0

//! The help that the key `?` shows.

use ratatui::widgets::Paragraph;

const ALWAYS: &str = "\
USER, SYSTEM: shares of one CPU. WAIT: the time in which a task could
have run, but had no CPU. A block of the history is 5 s.

  q F10        quit
  ↑ ↓ PgUp PgDn Home End  select a task
  s S F6       next, previous order       w  who waits most first
  r            reverse the order
  t F5         descendants below their ancestors, with sums
  e            show tasks that have ended
  / F4         show only some tasks       Escape  show all
";
const LIVE: &str = "
  a            watch tasks                A  and all their descendants
  d Delete     stop watching the selected task
  space        pause, resume sampling
";
const REPLAY: &str = "
  ← →          one step back, on          [ ]  sixty steps
  space        play, pause                + -  faster, slower
  g            go to a time
";

/// Returns the help, for a recording or for the module.
pub fn text(is_replay: bool) -> Paragraph<'static> {
    let more = if is_replay { REPLAY } else { LIVE };
    Paragraph::new(format!("{ALWAYS}{more}\nPress any key to go back."))
}
