//! The walk along a track's stages: what acts today, what waits, what is passed over.
//!
//! Stepwise: at most one stage forward for each run of a track and day. Stages are taken in the order of the file.
//! A stage whose day has come and whose condition does not hold is passed over; one that is barred, or whose day has
//! not come, holds back what follows.

use std::collections::BTreeSet;

use super::acts;
use super::bars::{self, Barred};
use super::condition::{FactsRead, holds};
use super::dates::forward;
use super::held::{Truth, earlier};
use super::plan::{Planned, Planner};
use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::decision::{Act, Bar, Finding, Verdict};
use crate::domain::{Action, Day, EventKind, ItemId, RuleId, Service, StageId, Step, StepState, TrackRun};
use crate::rulebook::policy::{Expiry, Stage};

/// What a walk gives.
pub struct Walked {
    pub run: TrackRun,
    pub acts: Vec<Act>,
    pub findings: Vec<Finding>,
    pub review: Option<Day>,
}

/// How a stage leaves the walk.
enum Outcome {
    /// It acted, waits or is barred: nothing behind it moves today.
    Stop,
    /// It is done or passed over: the next may be looked at.
    Next,
    /// Stages came around again: the walk begins anew.
    Again,
}

/// Walks one run on the view's day.
pub fn walk(planner: Planner) -> Walked {
    let mut walker = Walker { planner, acts: Vec::new(), findings: Vec::new(), review: None };
    // Each new beginning spends at least one stage that had acted, so that there are at most as many as stages.
    for _ in 0..=walker.planner.track.stages.len() {
        walker.findings.clear();
        if !walker.pass() {
            break;
        }
    }
    Walked { run: walker.planner.run, acts: walker.acts, findings: walker.findings, review: walker.review }
}

struct Walker<'a> {
    planner: Planner<'a>,
    acts: Vec<Act>,
    findings: Vec<Finding>,
    review: Option<Day>,
}

impl<'a> Walker<'a> {
    /// One pass along the stages; true when the walk must begin anew.
    fn pass(&mut self) -> bool {
        let track = self.planner.track;
        let mut held_back: Option<StageId> = None;
        for (index, stage) in track.stages.iter().enumerate() {
            if let Some(before) = &held_back {
                let verdict = match self.planner.acted_on(&stage.id) {
                    Some(day) => Verdict::Done(day),
                    None => Verdict::WaitsForStage(before.clone()),
                };
                self.found(stage, stage.rule, verdict, Vec::new(), None);
                continue;
            }
            match self.stage(index, stage) {
                Outcome::Next => {}
                Outcome::Stop => held_back = Some(stage.id.clone()),
                Outcome::Again => return true,
            }
        }
        false
    }

    fn stage(&mut self, index: usize, stage: &Stage) -> Outcome {
        if let Some(outcome) = self.reached_before(index, stage) {
            return outcome;
        }
        if let Some(outcome) = self.window(stage) {
            return outcome;
        }
        let today = self.planner.view.world.today;
        let narrowed = self.narrowed(stage);
        let (day, set_by) = match self.planned_day(&narrowed, stage, today) {
            Ok(planned) => planned,
            Err(outcome) => return outcome,
        };
        if day > today {
            self.found(stage, set_by.unwrap_or(stage.rule), Verdict::WaitsUntil(day), Vec::new(), Some(day));
            return Outcome::Stop;
        }
        if self.moved_today() {
            self.found(
                stage,
                stage.rule,
                Verdict::WaitsUntil(plus_days(today, 1)),
                Vec::new(),
                Some(plus_days(today, 1)),
            );
            return Outcome::Stop;
        }
        // Only fees are caught up on the day that they missed; what people are told is of today.
        let outward = stage.acts.iter().any(|act| !matches!(act, Action::Fee(_) | Action::Freeze { .. }));
        let for_day = if outward { today } else { day };
        if outward && !self.allowed_today(&narrowed, stage, today) {
            return Outcome::Stop;
        }
        self.decide_stage(&narrowed, stage, for_day)
    }

