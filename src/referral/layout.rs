//! Lists as a destination's layout wants them: a record for each debt, in fixed width or CSV.
//!
//! A value that does not fit is refused with its account and field, and is never cut unless the layout says so of a name.
//! No refusal repeats the value: it may be a social security number.

use super::export::ExportLine;
use crate::domain::layout::{Datum, FieldFormat, FieldValue, Layout, LayoutField, LayoutForm, LineEnd};
use crate::domain::spreadsheet::guarded;
use crate::domain::{AccountNumber, Cents, Day};

/// Why a debt has no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutRefusal {
    #[error(
        "account {account}: {field} of the layout {layout} has no value: {what} is not known of this account; add it to the accounts' file"
    )]
    Missing { account: AccountNumber, layout: String, field: String, what: String },
    #[error("account {account}: {field} of the layout {layout} takes {width} characters, and the value has {found}")]
    TooLong { account: AccountNumber, layout: String, field: String, width: usize, found: usize },
    #[error(
        "account {account}: {field} of the layout {layout} takes {width} digits, and the value has {found}: correct it in the \
         accounts' file, with the zeros in front that belong to it"
    )]
    TooShort { account: AccountNumber, layout: String, field: String, width: usize, found: usize },
    #[error("account {account}: {field} of the layout {layout} takes digits, and the value has other characters")]
    NotDigits { account: AccountNumber, layout: String, field: String },
    #[error("account {account}: {field} of the layout {layout} takes plain letters, and the value has `{found}`")]
    NotPlain { account: AccountNumber, layout: String, field: String, found: char },
    #[error("account {account}: {field} of the layout {layout} cannot be below zero")]
    Negative { account: AccountNumber, layout: String, field: String },
}

/// The header line of a CSV layout; nothing of one of fixed width.
#[must_use]
pub fn header(layout: &Layout) -> Vec<u8> {
    match layout.form {
        LayoutForm::Fixed { .. } => Vec::new(),
        LayoutForm::Csv => csv_line(layout, &layout.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>()),
    }
}

/// The record of one debt, with its line end.
///
/// # Errors
/// The first field whose value is missing or does not fit.
pub fn record(layout: &Layout, line: &ExportLine) -> Result<Vec<u8>, LayoutRefusal> {
    match layout.form {
        LayoutForm::Csv => {
            let cells: Result<Vec<String>, _> =
                layout.fields.iter().map(|field| written(layout, field, line)).collect();
            Ok(csv_line(layout, &cells?))
        }
        LayoutForm::Fixed { length } => {
            let mut record = String::with_capacity(usize::from(length) + 2);
            for field in &layout.fields {
                record.push_str(&fitted(layout, field, line)?);
            }
            record.push_str(end(layout));
            Ok(record.into_bytes())
        }
    }
}

const fn end(layout: &Layout) -> &'static str {
    match layout.line_end {
        LineEnd::Lf => "\n",
        LineEnd::Crlf => "\r\n",
    }
}

fn csv_line(layout: &Layout, cells: &[String]) -> Vec<u8> {
    let terminator = match layout.line_end {
        LineEnd::Lf => csv::Terminator::Any(b'\n'),
        LineEnd::Crlf => csv::Terminator::CRLF,
    };
    let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
    // A vector never refuses bytes.
    let written = writer.write_record(cells);
    debug_assert!(written.is_ok(), "a vector refused a line");
    writer.into_inner().unwrap_or_default()
}

