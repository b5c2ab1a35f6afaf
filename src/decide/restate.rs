//! What a notice says when it leaves later than it was decided.
//!
//! A letter bears the day of its release and states dates that are right if it is mailed that day. Mailed later still,
//! its dates may be too early: it is then voided and made anew, and this says so.

use super::acts;
use super::plan::Planner;
use super::view::{View, events_by};
use crate::domain::case::StageRef;
use crate::domain::notice::NoticeFacts;
use crate::domain::{Day, Snapshot, Step, TrackRun, World};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Stage, Track};

/// What the stage's notice states if it goes out on the world's day: the listed debts as they stand, and new dates.
///
/// `None` when the case or run is gone, or nothing of the listed debt is left.
#[must_use]
pub fn restate(snapshot: &Snapshot, world: &World, policy: &Policy, of: &StageRef) -> Option<NoticeFacts> {
    let events = events_by(snapshot, world.today);
    let of_step = OfStep::find(&View::new(snapshot, world, policy, &events), of)?;
    let facts = acts::notice_facts(of_step.planner(), of_step.stage, &of_step.step.items);
    (!facts.items.is_empty()).then_some(facts)
}

/// The earliest shut-off that the notice allows if it is mailed on `mailed_on`.
#[must_use]
pub fn announced_if_mailed(
    snapshot: &Snapshot,
    world: &World,
    policy: &Policy,
    of: &StageRef,
    mailed_on: Day,
) -> Option<Day> {
    let events = events_by(snapshot, world.today);
    let view = View { on: mailed_on, ..View::new(snapshot, world, policy, &events) };
    let of_step = OfStep::find(&view, of)?;
    acts::announced(of_step.planner(), of_step.stage, &of_step.step.items).map(|(_, day)| day)
}

/// The last day on which the stage may act; `None` when it has no end, or the case or run is gone.
#[must_use]
pub fn last_day_of(snapshot: &Snapshot, world: &World, policy: &Policy, of: &StageRef) -> Option<Day> {
    let events = events_by(snapshot, world.today);
    let view = View::new(snapshot, world, policy, &events);
    let of_step = OfStep::find(&view, of)?;
    of_step.planner().resolve(&of_step.stage.end.as_ref()?.last).ok()
}

/// A step that acted, with its run as the view sees it.
struct OfStep<'a> {
    track: &'a Track,
    run: &'a TrackRun,
    stage: &'a Stage,
    step: &'a Step,
    view: View<'a>,
}

impl<'a> OfStep<'a> {
    fn find(view: &View<'a>, of: &StageRef) -> Option<Self> {
        let case = view.snapshot.case.as_ref().filter(|case| case.number == of.case)?;
        let is_run = |run: &&TrackRun| run.track == of.track && run.anchor == of.anchor && run.closed.is_none();
        let run = case.tracks.iter().find(is_run)?;
        let track = view.policy.track(&of.track)?;
        let stage = track.stages.iter().find(|stage| stage.id == of.stage)?;
        let step = run.steps.iter().find(|step| step.stage == of.stage && step.round == of.round)?;
        let elsewhere = case.kept_elsewhere(&run.track, run.anchor);
        Some(Self { track, run, stage, step, view: view.of_run(track, run, elsewhere) })
    }

    const fn planner(&self) -> Planner<'_, 'a> {
        Planner { track: self.track, run: self.run, view: &self.view }
    }
}
