//! The checks on each kind of act.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked, Objection, is_outward};
use super::disconnection::{Disconnection, unknown_stage};
use super::protection::Bench;
use super::truth::Truth;
use crate::domain::action::{FeeAction, NoticeAction, Reconnection};
use crate::domain::case::StageRef;
use crate::domain::fee::owed_before;
use crate::domain::hold::{Blocks, Hold, HoldKind};
use crate::domain::notice::NoticeFacts;
use crate::domain::proof::{Proof, ProofKind};
use crate::domain::referral::Destination;
use crate::domain::{Act, Action, Case, Cents, Channel, Day, ItemId, Occupancy, Service, StepState, TrackRun};
use crate::rulebook::policy::{Limit, Opens, Per};

impl Bench<'_> {
    /// One act of a decision that leaves or keeps the cases given. `never_due` are the fees that are taken back, by the acts
    /// ahead of this one too.
    pub(super) fn check_act(self, cases: &[&Case], never_due: &BTreeSet<ItemId>, act: &Act) -> Checked {
        if let Action::Restore { services, .. } = &act.action {
            return self.may_restore(act, services);
        }
        if let Action::ReverseFee { fee, .. } = &act.action {
            return self.may_reverse(act, *fee, never_due);
        }
        if let Action::ApplyDeposit(deposit) = &act.action {
            return self.may_apply(act, deposit);
        }
        let is_question = act.key.of.stage.as_str() == "given_up" && self.stage(&act.key.of).is_none();
        if is_question && matches!(act.action, Action::Task { .. }) {
            return self.may_ask(act);
        }
        let run = self.check_key(cases, act)?;
        let of = &act.key.of;
        if is_outward(&act.action) {
            if act.for_day < self.world.today {
                return Err(Broken::DatedBack { for_day: act.for_day, today: self.world.today }.into());
            }
            self.is_not_frozen()?;
            self.is_not_before_announced(of, act.for_day)?;
        }
        if is_outward(&act.action) || matches!(act.action, Action::Fee(_)) {
            self.no_deposit_waits(act.for_day)?;
        }
        if is_outward(&act.action) {
            self.service_goes_on(of, act.for_day)?;
            self.something_is_on(of)?;
        }
        if matches!(act.action, Action::Notice(_) | Action::Tag(_) | Action::Call(_) | Action::Visit(_)) {
            self.is_not_arranged(of, act.for_day)?;
        }
        let stated = items_of_step(run, of, act.key.service);
        let elsewhere = cases.iter().find(|case| case.number == of.case).map(|case| kept_by_others(case, of));
        if let Some(item) = elsewhere.into_iter().flatten().find(|item| stated.contains(item)) {
            return Err(Broken::OtherRun { item }.into());
        }
        let struck = act.action.struck_by();
        if !struck.is_empty() {
            self.is_not_out(&struck, &stated, act.for_day)?;
        }
        match &act.action {
            Action::Disconnect { services, limit_only: _ } => {
                let services: Vec<Service> = act.key.service.map_or_else(|| services.clone(), |s| vec![s]);
                self.may_disconnect(&Disconnection {
                    of,
                    services: &services,
                    items: &stated,
                    amount: act.amount,
                    for_day: act.for_day,
                })
            }
            Action::Refer { to } => {
                self.may_refer(Some(*to), &stated, act.amount, act.for_day)?;
                self.goes_where_routed(of, *to, &stated, act.for_day)
            }
            Action::NoRoute { route, .. } => self.goes_nowhere(of, route, act.amount, act.for_day),
            // What a policy says; decided, it is one of the two above.
            Action::Route { .. } => Err(unknown_stage(of)),
            Action::WriteOff => {
                self.may_refer(None, &stated, act.amount, act.for_day)?;
                self.came_back_before(of, &stated)
            }
            Action::Notice(notice) => {
                let facts = act.notice.as_ref().ok_or(Broken::NoticeWithoutFacts)?;
                self.is_never_alone(notice)?;
                self.is_stated_right(facts, act.for_day)?;
                self.restores_what_it_says(act, facts)?;
                if notice.statutory {
                    self.may_be_announced(of, &listed(facts), facts.shut_off_on)?;
                }
                self.is_of_this_account(of, facts)?;
                let services: Vec<Service> = act.key.service.into_iter().collect();
                let to_estate = |hold: &Hold| !notice.statutory && goes_to_estate(hold);
                self.is_free_but(&act.action.struck_by(), &services, Some(&listed(facts)), act.for_day, to_estate)
            }
            Action::Tag(_) => {
                let facts = act.notice.as_ref().ok_or(Broken::NoticeWithoutFacts)?;
                self.is_stated_right(facts, act.for_day)?;
                self.may_be_announced(of, &listed(facts), facts.shut_off_on)?;
                self.is_of_this_account(of, facts)?;
                self.are_free(act, Some(&listed(facts)))
            }
            Action::Call(_) | Action::Visit(_) => self.are_free(act, Some(&self.past_due_items(act.for_day))),
            Action::Fee(_) => self.may_charge(run, &stated, act),
            // They take nothing from anybody.
            Action::Restore { .. }
            | Action::ReverseFee { .. }
            | Action::ApplyDeposit(_)
            | Action::Task { .. }
            | Action::Hold { .. }
            | Action::Flag { .. }
            | Action::Freeze { .. } => Ok(()),
        }
    }

    /// A fee is taken back once, whole, and only when nothing of its debt was past due as its day began.
    fn may_reverse(&self, act: &Act, fee: ItemId, never_due: &BTreeSet<ItemId>) -> Checked {
        if act.key.account != self.snapshot.account {
            return Err(Broken::OtherCase { account: act.key.account, named: act.key.of.case }.into());
        }
        let Some(posted) = self.snapshot.fees.iter().find(|posted| posted.entry == fee && posted.undone.is_none())
        else {
            return Err(Broken::NoSuchFee { fee }.into());
        };
        if act.amount != Some(posted.amount) {
            return Err(Broken::FeeAmount.into());
        }
        let track = self.policy.track(&posted.key.of.track).filter(|track| track.opens == Opens::Arrears);
        let (Some(track), false) = (track, self.snapshot.ledger.is_empty()) else {
            return Err(Broken::FeeHasGround { fee, on: posted.on }.into());
        };
        let plans = self.snapshot.spans();
        let owed = owed_before(posted, never_due, &self.snapshot.ledger, &self.policy.ledger.order, &plans);
        let still_owed = owed.iter().any(|item| {
            let of_bill = track.per != Per::Bill || posted.bill == Some((item.billed_on, item.due_on));
            let counts = track.counts.is_empty() || track.counts.contains(&item.service);
            of_bill && counts && item.due_on < posted.on && item.open >= self.policy.ledger.de_minimis
        });
        if still_owed { Err(Broken::FeeHasGround { fee, on: posted.on }.into()) } else { Ok(()) }
    }

    /// The key names this account, the case decided on, and a stage that the policy has.
    fn check_key<'c>(&self, cases: &[&'c Case], act: &Act) -> Result<&'c TrackRun, Objection> {
        let of = &act.key.of;
        let case = cases.iter().find(|case| case.number == of.case);
        let (Some(case), true) = (case, act.key.account == self.snapshot.account) else {
            return Err(Broken::OtherCase { account: act.key.account, named: of.case }.into());
        };
        let run = case.tracks.iter().find(|run| run.track == of.track && run.anchor == of.anchor);
        match (run, self.stage(of)) {
            (Some(run), Some(_)) => Ok(run),
            _ => Err(unknown_stage(of)),
        }
    }

    /// Nothing blocks the act. With items: a hold on certain items blocks it where it rests on one of them.
    fn are_free(self, act: &Act, items: Option<&BTreeSet<ItemId>>) -> Checked {
        let services: Vec<Service> = act.key.service.into_iter().collect();
        self.is_free(&act.action.struck_by(), &services, items, act.for_day)
    }

    fn past_due_items(self, day: Day) -> BTreeSet<ItemId> {
        self.snapshot.items.iter().filter(|item| item.due_on < day).map(|item| item.id).collect()
    }

    /// A referral (`to`), or a write-off (no destination).
    pub(super) fn may_refer(
        self,
        to: Option<Destination>,
        items: &BTreeSet<ItemId>,
        amount: Option<Cents>,
        for_day: Day,
    ) -> Checked {
        for day in BTreeSet::from([self.world.today, for_day]) {
            self.may_be_out(items, day)?;
        }
        let at_stake = || self.snapshot.items.iter().filter(|item| items.is_empty() || items.contains(&item.id));
        for item in at_stake() {
            self.may_be_asked_for(item, for_day)?;
        }
        let open: Cents = at_stake().map(|item| item.open).sum();
        if !open.is_positive() || amount.is_some_and(|amount| !amount.is_positive()) {
            return Err(Broken::NothingOwed.into());
        }
        if let Some(stated) = amount.filter(|stated| *stated > open) {
            return Err(Broken::NotCarried { stated, carried: open }.into());
        }
        let Some(to) = to else { return Ok(()) };
        if reaches_property(to) && !self.debtor_owns() {
            return Err(Broken::NotOwner { to }.into());
        }
        match self.out(items, for_day) {
            Some(placed) => Err(Broken::AlreadyPlaced { on: placed.on }.into()),
            None => Ok(()),
        }
    }

    /// Nothing protects the account from having these debts out on the day: all of them where none are named. It is asked
    /// before a debt goes out, and every night while it is.
    pub(super) fn may_be_out(self, items: &BTreeSet<ItemId>, day: Day) -> Checked {
        self.is_free(&BTreeSet::from([Blocks::Referral]), &[], (!items.is_empty()).then_some(items), day)?;
        self.is_not_being_paid(day)?;
        self.is_not_arranged_on_stayed(day)?;
        for guard in self.guards(&self.snapshot.profile.services) {
            let Limit::NeverReferWhile { when } = &guard.limit else { continue };
            match self.reader(day).truth(when) {
                Truth::Yes => return Err(Objection::of_rule(guard.rule, Broken::BarStands)),
                Truth::Unknown(what) => return Err(Objection::of_rule(guard.rule, Broken::BarUnknown(what))),
                Truth::No => {}
            }
        }
        Ok(())
    }

    /// The customer lives in the premises as their owner, and nobody else is recorded as that.
    pub(super) fn debtor_owns(self) -> bool {
        let profile = &self.snapshot.profile;
        let is_customer = |name: &str| {
            let (mut one, mut other) = (name.split_whitespace(), profile.customer_name.split_whitespace());
            loop {
                match (one.next(), other.next()) {
                    (None, None) => break true,
                    (Some(a), Some(b)) if a.to_uppercase() == b.to_uppercase() => {}
                    _ => break false,
                }
            }
        };
        match (profile.occupancy, &profile.owner) {
            (Occupancy::Tenant, _) | (Occupancy::Vacant, None) => false,
            (Occupancy::Owner, None) => true,
            (Occupancy::Owner | Occupancy::Vacant, Some(owner)) => is_customer(&owner.name),
        }
    }

    /// A notice that the law requires goes by something else besides email, and besides what a guard names.
    pub(super) fn is_never_alone(self, notice: &NoticeAction) -> Checked {
        if !notice.statutory {
            return Ok(());
        }
        let words = || notice.by.iter().map(|channel| channel.word()).collect::<Vec<_>>().join(" and ");
        if notice.by.iter().all(|channel| *channel == Channel::Email) {
            return Err(Broken::NeverAlone { by: words() }.into());
        }
        for guard in self.guards(&self.snapshot.profile.services) {
            if let Limit::NeverAlone { by } = &guard.limit
                && notice.by.iter().all(|channel| by.contains(channel))
            {
                return Err(Objection::of_rule(guard.rule, Broken::NeverAlone { by: words() }));
            }
        }
        Ok(())
    }

    /// What a notice states is what the ledger has.
    fn is_stated_right(self, facts: &NoticeFacts, day: Day) -> Checked {
        let mut seen = BTreeSet::new();
        for listed in &facts.items {
            if !seen.insert(listed.item) {
                return Err(Broken::ListedTwice { item: listed.item }.into());
            }
            let item = self.snapshot.items.iter().find(|item| item.id == listed.item);
            let same = |item: &&crate::domain::OpenItem| {
                item.open == listed.open && item.service == listed.service && item.due_on == listed.due_on
            };
            if item.as_ref().is_none_or(|x| !same(x)) {
                let open = item.map(|item| item.open);
                return Err(Broken::ListedWrong { item: listed.item, stated: listed.open, open }.into());
            }
            if let Some(item) = item {
                self.may_be_asked_for(item, day)?;
            }
        }
        let sum: Cents = facts.items.iter().map(|listed| listed.open).sum();
        if sum == facts.amount { Ok(()) } else { Err(Broken::NoticeSum { stated: facts.amount, sum }.into()) }
    }

    /// Turning on again costs a household that has shown a low income no more than a guard says, nor than it costs the city.
    fn is_within_the_limit(self, act: &Act) -> Checked {
        let Action::Fee(FeeAction { reconnects: Some(when), cost, .. }) = &act.action else { return Ok(()) };
        let has_shown = |proof: &Proof| proof.kind == ProofKind::LowIncome && proof.counts_on(self.world.today);
        if !self.snapshot.proofs.iter().any(has_shown) {
            return Ok(());
        }
        let posted = act.amount.unwrap_or(Cents::ZERO);
        for guard in self.guards(&self.snapshot.profile.services) {
            let Limit::ReconnectionFee { limits } = &guard.limit else { continue };
            let limit = match when {
                Reconnection::InHours => limits.in_hours,
                Reconnection::AfterHours => limits.after_hours,
            };
            let limit = cost.map_or(limit, |cost| limit.min(cost));
            if posted > limit {
                return Err(Objection::of_rule(guard.rule, Broken::ReconnectionTooDear { posted, limit }));
            }
        }
        Ok(())
    }

    /// A fee of nothing or more, for a debt that was past due on its day.
    fn may_charge(self, run: &TrackRun, items: &BTreeSet<ItemId>, act: &Act) -> Checked {
        if act.amount.is_none_or(Cents::is_negative) {
            return Err(Broken::FeeAmount.into());
        }
        if act.for_day > self.world.today {
            return Err(Broken::DatedAhead { for_day: act.for_day }.into());
        }
        self.is_within_the_limit(act)?;
        self.is_not_charged(run, act)?;
        let anchor = BTreeSet::from([act.key.of.anchor]);
        let rests_on = if items.is_empty() { &anchor } else { items };
        self.may_all_be_asked_for(rests_on, act.for_day)?;
        self.are_free(act, Some(rests_on))?;
        // A returned payment costs its fee though the bill may not be due again yet.
        let opens = self.stage(&act.key.of).map(|(track, _)| &track.opens);
        if matches!(opens, Some(Opens::Arrears)) && run.anchor_due_on >= act.for_day {
            return Err(Broken::FeeTooEarly { due_on: run.anchor_due_on, for_day: act.for_day }.into());
        }
        Ok(())
    }
}

