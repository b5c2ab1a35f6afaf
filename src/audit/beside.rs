//! Bills beside an arrangement that performs: what it settles carries no shut-off, and what is not paid beside it ends, after
//! the days that the policy gives, what it keeps on.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::disconnection::Disconnection;
use super::protection::Bench;
use super::truth::Reader;
use crate::domain::arrangement::{Arrangement, ArrangementState};
use crate::domain::day::plus_days;
use crate::domain::{Cents, Day, EntryKind, OpenItem, Service, Snapshot};

/// The arrangements that perform on a day.
fn performing(snapshot: &Snapshot, day: Day) -> impl Iterator<Item = &Arrangement> {
    snapshot.arrangements.iter().filter(move |plan| {
        plan.made_on <= day
            && plan.standing(&snapshot.applications, &snapshot.items, day).state == ArrangementState::Performing
    })
}

impl Reader<'_> {
    /// When the oldest bill that came due after the arrangement was made, and is not part of it, was due.
    fn oldest_beside(&self, plan: &Arrangement) -> Option<Day> {
        let mut found: Option<Day> = None;
        for item in &self.snapshot.items {
            let is_counted = self.counts.is_empty() || self.counts.contains(&item.service);
            let is_current =
                item.kind == EntryKind::Charge && item.due_on > plan.made_on && !plan.covers.contains(&item.id);
            let is_unpaid = item.open > Cents::ZERO && item.open >= self.de_minimis && item.due_on < self.day;
            if is_counted && is_current && is_unpaid {
                found = Some(found.map_or(item.due_on, |before| before.min(item.due_on)));
            }
        }
        found
    }

    /// Whether a bill beside an arrangement that performs has been unpaid for as long as the policy gives.
    pub(super) fn is_let_go(&self) -> bool {
        let Some(days) = self.current_days else { return false };
        performing(self.snapshot, self.day)
            .filter_map(|plan| self.oldest_beside(plan))
            .any(|due| plus_days(due, i64::from(days)) <= self.day)
    }
}

impl<'a> Bench<'a> {
    /// The bills that count toward the shut-off: those of its track, or of what it strikes.
    fn beside(self, cut: &Disconnection, struck: &'a BTreeSet<Service>, day: Day) -> Reader<'a> {
        let counts = self.policy.track(&cut.of.track).map(|track| &track.counts).filter(|counts| !counts.is_empty());
        Reader { counts: counts.unwrap_or(struck), ..self.reader(day) }
    }

    /// The due date from which the wait for an unpaid bill beside the arrangement runs, where the policy has one.
    pub(super) fn oldest_beside(self, plan: &Arrangement, day: Day) -> Option<Day> {
        self.policy.arrangements.current_days?;
        self.reader(day).oldest_beside(plan)
    }

    /// No arrangement performs that keeps the service on.
    pub(super) fn is_not_kept_on(self, cut: &Disconnection, day: Day) -> Checked {
        let struck: BTreeSet<Service> = cut.services.iter().copied().collect();
        match performing(self.snapshot, day).next() {
            Some(plan) if !self.beside(cut, &struck, day).is_let_go() => {
                Err(Broken::ArrangementPerforms { made_on: plan.made_on }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The item is not one that an arrangement settles which performs.
    pub(super) fn is_not_settled(self, item: &OpenItem, day: Day) -> Checked {
        match performing(self.snapshot, day).find(|plan| plan.covers.contains(&item.id)) {
            Some(plan) => Err(Broken::ArrangementPerforms { made_on: plan.made_on }.into()),
            None => Ok(()),
        }
    }
}
