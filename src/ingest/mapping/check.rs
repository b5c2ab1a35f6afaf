//! Whether a mapping can be followed: its columns are ours, its places are of its layout, its dates can be read.

use serde_saphyr::Spanned;

use super::document::{ColumnDoc, ControlDoc, Document, LayoutWord, PieceDoc, PlaceDoc};
use super::values::{AmountForm, DatePattern};
use super::{Control, From, Layout, Mapped, Mapping, MappingError, Piece, Place, Text, ValueForm};
use crate::domain::DocumentHash;
use crate::domain::import::FileKind;
use crate::domain::ledger::PaymentChannel;
use crate::ingest::columns::nearest;
use crate::ingest::format;

/// Whether a column of ours holds a date.
fn is_date(ours: &str) -> bool {
    ours.ends_with("_on") || ours.starts_with("printed.") || matches!(ours, "as_of" | "service_began" | "service_ended")
}

/// Whether a column of ours holds an amount.
fn is_amount(ours: &str) -> bool {
    matches!(ours, "amount" | "balance")
}

/// Checks a mapping that was read.
pub(super) struct Checker<'a> {
    pub file: &'a str,
}

impl Checker<'_> {
    fn at<T>(&self, node: &Spanned<T>, what: impl Into<String>) -> MappingError {
        let place = format!(":{}:{}", node.referenced.line(), node.referenced.column());
        MappingError { file: self.file.to_owned(), place, what: what.into() }
    }

    /// The mapping, or the first that is wrong with it.
    pub(super) fn check(&self, document: Document, hash: DocumentHash) -> Result<Mapping, MappingError> {
        let kind = document.kind.value;
        if document.files.value.trim_matches(['*', '?', '.']).is_empty() {
            return Err(self.at(&document.files, "the pattern fits every file; expected one like LBX*.txt"));
        }
        let header = document.header.as_ref().is_none_or(|header| header.value);
        let layout = match document.layout {
            LayoutWord::Commas => Layout::Separated { by: b',', header },
            LayoutWord::Semicolons => Layout::Separated { by: b';', header },
            LayoutWord::Tabs => Layout::Separated { by: b'\t', header },
            LayoutWord::Bars => Layout::Separated { by: b'|', header },
            LayoutWord::Fixed => Layout::Fixed,
        };
        let dates = match &document.dates {
            None => None,
            Some(node) => Some(self.pattern(node, &node.value)?),
        };
        let known = format(kind).columns;
        let mut columns = Vec::new();
        for (ours, node) in &document.columns {
            if !known.has(ours) {
                let names = known.named.iter().map(|column| column.name()).collect();
                let meant = nearest(ours, names).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
                return Err(self.at(node, format!("no {kind} file has a column {ours}{meant}")));
            }
            columns.push(self.column(ours, node, layout, dates.as_ref(), document.amounts)?);
        }
        for column in known.named.iter().filter(|column| column.is_required()) {
            if !document.columns.contains_key(column.name()) {
                let what = format!(
                    "columns: {} is missing; a {kind} file needs it (a column of the city's, or {{is: ...}})",
                    column.name()
                );
                return Err(self.at(&document.kind, what));
            }
        }
        let control = match &document.control {
            None => None,
            Some(node) => Some(self.control(node, kind, layout, &columns, dates.as_ref(), document.amounts)?),
        };
        let text = Text {
            encoding: document.encoding,
            layout,
            skip_lines: document.skip_lines,
            records: document.records,
            other_records: document.other_records,
        };
        Ok(Mapping { name: document.mapping, files: document.files.value, kind, hash, text, columns, control })
    }

    fn pattern<T>(&self, node: &Spanned<T>, text: &str) -> Result<DatePattern, MappingError> {
        DatePattern::new(text).ok_or_else(|| {
            self.at(
                node,
                format!("{text:?} is no way to write a date; expected one like MM/DD/YYYY, YYYYMMDD or M/D/YY"),
            )
        })
    }

    fn column(
        &self,
        ours: &str,
        node: &Spanned<ColumnDoc>,
        layout: Layout,
        dates: Option<&DatePattern>,
        amounts: AmountForm,
    ) -> Result<Mapped, MappingError> {
        let doc = &node.value.0;
        let ways = [doc.from.is_some(), doc.at.is_some(), doc.is.is_some(), doc.join.is_some()];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(self.at(node, format!("{ours}: expected one of from, at, is and join")));
        }
        if let Some(value) = &doc.is {
            return Ok(Mapped { ours: ours.to_owned(), from: From::Is(value.clone()), form: ValueForm::Text });
        }
        let mut pieces = Vec::new();
        if let Some([start, length]) = doc.at {
            let place = self.place(node, PlaceDoc::At([start, length]), layout)?;
            pieces.push(Piece { place, record: doc.record.clone() });
        }
        for part in doc.from.iter().cloned().map(PieceDoc::from).chain(doc.join.iter().flatten().cloned()) {
            let mut record = doc.record.clone();
            let place = match part {
                PieceDoc::Number(number) => self.place(node, PlaceDoc::Number(number), layout)?,
                PieceDoc::At(at) => self.place(node, PlaceDoc::At(at), layout)?,
                PieceDoc::Of(of) => {
                    record = of.record.or(record);
                    self.place(node, PlaceDoc::At(of.at), layout)?
                }
                PieceDoc::Name(name) if layout == (Layout::Separated { by: by(layout), header: true }) => {
                    Place::Named(name)
                }
                PieceDoc::Name(name) => {
                    let what = format!(
                        "{ours}: without a header no column is called {name}; expected its number, or at: [start, length]"
                    );
                    return Err(self.at(node, what));
                }
            };
            pieces.push(Piece { place, record });
        }
        let own_dates = doc.dates.as_deref().map(|text| self.pattern(node, text)).transpose()?;
        let form = if let Some(words) = &doc.words {
            ValueForm::Words(words.clone())
        } else if is_date(ours) {
            match own_dates.or_else(|| dates.cloned()) {
                Some(pattern) => ValueForm::Date(pattern),
                // As our own files write them.
                None => ValueForm::Text,
            }
        } else if is_amount(ours) {
            ValueForm::Amount(doc.amounts.unwrap_or(amounts))
        } else {
            ValueForm::Text
        };
        let with = doc.with.clone().unwrap_or_default();
        Ok(Mapped { ours: ours.to_owned(), from: From::Places { pieces, with }, form })
    }

    fn place<T>(&self, node: &Spanned<T>, place: PlaceDoc, layout: Layout) -> Result<Place, MappingError> {
        match (place, layout) {
            (PlaceDoc::Number(number), Layout::Separated { .. }) if number > 0 => Ok(Place::Number(number)),
            (PlaceDoc::At([start, length]), Layout::Fixed) if start > 0 && length > 0 => Ok(Place::At(start, length)),
            (PlaceDoc::Number(0), _) | (PlaceDoc::At(_), Layout::Fixed) => {
                Err(self.at(node, "columns and letters are numbered from 1"))
            }
            (PlaceDoc::Number(_), Layout::Fixed) => {
                Err(self.at(node, "a fixed layout has no columns by number; expected at: [start, length]"))
            }
            (PlaceDoc::At(_), Layout::Separated { .. }) | (PlaceDoc::Number(_), Layout::Separated { .. }) => {
                Err(self.at(node, "at: [start, length] is for a fixed layout; expected the name or number of a column"))
            }
        }
    }

    fn control(
        &self,
        node: &Spanned<ControlDoc>,
        kind: FileKind,
        layout: Layout,
        columns: &[Mapped],
        dates: Option<&DatePattern>,
        amounts: AmountForm,
    ) -> Result<Control, MappingError> {
        let doc = &node.value;
        if doc.record.is_empty() || (doc.count.is_none() && doc.total.is_none()) {
            return Err(
                self.at(node, "expected what the control record begins with, and where its count or its total stands")
            );
        }
        if doc.total.is_some() && !columns.iter().any(|mapped| is_amount(&mapped.ours)) {
            return Err(self.at(node, format!("a {kind} file has no amounts to sum; expected a count alone")));
        }
        let place = |place: Option<PlaceDoc>| place.map(|place| self.place(node, place, layout)).transpose();
        let through = match place(doc.through)? {
            None => None,
            Some(place) => {
                let own = doc.dates.as_deref().map(|text| self.pattern(node, text)).transpose()?;
                let pattern = own.or_else(|| dates.cloned());
                let pattern =
                    pattern.ok_or_else(|| self.at(node, "through: expected dates: here or for the whole mapping"))?;
                let channel = columns.iter().find_map(|mapped| match &mapped.from {
                    From::Is(word) if mapped.ours == "channel" => PaymentChannel::from_word(word),
                    From::Is(_) | From::Places { .. } => None,
                });
                let channel = channel.ok_or_else(|| {
                    self.at(node, "through: is for payments of one channel; expected columns: channel: {is: lockbox}")
                })?;
                Some((place, pattern, channel))
            }
        };
        let total = place(doc.total)?.map(|place| (place, doc.amounts.unwrap_or(amounts)));
        Ok(Control { record: doc.record.clone(), count: place(doc.count)?, total, through })
    }
}

const fn by(layout: Layout) -> u8 {
    match layout {
        Layout::Separated { by, .. } => by,
        Layout::Fixed => 0,
    }
}
