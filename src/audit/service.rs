//! Which notices stand: read from the events and the case's steps, never from what a decision says about them.

use std::collections::BTreeSet;

use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::{Action, Case, Channel, Day, EventKind, ItemId, Recipient, Snapshot, Step, StepState, TrackRun};
use crate::rulebook::Policy;
use crate::rulebook::policy::Stage;

/// A notice that reached somebody and still stands.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own that a guard asks of a notice")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub channel: Channel,
    /// Mailed, posted, handed over or spoken.
    pub given_on: Day,
    /// The legal date of service: mailing and the policy's deemed days, or the same day.
    pub served_on: Day,
    pub items: BTreeSet<ItemId>,
    /// Required by law, by the stage's own word. A friendly reminder satisfies no guard.
    pub required: bool,
    pub reaches_occupant: bool,
    /// Required, and left for the tenants of a landlord's account.
    pub reaches_tenants: bool,
    /// Left at the premises after mail came back: it stands in for the mail, from its own day.
    pub replaces_mail: bool,
}

impl Standing {
    /// What is left for a landlord's tenants tells them of their rights, and stands in for no notice of the debt.
    fn for_tenants(self) -> Self {
        Self { reaches_tenants: self.required, required: false, items: BTreeSet::new(), ..self }
    }
}

/// The notices of `of`'s case and track that stand on `day`.
///
/// Notices of earlier cases, of other tracks, of canceled or expired rounds and of rounds before an expired `of` are
/// spent. A returned piece is void.
pub(super) fn standing_notices(snapshot: &Snapshot, policy: &Policy, of: &StageRef, day: Day) -> Vec<Standing> {
    let Some(case) = snapshot.case.as_ref().filter(|case| case.number == of.case) else { return Vec::new() };
    let Some(track) = policy.track(&of.track) else { return Vec::new() };
    let mut standing = Vec::new();
    for run in &case.tracks {
        if run.track != of.track || run.anchor != of.anchor || run.closed.is_some() {
            continue;
        }
        for step in &run.steps {
            let Some(stage) = track.stages.iter().find(|stage| stage.id == step.stage) else { continue };
            if !is_spent(run, step, stage, of) {
                standing.extend(of_step(snapshot, case, run, step, stage, day));
            }
        }
    }
    let returned: Option<Day> = snapshot
        .events
        .iter()
        .filter(|event| event.kind == EventKind::NoticeReturned && event.on <= day)
        .filter(|event| event.of.as_ref().is_some_and(|r| r.case == of.case && r.track == of.track))
        .map(|event| event.on)
        .max();
    for notice in &mut standing {
        notice.replaces_mail =
            notice.channel == Channel::Posting && returned.is_some_and(|returned| returned <= notice.given_on);
    }
    standing
}

/// Whether the step's notice can no longer carry `of`.
pub(super) fn is_spent(run: &TrackRun, step: &Step, stage: &Stage, of: &StageRef) -> bool {
    let StepState::Acted(acted) = step.state else { return true };
    let came_around =
        stage.every.is_none() && run.steps.iter().any(|other| other.stage == step.stage && other.round > step.round);
    let used_up = run
        .steps
        .iter()
        .any(|other| other.stage == of.stage && matches!(other.state, StepState::Expired(expired) if acted < expired));
    came_around || used_up
}

fn of_step(snapshot: &Snapshot, case: &Case, run: &TrackRun, step: &Step, stage: &Stage, day: Day) -> Vec<Standing> {
    let of = StageRef {
        case: case.number,
        track: run.track.clone(),
        anchor: run.anchor,
        stage: step.stage.clone(),
        round: step.round,
    };
    let mut mailed: Option<Day> = None;
    let mut posted: Option<Day> = None;
    let mut served: Option<Day> = None;
    let mut spoken: Option<Day> = None;
    for event in snapshot.events.iter().filter(|event| event.of.as_ref() == Some(&of) && event.on <= day) {
        match event.kind {
            // Several pieces: the last of them counts.
            EventKind::NoticeMailed => mailed = mailed.max(Some(event.on)),
            EventKind::NoticePosted => posted = Some(event.on),
            EventKind::NoticeServed => served = served.max(Some(event.on)),
            EventKind::ContactMade => spoken = Some(event.on),
            EventKind::NoticeReturned => (mailed, served) = (None, None),
            EventKind::NoticeVoided => (mailed, posted, served) = (None, None, None),
            EventKind::NoticeReleased
            | EventKind::EmailBounced
            | EventKind::ContactFailed
            | EventKind::CallAttempted
            | EventKind::CallImpossible
            | EventKind::PaymentReturned
            | EventKind::PaymentRedeemed
            | EventKind::InstallmentMissed
            | EventKind::PromiseBroken
            | EventKind::ShutOff
            | EventKind::ShutOffWithoutLeave
            | EventKind::Restored
            | EventKind::OrderCanceled
            | EventKind::Placed
            | EventKind::Recalled
            | EventKind::DebtReturned
            | EventKind::Rerouted
            | EventKind::CustomerFollows
            | EventKind::Overridden => {}
        }
    }
    let items: BTreeSet<ItemId> = step.items.iter().copied().collect();
    let make = |channel, given_on, served_on, required, reaches_occupant| Standing {
        channel,
        given_on,
        served_on,
        items: items.clone(),
        required,
        reaches_occupant,
        reaches_tenants: false,
        replaces_mail: false,
    };
    let mut found = Vec::new();
    for act in &stage.acts {
        match act {
            Action::Notice(notice) => {
                let to_occupant = notice.to.contains(&Recipient::Occupant);
                if let Some(on) = mailed {
                    let deemed = plus_days(on, i64::from(notice.deemed_days));
                    let served_on = if posted.is_none() { served.map_or(deemed, |s| s.max(deemed)) } else { deemed };
                    found.push(make(Channel::Mail, on, served_on, notice.statutory, to_occupant));
                }
                if let Some(on) = posted {
                    found.push(make(Channel::Posting, on, on, notice.statutory, true));
                }
                if let (Some(on), None, None, true) = (served, mailed, posted, notice.by.contains(&Channel::Hand)) {
                    found.push(make(Channel::Hand, on, on, notice.statutory, to_occupant));
                }
                if let (Some(on), true) = (spoken, notice.by.contains(&Channel::Phone)) {
                    found.push(make(Channel::Phone, on, on, notice.statutory, false));
                }
            }
            Action::Tag(tag) => {
                if let Some(on) = posted {
                    let left = make(Channel::Posting, on, on, tag.statutory, true);
                    found.push(if tag.to_tenants { left.for_tenants() } else { left });
                }
            }
            Action::Call(call) | Action::Visit(call) => {
                if let Some(on) = spoken {
                    found.push(make(Channel::Phone, on, on, call.required, false));
                }
            }
            Action::Fee(_)
            | Action::ReverseFee { .. }
            | Action::ApplyDeposit(_)
            | Action::Disconnect { .. }
            | Action::Restore { .. }
            | Action::Task { .. }
            | Action::Hold { .. }
            | Action::Flag { .. }
            | Action::Refer { .. }
            | Action::Route { .. }
            | Action::NoRoute { .. }
            | Action::Freeze { .. }
            | Action::WriteOff => {}
        }
    }
    found
}
