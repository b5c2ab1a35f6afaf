//! Restoration: a service is turned on again once nothing is owed of what it was shut off for, whatever a policy says. One that
//! was shut off without leave is turned on again whatever is owed, without fee.
//!
//! What keeps it off is what its notice listed and the shut-off rested on, and the fee of turning it on again: no other service's
//! debt, no bill that came due since, and nothing that the customer contests, for nobody may be asked for it. It is settled by
//! being paid, by an arrangement that is kept, or by as much money since the shut-off, wherever the order of application led it:
//! the letter after the shut-off names a sum, and who pays it has service again. Where service has ended, nothing is turned on:
//! whoever lives there now is another customer. A debt that was written off or moved to another account since is not settled by
//! that: the lead decides.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::bars::services_of;
use super::view::View;
use crate::domain::arrangement::ArrangementState;
use crate::domain::case::StageRef;
use crate::domain::decision::{Act, ActKey, Bar, Finding, Verdict};
use crate::domain::fee::PostedFee;
use crate::domain::{
    Action, Cents, Day, Decision, EntryKind, EventKind, ItemId, OpenItem, Role, RuleId, Service, Snapshot, StepState,
};
use crate::rulebook::policy::{Opens, Stage, Track};

/// The name under which restorations go. A policy may have a track of that name, and no stage `restore` or `given_up` in it
/// turns anything on.
const TRACK: &str = "restoration";

/// Adds an order to restore each service that is off and paid for. The key is that of the case that shut it off, so that
/// however often this is decided, one order comes of it.
pub fn restore(view: &View, is_delinquent: bool, decision: &mut Decision) {
    if view.snapshot.shut_off.is_empty() {
        return;
    }
    for service in &view.snapshot.shut_off.iter().copied().collect::<BTreeSet<_>>() {
        if has_ended(view, *service) {
            continue;
        }
        let rule = stage_of(view, *service).map_or(RuleId(0), |(_, stage)| stage.rule);
        let without_leave = view.snapshot.without_leave.contains(service);
        if is_delinquent && stays_off(view, *service) {
            continue;
        }
        let (keeps_off, paid) = (keeps_off(view, *service), paid_since(view, *service));
        let given_up = given_up(view, *service);
        if given_up.is_positive() && !without_leave && !paid {
            asks_the_lead(view, *service, given_up, decision);
            continue;
        }
        let owed: Cents = keeps_off.iter().map(|item| item.open).sum();
        let mut facts = vec![("owed of what it was shut off for".into(), owed.to_string())];
        if without_leave {
            facts.push(("shut off without leave".into(), "yes".into()));
        } else if paid && owed.is_positive() {
            facts.push(("paid since, wherever it was applied".into(), "as much".into()));
        }
        decision.acts.push(Act {
            key: key(view.snapshot, *service),
            action: Action::Restore { services: vec![*service], without_fee: without_leave },
            amount: None,
            for_day: view.world.today,
            notice: None,
            needs_release: false,
            because: Finding { rule, track: None, stage: None, verdict: Verdict::Acts, facts, until: None },
        });
    }
}

/// The key of the order that turns the service on again. A person who orders it by hand orders it under the same.
#[must_use]
pub fn key(snapshot: &Snapshot, service: Service) -> ActKey {
    let is_cut = |kind| matches!(kind, EventKind::ShutOff | EventKind::ShutOffWithoutLeave);
    let cuts = || snapshot.events.iter().filter(|event| is_cut(event.kind));
    let case = cuts().next_back().and_then(|cut| cut.of.as_ref()).map_or(snapshot.cases_so_far, |of| of.case);
    let is_of_restoration = |of: &StageRef| of.track.as_str() == TRACK;
    let undone = snapshot.events.iter().filter(|event| event.kind == EventKind::OrderCanceled);
    let undone = undone.filter(|event| event.of.as_ref().is_some_and(is_of_restoration)).count();
    // A service may be shut off again in the same case: each shut-off has a restoration of its own, and one that the crew
    // could not do, or that was canceled, is ordered anew.
    let round = u16::try_from(cuts().count() + undone).unwrap_or(u16::MAX);
    let (anchor, stage) = (crate::domain::EntryId(0), "restore".into());
    ActKey {
        account: snapshot.account,
        of: StageRef { case, track: TRACK.into(), anchor, stage, round },
        service: Some(service),
        n: 0,
    }
}

