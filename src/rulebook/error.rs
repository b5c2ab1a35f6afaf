//! What is wrong with a policy, a pack or a calendar, said like a good compiler says it.
//!
//! An error names the file, line and column, shows the line with the place marked, says what was expected and which
//! known word is nearest. All errors of a file are found at once. Deliberately absent: warnings. What is doubtful in
//! a policy that shuts off water is refused.

use std::fmt;

/// The longest part of a line that an excerpt shows, in characters.
const EXCERPT_WIDTH: usize = 110;
/// The longest message; one that quotes a page of text helps nobody.
const MESSAGE_WIDTH: usize = 300;
/// The longest word that was mistyped rather than meant otherwise.
const WORD_WIDTH: usize = 60;
/// The most errors that are kept of a file; after so many it is not a file of rules.
const MOST_ERRORS: usize = 100;

/// A place in a text: line and column from 1, width in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub line: u32,
    pub column: u32,
    pub width: u32,
}

/// A place in a file with its line, so that it can be shown without the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: String,
    pub at: Span,
    /// The line as it stands in the file.
    pub excerpt: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleError {
    pub place: Place,
    pub message: String,
    /// What would have been right there.
    pub expected: Option<String>,
    /// The nearest known word.
    pub nearest: Option<String>,
    /// What else to know or do.
    pub help: Option<String>,
    /// A second place that has to do with it (the limit that is broken, the first of two keys), with its caption.
    pub also: Option<(String, Place)>,
}

/// Everything that is wrong, in the order of the files and lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<RuleError>);

impl std::error::Error for RuleError {}
impl std::error::Error for RuleErrors {}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.0 {
            writeln!(f, "{error}")?;
        }
        let count = self.0.len();
        write!(f, "{count} {}", if count == 1 { "error" } else { "errors" })
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = String::new();
        self.tell(&mut told)?;
        // A file may hold what would move a terminal's cursor; only line ends are let through.
        told.chars().try_for_each(|c| fmt::Write::write_char(f, if c == '\n' { c } else { printable(c) }))
    }
}

impl RuleError {
    fn tell(&self, f: &mut impl fmt::Write) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let mark = self.nearest.as_ref().map(|word| format!("did you mean `{word}`?"));
        self.place.show(f, mark.as_deref().unwrap_or_default())?;
        if let Some((caption, place)) = &self.also {
            writeln!(f, "  {caption}")?;
            place.show(f, "")?;
        }
        if let Some(expected) = &self.expected {
            writeln!(f, "  expected: {expected}")?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "  help: {help}")?;
        }
        Ok(())
    }
}

impl Place {
    /// The place with its line, the marked part underlined.
    fn show(&self, f: &mut impl fmt::Write, mark: &str) -> fmt::Result {
        let Span { line, column, width } = self.at;
        writeln!(f, "  --> {}:{line}:{column}", self.file)?;
        if self.excerpt.trim().is_empty() {
            return if mark.is_empty() { Ok(()) } else { writeln!(f, "  {mark}") };
        }
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let before = (column as usize).saturating_sub(1);
        // A long line is shown from a little before the place.
        let skipped = if before + 20 > EXCERPT_WIDTH { before - 40 } else { 0 };
        let mut shown: String = self.excerpt.chars().skip(skipped).take(EXCERPT_WIDTH).map(printable).collect();
        let room = shown.chars().count().saturating_sub(before - skipped).max(1);
        if self.excerpt.chars().count() > skipped + EXCERPT_WIDTH {
            shown.push('…');
        }
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", shown.trim_end())?;
        let carets = "^".repeat((width.max(1) as usize).min(room));
        let marked = format!("{margin} | {}{carets} {mark}", " ".repeat(before - skipped));
        writeln!(f, "{}", marked.trim_end())
    }
}

/// Tabs and control characters are shown as one blank each, so that the carets stand where they belong.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// A refusal before it is put in its file: what a phrase parser returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub at: Span,
    pub message: String,
    pub expected: Option<String>,
    pub nearest: Option<String>,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(at: Span, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), expected: None, nearest: None, help: None }
    }

    pub fn expected(mut self, what: impl Into<String>) -> Self {
        self.expected = Some(what.into());
        self
    }

    pub fn help(mut self, what: impl Into<String>) -> Self {
        self.help = Some(what.into());
        self
    }

    /// Names the nearest of `known` to `word`, where one is near.
    pub fn near<'k>(mut self, word: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        self.nearest = nearest(word, known).map(str::to_owned);
        self
    }
}

/// Collects what is wrong with one file.
pub(super) struct Report<'t> {
    pub file: &'t str,
    lines: Vec<&'t str>,
    errors: Vec<RuleError>,
}

impl<'t> Report<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, lines: text.lines().collect(), errors: Vec::new() }
    }

    /// The place of a span in this file.
    pub fn place(&self, at: Span) -> Place {
        let line = (at.line as usize).checked_sub(1).and_then(|n| self.lines.get(n));
        Place { file: self.file.to_owned(), at, excerpt: (*line.unwrap_or(&"")).to_owned() }
    }

    pub fn add(&mut self, fault: Fault) {
        self.add_with(fault, None);
    }

    /// With a second place that has to do with it.
    pub fn add_with(&mut self, fault: Fault, also: Option<(String, Place)>) {
        if self.errors.len() >= MOST_ERRORS {
            return;
        }
        let Fault { at, message, expected, nearest, help } = fault;
        let message = message.chars().take(MESSAGE_WIDTH).map(printable).collect();
        self.errors.push(RuleError { place: self.place(at), message, expected, nearest, help, also });
    }

    /// The value, or its fault put on record.
    pub fn take<T>(&mut self, parsed: Result<T, Fault>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(fault) => {
                self.add(fault);
                None
            }
        }
    }

    /// What is wrong, in the order of the lines.
    pub fn into_errors(mut self) -> Vec<RuleError> {
        self.errors.sort_by_key(|error| error.place.at);
        self.errors.dedup();
        self.errors
    }
}

/// The known word nearest to `word`, where one is near enough to have been meant.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.chars().count() > WORD_WIDTH {
        return None;
    }
    let word = word.to_lowercase();
    let within = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= within)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a, b or c`.
pub(super) fn one_of<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
