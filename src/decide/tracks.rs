//! Which tracks run in a case: opened by arrears, bills or events, closed or begun anew when their anchor is paid.

use std::collections::{BTreeMap, BTreeSet};

use super::bars::services_of;
use super::held::{Held, Truth, earlier};
use super::view::View;
use crate::domain::case::{Cause, StageRef};
use crate::domain::{
    Action, Case, Day, Decision, EntryKind, Event, EventKind, ItemId, OpenItem, Service, Step, StepState, TrackRun,
};
use crate::rulebook::policy::{Opens, Per, Reanchor, Stage, Track};

/// The events that keep a case open though nothing is past due: a returned payment not yet redeemed.
pub fn open_triggers(view: &View) -> Vec<Event> {
    let tracks = &view.policy.tracks;
    let mut triggers = Vec::new();
    for track in tracks {
        let Opens::On(kind) = track.opens else { continue };
        triggers.extend(triggering(view, kind).cloned());
    }
    triggers
}

/// Events of the kind that still stand: of the time of a debt that is still open, and not redeemed afterwards.
fn triggering<'v>(view: &'v View, kind: EventKind) -> impl Iterator<Item = &'v Event> {
    let redeemed =
        view.events.iter().filter(|event| event.kind == EventKind::PaymentRedeemed).map(|event| event.on).max();
    // What happened before the first of the open debts was billed concerns none of them.
    let since = view.snapshot.items.iter().map(|item| item.billed_on).min();
    // The fee of turning on again is of the shut-off, and billed after it.
    let of_fee = (kind == EventKind::ShutOff && super::restore::owes_fee(view))
        .then(|| view.events.iter().filter(|event| event.kind == kind).map(|event| event.on).max())
        .flatten();
    view.events.iter().filter(move |event| {
        event.kind == kind
            && event.on <= view.on
            && (since.is_some_and(|since| since <= event.on) || of_fee == Some(event.on))
            && !(kind == EventKind::PaymentReturned && redeemed.is_some_and(|on| on >= event.on))
    })
}

/// Closes runs whose ground is gone, begins those that have one now, and notes what is canceled thereby.
pub fn keep_up(view: &View, case: &mut Case, decision: &mut Decision) {
    for index in 0..case.tracks.len() {
        let run = &case.tracks[index];
        if run.closed.is_some() {
            continue;
        }
        let cause = match view.policy.track(&run.track) {
            None => Some(Cause::PolicyChanged),
            Some(track) => ground_gone(view, track, case, run),
        };
        if let Some(cause) = cause {
            close(&mut case.tracks[index], &cause, view, decision);
        }
    }
    for track in &view.policy.tracks {
        let held = condition(view, track);
        decision.next_review = earlier(decision.next_review, held.until);
        if held.value != Truth::True {
            continue;
        }
        super::apart::part(view, track, case);
        for (anchor, dates) in grounds(view, track, case) {
            begin(view, case, track, anchor, dates);
        }
    }
}

/// Whether the track is to be followed now.
pub fn condition(view: &View, track: &Track) -> Held<Truth> {
    super::condition::holds(&track.only_if, view, &mut Vec::new())
}

/// Begins a run for a ground that none stands for, or goes on with the one that was closed when its debt was paid.
fn begin(view: &View, case: &mut Case, track: &Track, anchor: &OpenItem, dates: Dates) {
    let today = view.world.today;
    let at_most_one = is_of_account(track);
    let stands_for = |run: &TrackRun| {
        if at_most_one { run.anchor == anchor.id } else { (run.anchor_billed_on, run.anchor_due_on) == dates }
    };
    // One that keeps what went out leaves room for what has fallen due since.
    let is_one = |run: &TrackRun| run.track == track.id && run.closed.is_none() && run.own.is_empty();
    if at_most_one && case.tracks.iter().any(is_one) {
        return;
    }
    let mut of_track = case.tracks.iter_mut().filter(|run| run.track == track.id);
    if let Some(run) = of_track.find(|run| stands_for(run)) {
        if matches!(run.closed, Some((_, Cause::AnchorPaid))) {
            reopen(run, track, today);
        }
        return;
    }
    let is_another = |run: &TrackRun| run.track == track.id && run.own.is_empty();
    if at_most_one && track.when_anchor_paid == Reanchor::Close && case.tracks.iter().any(is_another) {
        return;
    }
    case.tracks.push(TrackRun {
        track: track.id.clone(),
        anchor: anchor.id,
        anchor_billed_on: dates.0,
        anchor_due_on: dates.1,
        opened_on: today,
        steps: charged_before(view, track, dates),
        announced: BTreeMap::new(),
        asked: BTreeMap::new(),
        frozen: BTreeMap::new(),
        unrouted: BTreeSet::new(),
        own: BTreeSet::new(),
        closed: None,
    });
}

/// Whether one run of the track is about all that is owed, and not about a bill or an event.
pub fn is_of_account(track: &Track) -> bool {
    matches!((track.opens, track.per), (Opens::Arrears, Per::Account | Per::Year))
}

