//! A placement: the debts that are out with a destination, and what has become of them since.
//!
//! The balance there is what was placed, and every change to those debts since: payments and credits by what of them went
//! to the placed debts, corrections of the bills themselves. All is computed from the ledger, so that a payment which is
//! returned is told as its payment was.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::Day;
use super::ids::{EntryId, ItemId, ReferralId};
use super::ledger::{Application, Books, Entry, EntryKind};
use super::money::Cents;
use super::referral::Destination;

words! {
    /// Why a destination gave a debt back.
    ReturnReason {
        Uncollectable = "uncollectable",
        Paid = "paid",
        Bankrupt = "bankrupt",
        Deceased = "deceased",
        /// The debtor was not found.
        Skip = "skip",
        Disputed = "disputed",
        /// The destination closed its file for a reason of its own.
        Closed = "closed",
    }
}

words! {
    /// What a line tells a destination.
    ReportKind {
        Payment = "payment",
        /// The payment came back: the debt stands again.
        PaymentReversed = "payment_reversed",
        /// Any other credit, a correction of a bill, or what takes one back.
        Adjustment = "adjustment",
        /// The city takes the debt back.
        Recall = "recall",
    }
}

/// Debts as they were placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    pub at: DateTime<Utc>,
    /// What was placed.
    pub amount: Cents,
    pub debts: Vec<PlacedDebt>,
    /// What had been paid on them by then, by credit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paid_before: Vec<(EntryId, Cents)>,
    /// When they came back: called back, or returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<PlacementEnd>,
}

/// One debt of a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedDebt {
    pub item: ItemId,
    /// As posted.
    pub amount: Cents,
    /// What was open of it.
    pub open: Cents,
}

/// How a placement ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementEnd {
    pub at: DateTime<Utc>,
    pub on: Day,
    /// The destination's reason, where it gave the debt back by itself.
    pub returned: Option<ReturnReason>,
}

/// Debts of an account that are out, as decisions see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    pub referral: ReferralId,
    pub to: Destination,
    pub on: Day,
    pub items: BTreeSet<ItemId>,
}

/// One line of a report to a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLine {
    pub referral: ReferralId,
    /// The how manieth line of its referral, from 1: with the referral its reference, once and for all.
    pub n: u32,
    pub kind: ReportKind,
    /// The ledger entry that it tells of; none for a recall.
    pub entry: Option<EntryId>,
    /// The entry's source and reference.
    pub source: String,
    pub reference: String,
    /// The day that counts.
    pub on: Day,
    /// The signed effect on the balance at the destination.
    pub amount: Cents,
    /// The balance at the destination with this line.
    pub balance: Cents,
}

impl ReportLine {
    /// `R12-3`: the third line of referral 12.
    #[must_use]
    pub fn name(&self) -> String {
        format!("R{}-{}", self.referral, self.n)
    }
}

impl Placement {
    /// What is open of an account, placed now.
    #[must_use]
    pub fn of(books: &Books, entries: &[Entry], at: DateTime<Utc>) -> Self {
        let debts: Vec<PlacedDebt> = books
            .items
            .iter()
            .map(|item| PlacedDebt { item: item.id, amount: item.amount, open: item.open })
            .collect();
        let amount = debts.iter().map(|debt| debt.open).sum();
        let mut placement = Self { at, amount, debts, paid_before: Vec::new(), ended: None };
        placement.paid_before = placement.paid_on(&books.applications, entries).into_iter().collect();
        placement
    }

    /// The debts' keys.
    #[must_use]
    pub fn items(&self) -> BTreeSet<ItemId> {
        self.debts.iter().map(|debt| debt.item).collect()
    }

