// SPDX-License-Identifier: GPL-2.0

//! The state of `taskmon top` and what its keys do, independent of the terminal.

use super::{
    lines::{Lines, View},
    replay::Replay,
    task_table::{Row, TaskTable},
};
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

/// What the user is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The tasks to watch.
    Add,
    /// The tasks to watch with their descendants.
    AddTree,
    /// Which tasks are shown.
    Filter,
    /// The moment of a recording.
    Moment,
}

/// The line in which the user types.
pub struct Prompt {
    pub question: Question,
    pub text: String,
}

/// The state of the program.
pub struct App {
    pub table: TaskTable,
    /// The recording that is shown; `None` if the module is.
    pub replay: Option<Replay>,
    pub view: View,
    pub lines: Lines,
    pub has_help: bool,
    /// Whether sampling is paused. The module does not report it, so it is inferred if no pass
    /// takes place for three periods.
    pub is_paused: bool,
    pub prompt: Option<Prompt>,
    /// The last error, until the next key.
    pub error: Option<String>,
    /// The selected line, and the first line on the screen.
    pub scrolled: TableState,
    /// The number of rows on the screen.
    pub page_rows: usize,
    /// The id of the selected task.
    selected_id: Option<u64>,
    /// When the statistic `passes` was last seen to change.
    last_pass_us: u64,
}

impl App {
    /// Returns the initial state.
    pub fn new(table: TaskTable, replay: Option<Replay>, order: SortOrder) -> Self {
        let mut app = Self {
            last_pass_us: table.now_us,
            table,
            replay,
            view: View {
                order,
                is_reversed: false,
                is_tree: false,
                shows_ended: false,
                filter: String::new(),
            },
            lines: Lines::default(),
            has_help: false,
            is_paused: false,
            prompt: None,
            error: None,
            scrolled: TableState::default(),
            page_rows: 1,
            selected_id: None,
        };
        app.arrange();
        app
    }

    /// Reads the tasks again. If that fails, the table is empty until it succeeds. A recording that is
    /// played goes on.
    pub fn refresh(&mut self) {
        if let Some(replay) = &mut self.replay {
            replay.play();
            self.table = replay.table();
            return self.arrange();
        }
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
        self.arrange();
    }

    /// Arranges the lines, and selects the selected task again. If it is gone, the selection stays at
    /// the same position.
    fn arrange(&mut self) {
        self.lines = self.view.arrange(&mut self.table.rows);
        let lines = &self.lines.lines;
        let id = |row: usize| self.table.rows.get(row).map(|row| row.info.id);
        let position = lines
            .iter()
            .position(|line| self.selected_id.is_some() && id(line.row) == self.selected_id);
        let before = self.scrolled.selected().unwrap_or(0);
        let position = position.or_else(|| Some(before.min(lines.len().checked_sub(1)?)));
        self.scrolled.select(position);
        self.selected_id = self.selected().map(|row| row.info.id);
    }

    /// Returns the selected row.
    pub fn selected(&self) -> Option<&Row> {
        let line = self.lines.lines.get(self.scrolled.selected()?)?;
        self.table.rows.get(line.row)
    }

