// SPDX-License-Identifier: GPL-2.0

//! A table as text: columns as wide as what is in them.

use super::bold;

/// The side to which the cells of a column are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A table. The cells are printable already.
pub struct Columns {
    heads: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// Returns a table without rows.
    pub fn new(heads: &[(&str, Align)]) -> Self {
        let owned = |(head, align): &(&str, Align)| (head.to_string(), *align);
        Self {
            heads: heads.iter().map(owned).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Cells that are left out at its end are empty.
    pub fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Returns the table, its head in bold. A column in which all cells are empty is left out.
    pub fn text(&self) -> String {
        let mut lines = self.lines();
        lines[0] = bold(&lines[0]);
        lines.join("\n") + "\n"
    }

    /// Returns the lines: the head, and one for each row.
    fn lines(&self) -> Vec<String> {
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let heads: Vec<String> = self.heads.iter().map(|(head, _)| head.clone()).collect();
        let width = |column: usize| {
            let of = |row: &Vec<String>| cell(row, column).chars().count();
            let widest = self.rows.iter().map(of).max().unwrap_or(0);
            let is_shown = widest > 0 || self.rows.is_empty();
            is_shown.then(|| widest.max(heads[column].chars().count()))
        };
        let widths: Vec<Option<usize>> = (0..heads.len()).map(width).collect();
        let line = |row: &[String]| {
            let columns = self.heads.iter().zip(&widths).enumerate();
            let cells = columns.filter_map(|(column, ((_, align), width))| {
                let (text, width) = (cell(row, column), (*width)?);
                Some(match align {
                    Align::Left => format!("{text:<width$}"),
                    Align::Right => format!("{text:>width$}"),
                })
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
        };
        let rows = self.rows.iter().map(|row| line(row));
        std::iter::once(line(&heads)).chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_wide_as_needed() {
        let mut table = Columns::new(&[
            ("PID", Align::Right),
            ("STATUS", Align::Left),
            ("EMPTY", Align::Left),
            ("COMMAND", Align::Left),
        ]);
        for row in [["10042", "", "", "ld"], ["7", "exit 1", "", "→ x"]] {
            table.push(row.map(str::to_string).to_vec());
        }
        table.push(vec!["12".to_string()]);
        let expected = [
            "  PID  STATUS  COMMAND",
            "10042          ld",
            "    7  exit 1  → x",
            "   12",
        ];
        assert_eq!(table.lines(), expected);
        let none = Columns::new(&[("A", Align::Left), ("B", Align::Right)]);
        assert_eq!(none.lines(), ["A  B"]);
    }
}
