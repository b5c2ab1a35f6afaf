//! A notice that was answered: as much was paid as it asked for, in time, and the order of application led the money elsewhere.
//!
//! The letter names a sum and a day, and who pays the one by the other has done what keeps the service on (Health and Safety
//! Code 116908 has the notice state just that). Whichever debt the money then paid is the city's own arrangement. What is left is
//! asked for anew. After a shut-off `restore` says the same of the sum that turns the service on again.

use std::collections::BTreeSet;

use super::acts;
use super::plan::Planner;
use super::walk::Walker;
use crate::domain::case::{Asked, Cause};
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Action, Cents, Day, EntryKind, ItemId, Service, Snapshot, StepState};
use crate::rulebook::policy::Stage;

/// What a written notice of a stage asks for, where it leads to a shut-off.
pub fn asked(planner: Planner, stage: &Stage, items: &[ItemId], on: Day) -> Option<Asked> {
    let tells = stage.acts.iter().any(|act| matches!(act, Action::Notice(_) | Action::Tag(_)));
    let leads = planner.track.stages.iter().skip_while(|other| other.id != stage.id).any(Stage::disconnects);
    let amount = acts::notice_facts(planner, stage, items).amount;
    (tells && leads && amount.is_positive()).then_some(Asked { on, amount })
}

impl Walker<'_, '_> {
    /// Takes the force from the notices before the stage, and all behind them, where as much was paid as one of them asked for.
    pub fn is_answered(&mut self, stage: &Stage) -> bool {
        let ahead = self.track.stages.iter().take_while(|other| other.id != stage.id);
        let asking = ahead.enumerate().find(|(_, notice)| {
            let Some(asked) = self.gives.run.asked.get(&notice.id) else { return false };
            let step = self
                .gives
                .run
                .steps
                .iter()
                .rev()
                .find(|step| step.stage == notice.id && matches!(step.state, StepState::Acted(_)));
            step.is_some_and(|step| {
                let listed: BTreeSet<ItemId> = step.items.iter().copied().collect();
                received_since(self.view.snapshot, asked.on, self.view.on, &listed) >= asked.amount
            })
        });
        let index = asking.map(|(index, _)| index);
        index.is_some_and(|index| self.spend_from(index, &Cause::Answered))
    }
}

/// Money that came after the day and stands, but for what the payer meant for something else, and what an agency passed on.
fn received_since(snapshot: &Snapshot, after: Day, through: Day, listed: &BTreeSet<ItemId>) -> Cents {
    let of_listed = snapshot.items.iter().filter(|item| listed.contains(&item.id));
    let services: BTreeSet<Service> = of_listed.map(|item| item.service).collect();
    let undone: BTreeSet<_> = snapshot.payments.iter().filter_map(|entry| entry.reverses).collect();
    snapshot
        .payments
        .iter()
        .filter(|entry| entry.kind == EntryKind::Payment && !undone.contains(&entry.id))
        .filter(|entry| after < entry.effective_on && entry.effective_on <= through)
        .filter(|entry| match (entry.designated_item, entry.designated_service) {
            (Some(item), _) => listed.contains(&item),
            (None, only) => only.is_none_or(|only| services.contains(&only)),
        })
        .filter(|entry| entry.channel != Some(PaymentChannel::Agency))
        .map(|entry| Cents::ZERO - entry.amount)
        .sum()
}
