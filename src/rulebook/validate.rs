//! Checks over a whole policy that no single line shows: circles, waits for what never comes, missing citations.

use std::collections::BTreeSet;

use crate::domain::{Action, EventKind, StageId};

use super::error::{Fault, Report, Span};
use super::phrase::STAGE_EVENTS;
use super::policy::{Anchor, Expiry, ReferralRules, When};
use super::tracks::{StageDraft, TrackDraft};

/// Checks all tracks; `referral` where the policy has such a part. Says whether the tracks are free of circles.
pub(super) fn check(tracks: &[TrackDraft], referral: Option<&ReferralRules>, report: &mut Report<'_>) -> bool {
    let mut sound = true;
    for track in tracks {
        sound &= no_circle(track, report);
        for stage in &track.stages {
            waits_come(track, stage, report);
            is_cited(stage, report);
            restarts_backward(track, stage, report);
            refers_where_allowed(stage, referral, report);
        }
    }
    sound
}

/// The stage of that name.
pub(super) fn find<'t>(track: &'t TrackDraft, id: &StageId) -> Option<&'t StageDraft> {
    track.stages.iter().find(|stage| stage.stage.id == *id)
}

/// What a wait counts from, where that is a stage.
pub(super) fn stage_of(when: &When) -> Option<&StageId> {
    match &when.anchor {
        Anchor::Stage(stage) | Anchor::Event(_, Some(stage)) => Some(stage),
        Anchor::Billed | Anchor::Due | Anchor::Printed(_) | Anchor::Opened | Anchor::Event(_, None) => None,
    }
}

/// The stages that a stage's own day depends on: those it counts from, and those it is planned back from.
fn depends_on(stage: &StageDraft) -> impl Iterator<Item = &StageId> {
    stage.stage.start.iter().filter_map(stage_of).chain(stage.stage.leads.iter().map(|lead| &lead.before))
}

fn no_circle(track: &TrackDraft, report: &mut Report<'_>) -> bool {
    for (index, first) in track.stages.iter().enumerate() {
        if let Some(circle) = circle_from(track, first) {
            // Told once, at the stage of the circle that stands first.
            let earlier = track.stages[..index].iter().any(|stage| circle.contains(&stage.stage.id));
            if !earlier {
                let names: Vec<&str> = circle.iter().map(StageId::as_str).chain([first.stage.id.as_str()]).collect();
                let fault = Fault::new(first.at, format!("these stages wait for one another: {}", names.join(" → ")))
                    .help("a stage that is planned back from a later one must not be counted from by it; the lead already keeps them apart");
                report.add(fault);
            }
            return false;
        }
    }
    true
}

/// The way from a stage back to itself, where there is one.
fn circle_from(track: &TrackDraft, first: &StageDraft) -> Option<Vec<StageId>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![first.stage.id.clone()]];
    while let Some(way) = ways.pop() {
        let Some(stage) = way.last().and_then(|id| find(track, id)) else { continue };
        for next in depends_on(stage) {
            if *next == first.stage.id {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                let mut longer = way.clone();
                longer.push(next.clone());
                ways.push(longer);
            }
        }
    }
    None
}

/// A wait for `final_notice mailed` never ends when `final_notice` mails nothing.
fn waits_come(track: &TrackDraft, stage: &StageDraft, report: &mut Report<'_>) {
    let starts = stage.stage.start.iter().zip(stage.starts.iter().copied());
    let ends = stage.stage.end.iter().map(|end| (&end.last, stage.end));
    for (when, at) in starts.chain(ends) {
        let Anchor::Event(kind, Some(id)) = &when.anchor else { continue };
        let Some(target) = find(track, id) else { continue };
        if target.stage.acts.is_empty() || target.stage.acts.iter().any(|act| brings(act, *kind)) {
            continue;
        }
        let word = STAGE_EVENTS.iter().find(|(_, event)| event == kind).map_or(kind.word(), |(word, _)| *word);
        report.add(never_comes(at, id, word, kind.word()));
    }
}

fn never_comes(at: Span, id: &StageId, word: &str, event: &str) -> Fault {
    Fault::new(at, format!("`{id} {word}` never comes, for `{id}` has no act from which it could"))
        .help(format!("count from `{id}` itself, or from a stage that can have `{event}`"))
}

