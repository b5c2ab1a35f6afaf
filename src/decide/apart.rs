//! Debts that are out stay with the run that brought them there, and what has fallen due since begins a run of its own.
//!
//! Without that a track that is about the whole account would be done with its demand and its referral for as long as the
//! first debt is out, and nobody would ask for the second. Each debt belongs to one run at a time: what a run keeps for
//! itself counts in no other, so that none is forgotten and none is asked for twice.

use std::collections::BTreeSet;

use super::plan::strikes;
use super::tracks::{is_of_account, reopen};
use super::view::View;
use crate::domain::{Action, Case, Cents, ItemId, OpenItem, Step, StepState, TrackRun};
use crate::rulebook::policy::Track;

/// Lets the track's run keep the debts that went out, where it rests on them alone and something else is past due that an
/// account is worked for.
pub fn part(view: &View, track: &Track, case: &mut Case) {
    if !is_of_account(track) {
        return;
    }
    let is_whole = |run: &TrackRun| run.track == track.id && run.closed.is_none() && run.own.is_empty();
    let Some(index) = case.tracks.iter().position(is_whole) else { return };
    let run = &case.tracks[index];
    let gone = gone(view, track, run);
    if !rests_on(view, track, run, &gone) {
        return;
    }
    let elsewhere = case.kept_elsewhere(&track.id, run.anchor);
    let counted = view.of_track(track);
    let rest: Vec<&OpenItem> =
        counted.past_due().filter(|item| !gone.contains(&item.id) && !elsewhere.contains(&item.id)).collect();
    let amount: Cents = rest.iter().map(|item| item.open).sum();
    if amount < view.policy.cure_below.max(Cents::new(1)) {
        return;
    }
    // The acts of a run are known by its anchor. Where that is owed and not out, it is no other's: this one begins anew.
    if !gone.contains(&run.anchor) && view.snapshot.items.iter().any(|item| item.id == run.anchor) {
        reopen(&mut case.tracks[index], track, view.world.today);
        return;
    }
    // What an earlier run keeps stays its own.
    case.tracks[index].own = gone.difference(&elsewhere).copied().collect();
}

/// The debts with which a run of the track can do nothing: out now; and once it has referred, whatever has been out.
fn gone(view: &View, track: &Track, run: &TrackRun) -> BTreeSet<ItemId> {
    let mut gone: BTreeSet<ItemId> = track.stages.iter().flat_map(|stage| view.placed(&strikes(stage))).collect();
    if referring(track, run).next().is_some() {
        gone.extend(view.snapshot.came_back.iter().flat_map(|placed| placed.items.iter().copied()));
    }
    gone
}

/// Whether the run rests on these debts alone: its referral, where it has referred; else all that it did.
fn rests_on(view: &View, track: &Track, run: &TrackRun, gone: &BTreeSet<ItemId>) -> bool {
    let acted = || run.steps.iter().filter(|step| matches!(step.state, StepState::Acted(_)));
    let referred: BTreeSet<ItemId> = referring(track, run).flat_map(|step| step.items.iter().copied()).collect();
    let mut rests: BTreeSet<ItemId> =
        if referred.is_empty() { acted().flat_map(|step| step.items.iter().copied()).collect() } else { referred };
    // Where all its windows have closed, it is about the debt that it began with.
    if rests.is_empty() && !run.steps.is_empty() {
        rests.insert(run.anchor);
    }
    let is_open = |id: &ItemId| view.snapshot.items.iter().any(|item| item.id == *id);
    !rests.is_disjoint(gone) && rests.iter().filter(|id| is_open(id)).all(|id| gone.contains(id))
}

/// The steps by which the run referred debts.
fn referring<'r>(track: &'r Track, run: &'r TrackRun) -> impl Iterator<Item = &'r Step> {
    let refers = |action: &Action| matches!(action, Action::Refer { .. } | Action::Route { .. });
    run.steps.iter().filter(move |step| {
        let stage = track.stages.iter().find(|stage| stage.id == step.stage);
        matches!(step.state, StepState::Acted(_)) && stage.is_some_and(|stage| stage.acts.iter().any(refers))
    })
}
