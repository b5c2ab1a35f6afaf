//! What a notice says when it leaves later than it was decided.
//!
//! A letter bears the day of its release and states dates that are right if it is mailed that day. Mailed later still,
//! its dates may be too early: it is then voided and made anew, and this says so.

use super::acts;
use super::plan::Planner;
use super::view::View;
use crate::domain::case::StageRef;
use crate::domain::notice::NoticeFacts;
use crate::domain::{Day, ItemId, Snapshot, World};
use crate::rulebook::Policy;

/// What the stage's notice states if it goes out on the world's day: the listed debts as they stand, and new dates.
///
/// `None` when the case or run is gone, or nothing of the listed debt is left.
#[must_use]
pub fn restate(snapshot: &Snapshot, world: &World, policy: &Policy, of: &StageRef) -> Option<NoticeFacts> {
    let (planner, items) = planner_of(snapshot, world, policy, of)?;
    let stage = planner.track.stages.iter().find(|stage| stage.id == of.stage)?;
    let facts = acts::notice_facts(&planner, stage, &items);
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
    let world = world.on(mailed_on);
    let (planner, items) = planner_of(snapshot, &world, policy, of)?;
    let stage = planner.track.stages.iter().find(|stage| stage.id == of.stage)?;
    acts::announced(&planner, stage, &items).map(|(_, day)| day)
}

fn planner_of<'a>(
    snapshot: &'a Snapshot,
    world: &'a World,
    policy: &'a Policy,
    of: &StageRef,
) -> Option<(Planner<'a>, Vec<ItemId>)> {
    let case = snapshot.case.as_ref().filter(|case| case.number == of.case)?;
    let run =
        case.tracks.iter().find(|run| run.track == of.track && run.anchor == of.anchor && run.closed.is_none())?;
    let track = policy.track(&of.track)?;
    let step = run.steps.iter().find(|step| step.stage == of.stage && step.round == of.round)?;
    let mut view = View::new(snapshot, world, policy).of_run(track, run);
    view.on = world.today;
    Some((Planner { track, run: run.clone(), view }, step.items.clone()))
}
