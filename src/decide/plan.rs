//! On which day a stage may act: its starts, its leads, announced days, guards, day rules and closed days.
//!
//! The same planning serves the stage that is next and the stages behind it: a notice that goes out seven business
//! days before a shut-off asks here for the shut-off's earliest day.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::bars;
use super::condition::{FactsRead, holds};
use super::dates::{backward, first_with_lead, forward, next_of_rule};
use super::held::{Truth, earlier};
use super::view::View;
use crate::domain::calendar::DayKind;
use crate::domain::day::plus_days;
use crate::domain::decision::Verdict;
use crate::domain::hold::Blocks;
use crate::domain::{Action, Day, ItemId, OpenItem, RuleId, Service, StageId, Step, StepState, TrackRun};
use crate::rulebook::policy::{Anchor, Offset, Opens, Stage, Track, When};

/// How often a condition may change on the way before planning gives up looking ahead.
const LOOK_AHEAD_STEPS: usize = 120;

/// How far ahead a day on which a stage may not act is sought.
const CLOSED_SEARCH_DAYS: i64 = 32;

/// The outcome of planning a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// The earliest day; the rule is the guard that set it, where one did.
    On {
        day: Day,
        set_by: Option<RuleId>,
        /// The first day on which it may become a later day, or none, by the passage of time alone.
        until: Option<Day>,
    },
    /// No day can be said before something happens.
    Waits { verdict: Verdict, rule: Option<RuleId> },
    /// Its condition will not hold by the passage of time alone.
    NotMet { facts: FactsRead, until: Option<Day> },
}

/// Plans the stages of one run.
#[derive(Clone, Copy)]
pub struct Planner<'p, 'a> {
    pub track: &'a Track,
    pub run: &'p TrackRun,
    /// Narrowed to the run, and to a stage where the stage is looked at by itself.
    pub view: &'p View<'a>,
}

/// What the acts of a stage strike.
pub fn strikes(stage: &Stage) -> BTreeSet<Blocks> {
    stage.acts.iter().flat_map(Action::struck_by).collect()
}

impl<'p, 'a> Planner<'p, 'a> {
    /// The same run on another view.
    pub const fn on<'v>(&self, view: &'v View<'a>) -> Planner<'v, 'a>
    where
        'p: 'v,
    {
        Planner { track: self.track, run: self.run, view }
    }