/// The value in its width.
fn fitted(layout: &Layout, field: &LayoutField, line: &ExportLine) -> Result<String, LayoutRefusal> {
    let value = written(layout, field, line)?;
    let width = field.width().unwrap_or(0);
    let account = || line.profile.number.clone();
    let value = if is_text(field) { plain(&value) } else { value };
    if let Some(found) = value.chars().find(|c| !(' '..='~').contains(c)) {
        let (layout, field) = (layout.name.clone(), field.place());
        return Err(LayoutRefusal::NotPlain { account: account(), layout, field, found });
    }
    let found = value.len();
    if found > width && !field.cut {
        let (layout, field) = (layout.name.clone(), field.place());
        return Err(LayoutRefusal::TooLong { account: account(), layout, field, width, found });
    }
    // A number that somebody gave is whole or wrong: with zeros in front it would be another person's, or another parcel's.
    let is_given = matches!(field.value, FieldValue::Attribute(_)) && field.format == FieldFormat::Digits;
    if is_given && found > 0 && found < width {
        let (layout, field) = (layout.name.clone(), field.place());
        return Err(LayoutRefusal::TooShort { account: account(), layout, field, width, found });
    }
    let value: String = value.chars().take(width).collect();
    // A value that is not there is blank, also where digits would stand.
    Ok(match field.format {
        _ if value.is_empty() => " ".repeat(width),
        FieldFormat::Digits | FieldFormat::Cents => format!("{value:0>width$}"),
        FieldFormat::Amount => format!("{value:>width$}"),
        FieldFormat::Text
        | FieldFormat::IsoDate
        | FieldFormat::PlainDate
        | FieldFormat::AmericanDate
        | FieldFormat::SlashDate
        | FieldFormat::YearMonth => format!("{value:<width$}"),
    })
}

const fn is_text(field: &LayoutField) -> bool {
    matches!(field.format, FieldFormat::Text)
}

/// The value as its format writes it.
fn written(layout: &Layout, field: &LayoutField, line: &ExportLine) -> Result<String, LayoutRefusal> {
    let value = match &field.value {
        FieldValue::Literal(text) => return Ok(text.clone()),
        FieldValue::Attribute(name) => Value::text(line.profile.attributes.get(name).map_or("", String::as_str)),
        FieldValue::Of(datum) => value_of(*datum, line),
    };
    let account = || line.profile.number.clone();
    let at = || (layout.name.clone(), field.place());
    if value.is_blank() {
        if !field.required {
            return Ok(String::new());
        }
        let (layout, place) = at();
        let what = match &field.value {
            FieldValue::Attribute(name) => format!("`{name}`"),
            FieldValue::Of(datum) => datum.to_string(),
            FieldValue::Literal(_) => String::new(),
        };
        return Err(LayoutRefusal::Missing { account: account(), layout, field: place, what });
    }
    Ok(match value {
        Value::Text(text) if field.format == FieldFormat::Digits => {
            if !text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '.')) {
                let (layout, field) = at();
                return Err(LayoutRefusal::NotDigits { account: account(), layout, field });
            }
            text.chars().filter(char::is_ascii_digit).collect()
        }
        Value::Text(text) if layout.form == LayoutForm::Csv => guarded(&text),
        Value::Text(text) => text,
        Value::Money(amount) if field.format == FieldFormat::Cents => {
            if amount.is_negative() {
                let (layout, field) = at();
                return Err(LayoutRefusal::Negative { account: account(), layout, field });
            }
            amount.get().to_string()
        }
        Value::Money(amount) => amount.to_plain(),
        Value::Date(date) => date.map(|date| dated(date, field.format)).unwrap_or_default(),
    })
}

fn dated(day: Day, format: FieldFormat) -> String {
    let pattern = match format {
        FieldFormat::PlainDate => "%Y%m%d",
        FieldFormat::AmericanDate => "%m%d%Y",
        FieldFormat::SlashDate => "%m/%d/%Y",
        FieldFormat::YearMonth => "%Y%m",
        FieldFormat::IsoDate | FieldFormat::Text | FieldFormat::Digits | FieldFormat::Cents | FieldFormat::Amount => {
            "%Y-%m-%d"
        }
    };
    day.format(pattern).to_string()
}

enum Value {
    Text(String),
    Money(Cents),
    Date(Option<Day>),
}

impl Value {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into().trim().to_owned())
    }

    fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Money(_) => false,
            Self::Date(date) => date.is_none(),
        }
    }
}

