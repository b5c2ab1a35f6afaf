//! Why a file is refused: every problem with its line, column, value and what was expected, rendered for people
//! (the terminal, the report beside the refused file) and for programs (JSON).

use std::fmt;

use serde::Serialize;

use crate::domain::import::{FileKind, RefusedRow, RowRefusal};

/// The most errors that are kept and shown; the rest are counted.
pub const MOST_ERRORS: usize = 1_000;
/// The most characters of a value or name that a report repeats.
const MOST_SHOWN: usize = 80;

/// Why a whole file is refused: all that is wrong with it, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileErrors {
    /// The file's name without its folder.
    pub file: String,
    /// What the file was taken for, once its header could be read.
    pub kind: Option<FileKind>,
    /// How many errors there are, also those beyond [`MOST_ERRORS`].
    pub total: usize,
    pub errors: Vec<FileError>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileError {
    /// From 1, which is the header; 0 for the file as a whole.
    pub line: u32,
    pub column: Option<String>,
    /// As the file has it.
    pub value: Option<String>,
    pub problem: Problem,
}

/// What a column wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    pub expected: String,
    pub example: String,
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, like {}", self.expected, self.example)
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Problem {
    #[error("the file is empty; expected a line that names the columns")]
    EmptyFile,
    #[error("the file is in UTF-16, as Excel's \"Unicode Text\" writes it; save it as \"CSV UTF-8\"")]
    Utf16,
    #[error("the columns are separated by {found}; expected commas")]
    NotCommas { found: &'static str },
    #[error(
        "the header fits no kind of file (accounts, charges, payments, adjustments, reversals, balances, deposits, returns); docs/IMPORT.md names the columns of each"
    )]
    UnknownKind,
    #[error("no {kind} file has this column{}", did_you_mean(nearest.as_deref()))]
    UnknownColumn { kind: FileKind, nearest: Option<String> },
    #[error("the required column is missing; expected {expectation}")]
    MissingColumn { expectation: Expectation },
    #[error("the column stands twice: as number {first} and as number {second}")]
    DuplicateColumn { first: usize, second: usize },
    #[error("the row has {found} values and the header names {expected} columns; is a comma missing, or a quote?")]
    RaggedRow { expected: usize, found: usize },
    #[error(
        "the row has {found} values and there are {expected} columns; a separator within a value moves what follows into other columns"
    )]
    SurplusValues { expected: usize, found: usize },
    #[error("a double quote is not closed in this row; a quote inside a quoted value is written twice")]
    OpenQuote,
    #[error("the row cannot be read: {why}")]
    Unreadable { why: String },
    #[error("a value runs over the end of its line; expected each row on one line")]
    LineBreak,
    #[error("not UTF-8 (shown as Latin-1); save the file as \"CSV UTF-8\"")]
    NotUtf8,
    #[error("the value holds {mark}, a mark that nobody sees and that turns or breaks the line; take it out")]
    Unseen { mark: String },
    #[error("blank; expected {expectation}")]
    Blank { expectation: Expectation },
    #[error("expected {expectation}{}", did_you_mean(nearest.as_deref()))]
    BadValue { expectation: Expectation, nearest: Option<String> },
    #[error("blank, though {because} is given; expected {expectation}")]
    Incomplete { because: String, expectation: Expectation },
    #[error("the date lies {days} days after {other}, {other_value}; at most {most} are taken for right")]
    LongAfter { other: &'static str, other_value: String, days: i64, most: i64 },
    #[error("the date lies before {other}, {other_value}")]
    BeforeOther { other: &'static str, other_value: String },
    #[error("the date lies too far ahead; expected {latest} ({days} days ahead) at the latest")]
    TooFarAhead { latest: String, days: u16 },
    #[error("not UTF-8; where the file is in Latin-1, say `encoding: latin-1` in its mapping")]
    NotMappedUtf8,
    #[error("the mapping takes {ours} from this column, and the header has it {count} times")]
    MappedColumn { ours: String, count: usize },
    #[error("expected a date as {pattern}, as the mapping says")]
    MappedDate { pattern: String },
    #[error("expected {expected}, as the mapping says")]
    MappedAmount { expected: &'static str },
    #[error("expected one of the mapping's words: {words}")]
    MappedWord { words: String },
    #[error("the record has {letters} letters, and the value begins at letter {needed}")]
    ShortRecord { letters: usize, needed: usize },
    #[error("the value stands in a record that begins with {begins:?}, and there is none ahead of this one")]
    NoRecordAhead { begins: String },
    #[error("the mapping names no record that begins so")]
    UnknownRecord,
    #[error("the mapping says that one control record begins so, and the file has {found}")]
    MappedControls { found: usize },
    #[error("the file has {found} rows")]
    MappedCount { found: u64 },
    #[error("the rows sum to {found}")]
    MappedTotal { found: String },
    #[error(
        "above {limit}, the most that is taken without a word; if it is right, `arrears import --confirm-large FILE`"
    )]
    UnusualAmount { limit: String },
    #[error(
        "it has {rows} rows, and more than {most} are far more than ever; if that is right, `arrears import --confirm-large FILE`"
    )]
    UnusualLength { rows: u64, most: u64 },
    #[error(
        "it is without the columns {columns}, which the last accounts file had: every account would lose what stands in them; if that \
         is meant, `arrears import --confirm-large FILE`"
    )]
    ColumnsGone { columns: String },
    #[error(
        "the same file was taken before under another mapping: what the mapping names otherwise now, as a reference, would be posted a \
         second time; if that is right, `arrears import --confirm-large FILE`"
    )]
    ReadOtherwise,
    #[error("{why}")]
    DoesNotFit { why: &'static str },
    #[error("stands on line {first_line} already with another content: {differs}")]
    Repeated { first_line: u32, differs: String },
    #[error("expected a control record of five values, like #control,lockbox,2026-05-20,3,462.40")]
    ControlShape,
    #[error("a control record belongs in a payments file only")]
    ControlElsewhere,
    #[error("the channel {channel} has a control record on line {first_line} already")]
    ControlTwice { channel: String, first_line: u32 },
    #[error("the control record says {said} {channel} payments; the file has {found}")]
    ControlCount { channel: String, said: u64, found: u64 },
    #[error("the control record says that the {channel} payments sum to {said}; in the file they sum to {found}")]
    ControlTotal { channel: String, said: String, found: String },
    #[error("{0}")]
    Refused(RowRefusal),
}

