//! Debts that nobody may be asked for, by the audit's own reading: contested by the customer, or of the time before a petition.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::protection::Bench;
use crate::domain::day::plus_days;
use crate::domain::hold::{Blocks, HoldKind};
use crate::domain::{ArrangementId, Cents, Day, EntryKind, ItemId, OpenItem};

impl Bench<'_> {
    /// The debts that a dispute, an appeal or an investigation names which stands on the day.
    pub(super) fn contested(self, day: Day) -> BTreeSet<ItemId> {
        let mut contested = BTreeSet::new();
        for hold in &self.snapshot.holds {
            // None of the three ends by its date.
            let is_open = hold.from <= day && hold.ended_on.is_none_or(|ended| ended > day);
            if is_open && contests(hold.kind) {
                contested.extend(hold.items.iter().copied());
            }
        }
        contested
    }

    /// What is asked for of the debt is neither contested nor of the time before a petition that stays debts on the day.
    pub(super) fn may_be_asked_for(self, item: &OpenItem, day: Day) -> Checked {
        if self.contested(day).contains(&item.id) {
            return Err(Broken::Contested { item: item.id, open: item.open }.into());
        }
        for petition in &self.snapshot.petitions {
            let is_over = petition.ended.is_some_and(|(ended, _)| ended <= day);
            if is_over || day < petition.petition_on {
                continue;
            }
            let most = most_after(item, petition.petition_on);
            if item.open > most {
                let (item, open, petition_on) = (item.id, item.open, petition.petition_on);
                return Err(Broken::BeforePetition { item, open, most, petition_on }.into());
            }
        }
        Ok(())
    }

    /// As [`Self::may_be_asked_for`] of all the items.
    pub(super) fn may_all_be_asked_for(self, items: &BTreeSet<ItemId>, day: Day) -> Checked {
        let named = self.snapshot.items.iter().filter(|item| items.contains(&item.id));
        for item in named {
            self.may_be_asked_for(item, day)?;
        }
        Ok(())
    }
}

impl Bench<'_> {
    /// No arrangement stands that was made on debts which a petition stays: until a person has canceled it, what it kept on stays on.
    pub(super) fn is_not_arranged_on_stayed(self, day: Day) -> Checked {
        for plan in &self.snapshot.arrangements {
            let is_canceled = plan.canceled_on.is_some_and(|canceled| canceled <= day);
            let is_stayed = |id: &ItemId| self.snapshot.stayed.iter().any(|stayed| stayed.id == *id);
            if plan.made_on <= day && !is_canceled && plan.covers.iter().any(is_stayed) {
                return Err(Broken::ArrangementPerforms { made_on: plan.made_on }.into());
            }
        }
        Ok(())
    }
}

impl Bench<'_> {
    /// The arrangement that a letter would confirm is not on debts that a petition stays: it asks for their installments.
    pub(super) fn is_not_on_stayed(self, arrangement: ArrangementId, day: Day) -> Checked {
        let Some(petition) = self.snapshot.petitions.iter().find(|petition| petition.stays_on(day)) else {
            return Ok(());
        };
        let plans = self.snapshot.arrangements.iter().filter(|plan| plan.id == arrangement);
        let is_stayed = |id: &ItemId| self.snapshot.stayed.iter().any(|stayed| stayed.id == *id);
        if plans.flat_map(|plan| &plan.covers).any(is_stayed) {
            let (kind, from, blocks) = (HoldKind::Bankruptcy, petition.petition_on, Blocks::Notices);
            return Err(Broken::Held { kind, from, blocks }.into());
        }
        Ok(())
    }
}

/// Whether such a hold leaves open what is owed at all.
pub(super) const fn contests(kind: HoldKind) -> bool {
    matches!(kind, HoldKind::Dispute | HoldKind::Appeal | HoldKind::Investigation)
}

/// The most that can be owed of a debt for the days after the petition's.
fn most_after(item: &OpenItem, petition_on: Day) -> Cents {
    let all_or_nothing = |is_after: bool| if is_after { item.amount } else { Cents::ZERO };
    let period = (item.printed.get("service_from"), item.printed.get("service_through"));
    match (item.kind, period) {
        (EntryKind::Charge, (Some(from), Some(through))) if from <= through => {
            let (mut days, mut after, mut day) = (0_i64, 0_i64, *from);
            while day <= *through {
                days += 1;
                after += i64::from(day > petition_on);
                day = plus_days(day, 1);
            }
            // Rounded down: what does not divide is of the time before.
            Cents::new(item.amount.get().saturating_mul(after) / days.max(1))
        }
        // Without its days a bill is of the time after only where it was billed, and fell due, after.
        (EntryKind::Charge, _) => all_or_nothing(item.billed_on > petition_on && item.due_on > petition_on),
        // What came from another account is as old as it was there.
        (EntryKind::Transfer, _) => {
            let first_billed = item.printed.get("first_billed").copied().unwrap_or(item.billed_on);
            all_or_nothing(first_billed > petition_on && item.due_on > petition_on && item.billed_on > petition_on)
        }
        _ => all_or_nothing(item.billed_on > petition_on),
    }
}