fn value_of(datum: Datum, line: &ExportLine) -> Value {
    let profile = &line.profile;
    let (first, initial, last) = parted(&profile.customer_name);
    let (mailing, service) = (&profile.mailing_address, &profile.service_address);
    match datum {
        Datum::Account => Value::text(profile.number.as_str()),
        Datum::Referral => Value::text(line.referral.id.to_string()),
        Datum::Name => Value::text(&profile.customer_name),
        Datum::FirstName => Value::text(first),
        Datum::Initial => Value::text(initial),
        Datum::LastName => Value::text(last),
        Datum::OwnerName => Value::text(profile.owner.as_ref().map_or(&profile.customer_name, |owner| &owner.name)),
        Datum::Street => Value::text(street(mailing)),
        Datum::City => Value::text(&mailing.city),
        Datum::State => Value::text(&mailing.state),
        Datum::Zip => Value::text(zip(mailing)),
        Datum::ServiceStreet => Value::text(street(service)),
        Datum::ServiceCity => Value::text(&service.city),
        Datum::ServiceState => Value::text(&service.state),
        Datum::ServiceZip => Value::text(zip(service)),
        Datum::Phone => Value::text(profile.phones.first().map_or("", String::as_str)),
        Datum::Email => Value::text(profile.email.as_deref().unwrap_or_default()),
        Datum::Class => Value::text(profile.class.word()),
        Datum::Total => Value::Money(line.total),
        Datum::Charges => Value::Money(line.total - line.penalties),
        Datum::Penalties => Value::Money(line.penalties),
        Datum::CutOff => Value::Date(Some(line.cut_off)),
        Datum::FirstDelinquent => Value::Date(line.first_delinquent_on),
        Datum::Limitation => Value::Date(line.limitation_last_day),
        Datum::LastPayment => Value::Date(line.last_payment.map(|(on, _)| on)),
        Datum::Packet => Value::text(&line.packet_file),
        Datum::PacketHash => Value::text(line.packet_hash.as_str()),
        Datum::LastPaid => line.last_payment.map_or(Value::Text(String::new()), |(_, amount)| Value::Money(amount)),
    }
}

/// First name, initial and last name of a name as it is written: `Rosa M. Delgado`, `Delgado, Rosa M.`
fn parted(name: &str) -> (String, String, String) {
    let (given, last) = match name.split_once(',') {
        Some((last, given)) => (given.trim().to_owned(), last.trim().to_owned()),
        None => match name.trim().rsplit_once(' ') {
            Some((given, last)) => (given.trim().to_owned(), last.to_owned()),
            None => (String::new(), name.trim().to_owned()),
        },
    };
    match given.rsplit_once(' ') {
        Some((first, middle)) if middle.trim_end_matches('.').chars().count() == 1 => {
            (first.to_owned(), middle.trim_end_matches('.').to_owned(), last)
        }
        _ => (given, String::new(), last),
    }
}

fn street(address: &crate::domain::Address) -> String {
    let lines = [address.line1.trim(), address.line2.trim()];
    lines.iter().filter(|line| !line.is_empty()).copied().collect::<Vec<_>>().join(", ")
}

/// The five digits of the ZIP code.
fn zip(address: &crate::domain::Address) -> String {
    address.zip.chars().take(5).collect()
}

/// Accented letters without their accents: fixed width counts bytes, and the receiver's machine knows no others.
fn plain(text: &str) -> String {
    text.chars().map(unaccented).collect()
}

const fn unaccented(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'Á' | 'À' | 'Â' | 'Ä' | 'Ã' | 'Å' => 'A',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'É' | 'È' | 'Ê' | 'Ë' => 'E',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'Í' | 'Ì' | 'Î' | 'Ï' => 'I',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'Ó' | 'Ò' | 'Ô' | 'Ö' | 'Õ' => 'O',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'Ú' | 'Ù' | 'Û' | 'Ü' => 'U',
        'ñ' => 'n',
        'Ñ' => 'N',
        'ç' => 'c',
        'Ç' => 'C',
        '’' | '‘' => '\'',
        '–' | '—' => '-',
        other => other,
    }
}
