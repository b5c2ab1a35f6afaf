//! Turning on again: whoever owes nothing of what service was shut off for has service, and no letter asks for more, or after that.
//!
//! The debts are read off the steps of the case, not asked of `decide`. Where the case no longer tells what a shut-off rested on,
//! nothing is concluded.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked};
use super::protection::Bench;
use crate::domain::arrangement::ArrangementState;
use crate::domain::case::StageRef;
use crate::domain::notice::NoticeFacts;
use crate::domain::{Act, Action, Cents, Day, Decision, EntryKind, EventKind, ItemId, OpenItem, Service, StepState};
use crate::rulebook::policy::{Opens, Track};

impl Bench<'_> {
    /// Every service that is off and paid for is turned on again by the decision.
    pub(super) fn none_is_kept_off(self, decision: &Decision) -> Checked {
        for service in self.off_and_served() {
            let restores =
                |act: &Act| matches!(&act.action, Action::Restore { services, .. } if services.contains(&service));
            if self.is_settled(service) && !decision.acts.iter().any(restores) {
                return Err(Broken::KeptOff { service }.into());
            }
        }
        Ok(())
    }

    /// A restoration is of no stage and may come after the case: it takes nothing from anybody, but there must be
    /// something to restore.
    pub(super) fn may_restore(&self, act: &Act, services: &[Service]) -> Checked {
        if act.key.account != self.snapshot.account {
            return Err(Broken::OtherCase { account: act.key.account, named: act.key.of.case }.into());
        }
        for service in services {
            if !self.snapshot.shut_off.contains(service) {
                return Err(Broken::NotShutOff { service: *service }.into());
            }
            if let Some(amount) = self.given_up(*service).filter(|_| !self.snapshot.without_leave.contains(service)) {
                return Err(Broken::GivenUp { service: *service, amount }.into());
            }
        }
        self.is_still_served(services)
    }

    /// A question to the lead about a service that is off is of no stage either.
    pub(super) fn may_ask(&self, act: &Act) -> Checked {
        match act.key.service {
            _ if act.key.account != self.snapshot.account => {
                Err(Broken::OtherCase { account: act.key.account, named: act.key.of.case }.into())
            }
            Some(service) if self.snapshot.shut_off.contains(&service) => Ok(()),
            Some(service) => Err(Broken::NotShutOff { service }.into()),
            None => Err(Broken::NoService.into()),
        }
    }

    /// The services that are off, where service has not ended.
    fn off_and_served(self) -> BTreeSet<Service> {
        let ended = self.snapshot.profile.ended.is_some_and(|ended| ended <= self.world.today);
        self.snapshot.shut_off.iter().copied().filter(|_| !ended).collect()
    }

    /// Nothing is turned on where service has ended, but what was shut off without leave.
    pub(super) fn is_still_served(self, services: &[Service]) -> Checked {
        let ended = self.snapshot.profile.ended.filter(|ended| *ended <= self.world.today);
        let wronged = |service: &Service| self.snapshot.without_leave.contains(service);
        match ended.filter(|_| !services.iter().all(wronged)) {
            Some(ended) => Err(Broken::ServiceEnded { ended }.into()),
            None => Ok(()),
        }
    }

    /// A letter that follows a shut-off lists nothing that service was not shut off for, and is about one that is off.
    pub(super) fn restores_what_it_says(self, act: &Act, facts: &NoticeFacts) -> Checked {
        if !self.follows_shut_off(&act.key.of) {
            return Ok(());
        }
        self.is_off_still(&act.key.of)?;
        let mut debts = BTreeSet::new();
        for service in &self.snapshot.shut_off {
            match self.latest_cut(*service) {
                Some((_, of_service)) => debts.extend(of_service),
                None => return Ok(()),
            }
        }
        if debts.is_empty() {
            return Ok(());
        }
        match facts.items.iter().find(|listed| !debts.contains(&listed.item) && !self.is_fee_to_restore(listed.item)) {
            Some(listed) => Err(Broken::RestoresNothing { item: listed.item }.into()),
            None => Ok(()),
        }
    }

    fn follows_shut_off(self, of: &StageRef) -> bool {
        self.stage(of).is_some_and(|(track, _)| track.opens == Opens::On(EventKind::ShutOff))
    }

    /// What the stage's letter says is so: a service is off, and money is wanted to turn it on.
    pub(super) fn is_off_still(self, of: &StageRef) -> Checked {
        let wronged = |service: &Service| self.snapshot.without_leave.contains(service);
        let is_wanted = |service: Service| !wronged(&service) && !self.is_settled(service);
        if !self.follows_shut_off(of) || self.off_and_served().into_iter().any(is_wanted) {
            return Ok(());
        }
        Err(Broken::OnAgain.into())
    }

    /// Whether nothing keeps the service off, by what the case tells of its last shut-off: all of it is paid, contested or
    /// arranged, or as much as is left has come in since.
    fn is_settled(self, service: Service) -> bool {
        let Some((cut_on, debts)) = self.latest_cut(service) else { return false };
        let given_up = self.given_up_since(service);
        let (snapshot, today) = (self.snapshot, self.world.today);
        let least = self.policy.ledger.de_minimis.max(Cents::new(1));
        let contested = self.contested(today);
        let kept = snapshot.arrangements.iter().filter(|plan| {
            plan.made_on <= today
                && plan.standing(&snapshot.applications, &snapshot.items, today).state == ArrangementState::Performing
        });
        let kept: Vec<_> = kept.collect();
        let is_let_be =
            |item: &OpenItem| contested.contains(&item.id) || kept.iter().any(|plan| plan.covers.contains(&item.id));
        let (mut asked, mut any_of_cut) = (Cents::ZERO, false);
        for item in snapshot.items.iter().filter(|item| debts.contains(&item.id)) {
            if item.open >= least && item.due_on < today {
                any_of_cut = true;
                asked += if is_let_be(item) { Cents::ZERO } else { item.open };
            }
        }
        if any_of_cut && asked == Cents::ZERO && !given_up.is_positive() {
            return true;
        }
        let fees = snapshot.items.iter().filter(|item| !debts.contains(&item.id) && self.is_fee_to_restore(item.id));
        asked += fees.filter(|fee| !is_let_be(fee)).map(|fee| fee.open).sum::<Cents>();
        if !asked.is_positive() && !given_up.is_positive() {
            return true;
        }
        // Money that came in since and lies elsewhere counts; what it has paid of the sum is no longer asked for.
        let Some(cut_on) = self.cut_since(cut_on) else { return false };
        let mut elsewhere = Cents::ZERO;
        for payment in snapshot.payments.iter().filter(|entry| entry.kind == EntryKind::Payment) {
            let bounced = snapshot.payments.iter().any(|entry| entry.reverses == Some(payment.id));
            if !bounced && (cut_on..=today).contains(&payment.effective_on) {
                let of_sum = snapshot.applications.iter().filter(|part| {
                    let is_of_sum = debts.contains(&part.debt) || self.is_fee_to_restore(part.debt);
                    part.credit == payment.id && is_of_sum && !contested.contains(&part.debt)
                });
                elsewhere += Cents::ZERO - payment.amount - of_sum.map(|part| part.amount).sum::<Cents>();
            }
        }
        elsewhere >= asked + given_up
    }

    /// What was written off or moved away of what the service was shut off for, where no money came in that makes up for it.
    pub(super) fn given_up(self, service: Service) -> Option<Cents> {
        Some(self.given_up_since(service)).filter(|amount| amount.is_positive() && !self.is_settled(service))
    }

    /// What was written off or moved away since the shut-off. What a court has discharged is not counted.
    fn given_up_since(self, service: Service) -> Cents {
        let snapshot = self.snapshot;
        let mut cut_on: Option<Day> = None;
        for event in snapshot.events.iter().filter(|event| event.kind == EventKind::ShutOff) {
            cut_on = cut_on.max(Some(event.on));
        }
        let Some(cut_on) = cut_on else { return Cents::ZERO };
        let debts = self.latest_cut(service).map(|(_, debts)| debts);
        let mut given_up = Cents::ZERO;
        for off in snapshot.taken_off.iter().filter(|off| cut_on <= off.on && off.on <= self.world.today) {
            let is_over =
                snapshot.petitions.iter().filter_map(|petition| petition.discharged_on).any(|on| on <= off.on);
            let is_no_money = off.kind == EntryKind::Transfer || (off.kind == EntryKind::WriteOff && !is_over);
            let is_of_cut = match (&debts, off.debt) {
                (Some(debts), Some(debt)) => debts.contains(&debt),
                _ => self.counts_toward(service, off.service),
            };
            if is_no_money && is_of_cut {
                given_up += off.amount;
            }
        }
        given_up
    }

    /// Whether debts of the one service count toward shutting off the other.
    fn counts_toward(self, shut_off: Service, debt: Service) -> bool {
        let strikes =
            |action: &Action| matches!(action, Action::Disconnect { services, .. } if services.contains(&shut_off));
        let cuts = |track: &&Track| track.stages.iter().any(|stage| stage.acts.iter().any(strikes));
        match self.policy.tracks.iter().find(cuts) {
            Some(track) if !track.counts.is_empty() => track.counts.contains(&debt),
            Some(_) | None => debt == shut_off,
        }
    }

    /// The day of the last shut-off that a crew did on the day of its order or later.
    fn cut_since(self, ordered_on: Day) -> Option<Day> {
        let cuts = self.snapshot.events.iter().filter(|event| event.kind == EventKind::ShutOff);
        cuts.map(|event| event.on).filter(|on| ordered_on <= *on).max()
    }

    /// What the last shut-off of the service rested on, and the day of its order.
    fn latest_cut(self, service: Service) -> Option<(Day, BTreeSet<ItemId>)> {
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
        cuts.max_by_key(|(on, _): &(Day, BTreeSet<ItemId>)| *on)
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
