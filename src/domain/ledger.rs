//! The ledger: append-only entries, and how credits are applied to debts.
//!
//! [`settle`] replays an account's entries from the first to the last each time. Nothing is stored that could
//! drift: the open items kept in the database are a projection of this function and can be rebuilt from it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::account::{Service, words};
use super::day::Day;
use super::ids::{AccountId, EntryId, ItemId};
use super::money::Cents;
use super::petition::shares_before;

words! {
    /// What an entry is.
    EntryKind {
        Charge = "charge",
        /// A penalty or service fee; those that Arrears posts have the source `arrears`.
        Fee = "fee",
        Interest = "interest",
        Payment = "payment",
        /// A correction by the city, in either direction.
        Adjustment = "adjustment",
        /// A deposit applied to the account.
        Deposit = "deposit",
        Transfer = "transfer",
        /// Undoes one earlier entry entirely: a returned check, a waived fee.
        Reversal = "reversal",
        WriteOff = "write_off",
    }
}

words! {
    /// The way by which money came in. Each has a watermark, "loaded through".
    PaymentChannel {
        Lockbox = "lockbox",
        Counter = "counter",
        Online = "online",
        Autopay = "autopay",
        /// Collected by an agency, and remitted.
        Agency = "agency",
    }
}

impl PaymentChannel {
    /// Whether its payments must be loaded through the day before anybody is shut off. An agency has debts that nobody is
    /// shut off for, and remits by the month.
    #[must_use]
    pub const fn is_awaited(self) -> bool {
        match self {
            Self::Lockbox | Self::Counter | Self::Online | Self::Autopay => true,
            Self::Agency => false,
        }
    }
}

/// The source of what Arrears posts by itself: fees, and what takes them back.
pub const OWN_SOURCE: &str = "arrears";

/// One line of an account's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: EntryId,
    pub account: AccountId,
    pub service: Service,
    pub kind: EntryKind,
    /// The signed effect on the balance: debts positive, credits negative.
    pub amount: Cents,
    /// The date that counts: billed, received, posted.
    pub effective_on: Day,
    /// When a debt is to be paid; `None` on credits.
    pub due_on: Option<Day>,
    /// Further dates printed on the bill, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub printed: BTreeMap<String, Day>,
    /// The debt that a payment was designated to; the rest follows the usual order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub designated_item: Option<ItemId>,
    /// The service that a payment was designated to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub designated_service: Option<Service>,
    /// The entry that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<EntryId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<PaymentChannel>,
    /// The system that the entry comes from; with `reference` it is unique.
    pub source: String,
    pub reference: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub memo: String,
    /// When we learned of it.
    pub recorded_at: DateTime<Utc>,
}

impl Entry {
    /// Whether the entry makes the customer owe more. Reversals are neither: they undo.
    #[must_use]
    pub fn is_debt(&self) -> bool {
        self.kind != EntryKind::Reversal && self.amount.is_positive()
    }

    /// Whether the entry pays debts. Reversals are neither: they undo.
    #[must_use]
    pub fn is_credit(&self) -> bool {
        self.kind != EntryKind::Reversal && self.amount.is_negative()
    }
}

/// A debt less the credits applied to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItem {
    pub id: ItemId,
    pub service: Service,
    pub kind: EntryKind,
    /// The debt as posted.
    pub amount: Cents,
    /// What is still owed of it; above zero.
    pub open: Cents,
    pub billed_on: Day,
    pub due_on: Day,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub printed: BTreeMap<String, Day>,
}

/// A part of a credit that pays a part of a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub credit: EntryId,
    pub debt: ItemId,
    pub amount: Cents,
    /// The credit's effective date: what counts for timeliness.
    pub on: Day,
    /// The debt's due date.
    pub due_on: Day,
}

/// Where fees stand in the order of application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeRank {
    /// By due date, like any debt.
    #[default]
    AsDue,
    First,
    Last,
}

/// The order in which an undesignated credit pays debts. The default is oldest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationOrder {
    pub fees: FeeRank,
    /// Services paid first to last, before due dates are compared; services not named come last, together.
    pub services: Vec<Service>,
}

/// While an arrangement runs, money pays current charges first, then what the arrangement covers; money that is an installment to the
/// cent the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSpan {
    pub from: Day,
    /// The account's last entry when it was made: money of that day which was known by then has paid what it paid.
    pub known_through: EntryId,
    /// The day on which it was canceled. Money of that day still goes by it: what was paid in the morning is not moved.
    pub until: Option<Day>,
    pub covers: BTreeSet<ItemId>,
    /// The amounts of the installments: money of just such an amount is one of them.
    pub installments: BTreeSet<Cents>,
    /// Covered bills that stand in the place of reversed ones.
    pub carried: Vec<Carried>,
    /// The day of a petition in bankruptcy: until the span's end no money of it or of a later day pays what is of the time through
    /// it, unless it is meant for that very debt; and that part is no open item.
    pub stays: Option<Day>,
    /// The day on which what is stayed was discharged: a write-off from then on is of the stayed part.
    pub discharged: Option<Day>,
    /// Corrections that are not of the time through the petition, for a person has said so.
    pub of_after: BTreeSet<EntryId>,
}