/// The lead is told once for each shut-off that nobody has paid what the service is off for.
fn asks_the_lead(view: &View, service: Service, given_up: Cents, decision: &mut Decision) {
    let mut key = key(view.snapshot, service);
    key.of.stage = "given_up".into();
    let rule = stage_of(view, service).map_or(RuleId(0), |(_, stage)| stage.rule);
    let verdict = Verdict::Barred(Bar::GivenUp(service, given_up));
    let because = Finding { rule, track: None, stage: None, verdict, facts: Vec::new(), until: None };
    decision.findings.push(because.clone());
    let number = &view.snapshot.profile.number;
    let text = format!(
        "{service} is off, and {given_up} of what it was shut off for was written off or moved to another account: that is no \
         payment, and it stays off until you decide. `arrears orders restore {number} --service {service} --reason TEXT` turns \
         it on"
    );
    decision.acts.push(Act {
        key,
        action: Action::Task { text, role: Role::Lead },
        amount: None,
        for_day: view.world.today,
        notice: None,
        needs_release: false,
        because,
    });
}

/// What of the debt that the service was shut off for was written off or moved to another account since. After a discharge it
/// was no longer to be paid.
fn given_up(view: &View, service: Service) -> Cents {
    let cut_on = view.events.iter().filter(|event| event.kind == EventKind::ShutOff).map(|event| event.on).max();
    let Some(cut_on) = cut_on else { return Cents::ZERO };
    let rested_on = rested_on(view, service);
    let counts = counts_of(view, service);
    let discharged = |on: Day| {
        view.snapshot.petitions.iter().any(|petition| petition.discharged_on.is_some_and(|discharged| discharged <= on))
    };
    let since = view.snapshot.taken_off.iter().filter(|off| cut_on <= off.on && off.on <= view.world.today);
    since
        .filter(|off| match off.kind {
            EntryKind::WriteOff => !discharged(off.on),
            EntryKind::Transfer => true,
            EntryKind::Charge
            | EntryKind::Fee
            | EntryKind::Interest
            | EntryKind::Payment
            | EntryKind::Adjustment
            | EntryKind::Deposit
            | EntryKind::Reversal => false,
        })
        .filter(|off| match (&rested_on, off.debt) {
            (Some((debts, _)), Some(debt)) => debts.contains(&debt),
            _ => counts.contains(&off.service),
        })
        .map(|off| off.amount)
        .sum()
}

/// The services whose debt counts toward shutting the service off.
fn counts_of(view: &View, service: Service) -> BTreeSet<Service> {
    let counts = stage_of(view, service).map_or_else(BTreeSet::new, |(track, _)| track.counts.clone());
    if counts.is_empty() { BTreeSet::from([service]) } else { counts }
}

/// Whether service has ended there: it stays as it is, but for one that was shut off without leave.
fn has_ended(view: &View, service: Service) -> bool {
    view.snapshot.profile.ended.is_some_and(|ended| ended <= view.on) && !view.snapshot.without_leave.contains(&service)
}

/// Whether something keeps a service off that is off, and as much was not paid since.
pub fn stays_off(view: &View, service: Service) -> bool {
    let is_rightly_off = !view.snapshot.without_leave.contains(&service);
    is_rightly_off && !keeps_off(view, service).is_empty() && !paid_since(view, service)
}

/// Whether a letter that says how service is restored would be untrue: none is off that money turns on again.
pub fn is_told_in_vain(view: &View) -> bool {
    let (counts, stayed) = (Cow::Owned(BTreeSet::new()), Vec::new());
    let all = View { counts, stayed, listed: None, bill: None, own: None, elsewhere: BTreeSet::new(), ..view.clone() };
    let mut off = view.snapshot.shut_off.iter();
    let is_worked = super::is_delinquent(&all) || owes_fee(&all);
    !is_worked || !off.any(|service| stays_off(view, *service) && !has_ended(view, *service))
}

/// Whether a letter that was to say how service is restored has not left, and would be untrue by now.
pub fn is_overtaken(view: &View, track: &Track, stage: &Stage, round: u16) -> bool {
    let left = |kind| matches!(kind, EventKind::NoticeMailed | EventKind::NoticePosted);
    track.opens == Opens::On(EventKind::ShutOff)
        && stage.acts.iter().any(|action| matches!(action, Action::Notice(_)))
        && !view.stage_events(&stage.id, round).any(|event| left(event.kind))
        && is_told_in_vain(view)
}

/// Whether the fee of turning on again, past due or not, makes what is past due as much as an account is worked for.
pub fn owes_fee(view: &View) -> bool {
    let is_served = |service: &Service| !has_ended(view, *service) && !keeps_off(view, *service).is_empty();
    let fee = fee_owed(view, &[]).0;
    let past_due = view.past_due().filter(|item| !is_fee(view, item.id)).map(|item| item.open).sum::<Cents>();
    fee.is_positive() && view.snapshot.shut_off.iter().any(is_served) && past_due + fee >= view.policy.cure_below
}

