// SPDX-License-Identifier: GPL-2.0

//! What `taskmon top` shows and what keys do, without a terminal.

use super::{
    sort_order::Order,
    task_table::{Row, Watch},
};
use crate::{kernel_module, subcommands::add_remove};
use anyhow::{anyhow, Result};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    widgets::TableState,
};

/// What is to happen after a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Then {
    Draw,
    /// Something was changed, which the next look shows.
    Look,
    /// To the background, as Ctrl-Z does.
    Suspend,
    Quit,
}

/// A line that is being typed: the tasks to watch.
#[derive(Default)]
pub struct Prompt {
    pub text: String,
    /// With their descendants.
    pub is_tree: bool,
}

pub struct App {
    pub watch: Watch,
    pub order: Order,
    pub is_reversed: bool,
    pub is_paused: bool,
    pub prompt: Option<Prompt>,
    /// What went wrong last; until the next key.
    pub complaint: Option<String>,
    /// Which line is chosen, and which is the first on the screen.
    pub place: TableState,
    /// How many lines of the table there is room for.
    pub page: usize,
    chosen: Option<u64>,
    /// When a pass was seen to have happened.
    last_pass_us: u64,
}

impl App {
    pub fn new(watch: Watch) -> Self {
        let mut app = Self {
            last_pass_us: watch.now_us,
            watch,
            order: Order::Added,
            is_reversed: false,
            is_paused: false,
            prompt: None,
            complaint: None,
            place: TableState::default(),
            page: 1,
            chosen: None,
        };
        app.arrange();
        app
    }

    /// Looks at the tasks again. Without the module there are none, until it is back.
    pub fn look(&mut self) {
        let passes = self.watch.statistic("passes");
        if let Err(error) = self.watch.look() {
            self.complaint = Some(format!("{error:#}"));
            self.watch = Watch::default();
        }
        if self.watch.statistic("passes") != passes || !self.watch.has_living() {
            self.last_pass_us = self.watch.now_us;
            self.is_paused &= !self.watch.has_living();
        }
        let silent_us = self.watch.now_us.saturating_sub(self.last_pass_us);
        self.is_paused |= silent_us > 3 * self.watch.period_ms * 1000;
        self.arrange();
    }

    /// Brings the rows into the wanted order; the chosen one stays chosen.
    fn arrange(&mut self) {
        self.order.sort(&mut self.watch.rows, self.is_reversed);
        let rows = &self.watch.rows;
        let place = rows.iter().position(|row| Some(row.id) == self.chosen);
        let before = self.place.selected().unwrap_or(0);
        let place = place.or_else(|| Some(before.min(rows.len().checked_sub(1)?)));
        self.place.select(place);
        self.chosen = self.row().map(|row| row.id);
    }

    /// The chosen one.
    pub fn row(&self) -> Option<&Row> {
        self.watch.rows.get(self.place.selected()?)
    }

    pub fn press(&mut self, key: KeyEvent) -> Then {
        self.complaint = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Then::Quit,
                KeyCode::Char('z') => Then::Suspend,
                _ => Then::Draw,
            };
        }
        match self.prompt.take() {
            Some(prompt) => self.type_in(prompt, key.code),
            None => self.command(key.code),
        }
    }

    fn type_in(&mut self, mut prompt: Prompt, key: KeyCode) -> Then {
        match key {
            KeyCode::Esc => return Then::Draw,
            KeyCode::Enter => {
                let tasks: Vec<String> =
                    prompt.text.split_whitespace().map(str::to_string).collect();
                return self.done(add_remove::add_all(&tasks, prompt.is_tree));
            }
            KeyCode::Backspace => drop(prompt.text.pop()),
            KeyCode::Char(letter) => prompt.text.push(letter),
            _ => {}
        }
        self.prompt = Some(prompt);
        Then::Draw
    }

    fn command(&mut self, key: KeyCode) -> Then {
        let page = self.page.max(1) as isize;
        match key {
            KeyCode::Char('q') => return Then::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-page),
            KeyCode::PageDown => self.go(page),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Char('a') => self.prompt = Some(Prompt::default()),
            KeyCode::Char('t') => {
                self.prompt = Some(Prompt {
                    is_tree: true,
                    ..Prompt::default()
                });
            }
            KeyCode::Char('d') | KeyCode::Delete => return self.remove(),
            KeyCode::Char(' ') => return self.pause(),
            KeyCode::Char('s') => self.sort_by(self.order.next()),
            KeyCode::Char('S') => self.sort_by(self.order.previous()),
            KeyCode::Char('r') => {
                self.is_reversed = !self.is_reversed;
                self.arrange();
            }
            _ => {}
        }
        Then::Draw
    }

    fn go(&mut self, rows: isize) {
        let Some(last) = self.watch.rows.len().checked_sub(1) else {
            return;
        };
        let place = self.place.selected().unwrap_or(0);
        self.place
            .select(Some(place.saturating_add_signed(rows).min(last)));
        self.chosen = self.row().map(|row| row.id);
    }

    fn sort_by(&mut self, order: Order) {
        self.order = order;
        self.arrange();
    }

    fn remove(&mut self) -> Then {
        let Some(pid) = self.row().map(|row| row.last.pid) else {
            return Then::Draw;
        };
        let word = format!("-{pid}");
        self.done(obey(&word, &pid.to_string()))
    }

    fn pause(&mut self) -> Then {
        let word = if self.is_paused { "start" } else { "stop" };
        let done = obey(word, word);
        if done.is_ok() {
            self.is_paused = !self.is_paused;
            self.last_pass_us = self.watch.now_us;
        }
        self.done(done)
    }

    fn done(&mut self, done: Result<()>) -> Then {
        self.complaint = done.err().map(|error| format!("{error:#}"));
        Then::Look
    }
}

fn obey(word: &str, what: &str) -> Result<()> {
    kernel_module::obey(&kernel_module::control()?, word)
        .map_err(|error| anyhow!(kernel_module::refusal(word, what, error)))
}
