//! On which day a stage may act: its starts, its leads, announced days, guards, day rules and closed days.
//!
//! The same planning serves the stage that is next and the stages behind it: a notice that goes out seven business
//! days before a shut-off asks here for the shut-off's earliest day.

use std::collections::BTreeSet;

use super::bars;
use super::condition::{FactsRead, holds};
use super::dates::{backward, first_with_lead, forward, next_of_rule};
use super::held::{Truth, earlier};
use super::view::View;
use crate::domain::day::plus_days;
use crate::domain::decision::Verdict;
use crate::domain::{
    Action, Channel, Day, Event, EventKind, ItemId, OpenItem, RuleId, StageId, Step, StepState, TrackRun,
};
use crate::rulebook::policy::{Anchor, Limit, Offset, Opens, ServedFrom, Stage, Track, When};

/// How often a condition may change on the way before planning gives up looking ahead.
const LOOK_AHEAD_STEPS: usize = 120;

/// The outcome of planning a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// The earliest day; the rule is the guard that set it, where one did.
    On { day: Day, set_by: Option<RuleId> },
    /// No day can be said before something happens.
    Waits { verdict: Verdict, rule: Option<RuleId> },
    /// Its condition will not hold by the passage of time alone.
    NotMet { facts: FactsRead, until: Option<Day> },
}

/// Plans the stages of one run.
#[derive(Clone)]
pub struct Planner<'a> {
    pub track: &'a Track,
    pub run: TrackRun,
    /// Narrowed to the run.
    pub view: View<'a>,
}

