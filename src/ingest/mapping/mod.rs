//! A city's own files, described instead of changed: which of its columns is which of ours, how it writes dates and amounts,
//! and by which record it says that the file is whole.
//!
//! A mapping is YAML, checked when it is read: each error has its file, line and column. It says where values stand and
//! how they are written, and nothing else: what an amount means, or what may be blank, is the kind's own and stands in
//! `docs/IMPORT.md`.

mod apply;
mod check;
mod document;
mod values;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

pub(super) use apply::apply;
use values::{AmountForm, DatePattern, matches};

use crate::domain::DocumentHash;
use crate::domain::document::sha256;
use crate::domain::import::FileKind;
use crate::domain::ledger::PaymentChannel;
use check::Checker;
use document::Document;

/// A mapping that was checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub name: String,
    /// Names of the files that it is for.
    pub files: String,
    pub kind: FileKind,
    /// Of its text.
    pub hash: DocumentHash,
    pub(super) text: Text,
    pub(super) columns: Vec<Mapped>,
    pub(super) control: Option<Control>,
}

/// How the bytes become records.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub encoding: Encoding,
    pub layout: Layout,
    /// Lines ahead of the header, or of the first record.
    pub skip_lines: u32,
    /// What a record of data begins with; every one, where absent.
    pub records: Option<String>,
    /// What other records begin with. They bring no row.
    pub other_records: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Separated by that byte, with a line that names the columns or without.
    Separated { by: u8, header: bool },
    /// Each value at its place in the line.
    Fixed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "latin-1")]
    Latin1,
}

/// One of our columns, and where its values come from.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    pub ours: String,
    pub from: From,
    pub form: ValueForm,
}

#[derive(Clone, Debug)]
pub(super) enum From {
    /// The same in every row.
    Is(String),
    /// One value, or several with a text between them.
    Places { pieces: Vec<Piece>, with: String },
}

/// A value, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub place: Place,
    /// What the record begins with in which it stands, the last such record ahead; the row's own, where absent.
    pub record: Option<String>,
}

/// Where a value stands in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the column that the header names so.
    Named(String),
    /// In the column of that number, from 1.
    Number(u32),
    /// From that letter on, from 1, so many letters.
    At(u32, u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Number(number) => write!(f, "number {number}"),
            Self::At(start, length) => write!(f, "letters {start} to {}", start + length.saturating_sub(1)),
        }
    }
}

/// How a value is written.
#[derive(Clone, Debug)]
pub(super) enum ValueForm {
    Text,
    Date(DatePattern),
    Amount(AmountForm),
    /// The city's words, and ours.
    Words(BTreeMap<String, String>),
}

/// The record by which the city says that the file is whole.
#[derive(Clone, Debug)]
pub(super) struct Control {
    /// What it begins with.
    pub record: String,
    pub count: Option<Place>,
    pub total: Option<(Place, AmountForm)>,
    /// With a payments file of one channel: the day through which it is loaded.
    pub through: Option<(Place, DatePattern, PaymentChannel)>,
}

/// What is wrong with a mapping, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{place}: {what}")]
pub struct MappingError {
    pub file: String,
    /// `:12:5`, or nothing where the parser says it in its own words.
    pub place: String,
    pub what: String,
}

impl Mapping {
    /// Reads and checks a mapping; `file` names it in errors.
    ///
    /// # Errors
    /// The first that is wrong, with its place.
    pub fn read(file: &str, text: &str) -> Result<Self, MappingError> {
        let unread = |error: serde_saphyr::Error| MappingError {
            file: file.to_owned(),
            place: String::new(),
            what: error.to_string(),
        };
        let document: Document = serde_saphyr::from_str(text).map_err(unread)?;
        Checker { file }.check(document, sha256(text.as_bytes()))
    }

    /// Whether a file of that name is one of its own.
    #[must_use]
    pub fn is_for(&self, name: &str) -> bool {
        matches(&self.files, name)
    }

    /// What the city calls a column of ours, for messages.
    pub(super) fn called(&self, ours: &str) -> Option<String> {
        let mapped = self.columns.iter().find(|mapped| mapped.ours == ours)?;
        Some(match &mapped.from {
            From::Is(_) => format!("{ours} (the same in every row, by the mapping)"),
            From::Places { pieces, .. } => {
                let places: Vec<String> = pieces.iter().map(|piece| piece.place.to_string()).collect();
                format!("{} ({ours})", places.join(" and "))
            }
        })
    }
}

#[cfg(test)]
mod tests;
