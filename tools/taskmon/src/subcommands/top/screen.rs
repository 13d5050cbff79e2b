// SPDX-License-Identifier: GPL-2.0

//! Drawing the screen of `taskmon top`: two headlines, the table, and a footer with keys, the prompt
//! or an error.

mod help;

use super::{
    app::{App, Question},
    lines::Line as TaskLine,
    recent_shares::{BIN_TEXT, MAX_BINS},
    task_table::Row as TaskRow,
};
use crate::{
    cpu_share::Shares,
    output::format::{
        cpus_text, duration, or_dash, percent, printable, seconds, short_seconds, sparkline,
        task_state,
    },
};
use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Cell, Paragraph, Row, Table, Wrap},
    Frame,
};

// The widths of the columns.
const PID: u16 = 7;
const STATE: u16 = 5;
const SHARE: u16 = 7;
const TOTAL: u16 = 12;
const COMMAND: u16 = 15;
const MIN_HISTORY: u16 = 8;
/// In a terminal with fewer rows, there is no line with the sums.
const MIN_ROWS: u16 = 6;

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
    // In a low terminal, tasks matter more.
    let has_room = |rows: u16| frame.area().height >= rows;
    let has_ended = app.lines.ended > 0 && has_room(MIN_ROWS + 1);
    let [head, sums, table, ended, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(has_room(MIN_ROWS))),
        Constraint::Fill(1),
        Constraint::Length(u16::from(has_ended)),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(app, has_colours), head);
    frame.render_widget(sums_line(app), sums);
    if app.has_help {
        frame.render_widget(help::text(app.replay.is_some()), table);
    } else if app.lines.lines.is_empty() {
        frame.render_widget(
            Paragraph::new(empty_text(app)).wrap(Wrap { trim: true }),
            table,
        );
    } else {
        draw_table(app, frame, table, has_colours);
    }
    if has_ended {
        let text = format!(
            "{:>7} ended, {} s CPU time: press e to see them",
            app.lines.ended,
            short_seconds(app.lines.ended_us)
        );
        frame.render_widget(Line::from(text).dim(), ended);
    }
    draw_footer(app, frame, foot, has_colours);
}

fn draw_table(app: &mut App, frame: &mut Frame, area: Rect, has_colours: bool) {
    app.page_rows = usize::from(area.height.saturating_sub(1));
    let columns = Columns::of(area.width);
    let (rows, now_us) = (&app.table.rows, app.table.now_us);
    let lines = app.lines.lines.iter();
    let rows = lines.map(|line| task_row(&rows[line.row], line, &columns, now_us, has_colours));
    let selected = Style::new().add_modifier(Modifier::REVERSED);
    let rows = Table::new(rows, columns.widths())
        .header(titles(&columns))
        .row_highlight_style(selected);
    frame.render_stateful_widget(rows, area, &mut app.scrolled);
}

/// Returns what an empty table says.
fn empty_text(app: &App) -> &'static str {
    match (&app.replay, app.view.filter.is_empty()) {
        (_, false) => "No task matches the filter. Press Escape to see all.",
        (Some(_), true) => "No task was alive at this moment.",
        (None, true) => {
            "No task is watched that is alive. Press a to add tasks, A to add tasks with all their \
             descendants, ? for help, q to quit."
        }
    }
}

