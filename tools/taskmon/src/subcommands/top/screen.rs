// SPDX-License-Identifier: GPL-2.0

//! Drawing the screen of `taskmon top`: a headline, the table, and a footer with keys, the prompt
//! or an error.

use super::{app::App, recent_shares::MAX_BINS, task_table::Row as TaskRow};
use crate::{
    cpu_share::Shares,
    output::format::{or_dash, percent, seconds, sparkline, task_state},
};
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Cell, Row, Table},
    Frame,
};

// The widths of the columns.
const PID: u16 = 7;
const STATE: u16 = 5;
const SHARE: u16 = 7;
const TOTAL: u16 = 12;
const COMMAND: u16 = 15;
const MIN_HISTORY: u16 = 8;

/// The columns that fit into the terminal, and the widths of the variable ones.
struct Columns {
    has_totals: bool,
    command: u16,
    /// 0 if the column does not fit.
    history: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let narrow = PID + STATE + 3 * SHARE + 5;
        let wide = narrow + 3 * TOTAL + 3;
        // The history is shown first, the totals if they fit too.
        let has_totals = width > wide + COMMAND + MIN_HISTORY;
        let rest = width.saturating_sub(if has_totals { wide } else { narrow });
        let history = rest
            .checked_sub(COMMAND + 1)
            .filter(|history| *history >= MIN_HISTORY);
        // CAST: MAX_BINS is small.
        let history = history.unwrap_or(0).min(MAX_BINS as u16);
        let gap = u16::from(history > 0);
        Self {
            has_totals,
            command: rest - history - gap,
            history,
        }
    }

    fn widths(&self) -> Vec<Constraint> {
        let mut widths = vec![PID, STATE, SHARE, SHARE, SHARE];
        if self.has_totals {
            widths.extend([TOTAL; 3]);
        }
        widths.push(self.command);
        if self.history > 0 {
            widths.push(self.history);
        }
        widths.into_iter().map(Constraint::Length).collect()
    }
}

/// Draws the screen.
pub fn draw(app: &mut App, frame: &mut Frame, has_colours: bool) {
    let [head, table, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(app, has_colours), head);
    app.page_rows = usize::from(table.height.saturating_sub(1));
    let columns = Columns::of(table.width);
    let rows = app
        .table
        .rows
        .iter()
        .map(|row| task_row(row, &columns, app.table.now_us, has_colours));
    let selected = Style::new().add_modifier(Modifier::REVERSED);
    let rows = Table::new(rows, columns.widths())
        .header(titles(&columns))
        .row_highlight_style(selected);
    frame.render_stateful_widget(rows, table, &mut app.view);
    draw_footer(app, frame, foot, has_colours);
}

fn headline(app: &App, has_colours: bool) -> Line<'static> {
    let statistic = |name| app.table.statistic(name);
    let state = match (app.is_paused, has_colours) {
        (true, true) => "  PAUSED".yellow().bold(),
        (true, false) => "  PAUSED".bold(),
        _ => Span::raw(""),
    };
    Line::from(vec![
        "taskmon".bold(),
        Span::raw(format!(
            "  {} tasks, period {} ms, {} samples, {} KiB, order: {}{}",
            statistic("targets"),
            app.table.period_ms,
            statistic("alive"),
            statistic("bytes").div_ceil(1024),
            app.order.name(),
            if app.is_reversed { ", reversed" } else { "" },
        )),
        state,
    ])
}

fn titles(columns: &Columns) -> Row<'static> {
    let right = |title: &'static str| Cell::from(Line::from(title).right_aligned());
    let mut cells = vec![right("PID"), "STATE".into()];
    cells.extend(["USER", "SYSTEM", "WAIT"].map(right));
    if columns.has_totals {
        cells.extend(["USER s", "SYSTEM s", "WAIT s"].map(right));
    }
    cells.push("COMMAND".into());
    if columns.history > 0 {
        cells.push("LAST MINUTES".into());
    }
    Row::new(cells).bold()
}

fn task_row(task: &TaskRow, columns: &Columns, now_us: u64, has_colours: bool) -> Row<'static> {
    let right = |text: String| Cell::from(Line::from(text).right_aligned());
    let share = |part: fn(Shares) -> Option<f64>| or_dash(task.shares.and_then(part).map(percent));
    let mut cells = vec![
        right(task.info.pid.to_string()),
        task_state(task.state).into(),
        right(share(|shares| Some(shares.usr))),
        right(share(|shares| Some(shares.sys))),
        right(share(|shares| shares.wait)),
    ];
    if columns.has_totals {
        cells.push(right(seconds(task.info.usr_us)));
        cells.push(right(seconds(task.info.sys_us)));
        cells.push(right(or_dash(task.info.wait_us.map(seconds))));
    }
    cells.push(task.info.name_text().into());
    if columns.history > 0 {
        let shares = task.recent.shares(now_us, columns.history.into());
        let missing = usize::from(columns.history).saturating_sub(shares.len());
        let line = " ".repeat(missing) + &sparkline(&shares, 1.0);
        cells.push(if has_colours {
            line.cyan().into()
        } else {
            line.into()
        });
    }
    let row = Row::new(cells);
    if task.is_ended() {
        row.dim()
    } else {
        row
    }
}

fn draw_footer(app: &App, frame: &mut Frame, area: Rect, has_colours: bool) {
    let line = match (&app.prompt, &app.error) {
        (Some(prompt), _) => {
            let what = if prompt.is_tree {
                "watch with descendants"
            } else {
                "watch"
            };
            let line = Line::from(format!("{what} (PID or name): {}", prompt.text));
            // CAST: at most the width of the terminal.
            let end = (line.width() as u16).min(area.width.saturating_sub(1));
            frame.set_cursor_position((area.x + end, area.y));
            line
        }
        (None, Some(error)) if has_colours => Line::from(error.clone()).red(),
        (None, Some(error)) => Line::from(error.clone()).bold(),
        (None, None) => Line::from(
            "q quit  a add  t add tree  d remove  space pause  s/S order  w waiting  r reverse",
        )
        .dim(),
    };
    frame.render_widget(line, area);
}
