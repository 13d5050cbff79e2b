// SPDX-License-Identifier: GPL-2.0

//! `taskmon top`: a live table of the watched tasks.

mod app;
mod draw;
mod order;
mod recent;
mod watch;

use crate::{cli::Top, output::is_colourful};
use anyhow::{bail, Context, Result};
use app::{App, Then};
use nix::sys::signal::{raise, Signal};
use ratatui::{
    crossterm::event::{self, Event, KeyEventKind},
    DefaultTerminal,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::{
    io::{stdin, stdout, IsTerminal},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};
use watch::Watch;

/// How soon a signal is noticed.
const PATIENCE: Duration = Duration::from_millis(100);

pub fn top(command: &Top) -> Result<()> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!("top needs a terminal; for other uses there are `taskmon list --json` and export");
    }
    // What is wrong with the module is said on the user's own screen.
    let mut app = App::new(Watch::begin()?);
    let signal = caught_signals()?;
    let delay = Duration::from_secs_f64(command.delay);
    // This also puts the terminal back in a panic.
    let mut terminal = ratatui::try_init().context("the terminal")?;
    let done = run(&mut app, &mut terminal, delay, &signal);
    ratatui::restore();
    done?;
    match signal.load(Ordering::Relaxed) {
        0 => Ok(()),
        // CAST: a signal's number is below 65.
        number => {
            let signal = Signal::try_from(number as i32).context("an unknown signal")?;
            bail!("ended by {signal}")
        }
    }
}

/// Where the number of the signal that is to end the program appears.
fn caught_signals() -> Result<Arc<AtomicUsize>> {
    let caught = Arc::new(AtomicUsize::new(0));
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        // CAST: small and positive.
        signal_hook::flag::register_usize(signal, caught.clone(), signal as usize)
            .context("catching signals")?;
    }
    Ok(caught)
}

fn run(
    app: &mut App,
    terminal: &mut DefaultTerminal,
    delay: Duration,
    signal: &AtomicUsize,
) -> Result<()> {
    let is_colourful = is_colourful(true);
    let mut due = Instant::now() + delay;
    let mut is_changed = true;
    while signal.load(Ordering::Relaxed) == 0 {
        if is_changed {
            terminal
                .draw(|frame| draw::draw(app, frame, is_colourful))
                .context("the terminal")?;
        }
        let now = Instant::now();
        is_changed = now >= due;
        if is_changed {
            app.look();
            // A history that takes long to read is read less often.
            due = now + delay.max(now.elapsed() * 4);
            continue;
        }
        if !event::poll((due - now).min(PATIENCE)).context("the terminal")? {
            continue;
        }
        is_changed = true;
        let then = match event::read().context("the terminal")? {
            Event::Key(key) if key.kind != KeyEventKind::Release => app.press(key),
            _ => Then::Draw,
        };
        match then {
            Then::Draw => {}
            Then::Look => due = now,
            Then::Suspend => suspend(terminal)?,
            Then::Quit => break,
        }
    }
    Ok(())
}

/// Stops until the shell has it go on, the terminal being the shell's meanwhile.
fn suspend(terminal: &mut DefaultTerminal) -> Result<()> {
    terminal.show_cursor().context("the terminal")?;
    ratatui::restore();
    raise(Signal::SIGTSTP).context("stopping")?;
    *terminal = ratatui::try_init().context("the terminal")?;
    terminal.clear().context("the terminal")
}
