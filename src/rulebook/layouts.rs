//! Layouts of lists: `layouts/NAME.yaml`, read and checked so that no list can be written with a hole, an overlap, or an
//! amount where a date belongs.

use crate::domain::layout::{Datum, FieldFormat, FieldType, FieldValue, Layout, LayoutField, LayoutForm, LineEnd};

use super::document::{self, Node};
use super::error::{Fault, Report, RuleError};
use super::fields::{self, Fields};
use super::tokens::Phrase;

/// The longest record.
const LONGEST: u16 = 4_000;

/// The layout of a file's text, or what is wrong with it.
pub(super) fn load(text: &str, path: &str) -> Result<Layout, Vec<RuleError>> {
    let mut report = Report::new(path, text);
    let layout = document::parse(text, &mut report).and_then(|root| layout(&root, &mut report));
    let errors = report.into_errors();
    match layout {
        Some(layout) if errors.is_empty() => Ok(layout),
        _ => Err(errors),
    }
}

fn layout(root: &Node, report: &mut Report<'_>) -> Option<Layout> {
    let mut fields = Fields::of(root, "a layout", report)?;
    let name = fields.need("layout", report).and_then(|node| {
        let text = report.take(fields::text(node, "a layout's name"))?;
        report.take(fields::name(text, node.at, "a layout"))?;
        Some(text.to_owned())
    });
    let title = fields.need("title", report).and_then(|node| report.take(fields::text(node, "a title")));
    let _ = fields.take("authority", report).and_then(|node| report.take(fields::text(node, "an authority")));
    let form = fields
        .need("form", report)
        .and_then(|node| report.take(fields::word(node, "a form", &["fixed", "csv"], |word| word)));
    let length = fields.take("length", report).and_then(|node| {
        let read = fields::text(node, "a length").and_then(|text| fields::count(text, node.at, "characters"));
        let length = report.take(read)?;
        if length == 0 || length > LONGEST {
            report.add(Fault::new(node.at, format!("a record has 1 to {LONGEST} characters")));
            return None;
        }
        Some(length)
    });
    let line_end = fields
        .take("line_end", report)
        .and_then(|node| report.take(fields::word(node, "a line end", LineEnd::ALL, LineEnd::word)))
        .unwrap_or(LineEnd::Lf);
    let whole = fields.take("whole", report).and_then(|node| report.take(fields::yes(node, "whole"))).unwrap_or(false);
    let at = fields.at();
    let form = match (form?, length) {
        ("fixed", Some(length)) => LayoutForm::Fixed { length },
        ("fixed", None) => {
            report.add(Fault::new(at, "a layout of fixed width needs `length:`").expected("such as `length: 80`"));
            return None;
        }
        (_, None) => LayoutForm::Csv,
        (_, Some(_)) => {
            report.add(Fault::new(at, "CSV has columns, and no `length:`"));
            return None;
        }
    };
    let list = fields.need("fields", report);
    fields.done(report);
    let mut read = Vec::new();
    for item in list?.each() {
        if let Some(field) = field(item, form, report) {
            read.push((field, item));
        }
    }
    match form {
        LayoutForm::Fixed { length } => covers(&mut read, length, list?, report),
        LayoutForm::Csv => names_differ(&read, report),
    }
    let fields = read.into_iter().map(|(field, _)| field).collect();
    Some(Layout { name: name?, title: title?.to_owned(), form, line_end, whole, fields })
}