/// What an earlier case charged for the bill is not charged again; a fee that recurs goes on from its last day.
fn charged_before(view: &View, track: &Track, bill: Dates) -> Vec<Step> {
    let charging = track.stages.iter().filter(|stage| track.per == Per::Bill && only_charges(stage));
    charging
        .filter_map(|stage| {
            let of_bill = view.snapshot.fees.iter().filter(|fee| fee.charges(&track.id, &stage.id, bill));
            let last = of_bill.map(|fee| fee.on).max()?;
            let state = StepState::Acted(last);
            Some(Step { stage: stage.id.clone(), service: None, round: 1, state, items: Vec::new(), known: None })
        })
        .collect()
}

fn only_charges(stage: &Stage) -> bool {
    stage.acts.iter().all(|act| matches!(act, Action::Fee(_)))
}

/// A debt that came back: fresh notices are served, but what was charged for it is not charged again.
pub fn reopen(run: &mut TrackRun, track: &Track, today: Day) {
    run.closed = None;
    run.opened_on = today;
    run.announced.clear();
    run.asked.clear();
    for step in &mut run.steps {
        let stage = track.stages.iter().find(|stage| stage.id == step.stage);
        if !stage.is_some_and(only_charges)
            && let StepState::Acted(day) | StepState::Expired(day) = step.state
        {
            step.state = StepState::Spent(day, today);
        }
    }
}

/// Billed and due dates of what a run is for; an event's day, twice, where an event opened it.
type Dates = (Day, Day);

/// What there is now to run the track for.
fn grounds<'a>(view: &View<'a>, track: &'a Track, case: &Case) -> Vec<(&'a OpenItem, Dates)> {
    let counted = view.of_track(track);
    match (track.opens, track.per) {
        (Opens::On(kind), _) => {
            let is_known = |dates: Dates| {
                let mut of_track = case.tracks.iter().filter(|run| run.track == track.id);
                of_track.find(|run| (run.anchor_billed_on, run.anchor_due_on) == dates)
            };
            // Each run has an anchor of its own, for its acts are known by it.
            let mut taken: BTreeSet<ItemId> =
                case.tracks.iter().filter(|run| run.track == track.id).map(|run| run.anchor).collect();
            let mut found = Vec::new();
            for event in triggering(view, kind) {
                let dates = (event.on, event.on);
                let anchor = match is_known(dates) {
                    Some(run) => {
                        view.snapshot.items.iter().find(|item| item.id == run.anchor).or(counted.items().next())
                    }
                    None => counted.past_due().chain(counted.items()).find(|item| !taken.contains(&item.id)),
                };
                if let Some(anchor) = anchor {
                    taken.insert(anchor.id);
                    found.push((anchor, dates));
                }
            }
            found
        }
        (Opens::Arrears, Per::Bill) => {
            let mut bills: Vec<(&OpenItem, Dates)> = Vec::new();
            for item in counted.past_due().filter(|item| item.kind == EntryKind::Charge) {
                if !bills.iter().any(|(_, dates)| *dates == (item.billed_on, item.due_on)) {
                    bills.push((item, (item.billed_on, item.due_on)));
                }
            }
            bills
        }
        (Opens::Arrears, Per::Account | Per::Year) => {
            let kept: BTreeSet<ItemId> = case
                .tracks
                .iter()
                .filter(|run| run.track == track.id && run.closed.is_none())
                .flat_map(|run| run.own.iter().copied().chain([run.anchor]))
                .collect();
            let mut free = counted.past_due().filter(|item| !kept.contains(&item.id));
            free.next().map(|item| (item, (item.billed_on, item.due_on))).into_iter().collect()
        }
    }
}

/// Why a run ends: its event was undone, its bill paid, or its anchor paid under a policy that then begins anew.
fn ground_gone(view: &View, track: &Track, case: &Case, run: &TrackRun) -> Option<Cause> {
    // What is contested is not paid.
    let narrowed = view.of_run(track, run, case.kept_elsewhere(&run.track, run.anchor)).with_disputed();
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

/// The services whose shut-off was ordered by the case's other open runs and has neither happened nor been canceled: one
/// order is enough.
pub fn ordered_elsewhere(view: &View, case: &Case, index: usize) -> Vec<Service> {
    let others = case.tracks.iter().enumerate().filter(|(other, run)| *other != index && run.closed.is_none());
    let mut ordered = Vec::new();
    for (run, track) in others.filter_map(|(_, run)| view.policy.track(&run.track).map(|track| (run, track))) {
        let of_run = view.of_run(track, run, case.kept_elsewhere(&run.track, run.anchor));
        for stage in track.stages.iter().filter(|stage| stage.disconnects()) {
            let acted = |step: &&Step| step.stage == stage.id && matches!(step.state, StepState::Acted(_));
            for step in run.steps.iter().filter(acted) {
                let ended = |event: &Event| matches!(event.kind, EventKind::ShutOff | EventKind::OrderCanceled);
                if !of_run.stage_events(&stage.id, step.round).any(ended) {
                    ordered.extend(stage.acts.iter().flat_map(services_of).copied());
                }
            }
        }
    }
    ordered
}

/// Closes a run; what its stages left pending is canceled with the cause.
fn close(run: &mut TrackRun, cause: &Cause, view: &View, decision: &mut Decision) {
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
