//! A city's file under its mapping: its bytes become records with our columns in our forms, on the lines on which they stand.
//!
//! Nothing is passed over in silence: a record that the mapping does not name refuses the file, and so does a control record
//! that is missing or does not agree.

use std::collections::BTreeMap;

use csv::{ByteRecord, ReaderBuilder};

use super::{Control, Encoding, From, Layout, Mapped, Mapping, Piece, Place, ValueForm};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Cents, Day};
use crate::ingest::columns::Header;
use crate::ingest::errors::{FileErrors, Problem};

/// A file's records with our columns.
pub struct Applied {
    pub header: Header,
    pub records: Vec<(u32, ByteRecord)>,
    pub loaded_through: Vec<(PaymentChannel, Day)>,
}

/// A record of the city's: its line, and its values or its text.
struct Record {
    line: u32,
    text: String,
    values: Vec<String>,
}

/// Reads the bytes as the mapping says. What is wrong is reported, each with the city's own name of the column.
pub fn apply(bytes: &[u8], mapping: &Mapping, errors: &mut FileErrors) -> Applied {
    let ours: Vec<&str> = mapping.columns.iter().map(|mapped| mapped.ours.as_str()).collect();
    let header = Header::new(&ByteRecord::from(ours), 1);
    let mut applied = Applied { header, records: Vec::new(), loaded_through: Vec::new() };
    let Some(text) = decoded(bytes, mapping.text.encoding, errors) else { return applied };
    let mut records = records(&text, mapping, errors);
    let names = match mapping.text.layout {
        Layout::Separated { header: true, .. } => {
            if records.is_empty() {
                errors.add(0, None, None, Problem::EmptyFile);
                return applied;
            }
            records.remove(0)
        }
        Layout::Separated { header: false, .. } | Layout::Fixed => {
            Record { line: 1, text: String::new(), values: Vec::new() }
        }
    };
    let reader = Reader { mapping, names: &names };
    if !reader.has_all_columns(errors) {
        return applied;
    }
    let expected = reader.values_expected(&records);
    let mut controls = Vec::new();
    let mut latest: BTreeMap<&str, Record> = BTreeMap::new();
    let mut total: i128 = 0;
    for record in records {
        if reader.is_control(&record) {
            controls.push(record);
        } else if reader.is_row(&record) {
            if record.values.len() > expected {
                errors.add(record.line, None, None, Problem::SurplusValues { expected, found: record.values.len() });
            } else if let Some((row, amount)) = reader.row(&record, &latest, errors) {
                total += i128::from(amount.get());
                applied.records.push((record.line, row));
            }
        } else if let Some(begins) = mapping.text.other_records.iter().find(|begins| record.text.starts_with(*begins)) {
            latest.insert(begins, record);
        } else {
            let begins: String = record.text.chars().take(12).collect();
            errors.add(record.line, None, Some(&begins), Problem::UnknownRecord);
        }
    }
    if let Some(control) = mapping.control.as_ref().filter(|_| errors.is_empty()) {
        let count = applied.records.len() as u64;
        applied.loaded_through = reader.hold_against(control, &controls, count, total, errors);
    }
    applied
}

fn decoded(bytes: &[u8], encoding: Encoding, errors: &mut FileErrors) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match encoding {
        Encoding::Latin1 => Some(bytes.iter().map(|&byte| char::from(byte)).collect()),
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => Some(text.to_owned()),
            Err(error) => {
                #[expect(clippy::naive_bytecount, reason = "once a file that is refused")]
                let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
                errors.add(u32::try_from(line).unwrap_or(u32::MAX), None, None, Problem::NotMappedUtf8);
                None
            }
        },
    }
}

/// The lines that are not blank, each as a record. A value does not run over the end of its line.
fn records(text: &str, mapping: &Mapping, errors: &mut FileErrors) -> Vec<Record> {
    let mut records = Vec::new();
    for (line, text) in (1_u32..).zip(text.lines()).skip(mapping.text.skip_lines as usize) {
        if text.trim().is_empty() {
            continue;
        }
        let values = match mapping.text.layout {
            Layout::Fixed => Vec::new(),
            Layout::Separated { by, .. } => match split(text, by) {
                Ok(values) => values,
                Err(problem) => {
                    errors.add(line, None, None, problem);
                    continue;
                }
            },
        };
        records.push(Record { line, text: text.to_owned(), values });
    }
    records
}