    /// A stage that was reached before: done, spent, passed over; or a recurring one that is due again.
    fn reached_before(&mut self, index: usize, stage: &Stage) -> Option<Outcome> {
        let today = self.planner.view.world.today;
        let Some(step) = self.planner.step(&stage.id).cloned() else {
            let furthest = self.planner.track.stages.iter().rposition(|s| self.planner.step(&s.id).is_some());
            if furthest.is_some_and(|furthest| index < furthest) {
                self.found(stage, stage.rule, Verdict::NotMet, Vec::new(), None);
                return Some(Outcome::Next);
            }
            return None;
        };
        match &step.state {
            StepState::Spent(..) => None,
            StepState::Acted(day) => {
                if stage.disconnects() && self.order_lapsed(stage, step.round) {
                    self.spend_from(index, today);
                    return Some(Outcome::Again);
                }
                if self.voided(stage, step.round) && self.spend_from(index, today) {
                    return Some(Outcome::Again);
                }
                if let Some(every) = stage.every {
                    let next = forward(&self.planner.view.world.calendar, *day, every);
                    if next <= today && !self.moved_today() {
                        self.set(stage, step.round, StepState::Spent(*day, today));
                        return Some(Outcome::Again);
                    }
                    self.review = earlier(self.review, Some(next.max(plus_days(today, 1))));
                }
                self.found(stage, stage.rule, Verdict::Done(*day), Vec::new(), None);
                Some(Outcome::Next)
            }
            StepState::Skipped(by) => {
                self.found(stage, stage.rule, Verdict::Overridden(by.clone()), Vec::new(), None);
                Some(Outcome::Next)
            }
            StepState::Canceled(day, _) | StepState::Expired(day) => {
                self.found(stage, stage.rule, Verdict::Expired(*day), Vec::new(), None);
                Some(Outcome::Next)
            }
        }
    }

    /// A prepared shut-off that was canceled or lapsed before the crew acted comes around again.
    fn order_lapsed(&self, stage: &Stage, round: u16) -> bool {
        let of = |kind| self.planner.view.stage_events(&stage.id, round).any(|event| event.kind == kind);
        of(EventKind::OrderCanceled) && !of(EventKind::ShutOff)
    }

    /// A notice that was voided before it was mailed, for its dates had become too early, is made anew.
    fn voided(&self, stage: &Stage, round: u16) -> bool {
        let of = |kind| self.planner.view.stage_events(&stage.id, round).any(|event| event.kind == kind);
        of(EventKind::NoticeVoided) && !of(EventKind::NoticeMailed)
    }

    /// Closes the stage's window when its last day is past.
    fn window(&mut self, stage: &Stage) -> Option<Outcome> {
        let end = stage.end.as_ref()?;
        let today = self.planner.view.world.today;
        let last = self.planner.resolve(&end.last).ok()?;
        if today <= last {
            self.review = earlier(self.review, Some(plus_days(last, 1)));
            return None;
        }
        match &end.then {
            Expiry::Lapse | Expiry::Exception => {
                let round = self.planner.round(&stage.id);
                self.set(stage, round, StepState::Expired(today));
                self.found(stage, stage.rule, Verdict::Expired(last), Vec::new(), None);
                if end.then == Expiry::Exception {
                    let text = format!("{} was not done by {last}, the last day on which it could be", stage.id);
                    self.act(stage, round, 0, Action::Task { text, role: crate::domain::Role::Lead }, today, &[]);
                }
                Some(Outcome::Next)
            }
            Expiry::Restart(from) => {
                let index = self.planner.track.stages.iter().position(|other| other.id == *from)?;
                self.spend_from(index, today).then_some(Outcome::Again)
            }
        }
    }

