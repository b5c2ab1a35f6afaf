//! Debts that go out: each where the route of its stage sends it, and to one destination at a time.
//!
//! The route is read here anew, line by line, from the facts of the account.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked, Objection};
use super::protection::Bench;
use super::reexamine::{Pending, Refusal};
use super::refusal::refusal;
use crate::domain::case::StageRef;
use crate::domain::day::days_between;
use crate::domain::hold::Blocks;
use crate::domain::placement::Placed;
use crate::domain::referral::Destination;
use crate::domain::{Action, Cents, Day, EventKind, ItemId, OpenItem, RuleId, Snapshot, World};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Anchor, When};

/// Why debts that are out have to come back: each reason for which none goes out. `None` while nothing stands against it.
#[must_use]
pub fn must_come_back(
    snapshot: &Snapshot,
    policy: &Policy,
    world: &World,
    items: &BTreeSet<ItemId>,
) -> Option<Refusal> {
    let bench = Bench { snapshot, policy, world };
    let checked = bench.may_be_out(items, world.today).and_then(|()| bench.may_all_be_asked_for(items, world.today));
    checked.err().map(|objection| refusal(policy, objection))
}

impl<'a> Bench<'a> {
    /// What is out of these debts; of all that is past due where none are named.
    pub(super) fn out(self, items: &BTreeSet<ItemId>, day: Day) -> Option<&'a Placed> {
        let due = |item: &&OpenItem| item.due_on < day && item.open.is_positive();
        let is_all =
            |placed: &Placed| self.snapshot.items.iter().filter(due).all(|item| placed.items.contains(&item.id));
        let is_some = |placed: &Placed| placed.items.iter().any(|item| items.contains(item));
        self.snapshot.placed.iter().find(|placed| if items.is_empty() { is_all(placed) } else { is_some(placed) })
    }

    /// Nothing is done about a debt that is out, unless the policy lets it go on meanwhile.
    pub(super) fn is_not_out(self, blocks: &BTreeSet<Blocks>, items: &BTreeSet<ItemId>, day: Day) -> Checked {
        if blocks.iter().all(|block| self.policy.referral.while_placed.contains(block)) {
            return Ok(());
        }
        match self.out(items, day) {
            Some(placed) => Err(Broken::Out { to: placed.to, on: placed.on }.into()),
            None => Ok(()),
        }
    }

    /// What the condition of a pending act does not count: what is contested or out, and what its run has left to others.
    pub(super) fn not_asked_by(self, pending: &Pending) -> BTreeSet<ItemId> {
        let mut left = self.contested(self.world.today);
        let goes_on = &self.policy.referral.while_placed;
        if !pending.ordered.struck_by().iter().all(|block| goes_on.contains(block)) {
            left.extend(self.snapshot.placed.iter().flat_map(|placed| placed.items.iter().copied()));
        }
        let of = &pending.of;
        let cases = self.snapshot.case.iter().filter(|case| case.number == of.case);
        for run in cases.flat_map(|case| &case.tracks).filter(|run| run.track == of.track && !run.own.is_empty()) {
            if run.anchor == of.anchor {
                let ids = self.snapshot.items.iter().map(|item| item.id);
                left.extend(ids.filter(|id| !run.own.contains(id)));
            } else if run.closed.is_none() {
                left.extend(run.own.iter().copied());
            }
        }
        left
    }

    /// A write-off of a stage that waits for a debt to come back takes what came back, and nothing that never was out.
    pub(super) fn came_back_before(self, of: &StageRef, items: &BTreeSet<ItemId>) -> Checked {
        let waits = |when: &When| matches!(when.anchor, Anchor::Event(EventKind::DebtReturned, _));
        let Some((_, stage)) = self.stage(of).filter(|(_, stage)| stage.start.iter().any(waits)) else { return Ok(()) };
        let came_back = |id: &ItemId| {
            let mut returned = self.snapshot.came_back.iter().filter(|placed| placed.returned.is_some());
            returned.any(|placed| placed.items.contains(id))
        };
        let mut at_stake = self.at_stake(items, self.world.today);
        match at_stake.find(|item| !came_back(&item.id)) {
            Some(item) => Err(Objection::of_rule(stage.rule, Broken::NeverOut { item: item.id, open: item.open })),
            None => Ok(()),
        }
    }

    /// Where the stage asks a route, the debt goes where its first line sends it that holds.
    pub(super) fn goes_where_routed(
        self,
        of: &StageRef,
        to: Destination,
        items: &BTreeSet<ItemId>,
        day: Day,
    ) -> Checked {
        let Some((_, stage)) = self.stage(of) else { return Err(super::disconnection::unknown_stage(of)) };
        let asks = stage.acts.iter().any(|act| matches!(act, Action::Route { .. }));
        let is_named = stage.acts.iter().any(|act| matches!(act, Action::Refer { to: named } if *named == to));
        if !asks || is_named {
            return Ok(());
        }
        let mut now = None;
        for act in &stage.acts {
            let Action::Route { route } = act else { continue };
            now = self.destination(route, items, day);
            if now.is_some_and(|(_, line)| line == to) {
                return Ok(());
            }
        }
        let amount = self.amount_of(items, day);
        let rule = now.map_or(stage.rule, |(rule, _)| rule);
        Err(Objection::of_rule(rule, Broken::OtherRoute { to, now: now.map(|(_, to)| to), amount }))
    }

    /// The lead is told of a gap only where there is one.
    pub(super) fn goes_nowhere(self, of: &StageRef, route: &str, amount: Option<Cents>, day: Day) -> Checked {
        let Some((_, stage)) = self.stage(of) else { return Err(super::disconnection::unknown_stage(of)) };
        let is_asked = stage.acts.iter().any(|act| matches!(act, Action::Route { route: named } if named == route));
        if !is_asked {
            return Err(super::disconnection::unknown_stage(of));
        }
        // The act rests on no step of the case: what it states are the debts past due.
        let due: BTreeSet<ItemId> =
            self.snapshot.items.iter().filter(|item| item.due_on < day).map(|item| item.id).collect();
        let whole = self.amount_of(&due, day);
        match self.destination(route, &due, day) {
            Some((rule, now)) if amount.is_none_or(|amount| amount == whole) => {
                Err(Objection::of_rule(rule, Broken::RouteMissed { now, amount: whole }))
            }
            _ => Ok(()),
        }
    }

    fn amount_of(self, items: &BTreeSet<ItemId>, day: Day) -> Cents {
        self.at_stake(items, day).map(|item| item.open).sum()
    }

    fn at_stake(self, items: &BTreeSet<ItemId>, day: Day) -> impl Iterator<Item = &'a OpenItem> {
        let named = items.clone();
        self.snapshot
            .items
            .iter()
            .filter(move |item| if named.is_empty() { item.due_on < day } else { named.contains(&item.id) })
    }

    /// The destination of the first line that holds.
    fn destination(self, route: &str, items: &BTreeSet<ItemId>, day: Day) -> Option<(RuleId, Destination)> {
        let amount = self.amount_of(items, day);
        let age = self.at_stake(items, day).map(|item| days_between(item.due_on, day)).max().unwrap_or(0);
        let class = self.snapshot.profile.class;
        let owns = self.debtor_owns();
        let route = self.policy.referral.routes.iter().find(|known| known.name == route)?;
        for line in &route.lines {
            if amount < line.from || age < i64::from(line.age_days) {
                continue;
            }
            if line.below.is_some_and(|below| amount >= below) {
                continue;
            }
            if !line.classes.is_empty() && !line.classes.contains(&class) {
                continue;
            }
            if line.owner.is_none_or(|owner| owner == owns) {
                return Some((line.rule, line.to));
            }
        }
        None
    }
}
