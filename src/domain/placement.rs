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
use super::ids::{EntryId, HoldId, ItemId, ReferralId};
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

/// A debt that a destination gives back, as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReturn {
    /// The line in its file, from 1.
    pub line: u32,
    pub referral: ReferralId,
    pub on: Day,
    pub reason: ReturnReason,
    pub note: String,
    /// Why the account is held on what it says of the debtor, and what a person is told of it: no word of the file, but what the
    /// office makes of it.
    pub hold: Option<String>,
    pub tell: Option<String>,
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
    /// The business date on which that was recorded: until then it counted as out. None in what was recorded before this
    /// was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_on: Option<Day>,
    /// What the destination said of the debtor after the debt had been called back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<ReturnReason>,
    /// The hold that stands for what the destination said of the debtor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
}

impl PlacementEnd {
    /// The first day on which the city could act about the debt again.
    #[must_use]
    pub fn free_from(&self) -> Day {
        self.recorded_on.map_or(self.on, |recorded| recorded.max(self.on))
    }
}

/// Debts of an account that are out, or were, as decisions see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    pub referral: ReferralId,
    pub to: Destination,
    pub on: Day,
    pub items: BTreeSet<ItemId>,
    /// The first day on which the city could act about them again; none while they are out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_on: Option<Day>,
    /// Why the destination gave them back by itself; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnReason>,
}

impl Placed {
    /// Whether they were out as `day` ended.
    #[must_use]
    pub fn was_out_on(&self, day: Day) -> bool {
        self.on <= day && self.back_on.is_none_or(|back| day < back)
    }
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
    /// The open items of the books, placed now: those that a referral is about.
    #[must_use]
    pub fn of(books: &Books, entries: &[Entry], at: DateTime<Utc>) -> Self {
        let debts: Vec<PlacedDebt> =
            books.items.iter().map(|item| PlacedDebt { item: item.id, amount: item.amount, open: item.open }).collect();
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
        ordered
            .sort_by_key(|(entry, undone)| undone.map_or((entry.effective_on, entry.id), |u| (u.effective_on, u.id)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::{ApplicationOrder, settle};
    use crate::domain::testing::{self, day};

    fn entry(id: i64, kind: EntryKind, cents: i64, on: &str) -> Entry {
        let due_on = (cents > 0 && kind != EntryKind::Reversal).then(|| day(on));
        let (source, reference) = ("agency".into(), format!("E{id}"));
        Entry { source, reference, ..testing::entry(id, kind, cents, day(on), due_on) }
    }

    fn undoing(id: i64, of: i64, cents: i64, on: &str) -> Entry {
        Entry { reverses: Some(EntryId(of)), ..entry(id, EntryKind::Reversal, cents, on) }
    }

    /// What is told next, as kind, amount and balance; and it is told.
    fn tell(placement: &Placement, entries: &[Entry], told: &mut Vec<ReportLine>) -> Vec<(ReportKind, i64, i64)> {
        let books = settle(entries, &ApplicationOrder::default(), &[], day("2026-12-31"));
        let lines = placement.untold(ReferralId(7), entries, &books.applications, told);
        let said = lines.iter().map(|line| (line.kind, line.amount.get(), line.balance.get())).collect();
        let out = placement.items();
        let left: Cents = books.items.iter().filter(|item| out.contains(&item.id)).map(|item| item.open).sum();
        assert_eq!(placement.balance(entries, &books.applications), left, "what the ledger has left");
        told.extend(lines);
        assert_eq!(told.last().map_or(placement.amount, |line| line.balance), left);
        said
    }

    #[test]
    fn each_change_is_told_once_and_a_payment_that_comes_back_is_told_again() {
        let mut entries =
            vec![entry(1, EntryKind::Charge, 22_420, "2026-03-02"), entry(2, EntryKind::Payment, -2_420, "2026-04-01")];
        let books = settle(&entries, &ApplicationOrder::default(), &[], day("2026-09-22"));
        let placement = Placement::of(&books, &entries, DateTime::UNIX_EPOCH);
        assert_eq!(placement.amount, Cents::new(20_000));
        let mut told = Vec::new();
        assert_eq!(tell(&placement, &entries, &mut told), []);
        entries.push(entry(3, EntryKind::Payment, -10_000, "2026-10-05"));
        assert_eq!(tell(&placement, &entries, &mut told), [(ReportKind::Payment, -10_000, 10_000)]);
        assert_eq!(tell(&placement, &entries, &mut told), [], "told once");
        entries.push(undoing(4, 3, 10_000, "2026-10-20"));
        assert_eq!(tell(&placement, &entries, &mut told), [(ReportKind::PaymentReversed, 10_000, 20_000)]);
        assert_eq!((told[1].name(), told[1].reference.as_str()), ("R7-2".to_owned(), "E4"));
        // The payment of before the placement comes back, too.
        entries.push(undoing(5, 2, 2_420, "2026-11-01"));
        assert_eq!(tell(&placement, &entries, &mut told), [(ReportKind::PaymentReversed, 2_420, 22_420)]);
        entries.push(entry(6, EntryKind::Adjustment, -420, "2026-11-02"));
        assert_eq!(tell(&placement, &entries, &mut told), [(ReportKind::Adjustment, -420, 22_000)]);
    }

    #[test]
    fn only_what_pays_the_placed_debts_is_told_and_a_bill_that_is_taken_back_lowers_the_balance() {
        let mut entries =
            vec![entry(1, EntryKind::Charge, 10_000, "2026-03-02"), entry(2, EntryKind::Charge, 5_000, "2026-04-02")];
        let books = settle(&entries, &ApplicationOrder::default(), &[], day("2026-09-22"));
        let placement = Placement::of(&books, &entries, DateTime::UNIX_EPOCH);
        entries.push(entry(3, EntryKind::Charge, 7_000, "2026-10-02"));
        entries.push(entry(4, EntryKind::Payment, -18_000, "2026-10-05"));
        let mut told = Vec::new();
        assert_eq!(
            tell(&placement, &entries, &mut told),
            [(ReportKind::Payment, -15_000, 0)],
            "3,000 paid the new bill"
        );
        entries.push(undoing(5, 2, -5_000, "2026-10-07"));
        // The bill falls, and what paid it pays the new one: at the destination nothing is left as before.
        let said = tell(&placement, &entries, &mut told);
        assert_eq!(said.iter().map(|(_, amount, _)| amount).sum::<i64>(), 0, "{said:?}");
        assert_eq!(said.last().map(|(.., balance)| *balance), Some(0));
    }
}
