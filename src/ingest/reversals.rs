//! Reversals: each undoes one earlier entry entirely. A returned check brings back the debt at its original due date.

use std::collections::BTreeMap;

use super::columns::{Column, Columns, Row};
use super::errors::Problem;
use super::forms;
use crate::domain::import::{FileKind, NewEntry};
use crate::domain::{AccountNumber, Cents, Day, EntryKind, Service};

pub const COLUMNS: Columns = Columns {
    kind: FileKind::Reversals,
    named: &[
        &ACCOUNT,
        &REVERSED_ON,
        &REVERSES_SOURCE,
        &REVERSES_REFERENCE,
        &SOURCE,
        &REFERENCE,
        &ARREARS_REFERENCE,
        &MEMO,
    ],
    families: &[],
};

static ACCOUNT: Column<AccountNumber> =
    Column::required("account", &forms::ACCOUNT, "The account of the entry that is undone.", "10-000417");
static REVERSED_ON: Column<Day> = Column::required(
    "reversed_on",
    &forms::DATE,
    "The date from which it counts: for a check, the day of its return.",
    "2026-06-03",
);
static REVERSES_SOURCE: Column<String> =
    Column::required("reverses_source", &forms::SOURCE, "The source of the entry that is undone.", "lockbox");
static REVERSES_REFERENCE: Column<String> = Column::required(
    "reverses_reference",
    &forms::REFERENCE,
    "The reference of the entry that is undone.",
    "LB-20260520-0031",
);
static SOURCE: Column<String> =
    Column::required("source", &forms::SOURCE, "The system that the reference belongs to.", "bank");
static REFERENCE: Column<String> = Column::required(
    "reference",
    &forms::REFERENCE,
    "Names this reversal in its source, once and for all.",
    "RET-20260603-0002",
);
static ARREARS_REFERENCE: Column<String> = Column::optional(
    "arrears_reference",
    &forms::REFERENCE,
    "For the reversal of a fee of Arrears' own: the reference under which `arrears fee export` sent it.",
    "ARR-1042",
);
static MEMO: Column<String> =
    Column::optional("memo", &forms::TEXT, "The reason, shown on the statement.", "Insufficient funds");

/// A reversal; its amount is that of the entry which it undoes, and only the books know it.
pub fn row(row: &mut Row) -> Option<NewEntry> {
    let account = row.required(&ACCOUNT);
    let reversed_on = row.required(&REVERSED_ON);
    let reverses_source = row.required(&REVERSES_SOURCE);
    let reverses_reference = row.required(&REVERSES_REFERENCE);
    let source = row.required(&SOURCE);
    let reference = row.required(&REFERENCE);
    let arrears_reference = row.optional(&ARREARS_REFERENCE);
    let memo = row.optional(&MEMO).unwrap_or_default();
    if reference.is_some() && (&source, &reference) == (&reverses_source, &reverses_reference) {
        let why = "the row reverses itself; expected a reference of its own";
        row.error("reference", reference.as_deref(), Problem::DoesNotFit { why });
    }
    Some(NewEntry {
        line: row.line,
        account: account?,
        service: Service::General,
        kind: EntryKind::Reversal,
        amount: Cents::ZERO,
        effective_on: reversed_on?,
        due_on: None,
        printed: BTreeMap::new(),
        channel: None,
        designated_reference: None,
        designated_service: None,
        reverses: Some((reverses_source?, reverses_reference?)),
        source: source?,
        reference: reference?,
        arrears_reference,
        memo,
    })
}