/// Whether an act can be followed by the event.
fn brings(act: &Action, event: EventKind) -> bool {
    match event {
        EventKind::NoticeReleased | EventKind::NoticeMailed | EventKind::NoticeReturned | EventKind::NoticeVoided => {
            matches!(act, Action::Notice(_))
        }
        EventKind::NoticeServed => matches!(act, Action::Notice(_) | Action::Tag(_) | Action::Call(_)),
        EventKind::NoticePosted => matches!(act, Action::Tag(_)),
        EventKind::EmailBounced => matches!(act, Action::Notice(_)),
        EventKind::ContactMade | EventKind::ContactFailed | EventKind::CallAttempted | EventKind::CallImpossible => {
            matches!(act, Action::Call(_) | Action::Visit(_))
        }
        EventKind::ShutOff | EventKind::ShutOffWithoutLeave => matches!(act, Action::Disconnect { .. }),
        EventKind::Restored => matches!(act, Action::Restore { .. }),
        EventKind::Placed | EventKind::Recalled | EventKind::DebtReturned | EventKind::Rerouted => {
            matches!(act, Action::Refer { .. } | Action::Route { .. })
        }
        EventKind::OrderCanceled => {
            matches!(act, Action::Disconnect { .. } | Action::Restore { .. } | Action::Tag(_))
        }
        EventKind::PaymentReturned
        | EventKind::PaymentRedeemed
        | EventKind::InstallmentMissed
        | EventKind::PromiseBroken
        | EventKind::CustomerFollows
        | EventKind::Overridden => true,
    }
}

/// What takes money, service or rights from a customer rests on a law that the notice and the file can name.
fn is_cited(stage: &StageDraft, report: &mut Report<'_>) {
    let adverse = stage.stage.acts.iter().find(|act| match act {
        Action::Fee(_) | Action::Disconnect { .. } | Action::Refer { .. } | Action::Route { .. } | Action::WriteOff => {
            true
        }
        Action::Notice(notice) => notice.statutory,
        Action::Tag(tag) => tag.statutory,
        Action::Call(_)
        | Action::Visit(_)
        | Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::Restore { .. }
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::NoRoute { .. }
        | Action::Freeze { .. } => false,
    });
    if let Some(act) = adverse.filter(|_| !stage.cited) {
        let message = format!("`{}` orders `{}` without naming its law", stage.stage.id, act.word());
        report.add(
            Fault::new(stage.at, message).expected("`cite:` in the stage or its track, such as `cite: 13.04.110`"),
        );
    }
}

/// A window that closes takes the track back, never forward over a notice.
fn restarts_backward(track: &TrackDraft, stage: &StageDraft, report: &mut Report<'_>) {
    let Some(Expiry::Restart(target)) = stage.stage.end.as_ref().map(|end| &end.then) else { return };
    let position = |id: &StageId| track.stages.iter().position(|other| other.stage.id == *id);
    if position(target) > position(&stage.stage.id) {
        let fault =
            Fault::new(stage.end, format!("`{}` cannot restart `{target}`, which comes after it", stage.stage.id));
        report.add(fault.help("a window that closes takes the track back to an earlier stage"));
    }
}

fn refers_where_allowed(stage: &StageDraft, referral: Option<&ReferralRules>, report: &mut Report<'_>) {
    for (act, at) in stage.stage.acts.iter().zip(&stage.acts) {
        let to = match act {
            Action::Refer { to } => to,
            Action::Route { route } => {
                routed_where_known(route, *at, referral, report);
                continue;
            }
            _ => continue,
        };
        match referral {
            None => {
                let fault = Fault::new(
                    *at,
                    format!("a debt is referred to `{to}`, and nothing says when it is barred by time"),
                );
                report.add(
                    fault.expected("`referral: {limitation: 4 years, limitation_cite: .., to: [..]}` in the policy"),
                );
            }
            Some(rules) if !rules.destinations.contains(to) => {
                let fault = Fault::new(*at, format!("`{to}` is not among the destinations of `referral:`"));
                report.add(fault.help(format!("add `{to}` to its `to:`")));
            }
            Some(_) => {}
        }
    }
}

fn routed_where_known(route: &str, at: Span, referral: Option<&ReferralRules>, report: &mut Report<'_>) {
    let routes = referral.map(|rules| rules.routes.as_slice()).unwrap_or_default();
    if routes.iter().any(|known| known.name == route) {
        return;
    }
    let names = || routes.iter().map(|route| route.name.as_str());
    let fault = Fault::new(at, format!("there is no route `{route}` in `referral:`")).near(route, names());
    report.add(
        fault.expected("one of `referral: {routes: ..}`, each a list of lines such as `{to: agency, from: 100.00}`"),
    );
}
