// SPDX-License-Identifier: GPL-2.0

//! `taskmon top`: a live table of the watched tasks, or of a recording at a moment.
//!
//! [`TaskTable`] has the tasks and their CPU shares, from the module or from a [`Replay`]. `lines`
//! arranges them. [`App`] adds the selected line, and handles keys. `screen` draws it. This file has the
//! event loop, and sets up and restores the terminal.

mod app;
mod lines;
mod recent_shares;
mod replay;
mod screen;
mod sort_order;
mod task_table;

use crate::{cli::Top, excerpt::Excerpt, history::Source, output::use_colours};
use anyhow::{bail, Context, Result};
use app::{Action, App};
use nix::sys::signal::{raise, sigaction, SaFlags, SigAction, SigHandler, SigSet, Signal};
use ratatui::{
    crossterm::event::{self, Event, KeyEventKind},
    DefaultTerminal,
};
pub use replay::Replay;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use std::{
    io::{stdin, stdout, IsTerminal},
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};
use task_table::TaskTable;

/// How often signals are checked for.
const SIGNAL_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Runs `taskmon top`.
pub fn top(arguments: &Top) -> Result<()> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!("top needs a terminal; scripts can use `taskmon list --json` or `taskmon export`");
    }
    // Before the terminal is taken, so that an error appears on the normal screen.
    let delay = Duration::from_secs_f64(arguments.delay);
    let mut app = match &arguments.file {
        Some(file) => {
            let replay = replay(file, arguments, delay)?;
            App::new(replay.table(), Some(replay), arguments.sort)
        }
        None if arguments.times.is_limited() => {
            bail!("--since and --until are for a recording: name its file")
        }
        None => App::new(TaskTable::read()?, None, arguments.sort),
    };
    let signals = Signals::catch()?;
    let mut terminal = take_terminal()?;
    let result = run(&mut app, &mut terminal, delay, &signals);
    restore_terminal();
    result?;
    match signals.end.load(Ordering::Relaxed) {
        0 => Ok(()),
        // CAST: signal numbers are below 65.
        number => {
            let signal = Signal::try_from(number as i32).context("an unknown signal")?;
            bail!("ended by {signal}")
        }
    }
}

/// Reads a recording, and goes to the moment that is wanted.
fn replay(file: &Path, arguments: &Top, step: Duration) -> Result<Replay> {
    let excerpt = Excerpt::read(&Source::Recording(file.into()), &arguments.times, true)?;
    let step_us = u64::try_from(step.as_micros()).unwrap_or(u64::MAX);
    let mut replay = Replay::of(&file.display().to_string(), &excerpt, step_us)?;
    if let Some(moment) = &arguments.at {
        replay.go_to(moment)?;
    }
    Ok(replay)
}

/// Switches the terminal to raw mode and to the alternate screen. A panic restores it, and so does
/// a failure of this function.
fn take_terminal() -> Result<DefaultTerminal> {
    ratatui::try_init()
        .inspect_err(|_| restore_terminal())
        .context("the terminal")
}

fn restore_terminal() {
    // An error means that the terminal does not exist any more.
    let _ = ratatui::try_restore();
}

/// The signals that have arrived.
struct Signals {
    /// The number of a signal that ends the program, 0 if there is none.
    end: Arc<AtomicUsize>,
    /// Whether SIGTSTP has arrived.
    suspend: Arc<AtomicBool>,
}

impl Signals {
    fn catch() -> Result<Self> {
        let end = Arc::new(AtomicUsize::new(0));
        let suspend = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            // CAST: signal numbers are small and positive.
            signal_hook::flag::register_usize(signal, end.clone(), signal as usize)
                .context("catching signals")?;
        }
        signal_hook::flag::register(SIGTSTP, suspend.clone()).context("catching signals")?;
        Ok(Self { end, suspend })
    }
}

/// Draws, refreshes and handles keys until the user quits or a signal ends the program.
fn run(
    app: &mut App,
    terminal: &mut DefaultTerminal,
    delay: Duration,
    signals: &Signals,
) -> Result<()> {
    let has_colours = use_colours(true);
    let mut next_refresh = Instant::now() + delay;
    let mut is_changed = true;
    while signals.end.load(Ordering::Relaxed) == 0 {
        if signals.suspend.swap(false, Ordering::Relaxed) {
            suspend(terminal)?;
            is_changed = true;
        }
        if is_changed {
            terminal
                .draw(|frame| screen::draw(app, frame, has_colours))
                .context("the terminal")?;
        }
        let now = Instant::now();
        is_changed = now >= next_refresh;
        if is_changed {
            app.refresh();
            // If reading the samples takes long, refresh less often.
            next_refresh = now + delay.max(now.elapsed() * 4);
            continue;
        }
        let timeout = (next_refresh - now).min(SIGNAL_CHECK_INTERVAL);
        if !event::poll(timeout).context("the terminal")? {
            continue;
        }
        is_changed = true;
        let action = match event::read().context("the terminal")? {
            Event::Key(key) if key.kind != KeyEventKind::Release => app.handle_key(key),
            _ => Action::Draw,
        };
        match action {
            Action::Draw => {}
            Action::Refresh => next_refresh = now,
            Action::Suspend => suspend(terminal)?,
            Action::Quit => break,
        }
    }
    Ok(())
}

/// Restores the terminal, stops the program until the shell continues it, and takes the terminal
/// again.
fn suspend(terminal: &mut DefaultTerminal) -> Result<()> {
    terminal.show_cursor().context("the terminal")?;
    restore_terminal();
    stop().context("suspending taskmon")?;
    *terminal = take_terminal()?;
    terminal.clear().context("the terminal")
}

/// Stops the program with the default action of SIGTSTP. The kernel ignores the signal if no shell
/// could continue the program.
fn stop() -> nix::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no function of this program becomes a signal handler.
    let before = unsafe { sigaction(Signal::SIGTSTP, &default)? };
    raise(Signal::SIGTSTP)?;
    // SAFETY: the handler was installed before.
    unsafe { sigaction(Signal::SIGTSTP, &before) }.map(drop)
}
