//! The acts of a stage: which debt they rest on, what a fee comes to, what a notice states.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::plan::{Planned, Planner};
use super::restore;
use super::view::View;
use crate::domain::action::{FeeAction, FeeAmount, FeeBase, ReconnectionLimits};
use crate::domain::arrears;
use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::decision::{Act, ActKey, Finding};
use crate::domain::hold::Blocks;
use crate::domain::notice::{ListedItem, NoticeFacts, Restores};
use crate::domain::proof::{self, ProofKind};
use crate::domain::{
    Action, Cents, Channel, Day, EntryKind, Event, EventKind, ItemId, OpenItem, Service, StageId, Step, StepState,
    TrackRun,
};
use crate::rulebook::policy::{Opens, Stage};

/// The past-due items that a stage's acts rest on: for a shut-off, those that its notice listed and that are each as
/// old as the guards ask.
pub fn rests_on<'a>(planner: Planner<'_, 'a>, stage: &'a Stage) -> Vec<&'a OpenItem> {
    let view = planner.view;
    // After a shut-off what is asked for is what restores service.
    if planner.track.opens == Opens::On(EventKind::ShutOff) {
        let off: BTreeSet<Service> = view.snapshot.shut_off.iter().copied().collect();
        let mut keep: Vec<&OpenItem> = off.iter().flat_map(|service| restore::keeps_off(view, *service)).collect();
        keep.sort_unstable_by_key(|item| (item.due_on, item.id));
        keep.dedup_by_key(|item| item.id);
        keep.retain(|item| arrears::is_past_due(item, view.on, Cents::ZERO) && !view.stayed.contains(&item.id));
        // Other bills restore nothing; where no case tells, all that counts is asked for.
        if !keep.is_empty() || restore::is_known(view) {
            return keep;
        }
    }
    let age = if stage.disconnects() { planner.least_age(stage) } else { 0 };
    view.past_due().filter(|item| arrears::days_past_due(item, view.on) >= age).collect()
}

/// One act. A fee that comes to nothing is none.
#[expect(clippy::too_many_arguments, reason = "each is a different fact of the act; a struct would only rename them")]
pub fn act(
    planner: Planner,
    stage: &Stage,
    of: StageRef,
    n: u8,
    action: Action,
    for_day: Day,
    items: &[ItemId],
    because: Finding,
) -> Option<Act> {
    let view = planner.view;
    let amount = match &action {
        Action::Fee(fee) => {
            Some(within_the_law(view, fee, fee_amount(planner, &fee.amount))).filter(|amount| amount.is_positive())
        }
        Action::Disconnect { .. }
        | Action::Notice(_)
        | Action::Tag(_)
        | Action::Call(_)
        | Action::Visit(_)
        | Action::Refer { .. }
        | Action::Route { .. }
        | Action::NoRoute { .. }
        | Action::WriteOff => {
            Some(view.snapshot.items.iter().filter(|item| items.contains(&item.id)).map(|item| item.open).sum())
        }
        Action::Freeze { .. } => Some(view.past_due_amount()),
        Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::Restore { .. }
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. } => None,
    };
    if matches!(action, Action::Fee(_)) && amount.is_none() {
        return None;
    }
    let notice = match &action {
        Action::Notice(_) | Action::Tag(_) => Some(notice_facts(planner, stage, items)),
        _ => None,
    };
    let service = match &action {
        Action::Disconnect { services, .. } | Action::Restore { services, .. } => services.first().copied(),
        _ => None,
    };
    Some(Act {
        key: ActKey { account: view.snapshot.account, of, service, n },
        action,
        amount,
        for_day,
        notice,
        needs_release: stage.release.is_some(),
        because,
    })
}

/// What a fee comes to on the view's day.
fn fee_amount(planner: Planner, amount: &FeeAmount) -> Cents {
    match amount {
        FeeAmount::Flat(cents) => *cents,
        FeeAmount::Percent(percent, base) => {
            let view = planner.view;
            let base = match base {
                FeeBase::UnpaidCharges => {
                    view.past_due().filter(|item| item.kind == EntryKind::Charge).map(|item| item.open).sum()
                }
                FeeBase::PastDue => view.past_due_amount(),
                FeeBase::Balance => view.balance(),
            };
            base.percent(*percent)
        }
        FeeAmount::GreaterOf(amounts) => amounts.iter().map(|a| fee_amount(planner, a)).max().unwrap_or(Cents::ZERO),
        FeeAmount::LesserOf(amounts) => amounts.iter().map(|a| fee_amount(planner, a)).min().unwrap_or(Cents::ZERO),
    }
}

/// What a notice decided today states. Restating it on a later day is the same function on a later view.
pub fn notice_facts(planner: Planner, stage: &Stage, items: &[ItemId]) -> NoticeFacts {
    let view = planner.view;
    let listed: Vec<ListedItem> =
        view.snapshot.items.iter().filter(|item| items.contains(&item.id)).map(ListedItem::of).collect();
    let is_after = planner.track.opens == Opens::On(EventKind::ShutOff);
    let shut_off_on = announced(planner, stage, items).map(|(_, day)| day);
    let citation = view.policy.origin(stage.rule).map(|origin| origin.citation.clone()).unwrap_or_default();
    let restores = is_after.then(|| restores(planner, stage, items));
    // The fee that is posted with the letter is owed when it leaves.
    let to_come = restores.filter(|_| !restore::is_fee_posted(view)).map_or(Cents::ZERO, |restores| restores.fee);
    NoticeFacts {
        amount: listed.iter().map(|item| item.open).sum(),
        items: listed,
        balance: askable(view) + to_come,
        days_past_due: view.past_due().map(|item| arrears::days_past_due(item, view.on)).max().unwrap_or(0),
        pay_by: shut_off_on.map(|day| plus_days(day, -1)),
        shut_off_on,
        citation,
        deposit: super::deposits::credited(view),
        agreed: None,
        ruled: None,
        reconnection: is_after.then(|| limits_of(view)).flatten(),
        restores,
    }
}

