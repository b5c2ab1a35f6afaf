//! Adjustments: corrections by the city in either direction, deposits applied, transfers, write-offs.

use std::collections::BTreeMap;

use super::columns::{Column, Columns, Form, Row};
use super::errors::Problem;
use super::forms::{self, one_of, word_form};
use crate::domain::import::{FileKind, NewEntry};
use crate::domain::petition::{PERIOD_FROM, PERIOD_THROUGH};
use crate::domain::{AccountNumber, Cents, Day, EntryKind, Service};

pub const COLUMNS: Columns = Columns {
    kind: FileKind::Adjustments,
    named: &[
        &ACCOUNT,
        &SERVICE,
        &KIND,
        &AMOUNT,
        &ADJUSTED_ON,
        &DUE_ON,
        &FOR_REFERENCE,
        &SERVICE_FROM,
        &SERVICE_THROUGH,
        &SOURCE,
        &REFERENCE,
        &ARREARS_REFERENCE,
        &MEMO,
    ],
    families: &[],
};

const KINDS: &[EntryKind] = &[EntryKind::Adjustment, EntryKind::Deposit, EntryKind::Transfer, EntryKind::WriteOff];
word_form! { KIND_FORM: EntryKind, KINDS }

static ACCOUNT: Column<AccountNumber> =
    Column::required("account", &forms::ACCOUNT, "The account that is adjusted.", "10-000417");
static SERVICE: Column<Service> = Column::optional(
    "service",
    &forms::SERVICE,
    "The service that it concerns: a credit pays that one's debts first. Blank is `general`: the account as a whole.",
    "water",
);
static KIND: Column<EntryKind> =
    Column::optional("kind", &KIND_FORM, "What the adjustment is. Blank is `adjustment`.", "adjustment");
static AMOUNT: Column<Cents> = Column::required(
    "amount",
    &forms::SIGNED_AMOUNT,
    "The effect on what is owed: `-25.00` takes from it, `25.00` adds to it. A deposit or write-off is below zero.",
    "-25.00",
);
static ADJUSTED_ON: Column<Day> =
    Column::required("adjusted_on", &forms::DATE, "The date from which it counts.", "2026-05-12");
static DUE_ON: Column<Day> = Column::optional(
    "due_on",
    &forms::DATE,
    "Only where the amount is above zero: when it is to be paid. Blank: the policy's `due:` rule gives it.",
    "2026-06-12",
);
static FOR_REFERENCE: Column<String> = Column::optional(
    "for_reference",
    &forms::REFERENCE,
    "The reference of the bill that it corrects: a credit pays that one first, and what is added is as old as that one.",
    "B-88120-W",
);
static SERVICE_FROM: Column<Day> = Column::optional(
    "service_from",
    &forms::DATE,
    "Only where the amount is above zero: the first day of service that it is for.",
    "2026-03-01",
);
static SERVICE_THROUGH: Column<Day> = Column::optional(
    "service_through",
    &forms::DATE,
    "The last day of service that it is for. Under a petition in bankruptcy these days say what of it is stayed.",
    "2026-03-31",
);
static SOURCE: Column<String> =
    Column::required("source", &forms::SOURCE, "The system that the reference belongs to.", "cis");
static REFERENCE: Column<String> =
    Column::required("reference", &forms::REFERENCE, "Names this row in its source, once and for all.", "ADJ-5521");
static ARREARS_REFERENCE: Column<String> = Column::optional(
    "arrears_reference",
    &forms::REFERENCE,
    "For a credit that takes back a fee of Arrears' own: the reference under which `arrears fee export` sent it.",
    "ARR-1042",
);
static MEMO: Column<String> =
    Column::optional("memo", &forms::TEXT, "The reason, shown on the statement.", "Leak adjustment");

/// A correction.
pub fn row(row: &mut Row) -> Option<NewEntry> {
    let account = row.required(&ACCOUNT);
    let service = row.optional(&SERVICE).unwrap_or(Service::General);
    let kind = row.optional(&KIND).unwrap_or(EntryKind::Adjustment);
    let amount = row.required(&AMOUNT);
    let adjusted_on = row.required(&ADJUSTED_ON);
    let due_on = row.optional(&DUE_ON);
    let designated_reference = row.optional(&FOR_REFERENCE);
    let service_from = row.optional(&SERVICE_FROM);
    let service_through = row.optional(&SERVICE_THROUGH);
    let source = row.required(&SOURCE);
    let reference = row.required(&REFERENCE);
    let arrears_reference = row.optional(&ARREARS_REFERENCE);
    let memo = row.optional(&MEMO).unwrap_or_default();

    let amount_text = amount.map(Cents::to_plain);
    let only_credits = matches!(kind, EntryKind::Deposit | EntryKind::WriteOff);
    if only_credits && amount.is_some_and(Cents::is_positive) {
        let why = "a deposit or write-off takes from what is owed; expected an amount below zero, like -25.00";
        row.error("amount", amount_text.as_deref(), Problem::DoesNotFit { why });
    }
    if let Some(due) = due_on {
        if amount.is_some_and(Cents::is_negative) {
            let why = "an amount below zero is never due; expected a blank";
            row.error("due_on", Some(&due.to_string()), Problem::DoesNotFit { why });
        } else if let Some(adjusted) = adjusted_on.filter(|adjusted| due < *adjusted) {
            let problem = Problem::BeforeOther { other: "adjusted_on", other_value: adjusted.to_string() };
            row.error("due_on", Some(&due.to_string()), problem);
        }
    }
    let mut printed = BTreeMap::new();
    match (service_from, service_through) {
        (Some(from), Some(through)) if through < from => {
            let problem = Problem::BeforeOther { other: "service_from", other_value: from.to_string() };
            row.error("service_through", Some(&through.to_string()), problem);
        }
        (Some(from), Some(through)) => {
            printed.insert(PERIOD_FROM.to_owned(), from);
            printed.insert(PERIOD_THROUGH.to_owned(), through);
        }
        (Some(_), None) | (None, Some(_)) => {
            let (blank, given) = if service_from.is_some() {
                ("service_through", service_from)
            } else {
                ("service_from", service_through)
            };
            let why = "both days of service are known, or neither; expected a date, or a blank in both";
            row.error(blank, given.map(|day| day.to_string()).as_deref(), Problem::DoesNotFit { why });
        }
        (None, None) => {}
    }
    Some(NewEntry {
        line: row.line,
        account: account?,
        service,
        kind,
        amount: amount?,
        effective_on: adjusted_on?,
        due_on,
        printed,
        channel: None,
        designated_reference,
        // As with a payment: what is given for one service pays that one first.
        designated_service: Some(service)
            .filter(|_| amount.is_some_and(Cents::is_negative) && service != Service::General),
        reverses: None,
        source: source?,
        reference: reference?,
        arrears_reference,
        memo,
    })
}
