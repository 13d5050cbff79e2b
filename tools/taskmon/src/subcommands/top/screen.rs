// SPDX-License-Identifier: GPL-2.0

//! The screen of `taskmon top`.

use super::{app::App, recent_shares::STEPS, task_table::Row as Task};
use crate::output::format::{self, printable};
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Cell, Row, Table},
    Frame,
};

const PID: u16 = 7;
const STATE: u16 = 5;
const SHARE: u16 = 7;
const TOTAL: u16 = 12;
const COMMAND: u16 = 15;
const HISTORY_MIN: u16 = 8;

/// Which columns there is room for, and how wide they are.
struct Columns {
    has_totals: bool,
    command: u16,
    /// 0: there is no room for it.
    history: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let narrow = PID + STATE + 2 * SHARE + 4;
        let wide = narrow + 2 * TOTAL + 2;
        let has_totals = width >= wide + COMMAND;
        let rest = width.saturating_sub(if has_totals { wide } else { narrow });
        let history = rest
            .checked_sub(COMMAND + 1)
            .filter(|history| *history >= HISTORY_MIN);
        // CAST: a hundred.
        let history = history.unwrap_or(0).min(STEPS as u16);
        let gap = u16::from(history > 0);
        Self {
            has_totals,
            command: rest - history - gap,
            history,
        }
    }

    fn widths(&self) -> Vec<Constraint> {
        let mut widths = vec![PID, STATE, SHARE, SHARE];
        if self.has_totals {
            widths.extend([TOTAL, TOTAL]);
        }
        widths.push(self.command);
        if self.history > 0 {
            widths.push(self.history);
        }
        widths.into_iter().map(Constraint::Length).collect()
    }
}

/// Draws it all; colours only where they are wanted.
pub fn draw(app: &mut App, frame: &mut Frame, is_colourful: bool) {
    let [head, table, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(app, is_colourful), head);
    app.page = usize::from(table.height.saturating_sub(1));
    let columns = Columns::of(table.width);
    let rows = app
        .watch
        .rows
        .iter()
        .map(|row| task(row, &columns, app.watch.now_us, is_colourful));
    let chosen = Style::new().add_modifier(Modifier::REVERSED);
    let rows = Table::new(rows, columns.widths())
        .header(titles(&columns))
        .row_highlight_style(chosen);
    frame.render_stateful_widget(rows, table, &mut app.place);
    draw_foot(app, frame, foot, is_colourful);
}

fn headline(app: &App, is_colourful: bool) -> Line<'static> {
    let watch = &app.watch;
    let state = match (app.is_paused, is_colourful) {
        (true, true) => "  PAUSED".yellow().bold(),
        (true, false) => "  PAUSED".bold(),
        _ => Span::raw(""),
    };
    Line::from(vec![
        "taskmon".bold(),
        Span::raw(format!(
            "  {} tasks, a sample each {} ms, {} held in {} KiB, by {}{}",
            watch.statistic("targets"),
            watch.period_ms,
            watch.statistic("alive"),
            watch.statistic("bytes").div_ceil(1024),
            app.order.name(),
            if app.is_reversed { ", reversed" } else { "" },
        )),
        state,
    ])
}

fn titles(columns: &Columns) -> Row<'static> {
    let right = |title: &'static str| Cell::from(Line::from(title).right_aligned());
    let mut cells = vec![right("PID"), "STATE".into(), right("USER"), right("SYSTEM")];
    if columns.has_totals {
        cells.extend([right("USER s"), right("SYSTEM s")]);
    }
    cells.push("COMMAND".into());
    if columns.history > 0 {
        cells.push("LAST MINUTES".into());
    }
    Row::new(cells).bold()
}

fn task(task: &Task, columns: &Columns, now_us: u64, is_colourful: bool) -> Row<'static> {
    let right = |text: String| Cell::from(Line::from(text).right_aligned());
    let share = |part: fn((f64, f64)) -> f64| {
        task.shares
            .map_or("-".to_string(), |shares| format::percent(part(shares)))
    };
    let state = task
        .state
        .map_or("ended".to_string(), |state| state.to_string());
    let mut cells = vec![
        right(task.last.pid.to_string()),
        state.into(),
        right(share(|shares| shares.0)),
        right(share(|shares| shares.1)),
    ];
    if columns.has_totals {
        cells.push(right(format::seconds(task.last.usr_us)));
        cells.push(right(format::seconds(task.last.sys_us)));
    }
    cells.push(printable(task.command.as_deref().unwrap_or("?")).into());
    if columns.history > 0 {
        let shares = task.recent.shares(now_us, columns.history.into());
        let missing = usize::from(columns.history).saturating_sub(shares.len());
        let line = " ".repeat(missing) + &format::sparkline(&shares, 1.0);
        cells.push(if is_colourful {
            line.cyan().into()
        } else {
            line.into()
        });
    }
    let row = Row::new(cells);
    if task.last.is_end {
        row.dim()
    } else {
        row
    }
}

fn draw_foot(app: &App, frame: &mut Frame, area: Rect, is_colourful: bool) {
    let line = match (&app.prompt, &app.complaint) {
        (Some(prompt), _) => {
            let what = if prompt.is_tree {
                "watch with descendants"
            } else {
                "watch"
            };
            let line = Line::from(format!("{what} (pid or name): {}", prompt.text));
            // CAST: the terminal's own width bounds it.
            let end = (line.width() as u16).min(area.width.saturating_sub(1));
            frame.set_cursor_position((area.x + end, area.y));
            line
        }
        (None, Some(complaint)) if is_colourful => Line::from(complaint.clone()).red(),
        (None, Some(complaint)) => Line::from(complaint.clone()).bold(),
        (None, None) => {
            Line::from("q quit  a add  t add tree  d remove  space pause  s/S order  r reverse")
                .dim()
        }
    };
    frame.render_widget(line, area);
}