/// `; did you mean "water"?`, or nothing.
fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default()
}

impl FileErrors {
    /// No error so far.
    #[must_use]
    pub fn none(file: &str) -> Self {
        Self { file: file.to_owned(), kind: None, total: 0, errors: Vec::new() }
    }

    /// The refusal of a file that could be read, by the books.
    #[must_use]
    pub fn from_refused(file: &str, kind: FileKind, rows: &[RefusedRow]) -> Self {
        let mut errors = Self { kind: Some(kind), ..Self::none(file) };
        for row in rows {
            let place = row.refusal.place();
            let (column, value) = place.as_ref().map(|(column, value)| (*column, value.as_str())).unzip();
            errors.add(row.line, column, value, Problem::Refused(row.refusal.clone()));
        }
        errors
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Counts an error, and keeps it while there is room.
    pub fn add(&mut self, line: u32, column: Option<&str>, value: Option<&str>, problem: Problem) {
        self.total += 1;
        if self.errors.len() < MOST_ERRORS {
            let (column, value) = (column.map(shortened), value.map(shortened));
            self.errors.push(FileError { line, column, value, problem });
        }
    }

    /// The report for people, as it stands on the terminal and beside the refused file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{self}\n\n");
        for error in &self.errors {
            text.push_str(&error.to_string());
            text.push('\n');
        }
        if self.total > self.errors.len() {
            text.push_str(&format!("and {} more\n", self.total - self.errors.len()));
        }
        text.push_str(
            "\nCorrect the file and import it again. Rows that were imported before are recognized, never counted twice.\n",
        );
        text
    }

    /// The report for programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let errors: Vec<_> = self
            .errors
            .iter()
            .map(|error| {
                serde_json::json!({
                    "line": error.line, "column": error.column, "value": error.value,
                    "message": error.problem.to_string(), "problem": error.problem,
                })
            })
            .collect();
        serde_json::json!({ "file": self.file, "kind": self.kind, "total": self.total, "errors": errors })
    }
}

impl std::error::Error for FileErrors {}

/// One line: the file, what became of it, and how many errors there are.
impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
        let errors = if self.total == 1 { "error" } else { "errors" };
        write!(f, "{}{kind} was refused whole: {} {errors}. Nothing of it was imported.", self.file, self.total)
    }
}

/// `line 4, column amount: "12,34": expected ...`
impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str("file")?,
            line => write!(f, "line {line}")?,
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(value) = self.value.as_ref().filter(|value| !value.is_empty()) {
            write!(f, ": {value:?}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// The text, cut where it would fill the screen.
fn shortened(text: &str) -> String {
    if text.chars().count() <= MOST_SHOWN {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST_SHOWN).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_what_it_does_not_show() {
        let mut errors = FileErrors::none("charges.csv");
        for line in 0..1_234 {
            errors.add(line + 2, None, None, Problem::OpenQuote);
        }
        assert_eq!(errors.errors.len(), MOST_ERRORS);
        assert!(errors.text().contains("\nand 234 more\n"));
        assert_eq!(errors.to_string(), "charges.csv was refused whole: 1234 errors. Nothing of it was imported.");
    }

    #[test]
    fn the_refusals_of_the_books_are_reported_like_those_of_the_file() {
        let refusal = RowRefusal::UnknownAccount { account: "10-000417".into() };
        let errors = FileErrors::from_refused("charges.csv", FileKind::Charges, &[RefusedRow { line: 7, refusal }]);
        assert!(
            errors.text().contains("line 7: account 10-000417 is not known: import its record first\n"),
            "{}",
            errors.text()
        );
        assert_eq!(errors.json()["errors"][0]["line"], 7);
    }
}