fn split(text: &str, by: u8) -> Result<Vec<String>, Problem> {
    if text.matches('"').count() % 2 == 1 {
        return Err(Problem::OpenQuote);
    }
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(by).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|error| Problem::Unreadable { why: error.to_string() })?;
    Ok(record.iter().map(str::to_owned).collect())
}

struct Reader<'a> {
    mapping: &'a Mapping,
    names: &'a Record,
}

impl Reader<'_> {
    /// Whether the header has every column that the mapping names, once.
    fn has_all_columns(&self, errors: &mut FileErrors) -> bool {
        let mut has_all = true;
        for mapped in &self.mapping.columns {
            let From::Places { pieces, .. } = &mapped.from else { continue };
            for piece in pieces {
                let Place::Named(name) = &piece.place else { continue };
                let count = self.names.values.iter().filter(|value| is_called(value, name)).count();
                if count != 1 {
                    has_all = false;
                    let problem = Problem::MappedColumn { ours: mapped.ours.clone(), count };
                    errors.add(self.names.line, Some(name), None, problem);
                }
            }
        }
        has_all
    }

    fn is_control(&self, record: &Record) -> bool {
        self.mapping.control.as_ref().is_some_and(|control| record.text.starts_with(&control.record))
    }

    fn is_row(&self, record: &Record) -> bool {
        let begins = self.mapping.text.records.as_ref();
        !self.is_control(record) && begins.is_none_or(|begins| record.text.starts_with(begins.as_str()))
    }

    /// How many values a row may have: as many as the header names, or the first row where there is none. One more, and blank, where
    /// all rows end with a separator. A separator within a value would move all behind it into the columns of others.
    fn values_expected(&self, records: &[Record]) -> usize {
        let mut rows = records.iter().filter(|record| self.is_row(record)).peekable();
        let named = match self.mapping.text.layout {
            Layout::Separated { header: true, .. } => self.names.values.len(),
            Layout::Separated { header: false, .. } | Layout::Fixed => {
                rows.peek().map_or(0, |record| record.values.len())
            }
        };
        let ends_blank = |record: &Record| {
            record.values.len() == named + 1 && record.values.last().is_some_and(|value| value.trim().is_empty())
        };
        if rows.all(ends_blank) { named + 1 } else { named }
    }

    /// A record as a row of ours, and the amount in it.
    fn row(
        &self,
        record: &Record,
        latest: &BTreeMap<&str, Record>,
        errors: &mut FileErrors,
    ) -> Option<(ByteRecord, Cents)> {
        let mut row = ByteRecord::new();
        let mut amount = Cents::ZERO;
        let mut is_whole = true;
        for mapped in &self.mapping.columns {
            match self.value(mapped, record, latest) {
                Ok((value, found)) => {
                    amount = found.unwrap_or(amount);
                    row.push_field(value.as_bytes());
                }
                Err((value, problem)) => {
                    is_whole = false;
                    let called = self.mapping.called(&mapped.ours);
                    errors.add(record.line, called.as_deref(), Some(&value), problem);
                }
            }
        }
        is_whole.then_some((row, amount))
    }

    /// A value in our form, and the amount that it is. The error has the value as the city wrote it.
    fn value(
        &self,
        mapped: &Mapped,
        record: &Record,
        latest: &BTreeMap<&str, Record>,
    ) -> Result<(String, Option<Cents>), (String, Problem)> {
        let (pieces, with) = match &mapped.from {
            From::Is(value) => return Ok((value.clone(), None)),
            From::Places { pieces, with } => (pieces, with),
        };
        let is_amount = matches!(mapped.form, ValueForm::Amount(_));
        let piece = |piece: &Piece| {
            let record = match &piece.record {
                None => record,
                Some(begins) => {
                    latest.get(begins.as_str()).ok_or_else(|| Problem::NoRecordAhead { begins: begins.to_owned() })?
                }
            };
            let value = self.at(&piece.place, record)?;
            match piece.place {
                // Digits that were cut off would leave a smaller amount.
                Place::At(start, length) if is_amount && !value.is_empty() => {
                    let (letters, needed) = (record.text.chars().count(), (start + length - 1) as usize);
                    if letters < needed { Err(Problem::ShortRecord { letters, needed }) } else { Ok(value) }
                }
                Place::At(..) | Place::Named(_) | Place::Number(_) => Ok(value),
            }
        };
        let values: Vec<String> =
            pieces.iter().map(piece).collect::<Result<_, Problem>>().map_err(|problem| (String::new(), problem))?;
        let text = values.join(with);
        if text.is_empty() {
            return Ok((text, None));
        }
        match &mapped.form {
            ValueForm::Text => Ok((text, None)),
            ValueForm::Date(pattern) => match pattern.parse(&text) {
                Some(day) => Ok((day.to_string(), None)),
                None => Err((text, Problem::MappedDate { pattern: pattern.text.clone() })),
            },
            ValueForm::Amount(form) => match form.parse(&text) {
                Some(amount) => Ok((amount.to_plain(), Some(amount))),
                None => Err((text, Problem::MappedAmount { expected: form.expected() })),
            },
            ValueForm::Words(words) => match words.get(&text) {
                Some(word) => Ok((word.clone(), None)),
                None => {
                    let words = words.keys().cloned().collect::<Vec<_>>().join(", ");
                    Err((text, Problem::MappedWord { words }))
                }
            },
        }
    }

    /// The value at a place, without the spaces around it.
    fn at(&self, place: &Place, record: &Record) -> Result<String, Problem> {
        let of_number = |number: usize| {
            let (expected, found) = (number.max(self.names.values.len()), record.values.len());
            let short = Problem::RaggedRow { expected, found };
            record.values.get(number - 1).map(|value| value.trim().to_owned()).ok_or(short)
        };
        match place {
            Place::Named(name) => {
                let at = self.names.values.iter().position(|value| is_called(value, name));
                of_number(at.map_or(1, |at| at + 1))
            }
            Place::Number(number) => of_number(*number as usize),
            Place::At(start, length) => {
                let (start, length) = (*start as usize, *length as usize);
                let letters = record.text.chars().count();
                // Spaces at the end of a line are often cut off.
                if letters < start {
                    return Err(Problem::ShortRecord { letters, needed: start });
                }
                Ok(record.text.chars().skip(start - 1).take(length).collect::<String>().trim().to_owned())
            }
        }
    }

    /// Compares count and total; gives the day through which the channel is loaded.
    fn hold_against(
        &self,
        control: &Control,
        records: &[Record],
        count: u64,
        total: i128,
        errors: &mut FileErrors,
    ) -> Vec<(PaymentChannel, Day)> {
        let [record] = records else {
            errors.add(0, None, Some(&control.record), Problem::MappedControls { found: records.len() });
            return Vec::new();
        };
        let mut wrong = |what: &str, value: &str, problem| errors.add(record.line, Some(what), Some(value), problem);
        if let Some(place) = &control.count {
            match self.at(place, record).map(|text| (text.parse::<u64>(), text)) {
                Ok((Ok(said), _)) if said == count => {}
                Ok((_, text)) => wrong("count of the control record", &text, Problem::MappedCount { found: count }),
                Err(problem) => wrong("count of the control record", "", problem),
            }
        }
        if let Some((place, form)) = &control.total {
            match self.at(place, record).map(|text| (form.parse(&text), text)) {
                Ok((Some(said), _)) if i128::from(said.get()) == total => {}
                Ok((_, text)) => {
                    let found = i64::try_from(total)
                        .map_or_else(|_| format!("{total} cents"), |cents| Cents::new(cents).to_string());
                    wrong("total of the control record", &text, Problem::MappedTotal { found });
                }
                Err(problem) => wrong("total of the control record", "", problem),
            }
        }
        let Some((place, pattern, channel)) = &control.through else { return Vec::new() };
        match self.at(place, record).map(|text| (pattern.parse(&text), text)) {
            Ok((Some(day), _)) => return vec![(*channel, day)],
            Ok((None, text)) => {
                wrong("day of the control record", &text, Problem::MappedDate { pattern: pattern.text.clone() });
            }
            Err(problem) => wrong("day of the control record", "", problem),
        }
        Vec::new()
    }
}

/// Whether a header's value is the name; capitals and spaces around it do not matter.
fn is_called(value: &str, name: &str) -> bool {
    value.trim().to_lowercase() == name.trim().to_lowercase()
}