/// A bill that took the place of one which the billing system reversed, under an arrangement that covered that one.
///
/// Money pays it as it paid the first: from that one's day on, and where it was designated to that one. Otherwise what had
/// been paid in time would go to younger bills for the days between, and installments would be missed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    pub of: ItemId,
    pub to: ItemId,
    /// The day on which the first counted.
    pub since: Day,
}

impl PlanSpan {
    /// The day of the petition, while its stay stands on `day`.
    fn stay_on(&self, day: Day) -> Option<Day> {
        self.stays.filter(|petition_on| *petition_on <= day && self.until.is_none_or(|last| day <= last))
    }

    fn directs(&self, credit: &Entry) -> bool {
        let on = credit.effective_on;
        let since = on > self.from || (on == self.from && credit.id > self.known_through);
        since && self.until.is_none_or(|end| on <= end)
    }
}

/// What of a write-off writes nothing off: its debt was paid after all, or taken back.
///
/// It is nobody's money. It pays no other debt, and stands until the write-off is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleWriteOff {
    pub write_off: EntryId,
    /// The debt that it was for, where it names one.
    pub item: Option<ItemId>,
    /// Above zero.
    pub left: Cents,
    /// Whether it was posted here; else it is the billing system's to take back.
    pub is_own: bool,
}

/// An account's ledger replayed up to a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Debts with something left to pay, oldest due first.
    pub items: Vec<OpenItem>,
    pub applications: Vec<Application>,
    /// Credit that no debt has taken yet; zero or more. What is left over of write-offs is no part of it.
    pub unapplied: Cents,
    /// Write-offs that write off less than they say, in the order of their entries.
    pub idle: Vec<IdleWriteOff>,
    /// The parts of debts that a petition in bankruptcy stays: owed, and not to be asked for. Their `open` is no part of
    /// that of `items`. Oldest due first.
    pub stayed: Vec<OpenItem>,
    /// What can be asked for: the sum of the items' open amounts less what is unapplied. With what is stayed, and
    /// less what is left over of write-offs, it is the sum of all debts less all credits.
    pub balance: Cents,
}

/// Replays `entries` that are effective on or before `as_of`.
///
/// Credits are applied in the order in which they became effective, each to the debts that stood then: to the
/// designated debt or service first, else by `order`; what is left over waits for the debts of the next day that brings
/// some, and is applied to them in the same way. A write-off is no money: it pays the debt that it names, or one that
/// was billed by its day where it names none, and what is left of it pays nothing. An entry that a reversal undoes is taken out altogether, with everything it paid: the debts return at their original due dates.
#[must_use]
pub fn settle(entries: &[Entry], order: &ApplicationOrder, plans: &[PlanSpan], as_of: Day) -> Books {
    let known: Vec<&Entry> = entries.iter().filter(|entry| entry.effective_on <= as_of).collect();
    let undone: BTreeSet<EntryId> = known.iter().filter_map(|entry| entry.reverses).collect();
    let mut standing: Vec<&Entry> =
        known.into_iter().filter(|entry| entry.reverses.is_none() && !undone.contains(&entry.id)).collect();
    let carried: Vec<&Carried> = plans.iter().flat_map(|plan| &plan.carried).collect();
    let place = |entry: &Entry| {
        carried.iter().find(|carried| carried.to == entry.id).map_or(entry.effective_on, |carried| carried.since)
    };
    standing.sort_by_key(|entry| (place(entry), entry.is_credit(), entry.id));

    let mut replay = Replay {
        order,
        plans,
        on: Day::MIN,
        open: BTreeMap::new(),
        before: plans
            .iter()
            .map(|plan| plan.stays.map_or_else(BTreeMap::new, |on| shares_before(&standing, on, &plan.of_after)))
            .collect(),
        waiting: Vec::new(),
        applications: Vec::new(),
    };
    for day in standing.chunk_by(|one, other| place(one) == place(other)) {
        replay.on = day.first().map_or(Day::MIN, |entry| place(entry));
        let (debts, credits) = day.split_at(day.partition_point(|entry| !entry.is_credit()));
        replay.take_debts(debts);
        for credit in credits {
            replay.take_credit(credit, credit.amount.abs());
        }
    }
    replay.on = as_of;
    // What waited under a stay that has ended pays the debts that returned.
    if plans.iter().any(|plan| plan.stays.is_some() && plan.until.is_some_and(|last| last < as_of)) {
        replay.take_waiting();
    }
    let stayed = replay.split_stayed();
    let (write_offs, money): (Vec<_>, Vec<_>) =
        replay.waiting.into_iter().partition(|(credit, _)| credit.kind == EntryKind::WriteOff);
    let unapplied = money.iter().map(|(_, left)| *left).sum();
    let mut idle: Vec<IdleWriteOff> = write_offs
        .into_iter()
        .map(|(credit, left)| IdleWriteOff {
            write_off: credit.id,
            item: credit.designated_item,
            left,
            is_own: credit.source == OWN_SOURCE,
        })
        .collect();
    idle.sort_by_key(|idle| idle.write_off);
    let mut items: Vec<OpenItem> = replay.open.into_values().filter(|item| item.open.is_positive()).collect();
    items.sort_by_key(|item| (item.due_on, item.id));
    let all: Cents = standing.iter().map(|entry| entry.amount).sum();
    let left_over: Cents = idle.iter().map(|idle| idle.left).sum();
    let balance = all + left_over - stayed.iter().map(|item| item.open).sum::<Cents>();
    Books { items, applications: replay.applications, unapplied, idle, stayed, balance }
}