    /// The planner for a stage: a shut-off sees only the debt that its notice listed.
    fn narrowed(&self, stage: &Stage) -> Planner<'a> {
        let mut planner = self.planner.clone();
        if stage.disconnects() {
            if planner.view.counts.is_empty() {
                planner.view.counts = stage.acts.iter().flat_map(bars::services_of).collect();
            }
            if let Some(listed) = planner.listed_for(stage) {
                planner.view = planner.view.only_listed(listed);
            }
        }
        planner
    }

    /// The day on which the stage is to act: by its own dates, or planned back from the stages behind it.
    fn planned_day(&mut self, narrowed: &Planner, stage: &Stage, today: Day) -> Result<(Day, Option<RuleId>), Outcome> {
        let own = narrowed.first_day(stage, None);
        let planned = match (own, narrowed.lead_day(stage, today)) {
            (Planned::On { day, set_by }, Some(Planned::On { day: led, .. })) => {
                Planned::On { day: day.max(led), set_by }
            }
            (Planned::On { .. }, Some(other)) | (other, _) => other,
        };
        match planned {
            Planned::On { day, set_by } => Ok((day, set_by)),
            Planned::Waits { verdict, rule } => {
                self.found(stage, rule.unwrap_or(stage.rule), verdict, Vec::new(), None);
                Err(Outcome::Stop)
            }
            Planned::NotMet { facts, until } => {
                self.found(stage, stage.rule, Verdict::NotMet, facts, until);
                Err(Outcome::Next)
            }
        }
    }

    /// Whether today is a day of the stage's rule and not a closed one; else it waits for the next.
    fn allowed_today(&mut self, narrowed: &Planner, stage: &Stage, today: Day) -> bool {
        let bare = Stage { only_if: crate::rulebook::policy::Cond::Always, ..stage.clone() };
        match narrowed.first_day_met(&bare, today, None) {
            Planned::On { day, .. } if day > today => {
                let closed = narrowed.view.world.calendar.ban_on(today, &stage.never);
                let reason = closed.map_or_else(|| "not a day of its rule".to_owned(), |kind| format!("{kind:?}"));
                let facts = vec![("today".to_owned(), reason)];
                self.found(stage, stage.rule, Verdict::WaitsUntil(day), facts, Some(day));
                false
            }
            Planned::On { .. } => true,
            Planned::Waits { .. } | Planned::NotMet { .. } => false,
        }
    }

    /// The stage's day has come: its condition, its bars, its acts.
    fn decide_stage(&mut self, narrowed: &Planner, stage: &Stage, for_day: Day) -> Outcome {
        let today = narrowed.view.world.today;
        let mut facts = FactsRead::new();
        let held = holds(&stage.only_if, &narrowed.view, &mut facts);
        match held.value {
            Truth::True => {}
            Truth::Unknown => {
                let asked = facts.iter().find(|(_, value)| value == "not known").map(|(fact, _)| fact.clone());
                let verdict = Verdict::Unknown(asked.unwrap_or_default());
                self.found(stage, stage.rule, verdict, facts, held.until);
                return if stage.disconnects() { Outcome::Stop } else { Outcome::Next };
            }
            Truth::False => {
                if let Some(outcome) = self.notice_is_spent(narrowed, stage, today) {
                    return outcome;
                }
                self.found(stage, stage.rule, Verdict::NotMet, facts, held.until);
                return Outcome::Next;
            }
        }
        self.review = earlier(self.review, held.until);
        if let Some(waive) = &stage.waive_if {
            let mut read = FactsRead::new();
            if holds(waive, &narrowed.view, &mut read).value == Truth::True {
                let round = self.planner.round(&stage.id);
                self.set(stage, round, StepState::Expired(today));
                self.found(stage, stage.rule, Verdict::NotMet, read, None);
                return Outcome::Next;
            }
        }
        let (free, barred) = self.sift(narrowed, stage);
        let adverse_barred = stage.disconnects() && !free.iter().any(|act| matches!(act, Action::Disconnect { .. }));
        if adverse_barred && barred.is_empty() {
            let facts = vec![("services to shut off".into(), "none: not had, or off already".into())];
            self.found(stage, stage.rule, Verdict::NotMet, facts, None);
            return Outcome::Next;
        }
        if free.is_empty() || adverse_barred {
            for (bar, until) in barred {
                let rule = bar.rule.unwrap_or(stage.rule);
                self.found(stage, rule, Verdict::Barred(bar.bar), bar.facts, until);
            }
            return Outcome::Stop;
        }
        self.perform(narrowed, stage, free, for_day, facts)
    }

    /// The stage's acts that nothing bars, a shut-off one service each, and what bars the others.
    fn sift(&mut self, narrowed: &Planner, stage: &Stage) -> (Vec<Action>, Vec<(Barred, Option<Day>)>) {
        let (mut free, mut barred) = (Vec::new(), Vec::new());
        for action in stage.acts.iter().flat_map(|action| one_service_each(action, narrowed)) {
            let held = bars::find(&action, &narrowed.view);
            self.review = earlier(self.review, held.until);
            match held.value {
                Some(bar) => barred.push((bar, held.until)),
                None => free.push(action),
            }
        }
        (free, barred)
    }

    fn perform(
        &mut self,
        narrowed: &Planner,
        stage: &Stage,
        free: Vec<Action>,
        for_day: Day,
        facts: FactsRead,
    ) -> Outcome {
        let today = narrowed.view.world.today;
        let round = self.planner.round(&stage.id);
        let items: Vec<ItemId> = acts::rests_on(narrowed, stage).iter().map(|item| item.id).collect();
        if stage.disconnects() && items.is_empty() {
            self.found(stage, stage.rule, Verdict::Barred(Bar::NotListed), facts, None);
            return Outcome::Stop;
        }
        self.found(stage, stage.rule, Verdict::Acts, facts, None);
        for (n, action) in free.into_iter().enumerate() {
            let n = u8::try_from(n).unwrap_or(u8::MAX);
            self.act(stage, round, n, action, for_day, &items);
        }
        if let Some((later, day)) = self.announces(stage, &items) {
            self.planner.run.announced.insert(later, day);
        }
        self.set_with_items(stage, round, StepState::Acted(for_day.min(today)), items);
        // The next stage may be due at once; it is looked at tomorrow.
        self.review = earlier(self.review, Some(plus_days(today, 1)));
        Outcome::Stop
    }

    /// A notice that did not list the debt is spent once the rest would carry the shut-off: it comes around again.
    fn notice_is_spent(&mut self, narrowed: &Planner, stage: &Stage, today: Day) -> Option<Outcome> {
        let (notice, _) = narrowed.notice_before(stage)?;
        let index = self.planner.track.stages.iter().position(|other| other.id == notice.id)?;
        let mut everything = narrowed.clone();
        everything.view.listed = None;
        let listed_later = matches!(narrowed.first_day_met(stage, today, None), Planned::On { .. });
        let all_later = matches!(everything.first_day_met(stage, today, Some(&notice.id)), Planned::On { .. });
        let acted_before = narrowed.acted_on(&notice.id).is_some_and(|day| day < today);
        (!listed_later && all_later && acted_before && self.spend_from(index, today)).then_some(Outcome::Again)
    }

    /// Takes the force from all steps from `index` on that acted; false when there was none.
    fn spend_from(&mut self, index: usize, today: Day) -> bool {
        let stages: BTreeSet<StageId> = self.planner.track.stages[index..].iter().map(|s| s.id.clone()).collect();
        let mut spent = false;
        for step in &mut self.planner.run.steps {
            if let StepState::Acted(day) = step.state
                && stages.contains(&step.stage)
                && day < today
            {
                step.state = StepState::Spent(day, today);
                spent = true;
            }
        }
        self.planner.run.announced.retain(|stage, _| !stages.contains(stage));
        spent
    }

    /// Whether the run has moved a stage forward today already.
    fn moved_today(&self) -> bool {
        let today = self.planner.view.world.today;
        self.planner.run.steps.iter().any(|step| matches!(step.state, StepState::Acted(day) if day == today))
    }

    /// What a notice that acts today announces: the later shut-off, and the earliest day on which it may be.
    fn announces(&self, stage: &Stage, items: &[ItemId]) -> Option<(StageId, Day)> {
        let statutory = stage.acts.iter().any(|act| matches!(act, Action::Notice(notice) if notice.statutory));
        if !statutory {
            return None;
        }
        acts::announced(&self.planner, stage, items)
    }

    fn act(&mut self, stage: &Stage, round: u16, n: u8, action: Action, for_day: Day, items: &[ItemId]) {
        let of = self.stage_ref(stage, round);
        let because = Finding {
            rule: stage.rule,
            track: Some(self.planner.track.id.clone()),
            stage: Some(stage.id.clone()),
            verdict: Verdict::Acts,
            facts: self.findings.last().map(|finding| finding.facts.clone()).unwrap_or_default(),
            until: None,
        };
        if let Some(act) = acts::act(&self.planner, stage, of, n, action, for_day, items, because) {
            self.acts.push(act);
        }
    }

    fn stage_ref(&self, stage: &Stage, round: u16) -> StageRef {
        StageRef {
            case: self.planner.view.case,
            track: self.planner.run.track.clone(),
            anchor: self.planner.run.anchor,
            stage: stage.id.clone(),
            round,
        }
    }

    fn set(&mut self, stage: &Stage, round: u16, state: StepState) {
        self.set_with_items(stage, round, state, Vec::new());
    }

    fn set_with_items(&mut self, stage: &Stage, round: u16, state: StepState, items: Vec<ItemId>) {
        let steps = &mut self.planner.run.steps;
        match steps.iter_mut().find(|step| step.stage == stage.id && step.round == round) {
            Some(step) => step.state = state,
            None => steps.push(Step { stage: stage.id.clone(), service: None, round, state, items }),
        }
    }

    fn found(&mut self, stage: &Stage, rule: RuleId, verdict: Verdict, facts: FactsRead, until: Option<Day>) {
        self.review = earlier(self.review, until);
        self.findings.push(Finding {
            rule,
            track: Some(self.planner.track.id.clone()),
            stage: Some(stage.id.clone()),
            verdict,
            facts,
            until,
        });
    }
}

/// A shut-off as one act for each service that the account has and that is not off already, so that what bars one
/// leaves the others.
fn one_service_each(action: &Action, narrowed: &Planner) -> Vec<Action> {
    let snapshot = narrowed.view.snapshot;
    match action {
        Action::Disconnect { services, limit_only } => services
            .iter()
            .filter(|service| snapshot.profile.services.contains(service) && !snapshot.shut_off.contains(service))
            .map(|service: &Service| Action::Disconnect { services: vec![*service], limit_only: *limit_only })
            .collect(),
        other => vec![other.clone()],
    }
}
