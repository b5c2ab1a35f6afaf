//! Which tracks run in a case: opened by arrears, bills or events, closed or begun anew when their anchor is paid.

use super::view::View;
use crate::domain::case::{Cause, StageRef};
use crate::domain::{Case, Decision, Event, EventKind, OpenItem, StepState, TrackRun};
use crate::rulebook::policy::{Opens, Per, Reanchor, Track};

/// The events that keep a case open though nothing is past due: a returned payment not yet redeemed.
pub fn open_triggers(view: &View) -> Vec<Event> {
    let tracks = &view.policy.tracks;
    let mut triggers = Vec::new();
    for track in tracks {
        let Opens::On(kind) = track.opens else { continue };
        triggers.extend(triggering(view, kind).cloned());
    }
    // An event alone, without any debt, opens nothing: there is nothing to collect.
    if view.snapshot.items.is_empty() { Vec::new() } else { triggers }
}

/// Events of the kind that still stand: a returned payment that was not redeemed afterwards.
fn triggering<'v>(view: &'v View, kind: EventKind) -> impl Iterator<Item = &'v Event> {
    let redeemed = view.last_event(EventKind::PaymentRedeemed, None).map(|event| event.on);
    view.events.iter().filter(move |event| {
        event.kind == kind
            && event.on <= view.on
            && !(kind == EventKind::PaymentReturned && redeemed.is_some_and(|on| on >= event.on))
    })
}

/// Closes runs whose ground is gone, begins those that have one now, and notes what is canceled thereby.
pub fn keep_up(view: &View, case: &mut Case, decision: &mut Decision) {
    let today = view.world.today;
    for run in &mut case.tracks {
        if run.closed.is_some() {
            continue;
        }
        let Some(track) = view.policy.track(&run.track) else {
            close(run, Cause::PolicyChanged, view, decision);
            continue;
        };
        if let Some(cause) = ground_gone(view, track, run) {
            close(run, cause, view, decision);
        }
    }
    for track in &view.policy.tracks {
        if !condition_met(view, track) {
            continue;
        }
        for (anchor, dates) in grounds(view, track) {
            let runs = case.tracks.iter().any(|run| run.track == track.id && is_for(track, run, anchor, dates));
            if runs {
                continue;
            }
            case.tracks.push(TrackRun {
                track: track.id.clone(),
                anchor: anchor.id,
                anchor_billed_on: dates.0,
                anchor_due_on: dates.1,
                opened_on: today,
                steps: Vec::new(),
                announced: std::collections::BTreeMap::new(),
                frozen: std::collections::BTreeMap::new(),
                closed: None,
            });
        }
    }
}

/// Billed and due dates of what a run is for; an event's day, twice, where an event opened it.
type Dates = (crate::domain::Day, crate::domain::Day);

/// What there is now to run the track for.
fn grounds<'a>(view: &View<'a>, track: &Track) -> Vec<(&'a OpenItem, Dates)> {
    let mut narrowed = view.clone();
    narrowed.counts.clone_from(&track.counts);
    let oldest = narrowed.past_due().next();
    match (track.opens, track.per) {
        (Opens::On(kind), _) => {
            let Some(anchor) = oldest.or_else(|| narrowed.items().next()) else { return Vec::new() };
            triggering(view, kind).map(|event| (anchor, (event.on, event.on))).collect()
        }
        (Opens::Arrears, Per::Bill) => {
            let mut bills: Vec<(&OpenItem, Dates)> = Vec::new();
            for item in narrowed.past_due().filter(|item| item.kind == crate::domain::EntryKind::Charge) {
                if !bills.iter().any(|(_, dates)| *dates == (item.billed_on, item.due_on)) {
                    bills.push((item, (item.billed_on, item.due_on)));
                }
            }
            bills
        }
        (Opens::Arrears, Per::Account | Per::Year) => {
            oldest.map(|item| (item, (item.billed_on, item.due_on))).into_iter().collect()
        }
    }
}

/// Whether a run, open or closed, already stands for this ground.
fn is_for(track: &Track, run: &TrackRun, anchor: &OpenItem, dates: Dates) -> bool {
    match (track.opens, track.per) {
        (Opens::On(_), _) | (Opens::Arrears, Per::Bill) => (run.anchor_billed_on, run.anchor_due_on) == dates,
        // One run at a time for the account; a closed one does not begin again on the same debt.
        (Opens::Arrears, Per::Account | Per::Year) => run.closed.is_none() || run.anchor == anchor.id,
    }
}

/// Why a run ends: its event was undone, its bill paid, or its anchor paid under a policy that then begins anew.
fn ground_gone(view: &View, track: &Track, run: &TrackRun) -> Option<Cause> {
    let narrowed = view.of_run(track, run);
    match (track.opens, track.per) {
        (Opens::On(kind), _) => {
            let stands = triggering(view, kind).any(|event| event.on == run.anchor_due_on);
            (!stands).then_some(Cause::AnchorPaid)
        }
        (Opens::Arrears, Per::Bill) => narrowed.past_due().next().is_none().then_some(Cause::AnchorPaid),
        (Opens::Arrears, Per::Account | Per::Year) => {
            let anchor_open = narrowed.items().any(|item| item.id == run.anchor);
            let nothing_left = narrowed.past_due().next().is_none();
            let ends = nothing_left || (!anchor_open && track.when_anchor_paid != Reanchor::Keep);
            ends.then_some(Cause::AnchorPaid)
        }
    }
}

fn condition_met(view: &View, track: &Track) -> bool {
    let mut read = Vec::new();
    super::condition::holds(&track.only_if, view, &mut read).value == super::held::Truth::True
}

/// Closes a run; what its stages left pending is canceled with the cause.
fn close(run: &mut TrackRun, cause: Cause, view: &View, decision: &mut Decision) {
    run.closed = Some((view.world.today, cause.clone()));
    for step in run.steps.iter().filter(|step| matches!(step.state, StepState::Acted(_) | StepState::Spent(..))) {
        let of = StageRef {
            case: view.case,
            track: run.track.clone(),
            anchor: run.anchor,
            stage: step.stage.clone(),
            round: step.round,
        };
        decision.cancels.push((of, cause.clone()));
    }
}
