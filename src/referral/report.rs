//! What a destination is told of debts that it has: payments and corrections since the last report, and what is taken back.

use std::collections::BTreeMap;

use super::spreadsheet::{Table, day, money, number, text};
use crate::domain::placement::{ReportKind, ReportLine};
use crate::domain::{AccountNumber, Cents, ReferralId};

/// Whose debt a referral is, for the reader at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    pub account: AccountNumber,
    pub debtor: String,
    /// Why it was called back.
    pub cause: String,
}

/// One line for each change, in order of referral and line. Recalls are in a file of their own.
#[must_use]
pub fn changes_csv(lines: &[ReportLine], of: &BTreeMap<ReferralId, Reported>) -> Vec<u8> {
    let mut table = Table::new([
        "reference",
        "referral",
        "account",
        "what",
        "on",
        "source",
        "source_reference",
        "amount",
        "balance",
    ]);
    for line in lines.iter().filter(|line| line.kind != ReportKind::Recall) {
        table.line([
            text(line.name()),
            number(line.referral.0),
            text(of.get(&line.referral).map_or("", |of| of.account.as_str())),
            text(line.kind),
            day(line.on),
            text(&line.source),
            text(&line.reference),
            money(line.amount),
            money(line.balance),
        ]);
    }
    table.bytes()
}

/// One line for each debt that the city takes back.
#[must_use]
pub fn recalls_csv(lines: &[ReportLine], of: &BTreeMap<ReferralId, Reported>) -> Vec<u8> {
    let mut table = Table::new(["reference", "referral", "account", "debtor", "recalled_on", "reason", "amount"]);
    for line in lines.iter().filter(|line| line.kind == ReportKind::Recall) {
        let reported = of.get(&line.referral);
        table.line([
            text(line.name()),
            number(line.referral.0),
            text(reported.map_or("", |of| of.account.as_str())),
            text(reported.map_or("", |of| &of.debtor)),
            day(line.on),
            text(reported.map_or("", |of| &of.cause)),
            money(-line.amount),
        ]);
    }
    table.bytes()
}

/// The sum of what changed: below zero where more was paid than came back.
#[must_use]
pub fn total(lines: &[ReportLine]) -> Cents {
    lines.iter().filter(|line| line.kind != ReportKind::Recall).map(|line| line.amount).sum()
}
