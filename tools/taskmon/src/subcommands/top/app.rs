// SPDX-License-Identifier: GPL-2.0

//! The state of `taskmon top` and what its keys do, independent of the terminal.

use super::task_table::{Row, TaskTable};
use crate::{
    cli::SortOrder, kernel_module::ControlFile, output::error_text, selection::Wanted,
    subcommands::add::add_each,
};
use anyhow::Result;
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    widgets::TableState,
};

/// What the event loop does after a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Draw,
    /// Refresh at once, because the key changed something.
    Refresh,
    /// Stop the program, as Ctrl-Z does.
    Suspend,
    Quit,
}

/// The line in which the user types the tasks to watch.
#[derive(Default)]
pub struct Prompt {
    pub text: String,
    /// Whether to follow their descendants.
    pub is_tree: bool,
}

/// The state of the program.
pub struct App {
    pub table: TaskTable,
    pub order: SortOrder,
    pub is_reversed: bool,
    /// Whether sampling is paused. The module does not report it, so it is inferred if no pass
    /// takes place for three periods.
    pub is_paused: bool,
    pub prompt: Option<Prompt>,
    /// The last error, until the next key.
    pub error: Option<String>,
    /// The selected row, and the first row on the screen.
    pub view: TableState,
    /// The number of rows on the screen.
    pub page_rows: usize,
    /// The id of the selected task.
    selected_id: Option<u64>,
    /// When the statistic `passes` was last seen to change.
    last_pass_us: u64,
}

impl App {
    /// Returns the initial state.
    pub fn new(table: TaskTable, order: SortOrder) -> Self {
        let mut app = Self {
            last_pass_us: table.now_us,
            table,
            order,
            is_reversed: false,
            is_paused: false,
            prompt: None,
            error: None,
            view: TableState::default(),
            page_rows: 1,
            selected_id: None,
        };
        app.sort();
        app
    }

    /// Reads the tasks again. If that fails, the table is empty until it succeeds.
    pub fn refresh(&mut self) {
        let passes = self.table.statistic("passes");
        if let Err(error) = self.table.refresh() {
            self.error = Some(error_text(&error));
            self.table = TaskTable::default();
        }
        if self.table.statistic("passes") != passes || !self.table.has_living() {
            self.last_pass_us = self.table.now_us;
            self.is_paused &= !self.table.has_living();
        }
        let silent_us = self.table.now_us.saturating_sub(self.last_pass_us);
        self.is_paused |= silent_us > self.table.period_ms.saturating_mul(3000);
        self.sort();
    }

    /// Sorts the rows, and selects the selected task again. If it is gone, the selection stays at
    /// the same position.
    fn sort(&mut self) {
        self.order.sort(&mut self.table.rows, self.is_reversed);
        let rows = &self.table.rows;
        let position = rows
            .iter()
            .position(|row| Some(row.info.id) == self.selected_id);
        let before = self.view.selected().unwrap_or(0);
        let position = position.or_else(|| Some(before.min(rows.len().checked_sub(1)?)));
        self.view.select(position);
        self.selected_id = self.selected().map(|row| row.info.id);
    }

    /// Returns the selected row.
    pub fn selected(&self) -> Option<&Row> {
        self.table.rows.get(self.view.selected()?)
    }

    /// Handles a key.
    pub fn handle_key(&mut self, key: KeyEvent) -> Action {
        self.error = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Action::Quit,
                KeyCode::Char('z') => Action::Suspend,
                _ => Action::Draw,
            };
        }
        match self.prompt.take() {
            Some(prompt) => self.handle_prompt_key(prompt, key.code),
            None => self.handle_table_key(key.code),
        }
    }

    fn handle_prompt_key(&mut self, mut prompt: Prompt, key: KeyCode) -> Action {
        match key {
            KeyCode::Esc => return Action::Draw,
            KeyCode::Enter => {
                let words = prompt.text.split_whitespace();
                let wanted = words.map(|word| Wanted::pid_or_name(word.as_ref()));
                return self.finish(add_each(wanted, prompt.is_tree));
            }
            KeyCode::Backspace => drop(prompt.text.pop()),
            KeyCode::Char(letter) => prompt.text.push(letter),
            _ => {}
        }
        self.prompt = Some(prompt);
        Action::Draw
    }

    fn handle_table_key(&mut self, key: KeyCode) -> Action {
        let page = self.page_rows.max(1) as isize;
        match key {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.move_selection(-1),
            KeyCode::Down | KeyCode::Char('j') => self.move_selection(1),
            KeyCode::PageUp => self.move_selection(-page),
            KeyCode::PageDown => self.move_selection(page),
            KeyCode::Home => self.move_selection(isize::MIN),
            KeyCode::End => self.move_selection(isize::MAX),
            KeyCode::Char('a') => self.prompt = Some(Prompt::default()),
            KeyCode::Char('t') => {
                self.prompt = Some(Prompt {
                    is_tree: true,
                    ..Prompt::default()
                });
            }
            KeyCode::Char('d') | KeyCode::Delete => return self.remove_selected(),
            KeyCode::Char(' ') => return self.pause_or_resume(),
            KeyCode::Char('s') => self.sort_by(self.order.next()),
            KeyCode::Char('S') => self.sort_by(self.order.previous()),
            KeyCode::Char('w') => self.sort_by(SortOrder::Waiting),
            KeyCode::Char('r') => {
                self.is_reversed = !self.is_reversed;
                self.sort();
            }
            _ => {}
        }
        Action::Draw
    }

    fn move_selection(&mut self, rows: isize) {
        let Some(last) = self.table.rows.len().checked_sub(1) else {
            return;
        };
        let position = self.view.selected().unwrap_or(0);
        self.view
            .select(Some(position.saturating_add_signed(rows).min(last)));
        self.selected_id = self.selected().map(|row| row.info.id);
    }

    fn sort_by(&mut self, order: SortOrder) {
        self.order = order;
        self.sort();
    }

    fn remove_selected(&mut self) -> Action {
        // By its id, as another task may have its PID now.
        let Some(info) = self.selected().map(|row| &row.info) else {
            return Action::Draw;
        };
        let result = send(&format!("-id:{}", info.id), &info.label());
        self.finish(result)
    }

    fn pause_or_resume(&mut self) -> Action {
        let command = if self.is_paused { "start" } else { "stop" };
        let result = send(command, command);
        if result.is_ok() {
            self.is_paused = !self.is_paused;
            self.last_pass_us = self.table.now_us;
        }
        self.finish(result)
    }

    /// Keeps the error of a command for the screen.
    fn finish(&mut self, result: Result<()>) -> Action {
        self.error = result.err().as_ref().map(error_text);
        Action::Refresh
    }
}

fn send(command: &str, subject: &str) -> Result<()> {
    ControlFile::open()?.send(command, subject)
}
