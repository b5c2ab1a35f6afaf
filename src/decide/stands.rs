//! What protects an account, and what is off there: told before the rules, for it stands whether the next stage is due or not.

use super::restore;
use super::view::{View, events_by};
use crate::domain::arrangement::ArrangementState;
use crate::domain::day::short;
use crate::domain::dispute::DisputeState;
use crate::domain::hold::{Blocks, Hold};
use crate::domain::{Cents, EventKind, ItemId, Service, Snapshot, World};
use crate::rulebook::Policy;

/// Holds, disputes, petitions, promises, arrangements and moratoria that stand on the world's day, a sentence each; and of each
/// service that is off, since when and what keeps it off.
#[must_use]
pub fn stands(snapshot: &Snapshot, world: &World, policy: &Policy) -> Vec<String> {
    let events = events_by(snapshot, world.today);
    let view = View::new(snapshot, world, policy, &events);
    let mut told: Vec<String> = snapshot.holds.iter().filter_map(|hold| of_hold(hold, &view)).collect();
    told.extend(of_disputes(&view));
    for petition in snapshot.petitions.iter().filter(|petition| petition.stays_on(world.today)) {
        told.push(format!("A petition in bankruptcy stands ({}): {}", petition.words(), petition.state_words()));
    }
    for promise in view.open_promises() {
        let last = short(promise.last_day());
        told.push(format!(
            "A promise to pay {} is open through {last}: no shut-off and no referral before",
            promise.amount
        ));
    }
    for (plan, standing) in view.plans().filter(|(_, standing)| standing.state == ArrangementState::Performing) {
        let next = standing.next.map_or_else(
            || "nothing of it is still due".to_owned(),
            |next| format!("{} is due {}", next.amount, short(next.due_on)),
        );
        told.push(format!("The arrangement of {} is kept: {next}", short(plan.made_on)));
    }
    if let Some(moratorium) = world.moratorium_on(world.today) {
        let (name, through) = (&moratorium.name, short(moratorium.through));
        told.push(format!("Moratorium: {name}; nobody is shut off through {through}"));
    }
    let mut off = snapshot.shut_off.clone();
    off.sort_unstable();
    off.dedup();
    told.extend(off.into_iter().map(|service| of_service(service, &view)));
    told
}

fn of_hold(hold: &Hold, view: &View) -> Option<String> {
    if !hold.holds_on(view.on) {
        return None;
    }
    let blocks: Vec<&str> = view.policy.hold_blocks(hold.kind).into_iter().map(blocked).collect();
    let until = match hold.through.filter(|_| !hold.kind.ends_by_decision()) {
        Some(through) => format!("through {}", short(through)),
        None => "until a person ends it".to_owned(),
    };
    let about = if hold.items.is_empty() { String::new() } else { format!(", about {}", listed(&hold.items, view)) };
    let rule = view.policy.holds.iter().find(|rule| rule.kind == hold.kind);
    let citation = rule.and_then(|rule| view.policy.origin(rule.rule)).map(|origin| origin.citation.as_str());
    let cite = citation.filter(|cite| !cite.is_empty()).map_or_else(String::new, |cite| format!(" ({cite})"));
    Some(format!(
        "Hold {} ({}) stands since {} {until}{about}: {}. It bars {}{cite}",
        hold.id,
        hold.kind,
        short(hold.from),
        hold.reason,
        blocks.join(", "),
    ))
}

const fn blocked(blocks: Blocks) -> &'static str {
    match blocks {
        Blocks::Notices => "notices",
        Blocks::Calls => "calls",
        Blocks::Fees => "fees",
        Blocks::Disconnect => "shut-off",
        Blocks::Referral => "referral",
    }
}

fn of_disputes(view: &View) -> Vec<String> {
    let is_over = |state| matches!(state, DisputeState::ForCity(_) | DisputeState::ForCustomer);
    let disputes = view.snapshot.disputes.iter().filter(|dispute| dispute.opened_on <= view.on);
    let standing =
        disputes.filter(|dispute| !is_over(dispute.state()) || dispute.appealable_through(view.on).is_some());
    standing
        .map(|dispute| {
            let (id, raised) = (dispute.id, short(dispute.raised_on));
            format!("Dispute {id} of {raised} ({}): {}", dispute.state_words(), dispute.reason)
        })
        .collect()
}

/// Debts as a reader knows them: service, due date, what is open.
fn listed(items: &std::collections::BTreeSet<ItemId>, view: &View) -> String {
    let open = view.snapshot.items.iter().filter(|item| items.contains(&item.id));
    let words: Vec<String> =
        open.map(|item| format!("{} of {} due {}", item.open, item.service, short(item.due_on))).collect();
    if words.is_empty() { "debts that are paid".to_owned() } else { words.join(", ") }
}

fn of_service(service: Service, view: &View) -> String {
    let cuts = [EventKind::ShutOff, EventKind::ShutOffWithoutLeave];
    let since = view.events.iter().filter(|event| cuts.contains(&event.kind)).map(|event| event.on).max();
    let since = since.map_or_else(String::new, |on| format!(" since {}", short(on)));
    if view.snapshot.without_leave.contains(&service) {
        return format!("{service} is off{since}, and should not be: it is turned on again whatever is owed");
    }
    if let Some(ended) = view.snapshot.profile.ended.filter(|ended| *ended <= view.on) {
        return format!("{service} is off{since}; service ended {}, and nothing is turned on here", short(ended));
    }
    let keeps = restore::keeps_off(view, service);
    let owed: Cents = keeps.iter().map(|item| item.open).sum();
    let fee: Cents = keeps.iter().filter(|item| restore::is_fee(view, item.id)).map(|item| item.open).sum();
    if !restore::stays_off(view, service) {
        return format!("{service} is off{since}; nothing keeps it off, and a crew is to turn it on again");
    }
    let with = if fee.is_positive() { format!(", with a reconnection fee of {fee}") } else { String::new() };
    format!(
        "{service} is off{since}: {owed} of what it was shut off for is owed{with}; paid or arranged, it is turned on again"
    )
}
