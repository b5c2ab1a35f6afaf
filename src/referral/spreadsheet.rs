//! CSV that people open in a spreadsheet.
//!
//! Free text is [`guarded`] against formulas. Amounts and days are written by [`Cents::to_plain`] and as ISO dates and are
//! never touched.

use crate::domain::spreadsheet::guarded;
use crate::domain::{Cents, Day};

/// A CSV table of `N` columns under construction.
pub struct Table<const N: usize> {
    writer: csv::Writer<Vec<u8>>,
}

/// One cell.
pub enum Cell {
    /// Free text: guarded against formulas.
    Text(String),
    /// Written as it is: amounts, dates, counts.
    Exact(String),
}

impl<const N: usize> Table<N> {
    /// A table with its header line.
    #[must_use]
    pub fn new(header: [&str; N]) -> Self {
        let mut table = Self { writer: csv::Writer::from_writer(Vec::new()) };
        table.write(&header.map(ToOwned::to_owned));
        table
    }

    /// Adds a line.
    pub fn line(&mut self, cells: [Cell; N]) {
        self.write(&cells.map(Cell::written));
    }

    /// The bytes of the table, lines ended by a line feed.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        // A vector never refuses bytes, so there is no error to carry.
        self.writer.into_inner().unwrap_or_default()
    }

    fn write(&mut self, cells: &[String; N]) {
        // The writer refuses only lines of another length than the header's, and the type keeps them equal.
        let written = self.writer.write_record(cells);
        debug_assert!(written.is_ok(), "a vector refused a line");
    }
}

impl Cell {
    fn written(self) -> String {
        match self {
            Self::Text(text) => guarded(&text),
            Self::Exact(text) => text,
        }
    }
}

/// A cell of free text.
#[expect(clippy::needless_pass_by_value, reason = "texts and what shows itself as text come alike")]
pub fn text(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

/// A cell with an amount: `-154.00`.
#[must_use]
pub fn money(amount: Cents) -> Cell {
    Cell::Exact(amount.to_plain())
}

/// A cell with a day: `2026-05-22`.
#[must_use]
pub fn day(day: Day) -> Cell {
    Cell::Exact(day.to_string())
}

/// A cell with a day, empty where there is none.
#[must_use]
pub fn maybe_day(day: Option<Day>) -> Cell {
    Cell::Exact(day.map(|day| day.to_string()).unwrap_or_default())
}

/// A cell with a count or a rank.
pub fn number(number: impl Into<i64>) -> Cell {
    Cell::Exact(number.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_be_a_formula_is_written_as_text_and_a_credit_stays_a_number() {
        let mut table = Table::new(["name", "amount"]);
        table.line([text("=HYPERLINK(\"http://x\")"), money(Cents::new(-15_400))]);
        table.line([text("@sum"), money(Cents::new(15_400))]);
        table.line([text("Maria-Elena Ruiz"), money(Cents::ZERO)]);
        assert_eq!(
            String::from_utf8(table.bytes()).unwrap(),
            "name,amount\n\"'=HYPERLINK(\"\"http://x\"\")\",-154.00\n'@sum,154.00\nMaria-Elena Ruiz,0.00\n"
        );
    }
}