    /// Handles a key.
    pub fn handle_key(&mut self, key: KeyEvent) -> Action {
        self.error = None;
        if std::mem::take(&mut self.has_help) && key.code != KeyCode::Char('q') {
            return Action::Draw;
        }
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
            KeyCode::Enter => return self.answer(&prompt),
            KeyCode::Backspace => drop(prompt.text.pop()),
            KeyCode::Char(letter) => prompt.text.push(letter),
            _ => {}
        }
        self.prompt = Some(prompt);
        Action::Draw
    }

    /// Does what the user has typed.
    fn answer(&mut self, prompt: &Prompt) -> Action {
        match (prompt.question, &mut self.replay) {
            (Question::Filter, _) => {
                self.view.filter = prompt.text.trim().to_string();
                self.arrange();
                Action::Draw
            }
            (Question::Moment, Some(replay)) => {
                let moment = prompt.text.parse();
                let result = moment.and_then(|moment| replay.go_to(&moment));
                self.finish(result)
            }
            (Question::Moment, None) => Action::Draw,
            (question, _) => {
                let words = prompt.text.split_whitespace();
                let wanted = words.map(|word| Wanted::pid_or_name(word.as_ref()));
                self.finish(add_each(wanted, question == Question::AddTree))
            }
        }
    }

    fn ask(&mut self, question: Question) {
        self.prompt = Some(Prompt {
            question,
            text: String::new(),
        });
    }

    fn handle_table_key(&mut self, key: KeyCode) -> Action {
        let page = self.page_rows.max(1) as isize;
        match key {
            KeyCode::Char('q') | KeyCode::F(10) => return Action::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.move_selection(-1),
            KeyCode::Down | KeyCode::Char('j') => self.move_selection(1),
            KeyCode::PageUp => self.move_selection(-page),
            KeyCode::PageDown => self.move_selection(page),
            KeyCode::Home => self.move_selection(isize::MIN),
            KeyCode::End => self.move_selection(isize::MAX),
            KeyCode::Char('/') | KeyCode::F(4) => self.ask(Question::Filter),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.has_help = true,
            KeyCode::Char('s') | KeyCode::F(6) => self.sort_by(self.view.order.next()),
            KeyCode::Char('S') => self.sort_by(self.view.order.previous()),
            KeyCode::Char('w') => self.sort_by(SortOrder::Waiting),
            KeyCode::Char('r') => self.toggle(|view| &mut view.is_reversed),
            KeyCode::Char('t') | KeyCode::F(5) => self.toggle(|view| &mut view.is_tree),
            KeyCode::Char('e') => self.toggle(|view| &mut view.shows_ended),
            KeyCode::Esc if !self.view.filter.is_empty() => {
                self.view.filter.clear();
                self.arrange();
            }
            key => return self.handle_source_key(key),
        }
        Action::Draw
    }

    /// Handles the keys that differ between the module and a recording.
    fn handle_source_key(&mut self, key: KeyCode) -> Action {
        let Some(replay) = &mut self.replay else {
            match key {
                KeyCode::Char('a') => self.ask(Question::Add),
                KeyCode::Char('A') => self.ask(Question::AddTree),
                KeyCode::Char('d') | KeyCode::Delete => return self.remove_selected(),
                KeyCode::Char(' ') => return self.pause_or_resume(),
                _ => {}
            }
            return Action::Draw;
        };
        match key {
            KeyCode::Left => replay.step(-1),
            KeyCode::Right => replay.step(1),
            KeyCode::Char('[') => replay.step(-60),
            KeyCode::Char(']') => replay.step(60),
            KeyCode::Char(' ') => replay.is_playing = !replay.is_playing,
            KeyCode::Char('+') => replay.speed = (replay.speed * 2).min(1024),
            KeyCode::Char('-') => replay.speed = (replay.speed / 2).max(1),
            KeyCode::Char('g') => {
                self.ask(Question::Moment);
                return Action::Draw;
            }
            _ => return Action::Draw,
        }
        self.table = replay.table();
        self.arrange();
        Action::Draw
    }

    /// Switches a part of the view on or off.
    fn toggle(&mut self, part: fn(&mut View) -> &mut bool) {
        let part = part(&mut self.view);
        *part = !*part;
        self.arrange();
    }

    fn move_selection(&mut self, rows: isize) {
        let Some(last) = self.lines.lines.len().checked_sub(1) else {
            return;
        };
        let position = self.scrolled.selected().unwrap_or(0);
        self.scrolled
            .select(Some(position.saturating_add_signed(rows).min(last)));
        self.selected_id = self.selected().map(|row| row.info.id);
    }

    fn sort_by(&mut self, order: SortOrder) {
        self.view.order = order;
        self.arrange();
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
