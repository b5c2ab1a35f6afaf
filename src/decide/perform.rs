//! A stage whose day has come: its condition, what bars its acts, and the acts themselves.

use super::acts;
use super::answered;
use super::bars::{self, Barred};
use super::condition::{FactsRead, asks_for_contact, holds};
use super::held::{Truth, earlier};
use super::restore;
use super::view::View;
use super::walk::{Outcome, Walker};
use crate::domain::action::TagAction;
use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::decision::{Bar, Finding, Verdict};
use crate::domain::{Action, Day, EventKind, ItemId, Role, Service, StageId, StepState};
use crate::rulebook::policy::{Opens, Stage};

impl<'a> Walker<'_, 'a> {
    /// The stage's day has come: its condition, its bars, its acts.
    pub fn decide_stage(&mut self, narrowed: &View<'a>, stage: &'a Stage, for_day: Day) -> Outcome {
        if let Some(call) = self.unanswered_call(stage) {
            let verdict = Verdict::WaitsFor(EventKind::ContactMade, Some(call.clone()));
            return self.waits(stage, stage.rule, verdict, None);
        }
        let mut facts = FactsRead::new();
        let held = holds(&stage.only_if, narrowed, &mut facts);
        self.gives.review = earlier(self.gives.review, held.until);
        match held.value {
            Truth::True => {}
            Truth::Unknown => {
                let asked = facts.iter().find(|(_, value)| value == "not known").map(|(fact, _)| fact.clone());
                self.found(stage, stage.rule, Verdict::Unknown(asked.unwrap_or_default()), facts, held.until);
                return if stage.disconnects() { Outcome::Stop } else { Outcome::Next };
            }
            Truth::False => {
                if stage.disconnects()
                    && let Some(outcome) = self.notice_is_spent(narrowed, stage)
                {
                    return outcome;
                }
                self.found(stage, stage.rule, Verdict::NotMet, facts, held.until);
                return Outcome::Next;
            }
        }
        if self.is_answered(stage) {
            return Outcome::Again;
        }
        if let Some(outcome) = self.leads_past_a_window(stage) {
            return outcome;
        }
        if let Some(outcome) = self.waived(narrowed, stage) {
            return outcome;
        }
        self.act_freely(narrowed, stage, for_day, facts)
    }

    /// The call that must have ended before the stage can be decided: one whose outcome the condition asks for; before a
    /// shut-off, any that the law requires.
    fn unanswered_call(&self, stage: &'a Stage) -> Option<&'a StageId> {
        let asked = asks_for_contact(&stage.only_if);
        let required = |other: &Stage| {
            stage.disconnects() && other.acts.iter().any(|act| matches!(act, Action::Call(call) if call.required))
        };
        let wanted = |other: &Stage| asked.is_some_and(|named| named.is_none_or(|named| *named == other.id));
        let ahead = self.track.stages.iter().take_while(|other| other.id != stage.id);
        let mut unanswered = ahead.filter(|other| self.planner().is_unanswered(other));
        unanswered.find(|other| wanted(other) || required(other)).map(|other| &other.id)
    }

    fn waived(&mut self, narrowed: &View<'a>, stage: &'a Stage) -> Option<Outcome> {
        let waive = stage.waive_if.as_ref()?;
        let mut facts = FactsRead::new();
        if holds(waive, narrowed, &mut facts).value != Truth::True {
            return None;
        }
        let round = self.planner().round(&stage.id);
        self.set(stage, round, StepState::Expired(self.view.world.today), Vec::new());
        self.found(stage, stage.rule, Verdict::NotMet, facts, None);
        Some(Outcome::Next)
    }

    /// The stage's acts that nothing bars, a shut-off one service each.
    fn act_freely(&mut self, narrowed: &View<'a>, stage: &'a Stage, for_day: Day, facts: FactsRead) -> Outcome {
        let items = self.items_of(narrowed, stage);
        if let Some(held) = self.announces_in_vain(narrowed, stage, &items) {
            let rule = held.value.rule.unwrap_or(stage.rule);
            self.found(stage, rule, Verdict::Barred(held.value.bar), held.value.facts, held.until);
            return Outcome::Stop;
        }
        let (mut free, mut barred): (Vec<Action>, Vec<(Barred, Option<Day>)>) = (Vec::new(), Vec::new());
        let mut is_unrouted = false;
        let is_in_vain = self.track.opens == Opens::On(EventKind::ShutOff)
            && (items.is_empty() || restore::is_told_in_vain(narrowed));
        for action in stage.acts.iter().flat_map(|action| as_it_can_be_done(action, narrowed)) {
            let tells = |action: &Action| match action {
                Action::Notice(_) => true,
                Action::Fee(fee) => fee.reconnects.is_some(),
                _ => false,
            };
            if is_in_vain && tells(&action) {
                continue;
            }
            if matches!(action, Action::Refer { to } if to.reaches_property())
                && out_of_reach(stage, narrowed).is_some()
            {
                continue;
            }
            // A stage that tells and charges may tell again; it charges each bill once.
            if matches!(action, Action::Fee(_)) && stage.every.is_none() && self.is_charged(stage) {
                continue;
            }
            let held = bars::find(&action, narrowed, &items);
            self.gives.review = earlier(self.gives.review, held.until);
            match (held.value, &action) {
                (Some(bar), _) => barred.push((bar, held.until)),
                (None, Action::Route { route }) => match self.routed(narrowed, stage, route, &items) {
                    Some(to) => free.push(Action::Refer { to }),
                    None => is_unrouted = true,
                },
                (None, _) => free.push(action),
            }
        }
        if is_unrouted && free.is_empty() && barred.is_empty() {
            return Outcome::Next;
        }
        if free.is_empty() && barred.is_empty() && is_in_vain {
            let facts = vec![("asked for to restore service".into(), "nothing".into())];
            self.found(stage, stage.rule, Verdict::NotMet, facts, None);
            return Outcome::Next;
        }
        if free.is_empty()
            && barred.is_empty()
            && let Some(fact) = out_of_reach(stage, narrowed)
        {
            self.found(stage, stage.rule, Verdict::NotMet, vec![fact], None);
            return Outcome::Next;
        }
        let adverse_barred = stage.disconnects() && !free.iter().any(|act| matches!(act, Action::Disconnect { .. }));
        if adverse_barred && barred.is_empty() {
            let facts = vec![("services to shut off".into(), "none: not had, off already, or ordered off".into())];
            self.found(stage, stage.rule, Verdict::NotMet, facts, None);
            return Outcome::Next;
        }
        if free.is_empty() && barred.is_empty() {
            let round = self.planner().round(&stage.id);
            self.set(stage, round, StepState::Expired(self.view.world.today), items);
            self.found(stage, stage.rule, Verdict::NotMet, vec![("the bill has its fee".into(), "yes".into())], None);
            return Outcome::Next;
        }
        if free.is_empty() || adverse_barred {
            for (bar, until) in barred {
                let rule = bar.rule.unwrap_or(stage.rule);
                self.found(stage, rule, Verdict::Barred(bar.bar), bar.facts, until);
            }
            return Outcome::Stop;
        }
        if stage.disconnects() && items.is_empty() {
            self.found(stage, stage.rule, Verdict::Barred(Bar::NotListed), facts, None);
            return Outcome::Stop;
        }
        if stage.disconnects() && self.announced_day_was_held(narrowed, stage, &items) {
            return Outcome::Again;
        }
        let mut facts = facts;
        if let (true, Some(why)) =
            (free.iter().any(|act| matches!(act, Action::Visit(_))), narrowed.snapshot.profile.cannot_be_called())
        {
            facts.push(("call".into(), why.to_owned()));
        }
        self.found(stage, stage.rule, Verdict::Acts, facts, None);
        self.perform(narrowed, stage, free, for_day, items);
        Outcome::Stop
    }

    fn is_charged(&self, stage: &Stage) -> bool {
        let run = &self.gives.run;
        let tells = stage.acts.iter().any(|action| matches!(action, Action::Notice(_)));
        if tells && super::fees::is_charged_in_vain(self.view, run, &stage.id, self.planner().round(&stage.id)) {
            return true;
        }
        super::fees::is_charged(self.view, self.track, &stage.id, (run.anchor_billed_on, run.anchor_due_on))
    }

    fn perform(&mut self, narrowed: &View<'a>, stage: &'a Stage, free: Vec<Action>, for_day: Day, items: Vec<ItemId>) {
        let today = self.view.world.today;
        let round = self.planner().round(&stage.id);
        for (n, action) in free.into_iter().enumerate() {
            let n = u8::try_from(n).unwrap_or(u8::MAX);
            self.act(narrowed, stage, round, n, action, for_day, &items);
        }
        if let Some(text) = self.errands_in_vain(stage) {
            let task = Action::Task { text, role: Role::Lead };
            self.act(narrowed, stage, round, u8::MAX, task, today, &items);
        }
        let is_statutory = stage.acts.iter().any(|act| matches!(act, Action::Notice(notice) if notice.statutory));
        if is_statutory && let Some((later, day)) = acts::announced(self.planner(), stage, &items) {
            self.gives.run.announced.insert(later, day);
        }
        if let Some(asked) = answered::asked(self.planner().on(narrowed), stage, &items, today) {
            self.gives.run.asked.insert(stage.id.clone(), asked);
        }
        self.set(stage, round, StepState::Acted(for_day.min(today)), items);
        // The next stage may be due at once; it is looked at tomorrow.
        self.gives.review = earlier(self.gives.review, Some(plus_days(today, 1)));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is a different fact of the act; a struct would only rename them"
    )]
    pub fn act(
        &mut self,
        view: &View<'a>,
        stage: &'a Stage,
        round: u16,
        n: u8,
        action: Action,
        for_day: Day,
        items: &[ItemId],
    ) {
        let of = StageRef {
            case: self.view.case,
            track: self.track.id.clone(),
            anchor: self.gives.run.anchor,
            stage: stage.id.clone(),
            round,
        };
        let because = Finding {
            rule: stage.rule,
            track: Some(self.track.id.clone()),
            stage: Some(stage.id.clone()),
            verdict: Verdict::Acts,
            facts: self.gives.findings.last().map(|finding| finding.facts.clone()).unwrap_or_default(),
            until: None,
        };
        let act = acts::act(self.planner().on(view), stage, of, n, action, for_day, items, because);
        self.gives.acts.extend(act);
    }
}

