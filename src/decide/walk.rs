//! The walk along a track's stages: what acts today, what waits, what is passed over.
//!
//! Stepwise: at most one stage forward for each run of a track and day. Stages are taken in the order of the file.
//! A stage whose day has come and whose condition does not hold is passed over; one that is barred, or whose day has
//! not come, holds back what follows. How a stage acts is `perform`'s; what makes one come around again, `again`'s.

use super::bars::{self, Barred};
use super::condition::{FactsRead, holds, is_ruled_out};
use super::dates::forward;
use super::held::{Held, earlier};
use super::plan::{Planned, Planner};
use super::view::View;
use crate::domain::case::{Cause, StageRef};
use crate::domain::day::{plus_days, short};
use crate::domain::decision::{Act, Finding, Verdict};
use crate::domain::person::Override;
use crate::domain::{Action, Cents, Day, ItemId, RuleId, StageId, StepState, TrackRun};
use crate::rulebook::policy::{Stage, Track};

/// How often a missed fee's day may move on before the search gives up.
const MISSED_DAY_STEPS: usize = 40;

/// What a walk gives.
pub struct Walked {
    pub run: TrackRun,
    pub acts: Vec<Act>,
    pub cancels: Vec<(StageRef, Cause)>,
    pub findings: Vec<Finding>,
    pub review: Option<Day>,
}

/// How a stage leaves the walk.
pub enum Outcome {
    /// It acted, waits or is barred: nothing behind it moves today.
    Stop,
    /// It is done or passed over: the next may be looked at.
    Next,
    /// Stages came around again: the walk begins anew.
    Again,
}

/// Walks one run on the view's day.
pub fn walk(track: &Track, run: TrackRun, view: &View) -> Walked {
    let gives = Walked { run, acts: Vec::new(), cancels: Vec::new(), findings: Vec::new(), review: None };
    let mut walker = Walker { track, view, gives };
    // Each new beginning spends at least one stage that had acted, so that there are at most as many as stages.
    for _ in 0..=track.stages.len() {
        walker.gives.findings.clear();
        if !walker.pass() {
            break;
        }
    }
    walker.gives
}

/// Takes the force from the letters that have not left and ask for what the customer contests: they are made anew without it,
/// or once it is decided. Gives the run, and what is canceled by it.
pub fn without_contested(track: &Track, run: TrackRun, view: &View) -> (TrackRun, Vec<(StageRef, Cause)>) {
    if view.disputed.is_empty() {
        return (run, Vec::new());
    }
    let gives = Walked { run, acts: Vec::new(), cancels: Vec::new(), findings: Vec::new(), review: None };
    let mut walker = Walker { track, view, gives };
    walker.withdraw_contested();
    (walker.gives.run, walker.gives.cancels)
}

pub struct Walker<'w, 'a> {
    pub track: &'a Track,
    /// Narrowed to the run, today.
    pub view: &'w View<'a>,
    pub gives: Walked,
}

