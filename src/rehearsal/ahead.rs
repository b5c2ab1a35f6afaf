//! The days ahead of an account as it stands, with nobody paying: what `why` and `simulate` show.

use std::collections::BTreeMap;

use crate::audit::audit;
use crate::decide::decide;
use crate::domain::action::DepositAction;
use crate::domain::day::plus_days;
use crate::domain::deposit::Applied;
use crate::domain::fee::{PostedFee, Undone};
use crate::domain::{
    Act, Action, Cents, Day, EntryId, EntryKind, Event, EventKind, OpenItem, Service, Snapshot, World,
};
use crate::rulebook::Policy;

/// Lives an account through the days ahead, changing nothing: letters are mailed on the day of their decision, calls go
/// unanswered, crews do what they are sent for, and nobody pays. The acts in order; it ends where the audit refuses.
#[must_use]
pub fn ahead(mut snapshot: Snapshot, world: &mut World, policy: &Policy, through: Day) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut next = Some(world.today);
    while let Some(day) = next.filter(|day| *day <= through) {
        world.today = day;
        let decision = decide(&snapshot, world, policy);
        let Ok(cleared) = audit(&snapshot, policy, world, decision) else { break };
        let decision = cleared.into_inner();
        for act in &decision.acts {
            suppose(&mut snapshot, act, day);
        }
        if let Some(case) = &decision.case {
            snapshot.cases_so_far = snapshot.cases_so_far.max(case.number);
        }
        // What was supposed to happen today may bear fruit tomorrow; otherwise the decision says when to look again.
        let tomorrow = plus_days(day, 1);
        next = if decision.acts.is_empty() { decision.next_review } else { Some(tomorrow) };
        snapshot.case = decision.case;
        acts.extend(decision.acts);
    }
    acts
}

/// Takes an act as done.
fn suppose(snapshot: &mut Snapshot, act: &Act, day: Day) {
    let event = |kind, on| Event { kind, on, of: Some(act.key.of.clone()) };
    match &act.action {
        Action::Notice(notice) => {
            snapshot.events.push(event(EventKind::NoticeMailed, day));
            snapshot.events.push(event(EventKind::NoticeServed, plus_days(day, i64::from(notice.deemed_days))));
        }
        Action::Tag(_) => snapshot.events.push(event(EventKind::NoticePosted, day)),
        Action::Call(_) => snapshot.events.push(event(EventKind::ContactFailed, day)),
        Action::Visit(_) => {
            snapshot.events.push(event(EventKind::CallImpossible, day));
            snapshot.events.push(event(EventKind::ContactFailed, day));
        }
        Action::Disconnect { services, .. } => {
            snapshot.shut_off.extend(services.iter().copied());
            snapshot.events.push(event(EventKind::ShutOff, day));
        }
        Action::Restore { services, .. } => {
            snapshot.shut_off.retain(|service| !services.contains(service));
            snapshot.without_leave.retain(|service| !services.contains(service));
        }
        Action::ReverseFee { fee, .. } => {
            snapshot.items.retain(|item| item.id != *fee);
            let posted = snapshot.fees.iter_mut().filter(|posted| posted.entry == *fee);
            posted.for_each(|posted| posted.undone = Some(Undone::TakenBack(day)));
        }
        // What it pays, the next look at the ledger says; the days ahead are without the debts that it covers.
        Action::ApplyDeposit(applied) => {
            let amount = act.amount.unwrap_or(Cents::ZERO);
            let mut left = amount;
            for item in deposit_order(&mut snapshot.items, applied) {
                let paid = left.min(item.open);
                item.open -= paid;
                left -= paid;
            }
            snapshot.items.retain(|item| item.open.is_positive());
            snapshot.unapplied += left;
            let of_deposit = snapshot.deposits.iter_mut().filter(|deposit| deposit.id == applied.deposit);
            of_deposit.for_each(|deposit| {
                deposit.applied = Some(Applied { entry: EntryId(0), on: day, amount });
            });
        }
        Action::Fee(fee) => {
            let amount = act.amount.unwrap_or(Cents::ZERO);
            let last = snapshot.items.iter().map(|item| item.id.0).max().unwrap_or(0);
            let anchor = snapshot.items.iter().find(|item| item.id == act.key.of.anchor);
            snapshot.fees.push(PostedFee {
                entry: EntryId(last + 1),
                key: act.key.clone(),
                name: fee.name.clone(),
                amount,
                on: act.for_day,
                bill: anchor.map(|item| (item.billed_on, item.due_on)),
                undone: None,
            });
            snapshot.items.push(OpenItem {
                id: EntryId(last + 1),
                service: Service::General,
                kind: EntryKind::Fee,
                amount,
                open: amount,
                billed_on: act.for_day,
                due_on: plus_days(act.for_day, i64::from(fee.due_days)),
                printed: BTreeMap::new(),
            });
        }
        Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::Refer { .. }
        | Action::Route { .. }
        | Action::NoRoute { .. }
        | Action::Freeze { .. }
        | Action::WriteOff => {}
    }
}

/// The debts in the order in which a deposit pays them.
fn deposit_order<'a>(items: &'a mut [OpenItem], applied: &DepositAction) -> Vec<&'a mut OpenItem> {
    let bill = applied.first.and_then(|first| items.iter().find(|item| item.id == first)).map(|item| item.billed_on);
    let mut order: Vec<&mut OpenItem> = items.iter_mut().collect();
    order.sort_by_key(|item| (bill.is_some_and(|bill| item.billed_on < bill), item.due_on, item.id));
    order
}