struct Replay<'a> {
    order: &'a ApplicationOrder,
    plans: &'a [PlanSpan],
    /// The day that is replayed.
    on: Day,
    open: BTreeMap<ItemId, OpenItem>,
    /// What of each debt is of the time through a petition and not paid, for each of the plans.
    before: Vec<BTreeMap<ItemId, Cents>>,
    /// Credits that no debt has taken, in the order in which they became effective, and what is left of each.
    waiting: Vec<(&'a Entry, Cents)>,
    applications: Vec<Application>,
}

impl<'a> Replay<'a> {
    /// Opens the debts of a day together, and only then applies what waits: neither their order in a file nor their
    /// numbers say which of them is paid first.
    fn take_debts(&mut self, debts: &[&Entry]) {
        if debts.is_empty() {
            return;
        }
        for entry in debts.iter().filter(|entry| entry.is_debt()) {
            self.open.insert(
                entry.id,
                OpenItem {
                    id: entry.id,
                    service: entry.service,
                    kind: entry.kind,
                    amount: entry.amount,
                    open: entry.amount,
                    billed_on: entry.effective_on,
                    due_on: entry.due_on.unwrap_or(entry.effective_on),
                    printed: entry.printed.clone(),
                },
            );
        }
        self.take_waiting();
    }

    fn take_waiting(&mut self) {
        for (credit, left) in std::mem::take(&mut self.waiting) {
            self.take_credit(credit, left);
        }
    }

    /// What of a debt is stayed on the day that is replayed.
    fn stayed_of(&self, debt: ItemId) -> Cents {
        let standing = self.plans.iter().zip(&self.before).filter(|(plan, _)| plan.stay_on(self.on).is_some());
        standing.filter_map(|(_, before)| before.get(&debt).copied()).max().unwrap_or(Cents::ZERO)
    }

    /// Takes what is stayed out of the open debts.
    fn split_stayed(&mut self) -> Vec<OpenItem> {
        let mut stayed = Vec::new();
        let ids: Vec<ItemId> = self.open.keys().copied().collect();
        for id in ids {
            let part = self.stayed_of(id);
            let Some(item) = self.open.get_mut(&id) else { continue };
            let part = part.min(item.open);
            if part.is_positive() {
                stayed.push(OpenItem { open: part, ..item.clone() });
                item.open -= part;
            }
        }
        stayed.sort_by_key(|item| (item.due_on, item.id));
        stayed
    }

    /// Applies `left` of a credit to the debts that stand; what no debt takes waits.
    fn take_credit(&mut self, credit: &'a Entry, mut left: Cents) {
        for item in self.in_order(credit) {
            if left.is_zero() {
                return;
            }
            left = self.pay(credit, item, left);
        }
        if left.is_positive() {
            self.waiting.push((credit, left));
        }
    }

    /// Applies what it can of `left` to one debt and returns the rest.
    ///
    /// Of a debt that a petition splits, money and credits pay the part that is asked for; what is stayed only where they are
    /// meant for that very debt and exceed it. A write-off behind the discharge is of the stayed part. A deposit pays
    /// nothing that is stayed: that would be a setoff, which takes the court's leave (11 USC 362(a)(7), 553).
    fn pay(&mut self, credit: &Entry, debt: ItemId, left: Cents) -> Cents {
        let stayed = self.stayed_of(debt);
        let may_pay_stayed = self.designated(credit) == Some(debt) && credit.kind != EntryKind::Deposit;
        let writes_off_discharged = credit.kind == EntryKind::WriteOff && self.is_discharged();
        let Some(item) = self.open.get_mut(&debt) else { return left };
        let due_on = item.due_on;
        let asked_for = (item.open - stayed).max(Cents::ZERO);
        let paid = if may_pay_stayed { item.open } else { asked_for }.min(left);
        if paid.is_positive() {
            item.open -= paid;
            // Before a stay began, and since it is over, money pays the time before first.
            let of_before =
                if stayed.is_zero() || writes_off_discharged { paid } else { (paid - asked_for).max(Cents::ZERO) };
            for before in &mut self.before {
                if let Some(part) = before.get_mut(&debt) {
                    // What is left of it is never more than is open.
                    *part = (*part - of_before).max(Cents::ZERO).min(item.open);
                }
            }
            self.applications.push(Application {
                credit: credit.id,
                debt,
                amount: paid,
                on: credit.effective_on,
                due_on,
            });
        }
        left - paid
    }