/// Returns the line that says what is shown: what matters most first, as a terminal can be narrow.
fn headline(app: &App, has_colours: bool) -> Line<'static> {
    let statistic = |name| app.table.statistic(name);
    let highlighted = |text: String| match has_colours {
        true => text.yellow().bold(),
        false => text.bold(),
    };
    let view = &app.view;
    let mut parts = vec!["taskmon".bold(), Span::raw("  ")];
    let state = match &app.replay {
        Some(replay) => replay.state(),
        None if app.is_paused => "PAUSED".to_string(),
        None => String::new(),
    };
    if !state.is_empty() {
        parts.push(highlighted(format!("{state}  ")));
    }
    let reversed = if view.is_reversed { ", reversed" } else { "" };
    let tree = if view.is_tree { ", tree" } else { "" };
    parts.push(Span::raw(format!(
        "order: {}{reversed}{tree}",
        view.order.name()
    )));
    if !view.filter.is_empty() {
        parts.push(highlighted(format!(
            "  filter: {}",
            printable(&view.filter)
        )));
    }
    parts.push(Span::raw(match &app.replay {
        Some(replay) => {
            let name = printable(replay.name());
            format!("  {name}, each step is {}", duration(replay.step_us()))
        }
        None => format!(
            "  {} tasks, period {} ms, {} samples, {} KiB",
            statistic("targets"),
            app.table.period_ms,
            statistic("alive"),
            statistic("bytes").div_ceil(1024),
        ),
    }));
    Line::from(parts)
}

/// Returns the line with the sums of all tasks.
fn sums_line(app: &App) -> Line<'static> {
    let total = app.lines.total;
    let wait = or_dash(total.wait.map(percent));
    let cpus = app.table.cpus.map(cpus_text);
    let bar = match app.table.cpus {
        // CAST: the share of all CPUs, at most 20 columns.
        Some(cpus) => {
            "█".repeat((total.cpu() / f64::from(cpus.max(1)) * 20.0).clamp(0.0, 20.0) as usize)
        }
        None => String::new(),
    };
    let what = match &app.replay {
        Some(replay) => replay.moment(),
        None => "all    ".to_string(),
    };
    Line::from(format!(
        "{what}  user {}  system {}  wait {wait}  of {}  {bar}",
        percent(total.usr),
        percent(total.sys),
        cpus.unwrap_or("unknown CPUs".to_string()),
    ))
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
        cells.push(BIN_TEXT.into());
    }
    Row::new(cells).bold()
}

fn task_row(
    task: &TaskRow,
    line: &TaskLine,
    columns: &Columns,
    now_us: u64,
    has_colours: bool,
) -> Row<'static> {
    let right = |text: String| Cell::from(Line::from(text).right_aligned());
    let share = |part: fn(Shares) -> Option<f64>| or_dash(line.shares.and_then(part).map(percent));
    let mut cells = vec![
        right(task.info.pid.to_string()),
        match task.is_ended() {
            true => task_state(None).into(),
            false => or_dash(task.state).into(),
        },
        right(share(|shares| Some(shares.usr))),
        right(share(|shares| Some(shares.sys))),
        right(share(|shares| shares.wait)),
    ];
    if columns.has_totals {
        cells.push(right(seconds(task.info.usr_us)));
        cells.push(right(seconds(task.info.sys_us)));
        cells.push(right(or_dash(task.info.wait_us.map(seconds))));
    }
    cells.push(("  ".repeat(line.depth.min(20)) + &task.info.name_text()).into());
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
            let what = match prompt.question {
                Question::Add => "watch (PID or name)",
                Question::AddTree => "watch with descendants (PID or name)",
                Question::Filter => "show only (PID or a part of the name)",
                Question::Moment => "go to (a time, such as 03:10 or -10min)",
            };
            let line = Line::from(format!("{what}: {}", printable(&prompt.text)));
            // CAST: at most the width of the terminal.
            let end = (line.width() as u16).min(area.width.saturating_sub(1));
            frame.set_cursor_position((area.x + end, area.y));
            line
        }
        (None, Some(error)) if has_colours => Line::from(error.clone()).red(),
        (None, Some(error)) => Line::from(error.clone()).bold(),
        (None, None) => Line::from(match app.replay {
            Some(_) => "q quit  ? help  ←/→ step  space play  g go to  s order  w waiting  t tree  / filter",
            None => "q quit  ? help  a add  d remove  space pause  s order  w waiting  t tree  / filter",
        })
        .dim(),
    };
    frame.render_widget(line, area);
}
