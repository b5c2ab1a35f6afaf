//! What bars an act today: exceptions, holds, promises, arrangements, moratoria, the policy's bars and the guards.
//!
//! The guards' minimum days are `guarded`'s; here are the conditions that simply hold or not.

use std::collections::BTreeSet;

use super::condition::{FactsRead, holds};
use super::held::{Held, Truth, earlier};
use super::view::View;
use crate::domain::arrangement::ArrangementState;
use crate::domain::day::plus_days;
use crate::domain::decision::Bar;
use crate::domain::hold::{Blocks, Hold};
use crate::domain::{Action, Day, DisputeId, ItemId, RuleId, Service};
use crate::rulebook::policy::{Guard, Limit};

/// A bar, the rule that sets it where one does, and the facts that it read.
pub struct Barred {
    pub bar: Bar,
    pub rule: Option<RuleId>,
    pub facts: FactsRead,
}

/// The first bar that strikes the action on the view's day; held until the first day it could differ.
///
/// `items` are those that the action rests on: a hold on other items leaves it free.
pub fn find(action: &Action, view: &View, items: &[ItemId]) -> Held<Option<Barred>> {
    let strikes = action.struck_by();
    if strikes.is_empty() {
        return Held::fixed(None);
    }
    let mut until = None;
    if let Some(reason) = &view.snapshot.frozen {
        return Held::fixed(Some(Barred { bar: Bar::Frozen(reason.clone()), rule: None, facts: Vec::new() }));
    }
    if let Some(barred) = super::deposits::bar(view) {
        return barred;
    }
    for hold in &view.snapshot.holds {
        let reached = if matches!(action, Action::Call(_) | Action::Visit(_)) {
            is_owed(hold, view)
        } else {
            concerns(hold, items) || (is_adverse(&strikes) && hold.kind.contests())
        };
        let is_freed = hold.frees_letters() && matches!(action, Action::Notice(notice) if !notice.statutory);
        if !reached || is_freed || view.policy.hold_blocks(hold.kind).is_disjoint(&strikes) {
            continue;
        }
        until = earlier(until, hold.changes_after(view.on));
        if hold.holds_on(view.on) {
            let rule = view.policy.holds.iter().find(|rule| rule.kind == hold.kind).map(|rule| rule.rule);
            let facts = vec![(format!("hold {}", hold.kind), hold.reason.clone())];
            return Held::until(Some(Barred { bar: Bar::Hold(hold.kind), rule, facts }), hold.changes_after(view.on));
        }
    }
    let adverse = is_adverse(&strikes);
    if adverse && let Some((dispute, last)) = appealable(view) {
        let bar = Bar::Appealable(dispute, last);
        return Held::until(Some(Barred { bar, rule: None, facts: Vec::new() }), Some(plus_days(last, 1)));
    }
    if adverse && let Some(promise) = view.open_promises().max_by_key(|promise| promise.last_day()) {
        let facts = vec![("promise to pay".into(), format!("{} by {}", promise.amount, promise.pay_by))];
        let ends = Some(plus_days(promise.last_day(), 1));
        return Held::until(Some(Barred { bar: Bar::Promise, rule: None, facts }), ends);
    }
    if adverse && let Some(plan) = view.snapshot.arranged_before_petition(view.on) {
        let facts = vec![("arrangement on stayed debt".into(), format!("{} of {}", plan.total(), plan.made_on))];
        return Held::until(Some(Barred { bar: Bar::Arrangement, rule: None, facts }), plan.canceled_on);
    }
    if let Some(barred) = arrangement(action, view, adverse) {
        return barred;
    }
    if strikes.contains(&Blocks::Disconnect) {
        if let Some(moratorium) = view.world.moratorium_on(view.on) {
            let bar = Bar::Moratorium(moratorium.name.clone());
            let ends = Some(plus_days(moratorium.through, 1));
            return Held::until(Some(Barred { bar, rule: None, facts: Vec::new() }), ends);
        }
        let ahead = view.world.moratoria.iter().map(|m| m.from).filter(|from| *from > view.on).min();
        until = earlier(until, ahead);
    }
    let services = services_of(action);
    for rule in view.policy.bars.iter().filter(|rule| strikes.contains(&rule.blocks)) {
        if rule.service.is_some_and(|service| !services.is_empty() && !services.contains(&service)) {
            continue;
        }
        let mut facts = FactsRead::new();
        let held = holds(&rule.when, view, &mut facts);
        until = earlier(until, held.until);
        // What is not known bars an adverse act only.
        if held.value == Truth::True || (held.value == Truth::Unknown && adverse) {
            return Held::until(Some(Barred { bar: Bar::Rule(rule.rule), rule: Some(rule.rule), facts }), held.until);
        }
    }
    for guard in view.policy.guards.iter().filter(|guard| applies(guard, action, view)) {
        let Limit::NeverWhile { when } = &guard.limit else { continue };
        let mut facts = FactsRead::new();
        let held = holds(when, view, &mut facts);
        until = earlier(until, held.until);
        if held.value != Truth::False {
            return Held::until(Some(Barred { bar: Bar::Rule(guard.rule), rule: Some(guard.rule), facts }), held.until);
        }
    }
    if strikes.contains(&Blocks::Referral) {
        for guard in view.policy.guards.iter().filter(|guard| protects(guard, view)) {
            let Limit::NeverReferWhile { when } = &guard.limit else { continue };
            let mut facts = FactsRead::new();
            let held = holds(when, view, &mut facts);
            until = earlier(until, held.until);
            if held.value != Truth::False {
                let barred = Barred { bar: Bar::Rule(guard.rule), rule: Some(guard.rule), facts };
                return Held::until(Some(barred), held.until);
            }
        }
    }
    Held::until(None, until)
}