    /// Whether what is stayed on the day that is replayed has been discharged by it.
    fn is_discharged(&self) -> bool {
        self.plans.iter().any(|plan| {
            plan.stay_on(self.on).is_some() && plan.discharged.is_some_and(|discharged| discharged <= self.on)
        })
    }

    /// The debt that a credit was designated to, or the one that stands in its place.
    fn designated(&self, credit: &Entry) -> Option<ItemId> {
        // A bill that was billed anew twice: in their order.
        self.plans.iter().flat_map(|plan| &plan.carried).fold(credit.designated_item, |item, carried| {
            if item == Some(carried.of) { Some(carried.to) } else { item }
        })
    }

    /// Whether a payment is, to the cent, an installment of an arrangement, and is not the open amount of a bill beside it. Nobody
    /// sends $68.19 by chance: it is what the coupon of the arrangement's letter says.
    fn is_installment(&self, credit: &Entry, covered: &BTreeSet<ItemId>) -> bool {
        let amount = Cents::ZERO - credit.amount;
        let mut plans = self.plans.iter().filter(|plan| plan.directs(credit));
        let mut beside = self.open.values().filter(|item| !covered.contains(&item.id));
        credit.kind == EntryKind::Payment
            && plans.any(|plan| plan.installments.contains(&amount))
            && !beside.any(|item| item.open == amount)
    }