impl Bench<'_> {
    /// A bill has each of its fees once, in whatever case; one that recurs, not twice for the same day.
    fn is_not_charged(self, run: &TrackRun, act: &Act) -> Checked {
        let Some((track, stage)) = self.stage(&act.key.of).filter(|(track, _)| track.per == Per::Bill) else {
            return Ok(());
        };
        let bill = (run.anchor_billed_on, run.anchor_due_on);
        let mut earlier = self
            .snapshot
            .fees
            .iter()
            .filter(|fee| fee.key != act.key && fee.key.n == act.key.n && fee.charges(&track.id, &stage.id, bill));
        match earlier.find(|fee| stage.every.is_none() || fee.on >= act.for_day) {
            Some(fee) => Err(Broken::FeeTwice { on: fee.on, bill_due: bill.1 }.into()),
            None => Ok(()),
        }
    }
}

/// The debts that the track's other open runs went out with.
fn kept_by_others(case: &Case, of: &StageRef) -> BTreeSet<ItemId> {
    let mut kept = BTreeSet::new();
    for run in &case.tracks {
        if run.track == of.track && run.anchor != of.anchor && run.closed.is_none() {
            kept.extend(&run.own);
        }
    }
    kept
}

/// The items that the case says a stage rests on; empty when it does not say.
fn items_of_step(run: &TrackRun, of: &StageRef, service: Option<Service>) -> BTreeSet<ItemId> {
    run.steps
        .iter()
        .filter(|step| step.stage == of.stage && step.round == of.round && matches!(step.state, StepState::Acted(_)))
        .filter(|step| step.service.is_none() || service.is_none() || step.service == service)
        .flat_map(|step| step.items.iter().copied())
        .collect()
}

/// The customer died, and the lead has named who acts for the estate: letters that announce nothing go there.
pub(super) fn goes_to_estate(hold: &Hold) -> bool {
    let representative = hold.estate.as_ref().and_then(|estate| estate.representative.as_ref());
    hold.kind == HoldKind::Deceased && representative.is_some()
}

fn listed(facts: &NoticeFacts) -> BTreeSet<ItemId> {
    facts.items.iter().map(|listed| listed.item).collect()
}

/// A lien and the tax roll reach the debtor's own property only.
const fn reaches_property(to: Destination) -> bool {
    match to {
        Destination::Lien | Destination::TaxRoll => true,
        Destination::Attorney | Destination::SmallClaims | Destination::Agency | Destination::Setoff => false,
    }
}
