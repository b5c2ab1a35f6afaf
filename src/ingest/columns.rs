//! The column machinery: what a column is, how a file's header is matched with the columns of its kind, and how a
//! row gives its values. A column is declared once; reading, error messages and `docs/IMPORT.md` follow from that.

use std::collections::BTreeMap;

use csv::ByteRecord;

use super::errors::{Expectation, FileErrors, Problem};
use super::forms;
use crate::domain::import::FileKind;

/// How a text becomes a value, and what to say where it does not.
pub struct Form<T> {
    pub parse: fn(&str) -> Option<T>,
    /// Completes "expected …".
    pub expected: fn() -> String,
    /// The words that are meant, where the form is a list of words.
    pub words: fn() -> Vec<&'static str>,
}

/// A column of a kind of file.
pub struct Column<T: 'static> {
    pub name: &'static str,
    pub required: bool,
    pub form: &'static Form<T>,
    pub meaning: &'static str,
    pub example: &'static str,
}

impl<T> Column<T> {
    /// A column that must stand in the header and have a value in each row.
    pub const fn required(
        name: &'static str,
        form: &'static Form<T>,
        meaning: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, required: true, form, meaning, example }
    }

    /// A column that may be left out or blank.
    pub const fn optional(
        name: &'static str,
        form: &'static Form<T>,
        meaning: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, required: false, form, meaning, example }
    }

    fn bad_value(&self, value: &str) -> Problem {
        Problem::BadValue { expectation: self.expectation(), nearest: nearest(value, (self.form.words)()) }
    }
}

/// A column without the type of its values.
pub trait Described: Sync {
    fn name(&self) -> &'static str;
    fn is_required(&self) -> bool;
    fn meaning(&self) -> &'static str;
    fn expectation(&self) -> Expectation;
}

impl<T> Described for Column<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_required(&self) -> bool {
        self.required
    }

    fn meaning(&self) -> &'static str {
        self.meaning
    }

    fn expectation(&self) -> Expectation {
        Expectation { expected: (self.form.expected)(), example: self.example.to_owned() }
    }
}

/// Columns that a city names itself: `customer.age`, `printed.shut_off_after`.
pub struct Family<T: 'static> {
    /// With its point: `customer.`.
    pub prefix: &'static str,
    pub form: &'static Form<T>,
    pub meaning: &'static str,
    /// The part of the name behind the prefix, and a value.
    pub example: (&'static str, &'static str),
}

/// A family without the type of its values.
pub trait DescribedFamily: Sync {
    fn prefix(&self) -> &'static str;
    fn meaning(&self) -> &'static str;
    fn expectation(&self) -> Expectation;
    /// An example of a whole name.
    fn example_name(&self) -> String;
}

impl<T> DescribedFamily for Family<T> {
    fn prefix(&self) -> &'static str {
        self.prefix
    }

    fn meaning(&self) -> &'static str {
        self.meaning
    }

    fn expectation(&self) -> Expectation {
        Expectation { expected: (self.form.expected)(), example: self.example.1.to_owned() }
    }

    fn example_name(&self) -> String {
        format!("{}{}", self.prefix, self.example.0)
    }
}

/// The columns of one kind of file.
#[derive(Clone, Copy)]
pub struct Columns {
    pub kind: FileKind,
    pub named: &'static [&'static dyn Described],
    pub families: &'static [&'static dyn DescribedFamily],
}

impl Columns {
    /// Whether a file of this kind may have the column.
    pub fn has(&self, name: &str) -> bool {
        self.named.iter().any(|column| column.name() == name)
            || self.families.iter().any(|family| name.strip_prefix(family.prefix()).is_some_and(is_name))
    }

    /// The column that a person may have meant by `name`: one that is a slip away, else one of a family written with
    /// an underscore (`customer_age`), else the one most like it.
    fn nearest(&self, name: &str) -> Option<String> {
        let likeliest = nearest(name, self.named.iter().map(|column| column.name()).collect());
        if likeliest.as_ref().is_some_and(|column| strsim::damerau_levenshtein(name, column) <= 1) {
            return likeliest;
        }
        let of_family = self.families.iter().find_map(|family| {
            let rest = name.strip_prefix(family.prefix().trim_end_matches('.'))?.strip_prefix('_')?;
            is_name(rest).then(|| format!("{}{rest}", family.prefix()))
        });
        of_family.or(likeliest)
    }
}

