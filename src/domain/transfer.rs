//! A debt that goes with its customer to another account: a credit here and a debit there, of one amount.
//!
//! The debt keeps its due date, from which its age and the last day to sue count, and the day on which it was billed first.
//! It is another account's debt all the same: what was told of it there tells nobody here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::account::Service;
use super::day::{Day, days_between};
use super::ids::{AccountId, AccountNumber, ItemId};
use super::ledger::OpenItem;
use super::money::Cents;

/// The printed date of a transferred debt that says when it was billed first.
pub const FIRST_BILLED: &str = "first_billed";

/// A debt as it would be transferred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedDebt {
    pub item: ItemId,
    pub service: Service,
    pub open: Cents,
    pub due_on: Day,
    /// The day on which it was billed, on whatever account that was.
    pub billed_on: Day,
}

/// A debt that went from an account and is owed on another, by one transfer or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneDebt {
    /// What it was on the account that it left.
    pub item: ItemId,
    /// The account on which it is owed now.
    pub to: AccountId,
    pub number: AccountNumber,
    /// What it is there.
    pub now: ItemId,
    pub open: Cents,
}

/// One of the two entries of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    pub account: AccountId,
    pub service: Service,
    /// Below zero on the account that the debt leaves.
    pub amount: Cents,
    pub due_on: Option<Day>,
    pub printed: BTreeMap<String, Day>,
    /// The debt that the credit pays.
    pub designated: Option<ItemId>,
}

/// The debts that are at least `after` days past due on the day, oldest first; past due they are in any case.
#[must_use]
pub fn to_move(items: &[OpenItem], day: Day, after: u16) -> Vec<MovedDebt> {
    items
        .iter()
        .filter(|item| item.open.is_positive() && days_between(item.due_on, day) >= i64::from(after.max(1)))
        .map(|item| MovedDebt {
            item: item.id,
            service: item.service,
            open: item.open,
            due_on: item.due_on,
            billed_on: item.printed.get(FIRST_BILLED).copied().unwrap_or(item.billed_on),
        })
        .collect()
}

/// Of the debts, oldest first, as much as is paid by the money that lies where they came from.
#[must_use]
pub fn to_take_back(debts: Vec<MovedDebt>, lies: Cents) -> Vec<MovedDebt> {
    let mut left = lies;
    let mut back = Vec::new();
    for debt in debts {
        let open = debt.open.min(left);
        left -= open;
        if open.is_positive() {
            back.push(MovedDebt { open, ..debt });
        }
    }
    back
}

/// The two entries that take a debt from one account to another.
#[must_use]
pub fn halves(debt: &MovedDebt, from: AccountId, to: AccountId) -> [Half; 2] {
    let leaves = Half {
        account: from,
        service: debt.service,
        amount: -debt.open,
        due_on: None,
        printed: BTreeMap::new(),
        designated: Some(debt.item),
    };
    let arrives = Half {
        account: to,
        service: debt.service,
        amount: debt.open,
        due_on: Some(debt.due_on),
        printed: BTreeMap::from([(FIRST_BILLED.to_owned(), debt.billed_on)]),
        designated: None,
    };
    [leaves, arrives]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::day::{parse, plus_days};
    use super::super::ledger::{ApplicationOrder, Entry, EntryKind, settle};
    use super::super::testing;
    use super::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn entry(id: usize, account: AccountId, kind: EntryKind, cents: i64, on: Day) -> Entry {
        let due_on = (cents > 0).then(|| plus_days(on, 21));
        Entry { account, ..testing::entry(i64::try_from(id).unwrap(), kind, cents, on, due_on) }
    }

    fn of(ledger: &[Entry], account: AccountId) -> Vec<Entry> {
        ledger.iter().filter(|entry| entry.account == account).cloned().collect()
    }

    proptest! {
        /// Whatever was billed and paid on both accounts: a transfer makes neither money nor debt, and no debt younger.
        #[test]
        fn a_transfer_moves_what_is_owed_and_changes_nothing_else(
            moves in prop::collection::vec((any::<bool>(), any::<bool>(), 1_i64..40_000, 0_i64..200), 1..30),
            after in 0_u16..60,
        ) {
            let (from, to, start) = (AccountId(1), AccountId(2), day("2026-01-01"));
            let today = plus_days(start, 200);
            let mut ledger: Vec<Entry> = Vec::new();
            for (n, (first, debt, cents, offset)) in moves.into_iter().enumerate() {
                let (kind, cents) = if debt { (EntryKind::Charge, cents) } else { (EntryKind::Payment, -cents) };
                ledger.push(entry(n + 1, if first { from } else { to }, kind, cents, plus_days(start, offset)));
            }
            let books = |ledger: &[Entry], account| {
                settle(&of(ledger, account), &ApplicationOrder::default(), &[], today)
            };
            let before = (books(&ledger, from), books(&ledger, to));
            let debts = to_move(&before.0.items, today, after);
            let moved: Cents = debts.iter().map(|debt| debt.open).sum();
            for half in debts.iter().flat_map(|debt| halves(debt, from, to)) {
                let blank = entry(ledger.len() + 1, half.account, EntryKind::Transfer, half.amount.get(), today);
                ledger.push(Entry { due_on: half.due_on, printed: half.printed, designated_item: half.designated, ..blank });
            }
            let now = (books(&ledger, from), books(&ledger, to));
            prop_assert_eq!(now.0.balance + now.1.balance, before.0.balance + before.1.balance);
            prop_assert_eq!(now.0.balance, before.0.balance - moved);
            prop_assert!(to_move(&now.0.items, today, after).is_empty(), "each debt leaves whole");
            // What arrives is as old as what left, less what credit had waited there.
            let arrived: Vec<_> = now.1.items.iter().filter(|item| item.kind == EntryKind::Transfer).collect();
            prop_assert!(arrived.iter().all(|item| debts.iter().any(|debt| debt.due_on == item.due_on)));
            let again = to_move(&now.1.items, today, 0);
            prop_assert!(again.iter().all(|debt| debt.billed_on <= debt.due_on), "the first bill is still known");
        }
    }

    #[test]
    fn a_debt_that_is_not_past_due_stays_where_it_was_billed() {
        let item = super::super::testing::bill(1, Service::Water, 10_000, day("2026-05-22"));
        assert!(to_move(std::slice::from_ref(&item), day("2026-05-22"), 0).is_empty());
        assert_eq!(to_move(std::slice::from_ref(&item), day("2026-05-23"), 0).len(), 1);
        assert!(to_move(&[item], day("2026-06-20"), 30).is_empty());
    }
}
