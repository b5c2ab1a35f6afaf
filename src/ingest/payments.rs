//! Payments: money received, by channel, with control records. Those that match no account go to the unmatched list.

use std::collections::BTreeMap;

use super::columns::{Column, Columns, Row};
use super::errors::Problem;
use super::forms;
use crate::domain::import::{FileKind, NewEntry};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{AccountNumber, Cents, Day, EntryKind, Service};

pub const COLUMNS: Columns = Columns {
    kind: FileKind::Payments,
    named: &[
        &ACCOUNT,
        &AMOUNT,
        &RECEIVED_ON,
        &CHANNEL,
        &FOR_SERVICE,
        &FOR_REFERENCE,
        &SOURCE,
        &REFERENCE,
        &COMMISSION,
        &MEMO,
    ],
    families: &[],
};

static ACCOUNT: Column<AccountNumber> = Column::required(
    "account",
    &forms::ACCOUNT,
    "The account as the payer or the bank gave it. One that is not known puts the payment on the unmatched list.",
    "10-000417",
);
static AMOUNT: Column<Cents> = Column::required("amount", &forms::AMOUNT, "What was received, above zero.", "154.00");
static RECEIVED_ON: Column<Day> = Column::required(
    "received_on",
    &forms::DATE,
    "The date that counts for timeliness: lockbox deposit, counter receipt, online authorization.",
    "2026-05-20",
);
static CHANNEL: Column<PaymentChannel> =
    Column::required("channel", &forms::CHANNEL, "The way by which the money came in.", "lockbox");
static FOR_SERVICE: Column<Service> = Column::optional(
    "for_service",
    &forms::SERVICE,
    "The service that the payer designated it to. Blank: the policy's order of application.",
    "water",
);
static FOR_REFERENCE: Column<String> = Column::optional(
    "for_reference",
    &forms::REFERENCE,
    "The reference of the charge that the payer designated it to.",
    "B-88120-W",
);
static SOURCE: Column<String> =
    Column::required("source", &forms::SOURCE, "The system that the reference belongs to.", "lockbox");
static REFERENCE: Column<String> = Column::required(
    "reference",
    &forms::REFERENCE,
    "Names this payment in its source, once and for all.",
    "LB-20260520-0031",
);
static COMMISSION: Column<Cents> = Column::optional(
    "commission",
    &forms::AMOUNT,
    "What an agency kept of the amount. The customer is credited with the whole amount; the memo says what was withheld.",
    "25.00",
);
static MEMO: Column<String> = Column::optional("memo", &forms::TEXT, "Shown on the statement.", "Check 1187");

/// A payment; its effect on the balance is negative.
pub fn row(row: &mut Row) -> Option<NewEntry> {
    let account = row.required(&ACCOUNT);
    let amount = row.required(&AMOUNT);
    let received_on = row.required(&RECEIVED_ON);
    let channel = row.required(&CHANNEL);
    let designated_service = row.optional(&FOR_SERVICE);
    let designated_reference = row.optional(&FOR_REFERENCE);
    let source = row.required(&SOURCE);
    let reference = row.required(&REFERENCE);
    let commission = row.optional(&COMMISSION);
    if let (Some(amount), Some(commission)) = (amount, commission)
        && commission >= amount
    {
        let why = "an agency keeps a part of what it collected; expected less than the amount";
        row.error("commission", Some(&commission.to_plain()), Problem::DoesNotFit { why });
    }
    let memo = with_commission(row.optional(&MEMO).unwrap_or_default(), amount, commission);
    Some(NewEntry {
        line: row.line,
        account: account?,
        service: designated_service.unwrap_or(Service::General),
        kind: EntryKind::Payment,
        amount: -amount?,
        effective_on: received_on?,
        due_on: None,
        printed: BTreeMap::new(),
        channel: Some(channel?),
        designated_reference,
        designated_service,
        reverses: None,
        source: source?,
        reference: reference?,
        arrears_reference: None,
        memo,
    })
}

/// The memo with what was withheld: the customer paid the whole, and the books say where the rest is.
fn with_commission(memo: String, amount: Option<Cents>, commission: Option<Cents>) -> String {
    let (Some(amount), Some(commission)) = (amount, commission) else { return memo };
    let withheld = format!("{commission} commission withheld, {} remitted", amount - commission);
    if memo.is_empty() { withheld } else { format!("{memo}; {withheld}") }
}
