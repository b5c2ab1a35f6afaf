//! Reading a node as what it should be: a map of known keys, a word of a list, an amount, a day, a number.
//!
//! Every reader puts what is wrong on record and gives `None`, so that one pass finds everything.

use crate::domain::{Cents, Day, day};

use super::document::{Entry, Node, Value};
use super::error::{Fault, Report, Span, one_of};

/// The keys of a map as they are taken. A key that nobody took is unknown.
pub(super) struct Fields<'n> {
    what: String,
    at: Span,
    entries: &'n [Entry],
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The keys of `node`, which is `what` ("a stage").
    pub fn of(node: &'n Node, what: impl Into<String>, report: &mut Report<'_>) -> Option<Self> {
        let what = what.into();
        let entries = entries(node, &what, report)?;
        Some(Self { what, at: node.at, entries, known: Vec::new() })
    }

    /// The value of `key`; an empty one counts as absent, and is refused.
    pub fn take(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<&'n Node> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        if entry.value.value == Value::Empty {
            report.add(Fault::new(entry.at, format!("nothing stands after `{key}:`")));
            return None;
        }
        Some(&entry.value)
    }

    /// The value of `key`, which must be there.
    pub fn need(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<&'n Node> {
        if !self.entries.iter().any(|entry| entry.key == key) {
            let fault = Fault::new(self.at, format!("{} needs `{key}:`", self.what));
            let misspelled = self.entries.iter().map(|entry| entry.key.as_str());
            let fault = match super::error::nearest(key, misspelled) {
                Some(written) => fault.help(format!("`{written}` stands there; is `{key}` meant?")),
                None => fault,
            };
            report.add(fault);
        }
        self.take(key, report)
    }

    /// Whether the key stands there, without taking it.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// The place of the map.
    pub const fn at(&self) -> Span {
        self.at
    }

    /// Refuses what was not taken, and says whether everything was.
    pub fn done(self, report: &mut Report<'_>) -> bool {
        let mut all_known = true;
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            all_known = false;
            let mut known = self.known.clone();
            known.sort_unstable();
            let mut fault = Fault::new(entry.at, format!("{} has no key `{}`", self.what, entry.key))
                .near(&entry.key, known.iter().copied())
                .expected(one_of(known.iter().copied()));
            if entry.flow && entry.value.value == Value::Empty {
                fault = fault.help("inside { } a comma ends a text; put a text with commas in quotes");
            }
            report.add(fault);
        }
        all_known
    }
}

/// The entries of a map.
pub(super) fn entries<'n>(node: &'n Node, what: &str, report: &mut Report<'_>) -> Option<&'n [Entry]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        Value::Empty | Value::Text(_) | Value::List(_) => {
            report.add(Fault::new(node.at, format!("{what} is a map, not {}", node.kind())).expected("`key: value`"));
            None
        }
    }
}

/// The text of a scalar.
pub(super) fn text<'n>(node: &'n Node, what: &str) -> Result<&'n str, Fault> {
    match &node.value {
        Value::Text(text) => Ok(text),
        Value::Empty | Value::List(_) | Value::Map(_) => {
            Err(Fault::new(node.at, format!("{what} is a text, not {}", node.kind())))
        }
    }
}

/// A name: lower-case letters, digits, `_` and `-`, so that phrases can name it as one word.
pub(super) fn name(text: &str, at: Span, what: &str) -> Result<(), Fault> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) && text.chars().all(sound) {
        return Ok(());
    }
    Err(Fault::new(at, format!("`{text}` cannot be the name of {what}"))
        .expected("lower-case letters, digits and underscores, such as `final_notice`"))
}

/// One word of a closed list.
pub(super) fn word<T: Copy>(
    node: &Node,
    what: &str,
    all: &'static [T],
    of: impl Fn(T) -> &'static str,
) -> Result<T, Fault> {
    let text = text(node, what)?;
    known(text, node.at, what, all, of)
}

/// The value that `text` names.
pub(super) fn known<T: Copy>(
    text: &str,
    at: Span,
    what: &str,
    all: &'static [T],
    of: impl Fn(T) -> &'static str,
) -> Result<T, Fault> {
    all.iter().copied().find(|value| of(*value) == text).ok_or_else(|| {
        let words = || all.iter().map(|value| of(*value));
        Fault::new(at, format!("`{text}` is not {what}")).near(text, words()).expected(one_of(words()))
    })
}

/// One word or a list of words.
pub(super) fn words<T: Copy>(
    node: &Node,
    what: &str,
    all: &'static [T],
    of: impl Fn(T) -> &'static str,
    report: &mut Report<'_>,
) -> Vec<T> {
    node.each().iter().filter_map(|item| report.take(word(item, what, all, &of))).collect()
}

/// An amount of money.
pub(super) fn money(node: &Node, what: &str) -> Result<Cents, Fault> {
    amount(text(node, what)?, node.at, what)
}

/// The amount that `text` gives.
pub(super) fn amount(text: &str, at: Span, what: &str) -> Result<Cents, Fault> {
    let fault = |message: String| Fault::new(at, message).expected("an amount such as 60.00");
    match text.parse::<Cents>() {
        Ok(amount) if amount.is_negative() => Err(fault(format!("{what} cannot be negative"))),
        Ok(amount) => Ok(amount),
        Err(error) => Err(fault(format!("`{text}` is no amount for {what}: {error}"))),
    }
}

/// A whole number from zero to 9999.
pub(super) fn count(text: &str, at: Span, what: &str) -> Result<u16, Fault> {
    match text.parse::<u16>() {
        Ok(n) if n <= 9_999 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(n),
        _ => Err(Fault::new(at, format!("`{text}` is no number of {what}")).expected("a whole number from 0 to 9999")),
    }
}

/// `yes` or `no`.
pub(super) fn yes(node: &Node, what: &str) -> Result<bool, Fault> {
    match text(node, what)? {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        other => Err(Fault::new(node.at, format!("{what} is not `{other}`")).expected("yes or no")),
    }
}

/// A date.
pub(super) fn date(node: &Node, what: &str) -> Result<Day, Fault> {
    date_of(text(node, what)?, node.at, what)
}

/// The date that `text` gives.
pub(super) fn date_of(text: &str, at: Span, what: &str) -> Result<Day, Fault> {
    day::parse(text).ok_or_else(|| {
        Fault::new(at, format!("`{text}` is not a date, which {what} needs"))
            .expected("a date such as 2026-05-22, between 1970 and 2199")
    })
}