    /// The signed effect on the placed debts of each entry, where it has one: a credit by what of it pays them now beyond
    /// what it did when they were placed; a bill that was reversed by its amount.
    #[must_use]
    pub fn changes(&self, entries: &[Entry], applications: &[Application]) -> BTreeMap<EntryId, Cents> {
        let mut changes: BTreeMap<EntryId, Cents> = BTreeMap::new();
        for (credit, paid) in self.paid_on(applications, entries) {
            *changes.entry(credit).or_default() -= paid;
        }
        for (credit, paid) in &self.paid_before {
            *changes.entry(*credit).or_default() += *paid;
        }
        for debt in &self.debts {
            if entries.iter().any(|entry| entry.reverses == Some(debt.item)) {
                *changes.entry(debt.item).or_default() -= debt.amount;
            }
        }
        changes.retain(|_, change| !change.is_zero());
        changes
    }

    /// What is owed of the placed debts by the ledger as it is.
    #[must_use]
    pub fn balance(&self, entries: &[Entry], applications: &[Application]) -> Cents {
        self.amount + self.changes(entries, applications).values().copied().sum()
    }

    /// The lines that a destination has not been told yet. `told` are those that it has.
    #[must_use]
    pub fn untold(
        &self,
        referral: ReferralId,
        entries: &[Entry],
        applications: &[Application],
        told: &[ReportLine],
    ) -> Vec<ReportLine> {
        let changes = self.changes(entries, applications);
        let mut known: BTreeMap<EntryId, Cents> = BTreeMap::new();
        for line in told {
            if let Some(entry) = line.entry {
                *known.entry(entry).or_default() += line.amount;
            }
        }
        let mut balance = self.amount + told.iter().map(|line| line.amount).sum();
        let mut n = told.iter().map(|line| line.n).max().unwrap_or(0);
        let mut lines = Vec::new();
        // In the order of the ledger; what undoes an entry is told as of its own day.
        let mut ordered: Vec<(&Entry, Option<&Entry>)> = entries
            .iter()
            .filter(|entry| changes.contains_key(&entry.id) || known.contains_key(&entry.id))
            .map(|entry| (entry, entries.iter().find(|other| other.reverses == Some(entry.id))))
            .collect();
        ordered.sort_by_key(|(entry, undone)| undone.map_or((entry.effective_on, entry.id), |u| (u.effective_on, u.id)));
        for (entry, undone) in ordered {
            let now = changes.get(&entry.id).copied().unwrap_or_default();
            let amount = now - known.get(&entry.id).copied().unwrap_or_default();
            if amount.is_zero() {
                continue;
            }
            balance += amount;
            n += 1;
            let shown = undone.unwrap_or(entry);
            let kind = match (entry.kind, undone) {
                (EntryKind::Payment, None) => ReportKind::Payment,
                (EntryKind::Payment, Some(_)) => ReportKind::PaymentReversed,
                (
                    EntryKind::Charge
                    | EntryKind::Fee
                    | EntryKind::Interest
                    | EntryKind::Adjustment
                    | EntryKind::Deposit
                    | EntryKind::Transfer
                    | EntryKind::Reversal
                    | EntryKind::WriteOff,
                    _,
                ) => ReportKind::Adjustment,
            };
            lines.push(ReportLine {
                referral,
                n,
                kind,
                entry: Some(entry.id),
                source: shown.source.clone(),
                reference: shown.reference.clone(),
                on: shown.effective_on,
                amount,
                balance,
            });
        }
        lines
    }

    /// What each credit pays of the placed debts. One that a reversal undoes pays nothing.
    fn paid_on(&self, applications: &[Application], entries: &[Entry]) -> BTreeMap<EntryId, Cents> {
        let items = self.items();
        let undone: BTreeSet<EntryId> = entries.iter().filter_map(|entry| entry.reverses).collect();
        let mut paid: BTreeMap<EntryId, Cents> = BTreeMap::new();
        for part in applications.iter().filter(|part| items.contains(&part.debt) && !undone.contains(&part.credit)) {
            *paid.entry(part.credit).or_default() += part.amount;
        }
        paid
    }
}
