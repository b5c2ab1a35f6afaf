//! The packet's tables as CSV, and the statement as JSON: the same facts as the PDF, for programs.
//!
//! Amounts are plain decimals, days ISO dates. See `spreadsheet` for cells that look like formulas.

use serde_json::{Value, json};

use super::input::PacketInput;
use super::limitation::Clock;
use super::plans;
use super::sent::{Sent, sent};
use super::spreadsheet::{Table, day, maybe_day, money, number, text};
use super::statement::{Line, Period, Statement};
use crate::domain::{Cents, Channel};

/// `statement.csv`: a line a ledger entry, with the balance after it.
#[must_use]
pub fn statement_csv(statement: &Statement<'_>) -> Vec<u8> {
    let mut table = Table::new([
        "billing_period",
        "date",
        "recorded_on",
        "service",
        "kind",
        "source",
        "reference",
        "memo",
        "due_on",
        "amount",
        "balance",
        "note",
    ]);
    for (period, line) in lines(statement) {
        let entry = line.entry;
        table.line([
            maybe_day(period.billed_on),
            day(entry.effective_on),
            day(line.recorded_on),
            text(entry.service),
            text(entry.kind),
            text(&entry.source),
            text(&entry.reference),
            text(&entry.memo),
            maybe_day(entry.due_on),
            money(entry.amount),
            money(line.balance),
            text(line.note(ToString::to_string)),
        ]);
    }
    table.bytes()
}

/// `statement.json`: the statement, the open items with their limitation, the aging and the claim.
#[must_use]
pub fn statement_json(input: &PacketInput, statement: &Statement<'_>) -> Value {
    let lines: Vec<Value> = lines(statement)
        .map(|(period, line)| {
            let entry = line.entry;
            json!({
                "billing_period": period.billed_on,
                "date": entry.effective_on,
                "recorded_on": line.recorded_on,
                "service": entry.service,
                "kind": entry.kind,
                "source": entry.source,
                "reference": entry.reference,
                "memo": entry.memo,
                "due_on": entry.due_on,
                "amount": entry.amount.to_plain(),
                "balance": line.balance.to_plain(),
                "note": line.note(ToString::to_string),
            })
        })
        .collect();
    let items: Vec<Value> = statement
        .items
        .iter()
        .map(|line| {
            json!({
                "reference": line.reference,
                "service": line.item.service,
                "kind": line.item.kind,
                "billed_on": line.item.billed_on,
                "due_on": line.item.due_on,
                "amount": line.item.amount.to_plain(),
                "open": line.item.open.to_plain(),
                "days_past_due": line.days_past_due,
                "accrued_on": line.limitation.accrued_on,
                "limitation_last_day": line.limitation.last_day,
                "limitation": match line.clock {
                    Clock::NotAccrued => "not accrued",
                    Clock::Runs(_) => "runs",
                    Clock::Near(_) => "near",
                    Clock::Passed(_) => "passed",
                },
            })
        })
        .collect();
    let aging: Vec<Value> = statement
        .aging
        .rows
        .iter()
        .map(|(service, amounts)| {
            let amounts: Vec<String> = amounts.iter().map(|amount| amount.to_plain()).collect();
            json!({ "service": service.map_or("total", |service| service.word()), "amounts": amounts })
        })
        .collect();
    let claim: Vec<Value> = statement
        .claim
        .rows
        .iter()
        .map(|row| {
            json!({
                "service": row.service,
                "charges": row.charges.to_plain(),
                "fees": row.fees.to_plain(),
                "interest": row.interest.to_plain(),
                "other": row.other.to_plain(),
                "total": row.total().to_plain(),
            })
        })
        .collect();
    json!({
        "account": input.profile.number,
        "customer": input.profile.customer_name,
        "service_address": input.profile.service_address,
        "cut_off": input.cut_off,
        "lines": lines,
        "open_items": items,
        "aging": { "buckets": statement.aging.headings, "rows": aging },
        "claim": {
            "by_service": claim,
            "unapplied_credit": statement.claim.unapplied.to_plain(),
            "past_due": statement.claim.past_due.to_plain(),
            "not_yet_due": statement.claim.not_due.to_plain(),
            "total": statement.claim.total.to_plain(),
        },
    })
}