/// Why what the stage refers does not reach the debtor: a lien or the tax roll follows the premises, and they are another's.
pub fn out_of_reach(stage: &Stage, view: &View) -> Option<(String, String)> {
    let reaches = |action: &Action| matches!(action, Action::Refer { to } if to.reaches_property());
    let why = view.snapshot.profile.is_not_owner_because().filter(|_| stage.acts.iter().any(reaches))?;
    Some(("debtor is owner".to_owned(), format!("no: {why}")))
}

/// A call that cannot be made becomes a visit where it matters; a shut-off, an act for each service.
fn as_it_can_be_done(action: &Action, narrowed: &View) -> Vec<Action> {
    match action {
        Action::Call(call)
            if (call.required || call.or_visit) && narrowed.snapshot.profile.cannot_be_called().is_some() =>
        {
            vec![Action::Visit(call.clone())]
        }
        Action::Tag(tag) if tag.to_tenants => {
            vec![Action::Tag(TagAction { doors: narrowed.snapshot.profile.dwellings(), ..tag.clone() })]
        }
        other => one_service_each(other, narrowed),
    }
}

/// A shut-off as one act for each service that the account has and that is neither off nor ordered off already, so that what bars one
/// leaves the others.
fn one_service_each(action: &Action, narrowed: &View) -> Vec<Action> {
    let snapshot = narrowed.snapshot;
    match action {
        Action::Disconnect { services, limit_only } => services
            .iter()
            .filter(|service| snapshot.profile.services.contains(service))
            .filter(|service| !snapshot.shut_off.contains(service) && !narrowed.ordered.contains(service))
            .map(|service: &Service| Action::Disconnect { services: vec![*service], limit_only: *limit_only })
            .collect(),
        other => vec![other.clone()],
    }
}