impl<'a> Walker<'_, 'a> {
    /// One pass along the stages; true when the walk must begin anew.
    fn pass(&mut self) -> bool {
        if self.tells_anew_what_lost_its_force() {
            return true;
        }
        let mut held_back: Option<&StageId> = None;
        for (index, stage) in self.track.stages.iter().enumerate() {
            if let Some(before) = held_back {
                let verdict = match self.planner().acted_on(&stage.id) {
                    Some(day) => Verdict::Done(day),
                    None => Verdict::WaitsForStage(before.clone()),
                };
                self.found(stage, stage.rule, verdict, Vec::new(), None);
                continue;
            }
            match self.stage(index, stage) {
                Outcome::Next => {}
                Outcome::Stop => held_back = Some(&stage.id),
                Outcome::Again => return true,
            }
        }
        false
    }

    fn stage(&mut self, index: usize, stage: &'a Stage) -> Outcome {
        let found = self.reached_before(index, stage).or_else(|| self.passed_over(stage));
        if let Some(outcome) = found.or_else(|| self.waits_while_off(stage)) {
            return outcome;
        }
        if is_ruled_out(&stage.only_if, self.view) {
            let mut facts = FactsRead::new();
            holds(&stage.only_if, self.view, &mut facts);
            self.found(stage, stage.rule, Verdict::NotForAccount, facts, None);
            return Outcome::Next;
        }
        if let Some((bar, facts)) = self.all_is_out(stage) {
            self.found(stage, stage.rule, Verdict::Barred(bar), facts, None);
            return Outcome::Stop;
        }
        let today = self.view.world.today;
        let own = self.planner().narrowed(stage);
        let narrowed = own.as_ref().unwrap_or(self.view);
        let planned = self.planned_day(narrowed, stage, today);
        if let Planned::On { until, .. } = planned {
            self.gives.review = earlier(self.gives.review, until.map(|until| until.max(plus_days(today, 1))));
        }
        // Only fees are caught up on the day that they missed; what people are told is of today.
        let outward = stage.acts.iter().any(|act| !matches!(act, Action::Fee(_) | Action::Freeze { .. }));
        let for_day = match &planned {
            Planned::On { day, .. } if *day < today && !outward => self.missed_day(narrowed, stage, *day),
            _ => today,
        };
        if let Some(outcome) = self.window(narrowed, stage, for_day) {
            return outcome;
        }
        match planned {
            Planned::On { day, set_by, .. } if day > today => {
                self.waits(stage, set_by.unwrap_or(stage.rule), Verdict::WaitsUntil(day), Some(day))
            }
            Planned::On { .. } if self.moved_today() => {
                let tomorrow = plus_days(today, 1);
                self.waits(stage, stage.rule, Verdict::WaitsUntil(tomorrow), Some(tomorrow))
            }
            Planned::On { .. } => {
                let closed = if outward { self.closed_today(narrowed, stage) } else { None };
                closed.unwrap_or_else(|| self.decide_stage(narrowed, stage, for_day))
            }
            Planned::Waits { verdict, rule } => self.waits(stage, rule.unwrap_or(stage.rule), verdict, None),
            Planned::NotMet { facts, until } => {
                self.found(stage, stage.rule, Verdict::NotMet, facts, until);
                Outcome::Next
            }
        }
    }

    /// A stage that was reached before: done, spent, passed over; or one that is due again.
    fn reached_before(&mut self, index: usize, stage: &'a Stage) -> Option<Outcome> {
        // What came back before its notice was served anew is history.
        if self.planner().answers_nothing(stage) {
            self.found(stage, stage.rule, Verdict::NotMet, Vec::new(), None);
            return Some(Outcome::Next);
        }
        let Some(step) = self.planner().step(&stage.id) else {
            // What a later stage went past in this round is not gone back to.
            let is_passed = self.track.stages[index + 1..].iter().any(|later| {
                let step = self.planner().step(&later.id).filter(|step| !matches!(step.state, StepState::Spent(..)));
                step.is_some_and(|step| !self.waited_while_off(stage, step.on()))
            });
            let planner = self.planner();
            let is_asked =
                planner.lacks_posting(stage) || planner.is_unanswered_return(stage) || planner.lacks_tenants(stage);
            return (is_passed && !is_asked).then(|| {
                let facts = super::perform::out_of_reach(stage, self.view).into_iter().collect();
                self.found(stage, stage.rule, Verdict::NotMet, facts, None);
                Outcome::Next
            });
        };
        let (round, state) = (step.round, step.state.clone());
        match state {
            StepState::Spent(..) => None,
            StepState::Acted(day) => Some(self.acted_before(index, stage, round, day)),
            StepState::Skipped(by) => {
                self.found(stage, stage.rule, Verdict::Overridden(by), Vec::new(), None);
                Some(Outcome::Next)
            }
            StepState::Canceled(day, Cause::Person(by)) => Some(self.canceled_by(index, stage, round, day, by)),
            StepState::Canceled(day, _) | StepState::Expired(day) => {
                self.found(stage, stage.rule, Verdict::Expired(day), Vec::new(), None);
                Some(Outcome::Next)
            }
        }
    }

    /// A stage whose notice a person canceled before anyone was told: it does not count as served, and is made anew the
    /// day after, when nobody has skipped it by then.
    fn canceled_by(&mut self, index: usize, stage: &'a Stage, round: u16, day: Day, by: Override) -> Outcome {
        let today = self.view.world.today;
        let again = plus_days(day, 1);
        if today < again {
            return self.waits(stage, stage.rule, Verdict::CanceledBy(by, again), Some(again));
        }
        self.set(stage, round, StepState::Spent(day, today), Vec::new());
        self.spend_from(index, &Cause::Expired);
        Outcome::Again
    }

    /// A stage that acted: done, unless what it ordered came to nothing or it recurs.
    fn acted_before(&mut self, index: usize, stage: &'a Stage, round: u16, day: Day) -> Outcome {
        let today = self.view.world.today;
        let tomorrow = plus_days(today, 1);
        if day == today {
            self.gives.review = earlier(self.gives.review, Some(tomorrow));
            return self.waits(stage, stage.rule, Verdict::Done(day), None);
        }
        if self.came_to_nothing(stage, round) && self.spend_from(index, &Cause::Expired) {
            return Outcome::Again;
        }
        if super::restore::is_overtaken(self.view, self.track, stage, round) && self.spend_from(index, &Cause::Restored)
        {
            return Outcome::Again;
        }
        if self.is_restored(stage, round) && self.tell_anew(index, stage, &Cause::Restored) {
            return Outcome::Again;
        }
        if self.is_field_work_undone(stage, round) {
            let open = self.view.world.calendar.next_office_day(today);
            if open > today {
                return self.waits(stage, stage.rule, Verdict::WaitsUntil(open), Some(open));
            }
            if self.spend_from(index, &Cause::Expired) {
                return Outcome::Again;
            }
        }
        let is_early = self.posted_too_early(stage) || self.planner().is_unanswered_return(stage);
        if is_early && self.spend_from(index, &Cause::Expired) {
            return Outcome::Again;
        }
        if self.planner().fell_through(stage) && self.spend_from(index, &Cause::Unreachable) {
            return Outcome::Again;
        }
        if let Some(every) = stage.every {
            let next = forward(&self.view.world.calendar, day, every);
            if next <= today && !self.moved_today() {
                self.set(stage, round, StepState::Spent(day, today), Vec::new());
                return Outcome::Again;
            }
            self.gives.review = earlier(self.gives.review, Some(next.max(tomorrow)));
        }
        self.found(stage, stage.rule, Verdict::Done(day), Vec::new(), None);
        Outcome::Next
    }

    /// The day on which the stage is to act: by its own dates, or planned back from the stages behind it.
    fn planned_day(&self, narrowed: &View<'a>, stage: &'a Stage, today: Day) -> Planned {
        let own = self.planner().on(narrowed).first_day(stage, None);
        let planned = match (own, self.planner().lead_day(stage, today)) {
            (Planned::On { day, set_by, .. }, Some(Planned::On { day: led, until, .. })) => {
                Planned::On { day: day.max(led), set_by, until }
            }
            (Planned::On { .. }, Some(other)) | (other, _) => other,
        };
        self.planner().after_default(stage, planned)
    }

    /// The day on which a fee that was not posted on its day would have been: its condition held and nothing barred it.
    fn missed_day(&self, narrowed: &View<'a>, stage: &'a Stage, planned: Day) -> Day {
        let today = self.view.world.today;
        let planner = self.planner().on(narrowed);
        let mut day = planned;
        for _ in 0..MISSED_DAY_STEPS {
            let Planned::On { day: met, .. } = planner.first_day_met(stage, day, None) else { return today };
            if met >= today {
                return today;
            }
            match self.bar_on(&narrowed.at(met), stage) {
                None => return met,
                Some(barred) => day = barred.until.unwrap_or(today).max(plus_days(met, 1)),
            }
        }
        today
    }

    /// Whether today is closed to the stage, by its rule of days or by a ban; it then waits for the next open day.
    fn closed_today(&mut self, narrowed: &View<'a>, stage: &'a Stage) -> Option<Outcome> {
        let today = self.view.world.today;
        let planner = self.planner().on(narrowed);
        let bans = planner.bans(stage);
        let day = planner.allowed_from(stage, today, &bans);
        if day == Some(today) {
            return None;
        }
        let closed = narrowed.world.calendar.ban_on(today, &bans);
        let reason = closed.map_or_else(|| "not a day of its rule".to_owned(), |kind| format!("{kind:?}"));
        let verdict = day.map_or(Verdict::NotMet, Verdict::WaitsUntil);
        self.found(stage, stage.rule, verdict, vec![("today".into(), reason)], day);
        Some(Outcome::Stop)
    }

    /// The first bar that strikes one of the stage's acts on the view's day.
    pub fn bar_on(&self, view: &View<'a>, stage: &'a Stage) -> Option<Held<Barred>> {
        let items = self.items_of(view, stage);
        stage.acts.iter().find_map(|action| {
            let held = bars::find(action, view, &items);
            held.value.map(|barred| Held::until(barred, held.until))
        })
    }

    /// The debts that the stage's acts rest on.
    pub fn items_of(&self, view: &View<'a>, stage: &'a Stage) -> Vec<ItemId> {
        super::acts::rests_on(self.planner().on(view), stage).iter().map(|item| item.id).collect()
    }

    pub const fn planner(&self) -> Planner<'_, 'a> {
        Planner { track: self.track, run: &self.gives.run, view: self.view }
    }

    /// Whether the run has moved a stage forward today already.
    pub fn moved_today(&self) -> bool {
        let today = self.view.world.today;
        self.gives.run.steps.iter().any(|step| matches!(step.state, StepState::Acted(day) if day == today))
    }

    pub fn waits(&mut self, stage: &Stage, rule: RuleId, verdict: Verdict, until: Option<Day>) -> Outcome {
        self.found(stage, rule, verdict, Vec::new(), until);
        Outcome::Stop
    }

    pub fn found(&mut self, stage: &Stage, rule: RuleId, verdict: Verdict, mut facts: FactsRead, until: Option<Day>) {
        // Where each bill has a run of its own, the reader is told of which one this speaks.
        if let Some((_, due)) = self.view.bill {
            let open: Cents = self.view.items().map(|item| item.open).sum();
            let owed = if open.is_positive() { format!("{open} open") } else { "paid".to_owned() };
            facts.insert(0, ("bill".into(), format!("due {}, {owed}", short(due))));
        }
        if let Some(words) = self.told_before(stage) {
            facts.push(("served anew".into(), words));
        }
        self.gives.review = earlier(self.gives.review, until);
        self.gives.findings.push(Finding {
            rule,
            track: Some(self.track.id.clone()),
            stage: Some(stage.id.clone()),
            verdict,
            facts,
            until,
        });
    }
}
