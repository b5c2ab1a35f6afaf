//! Turning on again: whoever owes nothing of what service was shut off for has service, and no letter asks for more.
//!
//! The debts are read off the steps of the case, not asked of `decide`. Where the case no longer tells what a shut-off rested on,
//! nothing is concluded.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::protection::Bench;
use crate::domain::arrangement::ArrangementState;
use crate::domain::notice::NoticeFacts;
use crate::domain::{Act, Action, Cents, Decision, EventKind, ItemId, Service, StepState};
use crate::rulebook::policy::Opens;

impl Bench<'_> {
    /// Every service that is off and paid for is turned on again by the decision.
    pub(super) fn none_is_kept_off(self, decision: &Decision) -> Checked {
        for service in self.snapshot.shut_off.iter().copied().collect::<BTreeSet<_>>() {
            let restores =
                |act: &Act| matches!(&act.action, Action::Restore { services, .. } if services.contains(&service));
            if self.is_settled(service) && !decision.acts.iter().any(restores) {
                return Err(Broken::KeptOff { service }.into());
            }
        }
        Ok(())
    }

    /// A letter that follows a shut-off lists nothing that service was not shut off for.
    pub(super) fn restores_what_it_says(self, act: &Act, facts: &NoticeFacts) -> Checked {
        let follows = self.stage(&act.key.of).is_some_and(|(track, _)| track.opens == Opens::On(EventKind::ShutOff));
        if !follows {
            return Ok(());
        }
        let mut debts = BTreeSet::new();
        for service in &self.snapshot.shut_off {
            match self.latest_cut(*service) {
                Some(of_service) => debts.extend(of_service),
                None => return Ok(()),
            }
        }
        let is_paid = !self.snapshot.items.iter().any(|item| debts.contains(&item.id) && item.open.is_positive());
        if debts.is_empty() || is_paid {
            return Ok(());
        }
        match facts.items.iter().find(|listed| !debts.contains(&listed.item) && !self.is_fee_to_restore(listed.item)) {
            Some(listed) => Err(Broken::RestoresNothing { item: listed.item }.into()),
            None => Ok(()),
        }
    }

    /// Whether nothing keeps the service off, by what the case tells of its last shut-off.
    fn is_settled(self, service: Service) -> bool {
        let Some(debts) = self.latest_cut(service) else { return false };
        let (snapshot, today) = (self.snapshot, self.world.today);
        let least = self.policy.ledger.de_minimis.max(Cents::new(1));
        let kept = snapshot.arrangements.iter().filter(|plan| {
            plan.made_on <= today
                && plan.standing(&snapshot.applications, &snapshot.items, today).state == ArrangementState::Performing
        });
        let kept: Vec<_> = kept.collect();
        snapshot.items.iter().filter(|item| item.open.is_positive()).all(|item| {
            let holds = (debts.contains(&item.id) && item.open >= least && item.due_on < today)
                || self.is_fee_to_restore(item.id);
            !holds || kept.iter().any(|plan| plan.covers.contains(&item.id))
        })
    }

    /// What the last shut-off of the service rested on.
    fn latest_cut(self, service: Service) -> Option<BTreeSet<ItemId>> {
        let runs = self.snapshot.case.iter().flat_map(|case| &case.tracks);
        let steps = runs.flat_map(|run| run.steps.iter().map(move |step| (run, step)));
        let cuts = steps.filter_map(|(run, step)| {
            let (StepState::Acted(on) | StepState::Spent(on, _)) = step.state else { return None };
            let track = self.policy.tracks.iter().find(|track| track.id == run.track)?;
            let stage = track.stages.iter().find(|stage| stage.id == step.stage)?;
            let strikes =
                |action: &Action| matches!(action, Action::Disconnect { services, .. } if services.contains(&service));
            let is_of = step.service.is_none_or(|of| of == service) && !step.items.is_empty();
            (is_of && stage.acts.iter().any(strikes)).then(|| (on, step.items.iter().copied().collect()))
        });
        cuts.max_by_key(|(on, _): &(crate::domain::Day, BTreeSet<ItemId>)| *on).map(|(_, items)| items)
    }

    /// Whether the debt is a fee of turning on again.
    fn is_fee_to_restore(self, item: ItemId) -> bool {
        self.snapshot.fees.iter().filter(|fee| fee.entry == item && fee.undone.is_none()).any(|fee| {
            let stage = self.stage(&fee.key.of).map(|(_, stage)| stage);
            let reconnects = |action: &Action| matches!(action, Action::Fee(of) if of.reconnects.is_some());
            stage.is_some_and(|stage| stage.acts.iter().any(reconnects))
        })
    }
}
