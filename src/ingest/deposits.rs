//! Deposits: what the billing system holds until service ends. They post nothing until then.

use std::collections::BTreeMap;

use super::columns::{Column, Columns, Row};
use super::errors::{FileErrors, Problem};
use super::forms;
use crate::domain::deposit::NewDeposit;
use crate::domain::import::FileKind;
use crate::domain::{AccountNumber, Cents, Day};

pub const COLUMNS: Columns = Columns {
    kind: FileKind::Deposits,
    named: &[&ACCOUNT, &DEPOSIT, &INTEREST, &RECEIVED_ON, &RETURNED_ON, &SOURCE, &REFERENCE],
    families: &[],
};

static ACCOUNT: Column<AccountNumber> =
    Column::required("account", &forms::ACCOUNT, "The account for which it is held.", "10-000417");
static DEPOSIT: Column<Cents> =
    Column::required("deposit", &forms::AMOUNT, "What the customer paid in, above zero.", "150.00");
static INTEREST: Column<Cents> = Column::optional(
    "interest",
    &forms::BALANCE,
    "What it has borne, which is the customer's too. Blank is none; it may grow from file to file.",
    "4.20",
);
static RECEIVED_ON: Column<Day> =
    Column::required("received_on", &forms::DATE, "The day on which it was paid in.", "2019-08-01");
static RETURNED_ON: Column<Day> = Column::optional(
    "returned_on",
    &forms::DATE,
    "The day on which it was given back to the customer. Blank: it is held.",
    "2021-08-02",
);
static SOURCE: Column<String> =
    Column::required("source", &forms::SOURCE, "The system that the reference belongs to.", "cis");
static REFERENCE: Column<String> =
    Column::required("reference", &forms::REFERENCE, "Names this deposit in its source, once and for all.", "D-2071");

/// A deposit.
pub fn row(row: &mut Row) -> Option<NewDeposit> {
    let account = row.required(&ACCOUNT);
    let amount = row.required(&DEPOSIT);
    let interest = row.optional(&INTEREST).unwrap_or(Cents::ZERO);
    let received_on = row.required(&RECEIVED_ON);
    let returned_on = row.optional(&RETURNED_ON);
    let source = row.required(&SOURCE);
    let reference = row.required(&REFERENCE);
    if interest.is_negative() {
        let why = "interest takes nothing from a deposit; expected zero or more, like 4.20";
        row.error(INTEREST.name, Some(&interest.to_plain()), Problem::DoesNotFit { why });
    }
    if let (Some(received), Some(returned)) = (received_on, returned_on)
        && returned < received
    {
        let problem = Problem::BeforeOther { other: RECEIVED_ON.name, other_value: received.to_string() };
        row.error(RETURNED_ON.name, Some(&returned.to_string()), problem);
    }
    let line = row.line;
    Some(NewDeposit {
        line,
        account: account?,
        amount: amount?,
        interest,
        received_on: received_on?,
        returned_on,
        source: source?,
        reference: reference?,
    })
}

/// Reports a deposit that stands in the file twice.
pub fn report_repeats(deposits: &[NewDeposit], errors: &mut FileErrors) {
    let mut first: BTreeMap<(&str, &str), &NewDeposit> = BTreeMap::new();
    for deposit in deposits {
        let before = first.entry((&deposit.source, &deposit.reference)).or_insert(deposit);
        if before.line != deposit.line {
            let differs = "the deposit stands there already".to_owned();
            let problem = Problem::Repeated { first_line: before.line, differs };
            errors.add(deposit.line, Some(REFERENCE.name), Some(&deposit.reference), problem);
        }
    }
}
