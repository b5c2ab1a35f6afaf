//! Tables for people: aligned by spaces, money to the right, cut to the terminal's width when there is one.

use std::fmt::Write;

/// Between two columns.
const GAP: &str = "  ";
/// A column is not cut below this many characters.
const LEAST_WIDTH: usize = 12;

/// A column's heading and side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Left(&'static str),
    /// Numbers and money.
    Right(&'static str),
}

impl Column {
    const fn heading(self) -> &'static str {
        match self {
            Self::Left(heading) | Self::Right(heading) => heading,
        }
    }
}

/// Rows under headings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, a cell for each column. Line ends and control characters are shown as blanks.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        let clean = |cell: String| cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as it is shown here: cut to the terminal's width when a person watches, whole otherwise. Without
    /// rows it is the sentence `none`.
    #[must_use]
    pub fn show(&self, none: &str) -> String {
        if self.is_empty() { format!("{none}\n") } else { self.render(terminal_width()) }
    }

    /// The table. Where it is wider than `width`, the widest columns on the left side are cut, with `…` as their last
    /// character.
    #[must_use]
    pub fn render(&self, width: Option<usize>) -> String {
        let mut widths: Vec<usize> = (0..self.columns.len()).map(|at| self.natural(at)).collect();
        if let Some(width) = width {
            self.narrow(&mut widths, width);
        }
        let mut text = String::new();
        let headings: Vec<&str> = self.columns.iter().map(|column| column.heading()).collect();
        self.line(&mut text, &headings, &widths);
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(&mut text, &cells, &widths);
        }
        text
    }

    fn natural(&self, at: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([self.columns[at].heading().chars().count()]).max().unwrap_or(0)
    }

    /// Takes from the widest column of text until the table fits. Numbers are never cut.
    fn narrow(&self, widths: &mut [usize], width: usize) {
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let texts = (0..widths.len()).filter(|at| matches!(self.columns[*at], Column::Left(_)));
            let Some(widest) = texts.max_by_key(|at| widths[*at]).filter(|at| widths[*at] > LEAST_WIDTH) else {
                return;
            };
            widths[widest] -= 1;
        }
    }

    fn line(&self, text: &mut String, cells: &[&str], widths: &[usize]) {
        let mut line = String::new();
        for (at, ((column, cell), width)) in self.columns.iter().zip(cells).zip(widths).enumerate() {
            let gap = if at == 0 { "" } else { GAP };
            let cell = cut(cell, *width);
            // Writing to a string does not fail.
            let _ = match column {
                Column::Left(_) => write!(line, "{gap}{cell:<width$}"),
                Column::Right(_) => write!(line, "{gap}{cell:>width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let mut cut: String = cell.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The terminal's width; `None` when the output goes to a file or another program.
fn terminal_width() -> Option<usize> {
    let terminal = console::Term::stdout();
    let (_, columns) = terminal.size_checked().filter(|_| terminal.is_term())?;
    Some(usize::from(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[Column::Left("Account"), Column::Left("Customer"), Column::Right("Past due")]);
        table.row(["10-0001".into(), "Pat Rivera of Orchard Lane".into(), "$1,234.56".into()]);
        table.row(["10-0002".into(), "A. B.\nC.".into(), "-$5.00".into()]);
        table
    }

    #[test]
    fn money_stands_to_the_right_and_text_to_the_left() {
        let expected = "\
Account  Customer                     Past due
10-0001  Pat Rivera of Orchard Lane  $1,234.56
10-0002  A. B. C.                       -$5.00
";
        assert_eq!(table().render(None), expected);
    }

    #[test]
    fn a_narrow_terminal_cuts_the_text_and_never_the_money() {
        let expected = "\
Account  Customer           Past due
10-0001  Pat Rivera of O…  $1,234.56
10-0002  A. B. C.             -$5.00
";
        assert_eq!(table().render(Some(36)), expected);
        assert!(table().render(Some(10)).contains("$1,234.56"));
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Table::new(&[Column::Left("Account")]).show("No calls."), "No calls.\n");
    }
}