fn field(node: &Node, form: LayoutForm, report: &mut Report<'_>) -> Option<LayoutField> {
    let mut fields = Fields::of(node, "a field", report)?;
    let at = match form {
        LayoutForm::Fixed { .. } => Some(fields.need("at", report).and_then(|node| report.take(positions(node)))?),
        LayoutForm::Csv => None,
    };
    let literal = fields.take("literal", report).and_then(|node| report.take(fields::text(node, "a literal")));
    let blank = fields.take("blank", report).and_then(|node| report.take(fields::yes(node, "blank"))).unwrap_or(false);
    let value_node = fields.take("value", report);
    let value = value_node.and_then(|node| report.take(value(node)));
    let name_key = fields.take(if at.is_some() { "name" } else { "column" }, report);
    let name = name_key.and_then(|node| report.take(fields::text(node, "a name"))).map(str::to_owned);
    let format_node = fields.take("as", report);
    let format =
        format_node.map(|node| report.take(fields::word(node, "a format", FieldFormat::ALL, FieldFormat::word)));
    let cut_node = fields.take("cut", report);
    let cut = cut_node.and_then(|node| report.take(fields::yes(node, "cut"))).unwrap_or(false);
    let optional = fields.take("optional", report).and_then(|node| report.take(fields::yes(node, "optional")));
    fields.done(report);
    if value_node.is_some() && value.is_none() {
        return None;
    }
    let value = match (value, literal, blank) {
        (Some(value), None, false) => value,
        (None, Some(text), false) => FieldValue::Literal(text.to_owned()),
        (None, None, true) => FieldValue::Literal(String::new()),
        _ => {
            let fault = Fault::new(node.at, "a field has one of `value`, `literal` and `blank`");
            report.add(fault.expected("such as `{at: 14-21, value: total, as: cents}`"));
            return None;
        }
    };
    let kind = match &value {
        FieldValue::Of(datum) => datum.kind(),
        FieldValue::Literal(_) | FieldValue::Attribute(_) => FieldType::Text,
    };
    let format = match format {
        None => match kind {
            FieldType::Text => FieldFormat::Text,
            FieldType::Money => FieldFormat::Amount,
            FieldType::Date => FieldFormat::IsoDate,
        },
        Some(format) => format?,
    };
    let place = format_node.map_or(node.at, |node| node.at);
    if format.holds() != kind {
        report.add(Fault::new(place, format!("`{format}` cannot write {}", called(&value))).expected(match kind {
            FieldType::Text => "text or digits",
            FieldType::Money => "cents or amount",
            FieldType::Date => "YYYY-MM-DD, YYYYMMDD, MMDDYYYY, MM/DD/YYYY or YYYYMM",
        }));
        return None;
    }
    if let Some(cut_at) = cut_node.filter(|_| cut && !may_be_cut(&value)) {
        let fault = Fault::new(cut_at.at, format!("{} is never cut: what is left would be another's", called(&value)));
        report.add(fault.help("only names, streets and cities may be cut"));
        return None;
    }
    let named = called(&value);
    let field = LayoutField {
        name: name.unwrap_or_else(|| named.replace([' ', '-', '.'], "_")),
        at,
        format,
        cut,
        required: !optional.unwrap_or(false) && !matches!(value, FieldValue::Literal(_)),
        value,
    };
    if let (FieldValue::Literal(text), Some(width)) = (&field.value, field.width())
        && text.chars().count() > width
    {
        report.add(Fault::new(node.at, format!("`{text}` does not fit {width} characters")));
        return None;
    }
    Some(field)
}

/// `14-21`, or `1`.
fn positions(node: &Node) -> Result<(u16, u16), Fault> {
    let text = fields::text(node, "a position")?;
    let bad =
        || Fault::new(node.at, format!("`{text}` is no position")).expected("first and last, from 1, such as 14-21");
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let from: u16 = from.trim().parse().map_err(|_| bad())?;
    let to: u16 = to.trim().parse().map_err(|_| bad())?;
    if from == 0 || to < from { Err(bad()) } else { Ok((from, to)) }
}

/// `total`, `attribute parcel`.
fn value(node: &Node) -> Result<FieldValue, Fault> {
    let text = fields::text(node, "a value")?;
    if let Some(name) = text.strip_prefix("attribute ") {
        let mut phrase = Phrase::of(node, "an attribute")?;
        let _ = phrase.bump();
        return match phrase.rest().trim() {
            "" => Err(Fault::new(node.at, "`attribute` needs a name").expected("such as attribute parcel")),
            _ => Ok(FieldValue::Attribute(name.trim().to_owned())),
        };
    }
    let known = fields::known(text, node.at, "a value of a list", Datum::ALL, Datum::word);
    known.map(FieldValue::Of).map_err(|fault| fault.help("what the accounts' file gives besides is `attribute NAME`"))
}

fn called(value: &FieldValue) -> String {
    match value {
        FieldValue::Literal(text) if text.is_empty() => "blank".to_owned(),
        FieldValue::Literal(_) => "literal".to_owned(),
        FieldValue::Of(datum) => datum.word().to_owned(),
        FieldValue::Attribute(name) => name.clone(),
    }
}