/// What a letter may ask for in all: the balance without what is contested, and without what is out with a destination, which
/// whoever has it asks for.
fn askable(view: &View) -> Cents {
    let out = view.placed(&BTreeSet::from([Blocks::Notices]));
    let is_out = |item: &&OpenItem| out.contains(&item.id) && !view.disputed.contains(&item.id);
    view.balance() - view.snapshot.items.iter().filter(is_out).map(|item| item.open).sum::<Cents>()
}

/// What turning on again costs, as it was posted, or as the stage posts it with its letter; and what else is past due.
fn restores(planner: Planner, stage: &Stage, listed: &[ItemId]) -> Restores {
    let view = planner.view;
    let past_due = past_due_of_all(view);
    if restore::is_fee_posted(view) {
        let (fee, listed) = restore::fee_owed(view, listed);
        return Restores { fee, listed, past_due };
    }
    let fees = stage.acts.iter().filter_map(|action| match action {
        Action::Fee(fee) if fee.reconnects.is_some() => Some(fee),
        _ => None,
    });
    let fee = fees.map(|fee| within_the_law(view, fee, fee_amount(planner, &fee.amount))).sum();
    Restores { fee, listed: Cents::ZERO, past_due }
}

/// All that is past due of the account, whatever counts toward the track; without fees of turning on again.
fn past_due_of_all(view: &View) -> Cents {
    let all = View { counts: Cow::Owned(BTreeSet::new()), listed: None, bill: None, ..view.clone() };
    all.past_due().filter(|item| !restore::is_fee(view, item.id)).map(|item| item.open).sum()
}

/// What a household like this one, with a low income, pays at most to be turned on again.
fn limits_of(view: &View) -> Option<ReconnectionLimits> {
    let profile = &view.snapshot.profile;
    view.policy.reconnection_limits(profile.class, &profile.services)
}

/// A fee as the law lets it be: for a household that has shown a low income, turning on again costs no more than the limit,
/// nor than it costs the city.
fn within_the_law(view: &View, fee: &FeeAction, amount: Cents) -> Cents {
    let is_low = proof::shown(&view.snapshot.proofs, ProofKind::LowIncome, view.on).is_some();
    match (fee.reconnects, limits_of(view)) {
        (Some(when), Some(limits)) if is_low => amount.min(limits.at(when)).min(fee.cost.unwrap_or(amount)),
        _ => amount,
    }
}

/// The shut-off that a notice of `stage` announces, and its earliest day if the notice is mailed on the view's day.
pub fn announced(planner: Planner, stage: &Stage, items: &[ItemId]) -> Option<(StageId, Day)> {
    let position = planner.track.stages.iter().position(|other| other.id == stage.id)?;
    let target = planner.track.stages[position..].iter().find(|other| other.disconnects())?;
    let (run, view) = as_if_served(planner, stage, items);
    let view = View { listed: Some(items.to_vec()), supposes_contact: true, ..view };
    let hypothetical = Planner { track: planner.track, run: &run, view: &view };
    let counting = hypothetical.counting(target);
    match hypothetical.on(&counting).first_day_met(target, planner.view.on, None) {
        Planned::On { day, .. } => Some((target.id.clone(), day)),
        Planned::Waits { .. } | Planned::NotMet { .. } => None,
    }
}

/// Run and view as they would be had the stage's notice gone out on the view's day.
fn as_if_served<'a>(planner: Planner<'_, 'a>, stage: &Stage, items: &[ItemId]) -> (TrackRun, View<'a>) {
    let (mut run, mut view) = (planner.run.clone(), planner.view.clone());
    let today = view.on;
    let round = planner.round(&stage.id);
    run.steps.retain(|step| !(step.stage == stage.id && step.round == round));
    run.steps.push(Step {
        stage: stage.id.clone(),
        service: None,
        round,
        state: StepState::Acted(today),
        items: items.to_vec(),
        known: None,
    });
    run.announced.clear();
    let of = StageRef { case: view.case, track: run.track.clone(), anchor: run.anchor, stage: stage.id.clone(), round };
    let deemed_days = stage.acts.iter().find_map(|action| match action {
        Action::Notice(notice) => Some(notice.deemed_days),
        _ => None,
    });
    let served = plus_days(today, i64::from(deemed_days.unwrap_or(0)));
    let by_hand = stage.acts.iter().any(|action| {
        matches!(action, Action::Notice(notice) if !notice.by.contains(&Channel::Mail) && !notice.by.contains(&Channel::Email))
    });
    let kinds: &[(EventKind, Day)] = if by_hand || deemed_days.is_none() {
        &[(EventKind::NoticePosted, today)]
    } else {
        &[(EventKind::NoticeMailed, today), (EventKind::NoticeServed, served)]
    };
    // What has been recorded of this round is left out: the question is what follows if it goes out today.
    let events = view.events.to_mut();
    events.retain(|event| event.of.as_ref() != Some(&of));
    events.extend(kinds.iter().map(|(kind, on)| Event { kind: *kind, on: *on, of: Some(of.clone()) }));
    (run, view)
}