/// `calls.csv`: a line an attempt.
#[must_use]
pub fn calls_csv(input: &PacketInput) -> Vec<u8> {
    let mut table = Table::new(["date", "time", "by", "phone", "outcome", "conversation", "note"]);
    for call in super::calls(input) {
        table.line([
            day(call.made_on),
            text(&call.at),
            text(&call.by),
            text(&call.phone),
            text(call.outcome),
            text(if call.outcome.is_contact() { "yes" } else { "no" }),
            text(&call.note),
        ]);
    }
    table.bytes()
}

/// `notices.csv`: the index of the notices as sent.
#[must_use]
pub fn notices_csv(input: &PacketInput) -> Vec<u8> {
    let mut table = Table::new([
        "number",
        "sent_on",
        "notice",
        "channel",
        "recipient",
        "addressee",
        "sent_to",
        "languages",
        "statutory",
        "amount",
        "pay_by",
        "proof",
        "served_on",
        "returned_on",
        "delivery",
        "sha256",
        "file",
    ]);
    for piece in sent(input) {
        let notice = piece.notice;
        let languages: Vec<&str> = notice.languages.iter().map(|language| language.word()).collect();
        table.line([
            number(i64::try_from(piece.number).unwrap_or(i64::MAX)),
            day(piece.on),
            text(&notice.template),
            text(notice.channel),
            text(notice.recipient),
            text(&notice.addressee),
            text(sent_to(&piece)),
            text(languages.join(" ")),
            text(if notice.statutory { "yes" } else { "no" }),
            money(notice.facts.amount),
            maybe_day(notice.facts.pay_by),
            text(notice.proof.as_deref().unwrap_or_default()),
            maybe_day(notice.served_on),
            maybe_day(notice.returned_on),
            text(piece.delivery(ToString::to_string)),
            text(notice.document.as_ref().map_or("", |hash| hash.as_str())),
            text(piece.path().unwrap_or_default()),
        ]);
    }
    table.bytes()
}

/// `arrangements.csv`: a line an installment.
#[must_use]
pub fn arrangements_csv(input: &PacketInput) -> Vec<u8> {
    let mut table = Table::new([
        "made_on",
        "made_by",
        "total",
        "state",
        "installment",
        "due_on",
        "last_day_in_time",
        "amount",
        "paid_toward",
        "result",
    ]);
    for plan in plans::plans(input) {
        for (installment, n) in plan.installments.iter().zip(1_i64..) {
            table.line([
                day(plan.arrangement.made_on),
                text(&plan.arrangement.made_by),
                money(plan.arrangement.total()),
                text(plan.state_word(ToString::to_string)),
                number(n),
                day(installment.due_on),
                day(installment.last_day),
                money(installment.amount),
                money(installment.paid),
                text(installment.result.word()),
            ]);
        }
    }
    table.bytes()
}

/// The address, email address or premises to which a piece went.
#[must_use]
pub fn sent_to(piece: &Sent<'_>) -> String {
    let notice = piece.notice;
    match notice.channel {
        Channel::Email => notice.email.clone().unwrap_or_default(),
        Channel::Mail | Channel::Posting | Channel::Hand | Channel::Phone => notice.address.one_line(),
    }
}

/// A credit or debit as two columns: `(charge, credit)`, the other `None`.
#[must_use]
pub fn sides(amount: Cents) -> (Option<Cents>, Option<Cents>) {
    if amount.is_negative() { (None, Some(amount.abs())) } else { (Some(amount), None) }
}

fn lines<'s, 'a>(statement: &'s Statement<'a>) -> impl Iterator<Item = (&'s Period<'a>, &'s Line<'a>)> {
    statement.periods.iter().flat_map(|period| period.lines.iter().map(move |line| (period, line)))
}