const fn may_be_cut(value: &FieldValue) -> bool {
    match value {
        FieldValue::Of(datum) => matches!(
            datum,
            Datum::Name
                | Datum::FirstName
                | Datum::Initial
                | Datum::LastName
                | Datum::OwnerName
                | Datum::Street
                | Datum::City
                | Datum::ServiceStreet
                | Datum::ServiceCity
                | Datum::Phone
        ),
        FieldValue::Literal(_) | FieldValue::Attribute(_) => false,
    }
}

/// Each position belongs to one field.
fn covers(read: &mut [(LayoutField, &Node)], length: u16, list: &Node, report: &mut Report<'_>) {
    read.sort_by_key(|(field, _)| field.at);
    let mut next = 1;
    for (field, node) in read.iter() {
        let Some((from, to)) = field.at else { continue };
        if to > length {
            report.add(Fault::new(node.at, format!("{} goes beyond the record of {length} characters", field.place())));
            return;
        }
        if from < next {
            report.add(Fault::new(node.at, format!("{} overlaps the field before it", field.place())));
            return;
        }
        if from > next {
            let fault = Fault::new(node.at, format!("nothing stands at {next}-{}", from - 1));
            report.add(fault.help(format!("write `{{at: {next}-{}, blank: yes}}`", from - 1)));
            return;
        }
        next = to + 1;
    }
    if next <= length {
        let fault = Fault::new(list.at, format!("nothing stands at {next}-{length}"));
        report.add(fault.help(format!("write `{{at: {next}-{length}, blank: yes}}`")));
    }
}

fn names_differ(read: &[(LayoutField, &Node)], report: &mut Report<'_>) {
    for (index, (field, node)) in read.iter().enumerate() {
        if read[..index].iter().any(|(other, _)| other.name == field.name) {
            report.add(Fault::new(node.at, format!("the column `{}` stands twice", field.name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::shipped;
    use super::*;

    fn refusal(fields: &str) -> String {
        let text = format!("layout: roll\ntitle: Roll\nform: fixed\nlength: 10\nfields:\n{fields}");
        let errors = load(&text, "layouts/roll.yaml").unwrap_err();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_layout_that_ships_is_sound() {
        let sources = shipped();
        let names: Vec<&str> = sources.names("layouts").collect();
        assert_eq!(names, ["agency-csv", "lien-list", "nc-setoff", "san-mateo-tax-roll"]);
        for name in names {
            let path = format!("layouts/{name}.yaml");
            assert!(load(sources.get(&path).unwrap(), &path).is_ok(), "{name}");
        }
    }

    #[test]
    fn holes_overlaps_and_fields_beyond_the_record_are_told_with_their_place() {
        let hole = refusal("  - {at: 1-4, value: account}\n  - {at: 6-10, blank: yes}\n");
        assert!(hole.contains("nothing stands at 5-5") && hole.contains("layouts/roll.yaml:7"), "{hole}");
        let overlap = refusal("  - {at: 1-4, value: account}\n  - {at: 4-10, blank: yes}\n");
        assert!(overlap.contains("field blank (4-10) overlaps the field before it"), "{overlap}");
        let beyond = refusal("  - {at: 1-11, value: account}\n");
        assert!(beyond.contains("goes beyond the record of 10 characters"), "{beyond}");
        let short = refusal("  - {at: 1-9, value: account}\n");
        assert!(short.contains("nothing stands at 10-10"), "{short}");
    }

    #[test]
    fn a_field_is_known_has_a_format_that_can_write_it_and_is_cut_only_where_it_is_a_name() {
        assert!(refusal("  - {at: 1-10, value: acount}\n").contains("account"), "the nearest word");
        let date = refusal("  - {at: 1-10, value: total, as: YYYYMMDD}\n");
        assert!(date.contains("`YYYYMMDD` cannot write total"), "{date}");
        let cut = refusal("  - {at: 1-10, value: account, cut: yes}\n");
        assert!(cut.contains("account is never cut"), "{cut}");
        let literal = refusal("  - {at: 1, literal: AB}\n  - {at: 2-10, blank: yes}\n");
        assert!(literal.contains("`AB` does not fit 1 characters"), "{literal}");
    }
}
