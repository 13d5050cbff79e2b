// SPDX-License-Identifier: GPL-2.0

//! `taskmon top`: a live table of the watched tasks.

mod app;
mod recent_shares;
mod screen;
mod sort_order;
mod task_table;

use crate::{cli::Top, output::is_colourful};
use anyhow::{bail, Context, Result};
use app::{App, Then};
use nix::sys::signal::{raise, sigaction, SaFlags, SigAction, SigHandler, SigSet, Signal};
use ratatui::{
    crossterm::event::{self, Event, KeyEventKind},
    DefaultTerminal,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use std::{
    io::{stdin, stdout, IsTerminal},
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};
use task_table::Watch;

/// How soon a signal is noticed.
const PATIENCE: Duration = Duration::from_millis(100);

pub fn top(command: &Top) -> Result<()> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!("top needs a terminal; for other uses there are `taskmon list --json` and export");
    }
    // What is wrong with the module is said on the user's own screen.
    let mut app = App::new(Watch::begin()?);
    let signals = Signals::catch()?;
    let delay = Duration::from_secs_f64(command.delay);
    let mut terminal = take_terminal()?;
    let done = run(&mut app, &mut terminal, delay, &signals);
    put_terminal_back();
    done?;
    match signals.end.load(Ordering::Relaxed) {
        0 => Ok(()),
        // CAST: a signal's number is below 65.
        number => {
            let signal = Signal::try_from(number as i32).context("an unknown signal")?;
            bail!("ended by {signal}")
        }
    }
}

/// The terminal for the program alone. A panic puts it back too, and so does a failure half-way.
fn take_terminal() -> Result<DefaultTerminal> {
    ratatui::try_init()
        .inspect_err(|_| put_terminal_back())
        .context("the terminal")
}

fn put_terminal_back() {
    // There is nothing more to do for one that is gone.
    let _ = ratatui::try_restore();
}

/// Where signals appear.
struct Signals {
    /// The number of the one that is to end the program.
    end: Arc<AtomicUsize>,
    /// To the background.
    stop: Arc<AtomicBool>,
}

impl Signals {
    fn catch() -> Result<Self> {
        let end = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            // CAST: small and positive.
            signal_hook::flag::register_usize(signal, end.clone(), signal as usize)
                .context("catching signals")?;
        }
        signal_hook::flag::register(SIGTSTP, stop.clone()).context("catching signals")?;
        Ok(Self { end, stop })
    }
}

fn run(
    app: &mut App,
    terminal: &mut DefaultTerminal,
    delay: Duration,
    signals: &Signals,
) -> Result<()> {
    let is_colourful = is_colourful(true);
    let mut due = Instant::now() + delay;
    let mut is_changed = true;
    while signals.end.load(Ordering::Relaxed) == 0 {
        if signals.stop.swap(false, Ordering::Relaxed) {
            suspend(terminal)?;
            is_changed = true;
        }
        if is_changed {
            terminal
                .draw(|frame| screen::draw(app, frame, is_colourful))
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
    put_terminal_back();
    stop().context("stopping")?;
    *terminal = take_terminal()?;
    terminal.clear().context("the terminal")
}

/// Does what SIGTSTP does to a program that does not catch it: nothing, where no shell is there that
/// could have it go on.
fn stop() -> nix::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: it is no function of ours that the signal then calls.
    let before = unsafe { sigaction(Signal::SIGTSTP, &default)? };
    raise(Signal::SIGTSTP)?;
    // SAFETY: what was there before may be there again.
    unsafe { sigaction(Signal::SIGTSTP, &before) }.map(drop)
}