    /// The open debts in the order in which `credit` pays them.
    fn in_order(&self, credit: &Entry) -> Vec<ItemId> {
        let covered: BTreeSet<ItemId> = self
            .plans
            .iter()
            .filter(|plan| plan.directs(credit))
            .flat_map(|plan| plan.covers.iter().copied())
            .collect();
        let is_installment = self.is_installment(credit, &covered);
        let designated = self.designated(credit);
        // A deposit that is for a charge of the final bill pays the whole bill first, and what was billed since.
        let bill = designated
            .filter(|_| credit.kind == EntryKind::Deposit)
            .and_then(|item| self.open.get(&item))
            .map(|item| item.billed_on);
        let is_meant = |item: &&OpenItem| match (credit.kind, designated) {
            (EntryKind::WriteOff, Some(debt)) => item.id == debt,
            (EntryKind::WriteOff, None) => item.billed_on <= credit.effective_on,
            (
                EntryKind::Charge
                | EntryKind::Fee
                | EntryKind::Interest
                | EntryKind::Payment
                | EntryKind::Adjustment
                | EntryKind::Deposit
                | EntryKind::Transfer
                | EntryKind::Reversal,
                _,
            ) => true,
        };
        let mut debts: Vec<&OpenItem> =
            self.open.values().filter(|item| item.open.is_positive()).filter(is_meant).collect();
        debts.sort_by_key(|item| {
            let is_fee = item.kind == EntryKind::Fee;
            let fee_rank = match self.order.fees {
                FeeRank::AsDue => 0,
                FeeRank::First => u8::from(!is_fee),
                FeeRank::Last => u8::from(is_fee),
            };
            let service_rank = self
                .order
                .services
                .iter()
                .position(|service| *service == item.service)
                .unwrap_or(self.order.services.len());
            (
                bill.is_some_and(|bill| item.billed_on < bill),
                bill.is_none() && designated != Some(item.id),
                credit.designated_service.is_some_and(|service| service != item.service),
                covered.contains(&item.id) != is_installment,
                fee_rank,
                service_rank,
                item.due_on,
                item.id,
            )
        });
        debts.into_iter().map(|item| item.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::day::{parse, plus_days};
    use super::super::testing::entry;
    use super::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn charge(id: i64, cents: i64, billed: &str, due: &str) -> Entry {
        entry(id, EntryKind::Charge, cents, day(billed), Some(day(due)))
    }

    fn payment(id: i64, cents: i64, on: &str) -> Entry {
        entry(id, EntryKind::Payment, -cents, day(on), None)
    }

    fn open_of(books: &Books) -> Vec<(i64, i64)> {
        books.items.iter().map(|item| (item.id.0, item.open.get())).collect()
    }

    fn books(entries: &[Entry]) -> Books {
        settle(entries, &ApplicationOrder::default(), &[], day("2026-12-31"))
    }

    #[test]
    fn a_payment_pays_the_oldest_due_debt_first_and_leaves_a_crumb() {
        let entries = [
            charge(1, 18_000, "2026-03-02", "2026-03-23"),
            payment(2, 15_400, "2026-04-10"),
            charge(3, 21_240, "2026-05-01", "2026-05-22"),
        ];
        assert_eq!(open_of(&books(&entries)), [(1, 2_600), (3, 21_240)]);
    }

    #[test]
    fn a_reversed_payment_restores_the_debt_at_its_original_due_date() {
        let mut returned = entry(3, EntryKind::Reversal, 24_000, day("2026-06-03"), None);
        returned.reverses = Some(EntryId(2));
        let entries = [charge(1, 24_000, "2026-03-02", "2026-03-23"), payment(2, 24_000, "2026-05-20"), returned];
        let order = ApplicationOrder::default();
        assert_eq!(open_of(&settle(&entries, &order, &[], day("2026-06-02"))), []);
        let after = settle(&entries, &order, &[], day("2026-06-03"));
        assert_eq!(open_of(&after), [(1, 24_000)]);
        assert_eq!(after.items[0].due_on, day("2026-03-23"));
    }

    #[test]
    fn money_ahead_of_the_bill_waits_for_it() {
        let entries = [payment(1, 5_000, "2026-03-01"), charge(2, 8_000, "2026-03-02", "2026-03-23")];
        let books = books(&entries);
        assert_eq!(open_of(&books), [(2, 3_000)]);
        assert_eq!(books.unapplied, Cents::ZERO);
    }

    #[test]
    fn money_that_waits_pays_the_debts_of_a_day_by_the_order_and_not_by_the_rows_of_the_file() {
        // $50.00 ahead of the bill of March 2: refuse is named first in the file, water comes first in the policy.
        let order = ApplicationOrder { services: vec![Service::Water, Service::Refuse], ..ApplicationOrder::default() };
        let refuse = Entry { service: Service::Refuse, ..charge(2, 4_000, "2026-03-02", "2026-03-23") };
        let water = charge(3, 6_000, "2026-03-02", "2026-03-23");
        let ahead = payment(1, 5_000, "2026-03-01");
        let settled = |ahead: &Entry| {
            let entries = [ahead.clone(), refuse.clone(), water.clone()];
            open_of(&settle(&entries, &order, &[], day("2026-03-02")))
        };
        assert_eq!(settled(&ahead), [(2, 4_000), (3, 1_000)]);
        let for_refuse = Entry { designated_service: Some(Service::Refuse), ..ahead };
        assert_eq!(settled(&for_refuse), [(3, 5_000)], "where it was designated to refuse, that comes first");
    }

    #[test]
    fn money_that_waits_pays_the_debt_of_a_day_that_is_due_first() {
        let entries = [
            payment(1, 5_000, "2026-03-01"),
            charge(2, 4_000, "2026-03-02", "2026-04-20"),
            charge(3, 4_000, "2026-03-02", "2026-03-23"),
        ];
        assert_eq!(open_of(&books(&entries)), [(2, 3_000)]);
    }

    #[test]
    fn a_designated_payment_pays_its_debt_first() {
        let mut designated = payment(3, 8_000, "2026-06-01");
        designated.designated_item = Some(EntryId(2));
        let entries =
            [charge(1, 18_000, "2026-03-02", "2026-03-23"), charge(2, 7_000, "2026-05-01", "2026-05-22"), designated];
        assert_eq!(open_of(&books(&entries)), [(1, 17_000)]);
    }

    #[test]
    fn under_an_arrangement_current_charges_are_paid_first() {
        let entries = [
            charge(1, 36_000, "2026-03-02", "2026-03-23"),
            charge(2, 9_500, "2026-06-02", "2026-06-22"),
            payment(3, 10_000, "2026-06-20"),
        ];
        let plan = plan("2026-05-15", 1);
        let books = settle(&entries, &ApplicationOrder::default(), &[plan], day("2026-12-31"));
        assert_eq!(open_of(&books), [(1, 35_500)]);
    }

    #[test]
    fn money_that_is_an_installment_to_the_cent_pays_the_arrangement_also_beside_an_unpaid_bill() {
        let entries = |cents| {
            [
                charge(1, 36_000, "2026-03-02", "2026-03-23"),
                charge(2, 9_500, "2026-06-02", "2026-06-22"),
                payment(3, cents, "2026-06-15"),
            ]
        };
        let left = |cents, installment| {
            let plan = PlanSpan { installments: BTreeSet::from([Cents::new(installment)]), ..plan("2026-05-15", 1) };
            open_of(&settle(&entries(cents), &ApplicationOrder::default(), &[plan], day("2026-06-30")))
        };
        assert_eq!(left(6_819, 6_819), [(1, 29_181), (2, 9_500)]);
        assert_eq!(left(6_820, 6_819), [(1, 36_000), (2, 2_680)], "a cent more is no installment");
        assert_eq!(left(9_500, 9_500), [(1, 36_000)], "it is the amount of the current bill as well");
    }

    /// An arrangement on entry 1.
    fn plan(from: &str, known_through: i64) -> PlanSpan {
        let known_through = EntryId(known_through);
        PlanSpan {
            from: day(from),
            known_through,
            until: None,
            covers: BTreeSet::from([EntryId(1)]),
            installments: BTreeSet::new(),
            carried: Vec::new(),
            stays: None,
            discharged: None,
            of_after: BTreeSet::new(),
        }
    }

    /// The stay of a petition, and the last day of it.
    fn stay(petition: &str, until: Option<&str>) -> PlanSpan {
        let (until, covers) = (until.map(day), BTreeSet::new());
        PlanSpan { until, covers, stays: Some(day(petition)), ..plan(petition, i64::MAX) }
    }

    fn stayed_of(books: &Books) -> Vec<(i64, i64)> {
        books.stayed.iter().map(|item| (item.id.0, item.open.get())).collect()
    }

    #[test]
    fn money_of_the_time_after_a_petition_pays_nothing_of_the_time_before() {
        // The petition of May 10 stays the bill of March. $100.00 of June pay the bill of June, and $10.00 wait.
        let entries = [
            charge(1, 36_000, "2026-03-02", "2026-03-23"),
            payment(2, 6_000, "2026-05-09"),
            charge(3, 5_000, "2026-06-02", "2026-06-23"),
            charge(4, 9_000, "2026-07-02", "2026-07-23"),
            payment(5, 10_000, "2026-07-10"),
        ];
        let order = ApplicationOrder::default();
        let books = settle(&entries, &order, &[stay("2026-05-10", None)], day("2026-07-31"));
        assert_eq!(open_of(&books), []);
        assert_eq!(stayed_of(&books), [(1, 30_000), (3, 5_000)], "and the first bill after, whose period is not known");
        assert_eq!((books.unapplied, books.balance), (Cents::new(1_000), Cents::new(-1_000)));
        // Dismissed on July 20: the debt returns with its own due date, and what waited pays it.
        let dismissed = settle(&entries, &order, &[stay("2026-05-10", Some("2026-07-19"))], day("2026-07-20"));
        assert_eq!((open_of(&dismissed), stayed_of(&dismissed)), (vec![(1, 29_000), (3, 5_000)], vec![]));
        assert_eq!(dismissed.items[0].due_on, day("2026-03-23"));
        assert_eq!(dismissed.balance, Cents::new(34_000));
    }

    #[test]
    fn a_bill_that_spans_the_petition_is_asked_for_in_its_later_part() {
        let printed = BTreeMap::from([
            ("service_from".to_owned(), day("2026-05-01")),
            ("service_through".to_owned(), day("2026-05-30")),
        ]);
        let spans = Entry { printed, ..charge(1, 9_000, "2026-06-02", "2026-06-23") };
        let of = |more: Vec<Entry>| {
            let entries: Vec<Entry> = [spans.clone()].into_iter().chain(more).collect();
            let books = settle(&entries, &ApplicationOrder::default(), &[stay("2026-05-10", None)], day("2026-07-31"));
            (open_of(&books), stayed_of(&books), books.unapplied.get())
        };
        assert_eq!(of(vec![]), (vec![(1, 6_000)], vec![(1, 3_000)], 0));
        assert_eq!(of(vec![payment(2, 7_000, "2026-06-20")]), (vec![], vec![(1, 3_000)], 1_000));
        let meant = |kind, cents: i64, on: &str| Entry {
            designated_item: Some(EntryId(1)),
            ..entry(2, kind, -cents, day(on), None)
        };
        for kind in [EntryKind::WriteOff, EntryKind::Adjustment, EntryKind::Transfer, EntryKind::Payment] {
            let later = meant(kind, 6_000, "2026-07-01");
            assert_eq!(of(vec![later]), (vec![], vec![(1, 3_000)], 0), "{kind}: the part that is asked for");
        }
        let whole = meant(EntryKind::Payment, 9_000, "2026-07-01");
        assert_eq!(of(vec![whole]), (vec![], vec![], 0), "meant for the bill, and for all of it");
        let deposit = meant(EntryKind::Deposit, 9_000, "2026-07-01");
        assert_eq!(of(vec![deposit]), (vec![], vec![(1, 3_000)], 3_000), "no setoff without the court");
    }

    #[test]
    fn what_is_written_off_behind_a_discharge_is_the_stayed_part() {
        let printed = BTreeMap::from([
            ("service_from".to_owned(), day("2026-05-01")),
            ("service_through".to_owned(), day("2026-05-30")),
        ]);
        let write_off = Entry {
            designated_item: Some(EntryId(1)),
            ..entry(2, EntryKind::WriteOff, -3_000, day("2026-09-01"), None)
        };
        let entries = [Entry { printed, ..charge(1, 9_000, "2026-06-02", "2026-06-23") }, write_off];
        let of = |discharged: &str| {
            let stay = PlanSpan { discharged: Some(day(discharged)), ..stay("2026-05-10", None) };
            let books = settle(&entries, &ApplicationOrder::default(), &[stay], day("2026-09-30"));
            (open_of(&books), stayed_of(&books))
        };
        assert_eq!(of("2026-09-01"), (vec![(1, 6_000)], vec![]));
        assert_eq!(of("2026-09-02"), (vec![(1, 3_000)], vec![(1, 3_000)]), "before it: what is asked for");
    }

    /// A write-off of entry 1.
    fn write_off(id: i64, cents: i64, on: &str) -> Entry {
        Entry { designated_item: Some(EntryId(1)), ..entry(id, EntryKind::WriteOff, -cents, day(on), None) }
    }

    fn left_of(books: &Books) -> Vec<(i64, i64)> {
        books.idle.iter().map(|idle| (idle.write_off.0, idle.left.get())).collect()
    }

    #[test]
    fn a_write_off_whose_debt_was_paid_after_all_pays_no_other_bill() {
        // $360.00 are written off on September 1; a check of August 20 for $60.00 is learned later. The bill of October stands.
        let mut entries = vec![
            charge(1, 36_000, "2026-03-02", "2026-03-23"),
            write_off(2, 36_000, "2026-09-01"),
            charge(3, 9_500, "2026-10-02", "2026-10-22"),
            payment(4, 6_000, "2026-08-20"),
        ];
        let of = |entries: &[Entry]| {
            let books = books(entries);
            (open_of(&books), left_of(&books), books.unapplied.get(), books.balance.get())
        };
        assert_eq!(of(&entries), (vec![(3, 9_500)], vec![(2, 6_000)], 0, 9_500));
        // The check comes back: the whole debt is written off again, and nothing is left over.
        let mut returned = entry(5, EntryKind::Reversal, 6_000, day("2026-10-05"), None);
        returned.reverses = Some(EntryId(4));
        entries.push(returned);
        assert_eq!(of(&entries), (vec![(3, 9_500)], vec![], 0, 9_500));
        // Money that comes after the write-off is the customer's, and pays what is owed.
        entries.push(payment(6, 10_000, "2026-10-10"));
        assert_eq!(of(&entries), (vec![], vec![], 500, -500));
    }

    #[test]
    fn a_write_off_whose_bill_is_reversed_is_left_over_whole_until_it_is_taken_back() {
        let mut undone = entry(3, EntryKind::Reversal, -36_000, day("2026-09-10"), None);
        undone.reverses = Some(EntryId(1));
        let mut entries = vec![
            charge(1, 36_000, "2026-03-02", "2026-03-23"),
            write_off(2, 36_000, "2026-09-01"),
            undone,
            charge(4, 35_000, "2026-09-10", "2026-03-23"),
        ];
        let standing = books(&entries);
        assert_eq!((open_of(&standing), left_of(&standing)), (vec![(4, 35_000)], vec![(2, 36_000)]));
        let mut taken_back = entry(5, EntryKind::Reversal, 36_000, day("2026-09-12"), None);
        taken_back.reverses = Some(EntryId(2));
        entries.push(taken_back);
        let after = books(&entries);
        assert_eq!((open_of(&after), left_of(&after)), (vec![(4, 35_000)], vec![]));
        assert_eq!(after.balance, standing.balance, "nobody is asked for a cent more or less by it");
    }

    #[test]
    fn a_write_off_of_the_billing_systems_that_names_no_debt_takes_what_was_billed_by_its_day() {
        let entries = [
            charge(1, 5_000, "2026-03-02", "2026-03-23"),
            entry(2, EntryKind::WriteOff, -8_000, day("2026-09-01"), None),
            charge(3, 9_500, "2026-09-02", "2026-09-22"),
        ];
        let books = books(&entries);
        assert_eq!((open_of(&books), left_of(&books)), (vec![(3, 9_500)], vec![(2, 3_000)]));
        assert!(!books.idle[0].is_own);
    }

    #[test]
    fn money_of_the_day_that_came_before_the_arrangement_stays_on_the_bill_that_it_paid() {
        // $60.00 on the old bill in the morning of June 20, the arrangement at noon, $50.00 in the afternoon.
        let entries = [
            charge(1, 36_000, "2026-03-02", "2026-03-23"),
            charge(2, 9_500, "2026-06-02", "2026-06-22"),
            payment(3, 6_000, "2026-06-20"),
            payment(4, 5_000, "2026-06-20"),
        ];
        let books = settle(&entries, &ApplicationOrder::default(), &[plan("2026-06-20", 3)], day("2026-06-20"));
        assert_eq!(open_of(&books), [(1, 30_000), (2, 4_500)]);
    }

    #[test]
    fn money_of_the_day_on_which_an_arrangement_is_canceled_stays_on_the_bill_that_it_paid() {
        let entries = [
            charge(1, 36_000, "2026-03-02", "2026-03-23"),
            charge(2, 9_500, "2026-06-02", "2026-06-22"),
            payment(3, 9_500, "2026-06-20"),
        ];
        for (canceled, open) in [
            (None, vec![(1, 36_000)]),
            (Some("2026-06-20"), vec![(1, 36_000)]),
            (Some("2026-06-19"), vec![(1, 26_500), (2, 9_500)]),
        ] {
            let plan = PlanSpan { until: canceled.map(day), ..plan("2026-05-15", 1) };
            assert_eq!(open_of(&settle(&entries, &ApplicationOrder::default(), &[plan], day("2026-06-20"))), open);
        }
    }

    #[test]
    fn a_bill_that_is_billed_anew_under_an_arrangement_keeps_what_had_been_paid_on_the_first() {
        // $360.00 of March under an arrangement of May 15; $60.00 of June 1 paid it, before the bill of June 2 was there. On
        // June 10 it is reversed and billed anew.
        let mut undone = entry(4, EntryKind::Reversal, -36_000, day("2026-06-10"), None);
        undone.reverses = Some(EntryId(1));
        let mut designated = payment(6, 1_000, "2026-06-05");
        designated.designated_item = Some(EntryId(1));
        let entries = [
            charge(1, 36_000, "2026-03-02", "2026-03-23"),
            charge(2, 9_500, "2026-06-02", "2026-06-22"),
            payment(3, 6_000, "2026-06-01"),
            undone,
            charge(5, 34_000, "2026-06-10", "2026-03-23"),
            designated,
        ];
        let mut plan = plan("2026-05-15", 1);
        let forgotten = settle(&entries, &ApplicationOrder::default(), &[plan.clone()], day("2026-06-10"));
        assert_eq!(open_of(&forgotten), [(5, 34_000), (2, 2_500)], "without it, the money is the current bill's");
        plan.covers.insert(EntryId(5));
        plan.carried.push(Carried { of: EntryId(1), to: EntryId(5), since: day("2026-03-02") });
        let books = settle(&entries, &ApplicationOrder::default(), &[plan], day("2026-06-10"));
        assert_eq!(open_of(&books), [(5, 27_000), (2, 9_500)]);
        assert_eq!(books.balance, forgotten.balance);
    }

    proptest! {
        #[test]
        fn the_open_items_less_unapplied_credit_are_the_balance(
            moves in prop::collection::vec((0_u8..4, 1_i64..50_000, 0_i64..300), 0..40),
            as_of in 0_i64..320,
            is_arranged: bool,
            petition in prop::option::of((0_i64..300, prop::option::of(0_i64..200))),
        ) {
            let start = day("2026-01-01");
            let mut entries = Vec::new();
            for (id, (kind, cents, offset)) in (1_i64..).zip(moves) {
                let on = plus_days(start, offset);
                let entry = match kind {
                    0 => entry(id, EntryKind::Charge, cents, on, Some(plus_days(on, 21))),
                    1 => entry(id, EntryKind::Payment, -cents, on, None),
                    2 => {
                        // Every other one names its debt.
                        let debt = entries.iter().rev().find(|e: &&Entry| e.is_debt() && e.effective_on <= on);
                        let designated_item = debt.filter(|_| cents % 2 == 0).map(|debt| debt.id);
                        Entry { designated_item, ..entry(id, EntryKind::WriteOff, -cents, on, None) }
                    }
                    _ => {
                        let Some(target) = entries.iter().find(|e: &&Entry| e.kind != EntryKind::Reversal
                            && e.effective_on <= on) else { continue };
                        let mut undo = entry(id, EntryKind::Reversal, -target.amount.get(), on, None);
                        undo.reverses = Some(target.id);
                        if entries.iter().any(|e| e.reverses == Some(target.id)) { continue }
                        undo
                    }
                };
                entries.push(entry);
            }
            let as_of = plus_days(start, as_of);
            // Under an arrangement on the first entry, in whose place the last one stands.
            let last = entries.last().map_or(EntryId(1), |entry| entry.id);
            let carried = vec![Carried { of: EntryId(1), to: last, since: start }];
            let plan = PlanSpan { covers: BTreeSet::from([EntryId(1), last]), carried, ..plan("2026-02-01", 1) };
            let mut plans = if is_arranged { vec![plan] } else { Vec::new() };
            plans.extend(petition.map(|(from, lasts)| PlanSpan {
                until: lasts.map(|days| plus_days(start, from + days)),
                stays: Some(plus_days(start, from)),
                ..stay("2026-02-01", None)
            }));
            let books = settle(&entries, &ApplicationOrder::default(), &plans, as_of);
            let open: Cents = books.items.iter().map(|item| item.open).sum();
            let stayed: Cents = books.stayed.iter().map(|item| item.open).sum();
            let plain: Cents = entries.iter().filter(|e| e.effective_on <= as_of).map(|e| e.amount).sum();
            prop_assert_eq!(open - books.unapplied, books.balance);
            let left: Cents = books.idle.iter().map(|idle| idle.left).sum();
            prop_assert_eq!(books.balance + stayed - left, plain);
            // A write-off pays the debt that it names, or one that was billed by its day; and every cent of it is somewhere.
            for write_off in entries.iter().filter(|e| e.kind == EntryKind::WriteOff && e.effective_on <= as_of) {
                let is_undone = entries.iter().any(|e| e.reverses == Some(write_off.id) && e.effective_on <= as_of);
                let paid: Vec<_> = books.applications.iter().filter(|a| a.credit == write_off.id).collect();
                let idle: Cents =
                    books.idle.iter().filter(|i| i.write_off == write_off.id).map(|i| i.left).sum();
                let all = paid.iter().map(|a| a.amount).sum::<Cents>() + idle;
                prop_assert_eq!(all, if is_undone { Cents::ZERO } else { -write_off.amount });
                for application in paid {
                    let debt = entries.iter().find(|e| e.id == application.debt).unwrap();
                    let follows = write_off.designated_item == Some(EntryId(1)) && is_arranged && debt.id == last;
                    let is_meant = write_off.designated_item.map_or_else(
                        || debt.effective_on <= write_off.effective_on,
                        |item| item == debt.id || follows,
                    );
                    prop_assert!(is_meant);
                }
            }
        }
    }
}