impl Planner<'_> {
    /// The latest step of a stage.
    pub fn step(&self, stage: &StageId) -> Option<&Step> {
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
    fn base(&self) -> Option<&OpenItem> {
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
        for (lead_stage, offset) in self.leads_to(&stage.id) {
            if planning_for.is_some_and(|planned| *planned == lead_stage.id) {
                continue;
            }
            let Some(acted) = self.acted_on(&lead_stage.id) else { continue };
            match self.served(lead_stage, acted) {
                Ok(served) => day = first_with_lead(&self.view.world.calendar, served, offset, day),
                Err(verdict) => return Planned::Waits { verdict, rule: None },
            }
        }
        let mut bans = stage.never.clone();
        if stage.disconnects() {
            match self.guarded(stage, day, planning_for.is_some(), &mut bans) {
                Ok((guarded, rule)) => (day, set_by) = (guarded, rule),
                Err(waits) => return waits,
            }
        }
        match self.allowed_from(stage, day, &bans) {
            Some(allowed) => Planned::On { day: allowed, set_by },
            None => Planned::NotMet { facts: vec![("allowed day".into(), "none within a year".into())], until: None },
        }
    }

    /// The first day from `from` on when dates allow the stage and its condition holds, by the passage of time alone.
    pub fn first_day_met(&self, stage: &Stage, from: Day, planning_for: Option<&StageId>) -> Planned {
        let (mut day, set_by) = match self.first_day(stage, planning_for) {
            Planned::On { day, set_by } => (day.max(from), set_by),
            other => return other,
        };
        let mut bans = stage.never.clone();
        if stage.disconnects() {
            bans.extend(self.guard_bans(stage));
        }
        let mut facts = FactsRead::new();
        for _ in 0..LOOK_AHEAD_STEPS {
            let Some(allowed) = self.allowed_from(stage, day, &bans) else { break };
            day = allowed;
            facts.clear();
            let held = holds(&stage.only_if, &self.view.at(day), &mut facts);
            match (held.value, held.until) {
                (Truth::True, _) => return Planned::On { day, set_by },
                (_, Some(until)) if until > day => day = until,
                _ => break,
            }
        }
        Planned::NotMet { facts, until: None }
    }

    /// The day on which a stage with leads is planned, back from the earliest of the stages behind it.
    pub fn lead_day(&self, stage: &Stage, today: Day) -> Option<Planned> {
        let mut planned: Option<Planned> = None;
        for lead in &stage.leads {
            let Some(target) = self.track.stages.iter().find(|other| other.id == lead.before) else { continue };
            let this = match self.first_day_met(target, today, Some(&stage.id)) {
                Planned::On { day, set_by } => {
                    Planned::On { day: backward(&self.view.world.calendar, day, lead.offset), set_by }
                }
                other => other,
            };
            planned = Some(match (planned, this) {
                (Some(Planned::On { day: a, set_by }), Planned::On { day: b, .. }) => {
                    Planned::On { day: a.min(b), set_by }
                }
                (None, this) => this,
                (Some(before), _) => before,
            });
        }
        planned
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

    /// The day of an event of a stage's latest round. A mailing that came back, or was voided, never happened.
    fn event_of(&self, stage: &StageId, kind: EventKind) -> Result<Day, Verdict> {
        let waits = Verdict::WaitsFor(kind, Some(stage.clone()));
        if self.acted_on(stage).is_none() {
            return Err(Verdict::WaitsForStage(stage.clone()));
        }
        let of_stage: Vec<&Event> = self.view.stage_events(stage, self.round(stage)).collect();
        let undone = of_stage
            .iter()
            .filter(|event| matches!(event.kind, EventKind::NoticeReturned | EventKind::NoticeVoided))
            .count();
        let happened: Vec<Day> = of_stage.iter().filter(|event| event.kind == kind).map(|event| event.on).collect();
        let mailed = matches!(kind, EventKind::NoticeMailed | EventKind::NoticeServed);
        let standing = if mailed { happened.get(undone..).unwrap_or_default() } else { &happened[..] };
        standing.iter().min().copied().ok_or(waits)
    }

    /// The day from which a lead counts: when the stage's notice was served, its tag posted, its call ended.
    fn served(&self, stage: &Stage, acted: Day) -> Result<Day, Verdict> {
        let mut served = acted;
        for action in &stage.acts {
            let kinds: &[EventKind] = match action {
                Action::Notice(notice) if notice.by.contains(&Channel::Mail) => {
                    &[EventKind::NoticeServed, EventKind::NoticePosted]
                }
                Action::Notice(notice)
                    if notice.by.contains(&Channel::Posting) || notice.by.contains(&Channel::Hand) =>
                {
                    &[EventKind::NoticePosted, EventKind::ContactMade]
                }
                Action::Tag(_) => &[EventKind::NoticePosted],
                Action::Call(_) => &[EventKind::ContactMade, EventKind::ContactFailed],
                _ => continue,
            };
            let happened = kinds.iter().map(|kind| self.event_of(&stage.id, *kind)).collect::<Vec<_>>();
            match happened.iter().filter_map(|day| day.as_ref().ok()).min() {
                Some(day) => served = served.max(*day),
                None => return Err(Verdict::WaitsFor(kinds[0], Some(stage.id.clone()))),
            }
        }
        Ok(served)
    }

    /// The stages that must stand a while before `stage`.
    fn leads_to(&self, stage: &StageId) -> impl Iterator<Item = (&Stage, Offset)> {
        self.track.stages.iter().flat_map(move |other| {
            other.leads.iter().filter(move |lead| lead.before == *stage).map(move |lead| (other, lead.offset))
        })
    }

    /// The first day from `day` on that the stage's day rule and the bans allow.
    fn allowed_from(&self, stage: &Stage, day: Day, bans: &BTreeSet<crate::domain::calendar::DayKind>) -> Option<Day> {
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

    /// The bans that the guards set on the stage's shut-off.
    fn guard_bans(&self, stage: &Stage) -> BTreeSet<crate::domain::calendar::DayKind> {
        self.guards(stage)
            .filter_map(|guard| match &guard.limit {
                Limit::NeverOn { days } => Some(days.iter().copied()),
                _ => None,
            })
            .flatten()
            .collect()
    }

    fn guards<'s>(&'s self, stage: &'s Stage) -> impl Iterator<Item = &'s crate::rulebook::policy::Guard> {
        self.view
            .policy
            .guards
            .iter()
            .filter(move |guard| stage.acts.iter().any(|action| bars::applies(guard, action, &self.view)))
    }

    /// The day that the guards allow, and which of them set it.
    fn guarded(
        &self,
        stage: &Stage,
        day: Day,
        planning: bool,
        bans: &mut BTreeSet<crate::domain::calendar::DayKind>,
    ) -> Result<(Day, Option<RuleId>), Planned> {
        let (mut day, mut set_by) = (day, None);
        let mut raise = |to: Day, rule: RuleId| {
            if to > day {
                (day, set_by) = (to, Some(rule));
            }
            day
        };
        bans.extend(self.guard_bans(stage));
        for guard in self.guards(stage) {
            match &guard.limit {
                Limit::DebtAge { days } => {
                    let oldest = self.view.items().filter(|item| item.open >= self.view.de_minimis()).map(|i| i.due_on);
                    if let Some(due) = oldest.min() {
                        raise(plus_days(due, i64::from(*days)), guard.rule);
                    }
                }
                Limit::NoticeBefore { offset, by, from } => match self.notice_evidence(stage, by, *from) {
                    Ok(evidence) => {
                        let current = raise(evidence, guard.rule);
                        raise(first_with_lead(&self.view.world.calendar, evidence, *offset, current), guard.rule);
                    }
                    Err(_) if planning => {}
                    Err(verdict) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                },
                Limit::OccupantCopy { offset } if self.view.snapshot.profile.mails_elsewhere() => {
                    match self.occupant_evidence(stage) {
                        Ok(evidence) => {
                            let current = raise(evidence, guard.rule);
                            raise(first_with_lead(&self.view.world.calendar, evidence, *offset, current), guard.rule);
                        }
                        Err(_) if planning => {}
                        Err(verdict) => return Err(Planned::Waits { verdict, rule: Some(guard.rule) }),
                    }
                }
                Limit::OccupantCopy { .. }
                | Limit::NeverOn { .. }
                | Limit::NeverWhile { .. }
                | Limit::ArrangementDefault { .. }
                | Limit::NeverAlone { .. } => {}
            }
        }
        Ok((day, set_by))
    }

    /// The stage's statutory notice: the last one before it in the track that acted and still has force.
    pub fn notice_before(&self, stage: &Stage) -> Option<(&Stage, &Step)> {
        let ahead = self.track.stages.iter().take_while(|other| other.id != stage.id);
        ahead
            .filter(|other| {
                other.acts.iter().any(|action| matches!(action, Action::Notice(notice) if notice.statutory))
            })
            .filter(|other| self.acted_on(&other.id).is_some())
            .filter_map(|other| self.step(&other.id).map(|step| (other, step)))
            .last()
    }

    /// The items that a shut-off may rest on: those that its notice listed. `None` before there is a notice.
    pub fn listed_for(&self, stage: &Stage) -> Option<BTreeSet<ItemId>> {
        self.notice_before(stage).map(|(_, step)| step.items.iter().copied().collect())
    }

    /// The day on which the notice reached people by one of the channels.
    fn notice_evidence(&self, stage: &Stage, by: &[Channel], from: ServedFrom) -> Result<Day, Verdict> {
        let Some((notice_stage, _)) = self.notice_before(stage) else {
            return Err(Verdict::WaitsFor(EventKind::NoticeMailed, None));
        };
        let mailed = match from {
            ServedFrom::Mailed => EventKind::NoticeMailed,
            ServedFrom::Served => EventKind::NoticeServed,
        };
        if by.contains(&Channel::Mail) {
            match self.event_of(&notice_stage.id, mailed) {
                Ok(day) => return Ok(day),
                Err(verdict) if by.len() == 1 => return Err(verdict),
                Err(_) => {}
            }
        }
        // What did not arrive by mail may have been said or left at the premises by another stage of the run.
        let other = |channel: Channel, kind: EventKind| {
            by.contains(&channel).then(|| {
                self.track
                    .stages
                    .iter()
                    .take_while(|other| other.id != stage.id)
                    .filter_map(|other| self.event_of(&other.id, kind).ok())
                    .min()
            })?
        };
        earlier(other(Channel::Posting, EventKind::NoticePosted), other(Channel::Phone, EventKind::ContactMade))
            .ok_or_else(|| Verdict::WaitsFor(mailed, Some(notice_stage.id.clone())))
    }

    /// The day on which the occupant's copy was mailed: a notice counts as mailed when all its pieces are.
    fn occupant_evidence(&self, stage: &Stage) -> Result<Day, Verdict> {
        let Some((notice_stage, _)) = self.notice_before(stage) else {
            return Err(Verdict::WaitsFor(EventKind::NoticeMailed, None));
        };
        let copies = notice_stage.acts.iter().any(|action| {
            matches!(action, Action::Notice(notice) if notice.to.contains(&crate::domain::Recipient::Occupant))
        });
        if !copies {
            return Err(Verdict::Unknown(format!("{} has no copy for the occupant", notice_stage.id)));
        }
        self.event_of(&notice_stage.id, EventKind::NoticeMailed)
    }
}