/// The dispute whose ruling can be appealed for the longest time, and that time's last day.
fn appealable(view: &View) -> Option<(DisputeId, Day)> {
    let running =
        view.snapshot.disputes.iter().filter_map(|dispute| Some((dispute.id, dispute.appealable_through(view.on)?)));
    running.max_by_key(|(_, last)| *last)
}

/// Whether a guard is about this account at all.
fn protects(guard: &Guard, view: &View) -> bool {
    let profile = &view.snapshot.profile;
    profile.services.contains(&guard.service) && (guard.classes.is_empty() || guard.classes.contains(&profile.class))
}

/// An arrangement that performs bars shut-off and referral, and everything while it covers all that is past due. One
/// that was missed bars a shut-off for as long as the guards say.
fn arrangement(action: &Action, view: &View, adverse: bool) -> Option<Held<Option<Barred>>> {
    view.plans().find_map(|(plan, standing)| {
        let (rule, until) = match standing.state {
            ArrangementState::Performing => {
                let covers_all = view.past_due().all(|item| plan.covers.contains(&item.id));
                let ends = plan.canceled_on.filter(|canceled| *canceled > view.on);
                let mut until = earlier(standing.until, ends);
                // A bill beside it that stays unpaid ends what it keeps on, and nothing else of it.
                if matches!(action, Action::Disconnect { .. })
                    && let Some(from) = view.let_go_from()
                {
                    if from <= view.on {
                        return None;
                    }
                    until = earlier(until, Some(from));
                }
                (adverse || covers_all).then_some((None, until))?
            }
            ArrangementState::Missed(_) | ArrangementState::Canceled(_) => {
                let missed = standing.defaulted_on()?;
                let waits = view.policy.guards.iter().filter_map(|guard| match guard.limit {
                    Limit::ArrangementDefault { days, .. } if applies(guard, action, view) => Some((guard.rule, days)),
                    _ => None,
                });
                let (rule, days) = waits.max_by_key(|(_, days)| *days)?;
                let allowed = plus_days(missed, i64::from(days));
                (view.on < allowed).then_some((Some(rule), earlier(Some(allowed), standing.until)))?
            }
            ArrangementState::Completed => return None,
        };
        let next =
            standing.next.map_or_else(|| "none".to_owned(), |next| format!("{} on {}", next.amount, next.due_on));
        let facts = vec![("next installment".into(), next)];
        Some(Held::until(Some(Barred { bar: rule.map_or(Bar::Arrangement, Bar::Rule), rule, facts }), until))
    })
}

/// Whether a hold reaches an act that rests on the items; on none in particular means on all.
pub fn concerns(hold: &Hold, items: &[ItemId]) -> bool {
    hold.items.is_empty() || items.is_empty() || items.iter().any(|item| hold.items.contains(item))
}

fn is_adverse(strikes: &BTreeSet<Blocks>) -> bool {
    strikes.contains(&Blocks::Disconnect) || strikes.contains(&Blocks::Referral)
}

/// Whether a hold reaches a conversation: it is about all that is past due, whatever brought it about.
fn is_owed(hold: &Hold, view: &View) -> bool {
    let mut due = view.snapshot.items.iter().filter(|item| item.due_on < view.on);
    hold.items.is_empty() || due.any(|item| hold.items.contains(&item.id))
}

/// The holds of the account that stop shut-offs.
pub fn holds_on_shut_off<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Hold> {
    let policy = view.policy;
    view.snapshot.holds.iter().filter(|hold| policy.hold_blocks(hold.kind).contains(&Blocks::Disconnect))
}

/// Whether a guard protects this account from this action.
pub fn applies(guard: &Guard, action: &Action, view: &View) -> bool {
    matches!(action, Action::Disconnect { .. })
        && services_of(action).contains(&guard.service)
        && (guard.classes.is_empty() || guard.classes.contains(&view.snapshot.profile.class))
}

/// The services that an action strikes.
pub fn services_of(action: &Action) -> &[Service] {
    match action {
        Action::Disconnect { services, .. } | Action::Restore { services, .. } => services,
        Action::Notice(_)
        | Action::Call(_)
        | Action::Visit(_)
        | Action::Fee(_)
        | Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::Tag(_)
        | Action::Task { .. }
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::Refer { .. }
        | Action::Route { .. }
        | Action::NoRoute { .. }
        | Action::Freeze { .. }
        | Action::WriteOff => &[],
    }
}

/// The first day after the view's on which a hold, promise or arrangement could change what is barred.
pub fn next_change(view: &View) -> Option<Day> {
    let holds = view.snapshot.holds.iter().filter_map(|hold| hold.changes_after(view.on)).min();
    let promises = view.open_promises().map(|promise| plus_days(promise.last_day(), 1)).min();
    let plans = view.plans().filter_map(|(_, standing)| standing.until).min();
    let appeals = appealable(view).map(|(_, last)| plus_days(last, 1));
    earlier(earlier(earlier(holds, appeals), super::deposits::next_change(view)), earlier(promises, plans))
}
