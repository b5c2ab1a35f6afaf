//! Restoration: a service is turned on again once nothing is owed of what it was shut off for, whatever a policy says. One that
//! was shut off without leave is turned on again whatever is owed, without fee.
//!
//! What keeps it off is what its notice listed and the shut-off rested on, and the fee of turning it on again: no other service's
//! debt, and no bill that came due since. It is settled by being paid, by an arrangement that is kept, or by as much money
//! since the shut-off, wherever the order of application led it: the letter after the shut-off names a sum, and who pays it has
//! service again.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::bars::services_of;
use super::view::View;
use crate::domain::arrangement::ArrangementState;
use crate::domain::case::StageRef;
use crate::domain::decision::{Act, ActKey, Finding, Verdict};
use crate::domain::fee::PostedFee;
use crate::domain::{Action, Cents, Day, Decision, EntryKind, EventKind, ItemId, OpenItem, RuleId, Service, StepState};
use crate::rulebook::policy::{Stage, Track};

/// Adds an order to restore each service that is off and paid for. The key is that of the case that shut it off, so that
/// however often this is decided, one order comes of it.
pub fn restore(view: &View, is_delinquent: bool, decision: &mut Decision) {
    if view.snapshot.shut_off.is_empty() {
        return;
    }
    let is_cut = |kind| matches!(kind, EventKind::ShutOff | EventKind::ShutOffWithoutLeave);
    let cuts: Vec<_> = view.events.iter().filter(|event| is_cut(event.kind)).collect();
    let case = cuts.last().and_then(|cut| cut.of.as_ref()).map_or(view.snapshot.cases_so_far, |of| of.case);
    let undone = view
        .events
        .iter()
        .filter(|event| event.kind == EventKind::OrderCanceled)
        .filter(|event| event.of.as_ref().is_some_and(|of| of.track.as_str() == "restoration"))
        .count();
    for service in &view.snapshot.shut_off.iter().copied().collect::<BTreeSet<_>>() {
        let rule = stage_of(view, *service).map_or(RuleId(0), |(_, stage)| stage.rule);
        let without_leave = view.snapshot.without_leave.contains(service);
        let keeps_off = keeps_off(view, *service);
        let paid = paid_since(view, *service);
        if is_delinquent && !without_leave && !keeps_off.is_empty() && !paid {
            continue;
        }
        let owed: Cents = keeps_off.iter().map(|item| item.open).sum();
        let mut facts = vec![("owed of what it was shut off for".into(), owed.to_string())];
        if without_leave {
            facts.push(("shut off without leave".into(), "yes".into()));
        } else if paid && owed.is_positive() {
            facts.push(("paid since, wherever it was applied".into(), "as much".into()));
        }
        let of = StageRef {
            case,
            track: "restoration".into(),
            anchor: crate::domain::EntryId(0),
            stage: "restore".into(),
            // A service may be shut off again in the same case: each shut-off has a restoration of its own, and one that
            // the crew could not do, or that was canceled, is ordered anew.
            round: u16::try_from(cuts.len() + undone).unwrap_or(u16::MAX),
        };
        decision.acts.push(Act {
            key: ActKey { account: view.snapshot.account, of, service: Some(*service), n: 0 },
            action: Action::Restore { services: vec![*service], without_fee: without_leave },
            amount: None,
            for_day: view.world.today,
            notice: None,
            needs_release: false,
            because: Finding { rule, track: None, stage: None, verdict: Verdict::Acts, facts, until: None },
        });
    }
}

/// What keeps a service off: of the debt that it was shut off for what is still past due and under no arrangement that is kept,
/// and the fee of turning it on again. Where the case no longer tells, all that counts toward it.
pub fn keeps_off<'a>(view: &View<'a>, service: Service) -> Vec<&'a OpenItem> {
    let fees: Vec<ItemId> = fees(view).map(|fee| fee.entry).collect();
    let arranged: BTreeSet<ItemId> = view
        .plans()
        .filter(|(_, standing)| standing.state == ArrangementState::Performing)
        .flat_map(|(plan, _)| plan.covers.iter().copied())
        .collect();
    let debts = shut_off_for(view, service);
    let is_fee = |item: &&OpenItem| fees.contains(&item.id) && item.open.is_positive();
    let fees = view.snapshot.items.iter().filter(is_fee).filter(|item| !debts.iter().any(|debt| debt.id == item.id));
    let keep: Vec<&OpenItem> = debts.iter().copied().filter(|item| !arranged.contains(&item.id)).collect();
    // An arrangement on the debt is not held up by the fee.
    let is_arranged = keep.is_empty() && !debts.is_empty();
    if is_arranged { keep } else { keep.into_iter().chain(fees).collect() }
}

/// What is still past due of the debt that the service was shut off for.
fn shut_off_for<'a>(view: &View<'a>, service: Service) -> Vec<&'a OpenItem> {
    let counts = stage_of(view, service).map_or_else(BTreeSet::new, |(track, _)| track.counts.clone());
    let counts = if counts.is_empty() { BTreeSet::from([service]) } else { counts };
    let without_transferred = !view.policy.cuts_for_transferred();
    let counting = View { counts: Cow::Owned(counts), without_transferred, listed: None, bill: None, ..view.clone() };
    let rested_on = rested_on(view, service);
    counting.past_due().filter(|item| rested_on.as_ref().is_none_or(|(items, _)| items.contains(&item.id))).collect()
}

