//! Deposits in memory, the end of service, and debts that come from another account.

use std::collections::BTreeSet;

use super::account::Account;
use crate::domain::action::DepositAction;
use crate::domain::deposit::{Applied, Deposit};
use crate::domain::{Cents, Day, DepositId, Entry, EntryId, EntryKind, ItemId, Service};

impl Account<'_> {
    /// A deposit that the city holds, received today.
    pub fn deposit(&mut self, amount: Cents) {
        let id = DepositId(i64::try_from(self.deposits.len()).unwrap_or(i64::MAX).saturating_add(1));
        self.deposits.push(Deposit {
            id,
            amount,
            interest: Cents::ZERO,
            received_on: self.world.today,
            source: "rehearsal".into(),
            reference: id.to_string(),
            returned_on: None,
            taken: Cents::ZERO,
            applied: None,
        });
        self.learned();
    }

    /// A debt comes from another account today, with its own due date.
    pub fn transferred(&mut self, service: Service, amount: Cents, due_on: Day) -> ItemId {
        let kind = EntryKind::Transfer;
        self.post(|entry| Entry { service, amount, kind, due_on: Some(due_on), ..entry })
    }

    /// Service ends today.
    pub fn end_service(&mut self) {
        self.profile.ended = Some(self.world.today);
        self.learned();
    }

    pub(super) fn apply_deposit(&mut self, applied: &DepositAction, amount: Cents) {
        let (on, first) = (self.world.today, applied.first);
        let entry =
            self.post(|entry| Entry { kind: EntryKind::Deposit, amount: -amount, designated_item: first, ..entry });
        let of_deposit = self.deposits.iter_mut().filter(|deposit| deposit.id == applied.deposit);
        of_deposit.for_each(|deposit| deposit.applied = Some(Applied { entry, on, amount }));
    }

    /// The day of the first bill since service ended.
    pub(super) fn final_bill(&self) -> Option<Day> {
        let ended = self.profile.ended?;
        let undone: BTreeSet<EntryId> = self.entries.iter().filter_map(|entry| entry.reverses).collect();
        let bills = self.entries.iter().filter(|entry| entry.kind == EntryKind::Charge && !undone.contains(&entry.id));
        bills.map(|entry| entry.effective_on).filter(|billed| *billed >= ended).min()
    }
}