/// A name behind a family's prefix: lower-case letters, digits and underscores.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The first line of a file.
pub struct Header {
    /// In lower case, spaces and hyphens as underscores; what is not UTF-8 is replaced.
    pub names: Vec<String>,
    /// As the file has them.
    written: Vec<String>,
    pub line: u32,
}

impl Header {
    /// Takes the names from the first row.
    pub fn new(record: &ByteRecord, line: u32) -> Self {
        let written: Vec<String> = record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let names = written.iter().map(|name| name.to_lowercase().replace([' ', '-'], "_")).collect();
        Self { names, written, line }
    }

    /// Compares the names with the columns of the file's kind.
    pub fn check(&self, columns: &Columns, errors: &mut FileErrors) {
        let mut first_at: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, (name, written)) in self.names.iter().zip(&self.written).enumerate() {
            if !columns.has(name) {
                let problem = Problem::UnknownColumn { kind: columns.kind, nearest: columns.nearest(name) };
                errors.add(self.line, Some(&shown(written, index)), None, problem);
            } else if let Some(first) = first_at.get(name.as_str()) {
                let problem = Problem::DuplicateColumn { first: first + 1, second: index + 1 };
                errors.add(self.line, Some(name), None, problem);
            } else {
                first_at.insert(name, index);
            }
        }
        for column in columns.named.iter().filter(|column| column.is_required()) {
            if !first_at.contains_key(column.name()) {
                let problem = Problem::MissingColumn { expectation: column.expectation() };
                errors.add(self.line, Some(column.name()), None, problem);
            }
        }
    }
}

/// A column's name, or its number where it has none.
fn shown(written: &str, index: usize) -> String {
    if written.is_empty() { format!("number {} (without a name)", index + 1) } else { written.to_owned() }
}

/// One row, and where its errors go. Each bad value is reported once; the caller gets `None` and reads on, so that all
/// errors of a row are found together.
pub struct Row<'a> {
    pub line: u32,
    record: &'a ByteRecord,
    header: &'a Header,
    errors: &'a mut FileErrors,
    /// Where the column after the last one read stands: files mostly keep the order of the tables.
    next: usize,
}

/// A value as it stands in the file.
enum Raw<'a> {
    /// The header has no such column; where it should, that is reported already.
    NoColumn,
    Blank,
    Text(&'a str),
    /// Not UTF-8, and reported.
    Unreadable,
}

impl<'a> Row<'a> {
    pub const fn new(line: u32, record: &'a ByteRecord, header: &'a Header, errors: &'a mut FileErrors) -> Self {
        Self { line, record, header, errors, next: 0 }
    }

    /// The value of a column that must have one. `None`: there is none, which is reported.
    pub fn required<T>(&mut self, column: &Column<T>) -> Option<T> {
        match self.raw(column.name) {
            Raw::NoColumn | Raw::Unreadable => None,
            Raw::Blank => {
                let problem = Problem::Blank { expectation: column.expectation() };
                self.error(column.name, None, problem);
                None
            }
            Raw::Text(text) => self.parsed(column, text),
        }
    }

    /// The value of a column, if there is one. A value that cannot be read is reported.
    pub fn optional<T>(&mut self, column: &Column<T>) -> Option<T> {
        match self.raw(column.name) {
            Raw::NoColumn | Raw::Blank | Raw::Unreadable => None,
            Raw::Text(text) => self.parsed(column, text),
        }
    }

    /// The values of a family's columns by their names, with the prefix or without; blanks are left out.
    pub fn family<T>(&mut self, family: &Family<T>, keep_prefix: bool) -> BTreeMap<String, T> {
        let header = self.header;
        let mut values = BTreeMap::new();
        for name in &header.names {
            let Some(rest) = name.strip_prefix(family.prefix) else { continue };
            let Raw::Text(text) = self.raw(name) else { continue };
            match (family.form.parse)(text) {
                Some(value) => {
                    values.insert(if keep_prefix { name.clone() } else { rest.to_owned() }, value);
                }
                None => {
                    let problem = Problem::BadValue { expectation: family.expectation(), nearest: None };
                    self.error(name, Some(text), problem);
                }
            }
        }
        values
    }

