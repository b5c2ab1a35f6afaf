//! Debts that nobody may be asked for, by the audit's own reading: contested by the customer, or of the time before a petition.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::protection::Bench;
use super::reexamine::Refusal;
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
                for dispute in &self.snapshot.disputes {
                    let appeal = dispute.appeal.as_ref().map(|appeal| appeal.hold);
                    // Of the whole account: what was billed by then.
                    if dispute.items.is_empty() && (dispute.hold == hold.id || appeal == Some(hold.id)) {
                        let billed = self.snapshot.items.iter().filter(|item| item.billed_on <= dispute.opened_on);
                        contested.extend(billed.map(|item| item.id));
                    }
                }
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
            let most =
                most_asked(item, petition.petition_on, petition.of_after.iter().any(|said| said.entry == item.id));
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
    /// The arrangement that a letter confirms was not canceled. What was agreed is told whatever was paid since.
    pub(super) fn stands(self, arrangement: ArrangementId) -> Result<(), Refusal> {
        let mut plans = self.snapshot.arrangements.iter().filter(|plan| plan.canceled_on.is_none());
        if plans.any(|plan| plan.id == arrangement) { Ok(()) } else { Err(Refusal::ArrangementCanceled) }
    }

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

/// The most that may be asked for of a debt while the petition stays debts; `is_said` where a person has said of a correction that
/// it is of the time after.
#[must_use]
pub fn most_asked(item: &OpenItem, petition_on: Day, is_said: bool) -> Cents {
    if is_said && item.kind == EntryKind::Adjustment && item.billed_on > petition_on {
        return item.amount;
    }
    most_after(item, petition_on)
}

/// The most that can be owed of a debt for the days after the petition's.
fn most_after(item: &OpenItem, petition_on: Day) -> Cents {
    let all_or_nothing = |is_after: bool| if is_after { item.amount } else { Cents::ZERO };
    let period = (item.printed.get("service_from"), item.printed.get("service_through"));
    match (item.kind, period) {
        (EntryKind::Charge | EntryKind::Adjustment, (Some(from), Some(through))) if from <= through => {
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
        // A correction without its days is as old as the bill that it corrects, and of before where it names none.
        (EntryKind::Adjustment, _) => all_or_nothing(item.printed.get("first_billed").is_some_and(|first_billed| {
            *first_billed > petition_on && item.due_on > petition_on && item.billed_on > petition_on
        })),
        // What came from another account is as old as it was there.
        (EntryKind::Transfer, _) => {
            let first_billed = item.printed.get("first_billed").copied().unwrap_or(item.billed_on);
            all_or_nothing(first_billed > petition_on && item.due_on > petition_on && item.billed_on > petition_on)
        }
        _ => all_or_nothing(item.billed_on > petition_on),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::day;
    use crate::domain::{EntryId, Service};

    #[test]
    fn of_a_correction_nothing_is_asked_for_unless_its_bill_its_days_or_a_person_say_that_it_is_of_the_time_after() {
        let petition_on = day("2026-05-10");
        let correction = |printed: &[(&str, &str)]| OpenItem {
            id: EntryId(1),
            service: Service::Water,
            kind: EntryKind::Adjustment,
            amount: Cents::new(3_000),
            open: Cents::new(3_000),
            billed_on: day("2026-07-01"),
            due_on: day("2026-07-22"),
            printed: printed.iter().map(|(name, on)| ((*name).to_owned(), day(on))).collect(),
        };
        let most = |printed: &[(&str, &str)], is_said| most_asked(&correction(printed), petition_on, is_said).get();
        assert_eq!((most(&[], false), most(&[], true)), (0, 3_000));
        assert_eq!(most(&[("first_billed", "2026-05-02")], false), 0);
        assert_eq!(most(&[("first_billed", "2026-06-20")], false), 3_000);
        assert_eq!(most(&[("service_from", "2026-05-01"), ("service_through", "2026-05-30")], false), 2_000);
        let old = OpenItem { billed_on: day("2026-05-02"), ..correction(&[]) };
        assert_eq!(most_asked(&old, petition_on, true), Cents::ZERO, "posted before the petition");
    }
}