/// Whether a case tells what a shut-off of services that are off rested on.
pub fn is_known(view: &View) -> bool {
    view.snapshot.shut_off.iter().any(|service| rested_on(view, *service).is_some())
}

/// What keeps a service off: of the debt that it was shut off for what is still past due, not contested, and under no
/// arrangement that is kept; and the fee of turning it on again. Where the case no longer tells, all that counts toward it.
pub fn keeps_off<'a>(view: &View<'a>, service: Service) -> Vec<&'a OpenItem> {
    let arranged: BTreeSet<ItemId> = view
        .plans()
        .filter(|(_, standing)| standing.state == ArrangementState::Performing)
        .flat_map(|(plan, _)| plan.covers.iter().copied())
        .collect();
    let is_kept = |item: &&OpenItem| !arranged.contains(&item.id) && !view.disputed.contains(&item.id);
    let debts = shut_off_for(view, service);
    let keep: Vec<&OpenItem> = debts.iter().copied().filter(is_kept).collect();
    // Where all of the debt is arranged or contested, the fee holds nothing up.
    if keep.is_empty() && !debts.is_empty() {
        return keep;
    }
    let fees: Vec<ItemId> = fees(view).map(|fee| fee.entry).collect();
    let is_fee = |item: &&OpenItem| fees.contains(&item.id) && item.open.is_positive() && is_kept(item);
    let fees = view.snapshot.items.iter().filter(is_fee).filter(|item| !debts.iter().any(|debt| debt.id == item.id));
    keep.iter().copied().chain(fees).collect()
}

/// What is still past due of the debt that the service was shut off for, contested or not.
fn shut_off_for<'a>(view: &View<'a>, service: Service) -> Vec<&'a OpenItem> {
    let counts = counts_of(view, service);
    let without_transferred = !view.policy.cuts_for_transferred();
    let counting = View {
        counts: Cow::Owned(counts),
        without_transferred,
        listed: None,
        bill: None,
        stayed: Vec::new(),
        ..view.with_disputed()
    };
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

/// Whether as much was paid since the shut-off as would have restored service, wherever it was applied: as much as still keeps
/// it off, with what that money has paid of it already. Money counts once.
fn paid_since(view: &View, service: Service) -> bool {
    let Some((rested_on, decided_on)) = rested_on(view, service) else { return false };
    let is_cut = |event: &&crate::domain::Event| event.kind == EventKind::ShutOff && event.on >= decided_on;
    let Some(cut_on) = view.events.iter().filter(is_cut).map(|event| event.on).max() else { return false };
    let snapshot = view.snapshot;
    let still_owed: Cents = keeps_off(view, service).iter().map(|item| item.open).sum();
    let undone: BTreeSet<_> = snapshot.payments.iter().filter_map(|entry| entry.reverses).collect();
    let received: BTreeMap<_, _> = snapshot
        .payments
        .iter()
        .filter(|entry| entry.kind == EntryKind::Payment && !undone.contains(&entry.id))
        .filter(|entry| cut_on <= entry.effective_on && entry.effective_on <= view.on)
        .map(|entry| (entry.id, Cents::ZERO - entry.amount))
        .collect();
    let fees: BTreeSet<ItemId> = fees(view).map(|fee| fee.entry).collect();
    let of_sum = |debt: &ItemId| (rested_on.contains(debt) || fees.contains(debt)) && !view.disputed.contains(debt);
    let applied: Cents = snapshot
        .applications
        .iter()
        .filter(|part| received.contains_key(&part.credit) && of_sum(&part.debt))
        .map(|part| part.amount)
        .sum();
    let received: Cents = received.into_values().sum();
    received.is_positive() && received >= still_owed + applied + given_up(view, service)
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

/// What is still owed of it, contested or arranged fees aside; and what of that is among the debts listed.
pub fn fee_owed(view: &View, listed: &[ItemId]) -> (Cents, Cents) {
    let off = view.snapshot.shut_off.iter().flat_map(|service| keeps_off(view, *service));
    let owed: BTreeMap<ItemId, Cents> =
        off.filter(|item| is_fee(view, item.id)).map(|item| (item.id, item.open)).collect();
    let of_listed = owed.iter().filter(|(item, _)| listed.contains(item)).map(|(_, open)| *open).sum();
    (owed.into_values().sum(), of_listed)
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