    /// Whether the row has text in the column, readable or not.
    pub fn has<T>(&mut self, column: &Column<T>) -> bool {
        self.position(column.name).is_some_and(|at| self.record.get(at).is_some_and(|value| !is_blank(value)))
    }

    /// Reports an error of this row.
    pub fn error(&mut self, column: &str, value: Option<&str>, problem: Problem) {
        self.errors.add(self.line, Some(column), value, problem);
    }

    fn parsed<T>(&mut self, column: &Column<T>, text: &str) -> Option<T> {
        let value = (column.form.parse)(text);
        if value.is_none() {
            self.error(column.name, Some(text), column.bad_value(text));
        }
        value
    }

    fn raw(&mut self, name: &str) -> Raw<'a> {
        let Some(at) = self.position(name) else { return Raw::NoColumn };
        let Some(bytes) = self.record.get(at) else { return Raw::NoColumn };
        match std::str::from_utf8(bytes).map(str::trim) {
            Ok("") => Raw::Blank,
            Ok(text) if let Some(mark) = forms::unseen(text) => {
                self.error(name, Some(text), Problem::Unseen { mark: format!("U+{:04X}", u32::from(mark)) });
                Raw::Unreadable
            }
            Ok(text) => Raw::Text(text),
            Err(_) => {
                let latin1: String = bytes.iter().map(|&byte| char::from(byte)).collect();
                self.error(name, Some(&latin1), Problem::NotUtf8);
                Raw::Unreadable
            }
        }
    }

    fn position(&mut self, name: &str) -> Option<usize> {
        let names = &self.header.names;
        let found = match names.get(self.next) {
            Some(expected) if expected == name => self.next,
            _ => names.iter().position(|present| present == name)?,
        };
        self.next = found + 1;
        Some(found)
    }
}

/// Nothing but spaces.
pub fn is_blank(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_whitespace)
}

/// The candidate that a person may have meant by `word`.
pub fn nearest(word: &str, candidates: Vec<&'static str>) -> Option<String> {
    let word = word.to_lowercase();
    let mut best: Option<(&str, f64)> = None;
    for candidate in candidates {
        let likeness = strsim::normalized_damerau_levenshtein(&word, candidate);
        if likeness >= 0.5 && best.is_none_or(|(_, most)| likeness > most) {
            best = Some((candidate, likeness));
        }
    }
    best.map(|(candidate, _)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_named_and_a_far_one_is_not() {
        assert_eq!(nearest("watre", vec!["water", "sewer"]), Some("water".to_owned()));
        assert_eq!(nearest("telephone", vec!["water", "sewer"]), None);
    }

    #[test]
    fn names_of_families_are_plain_words() {
        assert!(is_name("age"));
        assert!(!is_name(""));
        assert!(!is_name("age "));
    }

    #[test]
    fn a_mark_that_turns_the_direction_of_writing_is_refused_with_its_place() {
        let file = |name: &str| {
            format!(
                "account,customer_name,service_address,service_city,service_state,service_zip,services\n\
                 10-000417,{name},418 Alder St,Riverbend,CA,95600,water\n"
            )
        };
        for mark in ['\u{202e}', '\u{2066}', '\u{2028}', '\u{200f}'] {
            let errors =
                crate::ingest::read("accounts.csv", file(&format!("Rosa {mark}Muñoz")).as_bytes()).unwrap_err().text();
            let place = "line 2, column customer_name: \"Rosa \\u{";
            assert!(
                errors.contains(place) && errors.contains(&format!("holds U+{:04X}, a mark", u32::from(mark))),
                "{errors}"
            );
        }
        assert!(crate::ingest::read("accounts.csv", file("Nguyễn Thị Lý").as_bytes()).is_ok());
    }
}