/// The debts that the latest shut-off of the service rested on, and its day.
fn rested_on(view: &View, service: Service) -> Option<(BTreeSet<ItemId>, Day)> {
    let case = view.snapshot.case.as_ref()?;
    let mut latest: Option<(Day, BTreeSet<ItemId>)> = None;
    for run in &case.tracks {
        let Some(track) = view.policy.track(&run.track) else { continue };
        for step in &run.steps {
            let stage = track.stages.iter().find(|stage| stage.id == step.stage);
            let cuts = stage.is_some_and(|stage| strikes(stage, service));
            let day = match step.state {
                StepState::Acted(day) | StepState::Spent(day, _) => day,
                StepState::Skipped(_) | StepState::Canceled(..) | StepState::Expired(_) => continue,
            };
            let is_other = step.service.is_some_and(|of| of != service);
            if cuts && !is_other && !step.items.is_empty() && latest.as_ref().is_none_or(|(before, _)| *before <= day) {
                latest = Some((day, step.items.iter().copied().collect()));
            }
        }
    }
    latest.map(|(day, items)| (items, day))
}

/// Whether as much was paid since the shut-off as would have restored service, wherever it was applied.
fn paid_since(view: &View, service: Service) -> bool {
    let Some((rested_on, decided_on)) = rested_on(view, service) else { return false };
    let is_cut = |event: &&crate::domain::Event| event.kind == EventKind::ShutOff && event.on >= decided_on;
    let Some(cut_on) = view.events.iter().filter(is_cut).map(|event| event.on).max() else { return false };
    let snapshot = view.snapshot;
    let still_owed: Cents = shut_off_for(view, service).iter().map(|item| item.open).sum();
    let fees: BTreeSet<ItemId> = fees(view).map(|fee| fee.entry).collect();
    let fee: Cents = snapshot.items.iter().filter(|item| fees.contains(&item.id)).map(|item| item.open).sum();
    let of_sum = |debt: &ItemId| rested_on.contains(debt) || fees.contains(debt);
    let applied: Cents = snapshot
        .applications
        .iter()
        .filter(|application| application.on >= cut_on && of_sum(&application.debt))
        .map(|application| application.amount)
        .sum();
    let undone: BTreeSet<_> = snapshot.payments.iter().filter_map(|entry| entry.reverses).collect();
    let received: Cents = snapshot
        .payments
        .iter()
        .filter(|entry| entry.kind == EntryKind::Payment && !undone.contains(&entry.id))
        .filter(|entry| cut_on <= entry.effective_on && entry.effective_on <= view.on)
        .map(|entry| Cents::ZERO - entry.amount)
        .sum();
    received.is_positive() && received >= still_owed + fee + applied
}

/// The fees of turning on again that were posted since the service was last shut off and stand.
fn fees<'v>(view: &'v View) -> impl Iterator<Item = &'v PostedFee> {
    let cut = view.events.iter().filter(|event| event.kind == EventKind::ShutOff).map(|event| event.on).max();
    view.snapshot.fees.iter().filter(move |fee| {
        let of = &fee.key.of;
        let stage =
            view.policy.track(&of.track).and_then(|track| track.stages.iter().find(|stage| stage.id == of.stage));
        let reconnects = stage.is_some_and(|stage| {
            stage.acts.iter().any(
                |action| matches!(action, Action::Fee(of_stage) if of_stage.reconnects.is_some() && of_stage.name == fee.name),
            )
        });
        reconnects && fee.undone.is_none() && cut.is_some_and(|cut| cut <= fee.on)
    })
}

/// Whether a fee of turning on again was posted for the latest shut-off.
pub fn is_fee_posted(view: &View) -> bool {
    fees(view).next().is_some()
}

/// What is still owed of it, where it is none of the debts listed.
pub fn fee_owed(view: &View, listed: &[ItemId]) -> Cents {
    let owed = view.snapshot.items.iter().filter(|item| !listed.contains(&item.id) && is_fee(view, item.id));
    owed.map(|item| item.open).sum()
}

/// Whether the debt is a fee of turning on again since the latest shut-off.
pub fn is_fee(view: &View, item: ItemId) -> bool {
    fees(view).any(|fee| fee.entry == item)
}

/// The first stage that shuts the service off.
fn stage_of<'a>(view: &View<'a>, service: Service) -> Option<(&'a Track, &'a Stage)> {
    let stages = view.policy.tracks.iter().flat_map(|track| track.stages.iter().map(move |stage| (track, stage)));
    let mut cuts = stages.filter(|(_, stage)| stage.disconnects());
    cuts.find(|(_, stage)| strikes(stage, service))
}

fn strikes(stage: &Stage, service: Service) -> bool {
    stage.disconnects() && stage.acts.iter().any(|action| services_of(action).contains(&service))
}