    /// The stage of that name.
    pub fn stage(&self, id: &StageId) -> Option<&'a Stage> {
        self.track.stages.iter().find(|stage| stage.id == *id)
    }

    /// The view for one stage, where it is not the run's: a shut-off sees only the debt of the services that it
    /// strikes, unless its track says which debt counts; only what its notice listed; nothing that a dispute is about;
    /// and nothing that is out with a destination.
    pub fn narrowed(&self, stage: &Stage) -> Option<View<'a>> {
        if stage.writes_off() && stage.follows_a_return() {
            let back = self.view.snapshot.came_back.iter().filter(|placed| placed.returned.is_some());
            let listed: Vec<ItemId> = back.flat_map(|placed| placed.items.iter().copied()).collect();
            let stayed = self.view.placed(&strikes(stage));
            return Some(View { listed: Some(listed), stayed, ..self.view.clone() });
        }
        if !stage.disconnects() {
            let tells = stage
                .acts
                .iter()
                .any(|act| matches!(act, Action::Notice(_) | Action::Tag(_) | Action::Call(_) | Action::Visit(_)));
            let mut stayed = if tells { self.view.settled_otherwise() } else { Vec::new() };
            stayed.extend(self.view.placed(&strikes(stage)));
            return (!stayed.is_empty()).then(|| View { stayed, ..self.view.clone() });
        }
        let mut view = self.counting(stage).into_owned();
        view.listed = self.listed_for(stage);
        let disputed: Vec<ItemId> = bars::holds_on_shut_off(&view)
            .filter(|hold| hold.holds_on(view.on))
            .flat_map(|hold| hold.items.iter().copied())
            .collect();
        view.stayed.extend(disputed);
        Some(view)
    }

    /// The view with the debt that counts toward a stage's shut-off, whether a notice has listed it or not.
    pub fn counting(&self, stage: &Stage) -> Cow<'p, View<'a>> {
        if !stage.disconnects() {
            return Cow::Borrowed(self.view);
        }
        let mut stayed = self.view.settled_otherwise();
        stayed.extend(self.view.placed(&strikes(stage)));
        if !self.view.counts.is_empty() {
            if stayed.is_empty() {
                return Cow::Borrowed(self.view);
            }
            return Cow::Owned(View { stayed, ..self.view.clone() });
        }
        let struck: BTreeSet<Service> = stage.acts.iter().flat_map(bars::services_of).copied().collect();
        Cow::Owned(View { counts: Cow::Owned(struck), stayed, ..self.view.clone() })
    }

    /// The latest step of a stage.
    pub fn step(&self, stage: &StageId) -> Option<&'p Step> {
        self.run.steps.iter().filter(|step| step.stage == *stage).max_by_key(|step| step.round)
    }

    /// The round in which the stage is, or would be next.
    pub fn round(&self, stage: &StageId) -> u16 {
        match self.step(stage) {
            Some(Step { state: StepState::Spent(..), round, .. }) => round + 1,
            Some(step) => step.round,
            None => 1,
        }
    }

    /// The day on which the stage acted, while that still has force.
    pub fn acted_on(&self, stage: &StageId) -> Option<Day> {
        match self.step(stage) {
            Some(Step { state: StepState::Acted(day), .. }) => Some(*day),
            _ => None,
        }
    }

    /// The debt that dates count from: the anchor, or the oldest that remains once the anchor is paid.
    fn base(&self) -> Option<&'a OpenItem> {
        self.view.items().find(|item| item.id == self.run.anchor).or_else(|| self.view.items().next())
    }

    /// The first day that the stage's dates allow, by its starts, leads, announcements, guards and closed days.
    ///
    /// `planning_for` names a stage that is itself being planned ahead of this one: its own lead, and whatever
    /// notice has not gone out yet, are then left out.
    pub fn first_day(&self, stage: &Stage, planning_for: Option<&StageId>) -> Planned {
        let mut day = self.run.opened_on;
        let mut set_by = None;
        for when in &stage.start {
            // A wait for the very stage that is being planned counts from the day on which it is planned.
            if let (Some(planned), Anchor::Event(_, Some(awaited)) | Anchor::Stage(awaited)) =
                (planning_for, &when.anchor)
                && awaited == planned
                && self.acted_on(awaited).is_none()
            {
                continue;
            }
            match self.resolve(when) {
                Ok(start) => day = day.max(start),
                Err(verdict) => return Planned::Waits { verdict, rule: None },
            }
        }
        if let Some(announced) = self.run.announced.get(&stage.id) {
            day = day.max(*announced);
        }
        if let Some(again) = self.recurs_on(stage) {
            day = day.max(again);
        }
        for (lead_stage, offset) in self.leads_to(&stage.id) {
            if planning_for.is_some_and(|planned| *planned == lead_stage.id) {
                continue;
            }
            let Some(acted) = self.acted_on(&lead_stage.id) else { continue };
            match self.served(lead_stage, acted) {
                Ok(served) => day = first_with_lead(&self.view.world.calendar, served, *offset, day),
                Err(verdict) => return Planned::Waits { verdict, rule: None },
            }
        }
        if stage.disconnects() {
            match self.guarded(stage, day, planning_for.is_some()) {
                Ok((guarded, rule)) => (day, set_by) = (guarded, rule),
                Err(waits) => return waits,
            }
        }
        let bans = self.bans(stage);
        match self.allowed_from(stage, day, &bans) {
            Some(allowed) => Planned::On { day: allowed, set_by, until: None },
            None => Planned::NotMet { facts: vec![("allowed day".into(), "none within a year".into())], until: None },
        }
    }

    /// The first day from `from` on when dates allow the stage and its condition holds, by the passage of time alone.
    pub fn first_day_met(&self, stage: &Stage, from: Day, planning_for: Option<&StageId>) -> Planned {
        let (mut day, set_by) = match self.first_day(stage, planning_for) {
            Planned::On { day, set_by, .. } => (day.max(from), set_by),
            other => return other,
        };
        let bans = self.bans(stage);
        let mut facts = FactsRead::new();
        for _ in 0..LOOK_AHEAD_STEPS {
            let Some(allowed) = self.allowed_from(stage, day, &bans) else { break };
            day = allowed;
            facts.clear();
            let held = holds(&stage.only_if, &self.view.at(day), &mut facts);
            match (held.value, held.until) {
                (Truth::True, until) => {
                    let until =
                        if day > from { Some(day) } else { earlier(until, self.next_closed(stage, day, &bans)) };
                    return Planned::On { day, set_by, until };
                }
                (_, Some(until)) if until > day => day = until,
                _ => break,
            }
        }
        Planned::NotMet { facts, until: None }
    }

    /// The first day after `day` that the stage's day rule or the bans close, within a month.
    fn next_closed(&self, stage: &Stage, day: Day, bans: &BTreeSet<DayKind>) -> Option<Day> {
        if stage.on.is_none() && bans.is_empty() {
            return None;
        }
        let closed = (1..CLOSED_SEARCH_DAYS)
            .map(|n| plus_days(day, n))
            .find(|next| self.allowed_from(stage, *next, bans) != Some(*next));
        Some(closed.unwrap_or_else(|| plus_days(day, CLOSED_SEARCH_DAYS)))
    }

    /// The day on which a stage with leads is planned, back from the earliest of the stages behind it.
    pub fn lead_day(&self, stage: &Stage, today: Day) -> Option<Planned> {
        let mut planned: Option<Planned> = None;
        for lead in &stage.leads {
            let Some(target) = self.stage(&lead.before) else { continue };
            let view = self.counting(target);
            let this = match self.on(&view).first_day_met(target, today, Some(&stage.id)) {
                Planned::On { day, set_by, until } => {
                    Planned::On { day: backward(&self.view.world.calendar, day, lead.offset), set_by, until }
                }
                other => other,
            };
            planned = Some(match (planned, this) {
                (Some(Planned::On { day: a, set_by, until: x }), Planned::On { day: b, until: y, .. }) => {
                    Planned::On { day: a.min(b), set_by, until: earlier(x, y) }
                }
                (None | Some(Planned::Waits { .. } | Planned::NotMet { .. }), this) => this,
                (Some(before), _) => before,
            });
        }
        planned
    }

    /// The day from which a recurring stage that acted before is due again.
    fn recurs_on(&self, stage: &Stage) -> Option<Day> {
        match (stage.every, self.step(&stage.id).map(|step| &step.state)) {
            (Some(every), Some(StepState::Spent(acted, _))) => Some(forward(&self.view.world.calendar, *acted, every)),
            _ => None,
        }
    }

    /// The day that a date phrase gives, or what it waits for.
    pub fn resolve(&self, when: &When) -> Result<Day, Verdict> {
        let from = match &when.anchor {
            Anchor::Billed => self.base().map_or(self.run.anchor_billed_on, |item| item.billed_on),
            Anchor::Due => self.base().map_or(self.run.anchor_due_on, |item| item.due_on),
            Anchor::Printed(name) => match self.base().and_then(|item| item.printed.get(name)) {
                Some(day) => *day,
                None => return Err(Verdict::Unknown(format!("the bill does not print {name}"))),
            },
            Anchor::Opened => self.run.opened_on,
            Anchor::Stage(stage) => self.acted_on(stage).ok_or_else(|| Verdict::WaitsForStage(stage.clone()))?,
            Anchor::Event(kind, Some(stage)) => self.event_of(stage, *kind)?,
            Anchor::Event(kind, None) if self.track.opens == Opens::On(*kind) => self.run.anchor_due_on,
            Anchor::Event(kind, None) => self.view.last_event(*kind, None).ok_or(Verdict::WaitsFor(*kind, None))?.on,
        };
        Ok(forward(&self.view.world.calendar, from, when.offset))
    }

    /// The stages that must stand a while before `stage`.
    fn leads_to(&self, stage: &StageId) -> impl Iterator<Item = (&'a Stage, &'a Offset)> {
        self.track.stages.iter().flat_map(move |other| {
            other.leads.iter().filter(move |lead| lead.before == *stage).map(move |lead| (other, &lead.offset))
        })
    }

    /// The first day from `day` on that the stage's day rule and the bans allow.
    pub fn allowed_from(&self, stage: &Stage, day: Day, bans: &BTreeSet<DayKind>) -> Option<Day> {
        let calendar = &self.view.world.calendar;
        let mut day = day;
        for _ in 0..LOOK_AHEAD_STEPS {
            let by_rule = match stage.on {
                Some(rule) => next_of_rule(calendar, day, rule)?,
                None => day,
            };
            let allowed = calendar.first_allowed(by_rule, bans)?;
            if allowed == by_rule {
                return Some(allowed);
            }
            day = allowed;
        }
        None
    }
}
