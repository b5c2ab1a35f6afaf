//! What protects an account from an act on a day: freezes, holds, promises, arrangements, bars, moratoria.

use std::collections::BTreeSet;

use super::breach::{Broken, Checked, Objection};
use super::count::last_day_before;
use super::disconnection::Disconnection;
use super::service::standing_notices;
use super::stay::contests;
use super::truth::{ALL_SERVICES, Reader, Truth};
use crate::domain::arrangement::ArrangementState;
use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::hold::{Blocks, Hold};
use crate::domain::promise::PromiseState;
use crate::domain::{Channel, Day, ItemId, Service, Snapshot, World};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Guard, Limit, Per};

/// What every check looks at.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    pub snapshot: &'a Snapshot,
    pub policy: &'a Policy,
    pub world: &'a World,
}

impl<'a> Bench<'a> {
    /// The guards for one of the services and this customer's class. A guard without classes is for all.
    pub(super) fn guards(self, services: &'a [Service]) -> impl Iterator<Item = &'a Guard> {
        let class = self.snapshot.profile.class;
        self.policy.guards.iter().filter(move |guard| {
            services.contains(&guard.service) && (guard.classes.is_empty() || guard.classes.contains(&class))
        })
    }

    pub(super) fn reader(self, day: Day) -> Reader<'a> {
        let Bench { snapshot, policy, .. } = self;
        let current_days = policy.arrangements.current_days;
        let contested = self.contested(day);
        Reader {
            snapshot,
            day,
            de_minimis: policy.ledger.de_minimis,
            counts: &ALL_SERVICES,
            without_transferred: false,
            contested,
            current_days,
        }
    }

    /// No hold, and no bar of the policy, blocks the act on `day`.
    ///
    /// A hold on certain items blocks what rests on one of them; an act whose items are not known (`None`) rests on
    /// the whole account. Only a disconnection or a referral is barred by what is unknown.
    pub(super) fn is_free(
        self,
        blocks: &BTreeSet<Blocks>,
        services: &[Service],
        items: Option<&BTreeSet<ItemId>>,
        day: Day,
    ) -> Checked {
        self.is_free_but(blocks, services, items, day, |_| false)
    }

    /// As [`Self::is_free`], but for holds that leave this act free.
    pub(super) fn is_free_but(
        self,
        blocks: &BTreeSet<Blocks>,
        services: &[Service],
        items: Option<&BTreeSet<ItemId>>,
        day: Day,
        leaves_free: impl Fn(&Hold) -> bool,
    ) -> Checked {
        for hold in self.snapshot.holds.iter().filter(|hold| hold.holds_on(day) && !leaves_free(hold)) {
            let whole = hold.items.is_empty() || (contests(hold.kind) && is_adverse(blocks));
            let concerns = whole || items.is_none_or(|items| !items.is_disjoint(&hold.items));
            let blocked = self.policy.hold_blocks(hold.kind);
            if let Some(blocks) = blocks.intersection(&blocked).next().filter(|_| concerns) {
                return Err(Broken::Held { kind: hold.kind, from: hold.from, blocks: *blocks }.into());
            }
        }
        let adverse = is_adverse(blocks);
        for bar in self.policy.bars.iter().filter(|bar| blocks.contains(&bar.blocks)) {
            if bar.service.is_some_and(|service| !services.is_empty() && !services.contains(&service)) {
                continue;
            }
            match self.reader(day).truth(&bar.when) {
                Truth::Yes => return Err(Objection::of_rule(bar.rule, Broken::BarStands)),
                Truth::Unknown(what) if adverse => {
                    return Err(Objection::of_rule(bar.rule, Broken::BarUnknown(what)));
                }
                Truth::No | Truth::Unknown(_) => {}
            }
        }
        Ok(())
    }

    /// No promise to pay is open.
    pub(super) fn is_not_promised(self, day: Day) -> Checked {
        for promise in self.snapshot.promises.iter().filter(|promise| promise.made_on <= day) {
            if promise.state(&self.snapshot.payments, day) == PromiseState::Open {
                return Err(Broken::PromiseOpen { amount: promise.amount, through: promise.last_day() }.into());
            }
        }
        Ok(())
    }

    /// No promise is open and no arrangement performs: what bars a disconnection and a referral.
    pub(super) fn is_not_being_paid(self, day: Day) -> Checked {
        self.is_not_promised(day)?;
        for plan in self.snapshot.arrangements.iter().filter(|plan| plan.made_on <= day) {
            match plan.standing(&self.snapshot.applications, &self.snapshot.items, day).state {
                ArrangementState::Performing => {
                    return Err(Broken::ArrangementPerforms { made_on: plan.made_on }.into());
                }
                ArrangementState::Missed(_) | ArrangementState::Completed | ArrangementState::Canceled(_) => {}
            }
        }
        Ok(())
    }

    /// No arrangement performs that covers all that is past due of what the act's track counts: whoever keeps it is not
    /// written to nor called about what it settles. A track for missed installments is about arrangements that do not
    /// perform, so that its notices are free.
    pub(super) fn is_not_arranged(self, of: &StageRef, day: Day) -> Checked {
        let Some(track) = self.policy.track(&of.track) else { return Ok(()) };
        let cases = self.snapshot.case.iter().filter(|case| case.number == of.case);
        let mut runs =
            cases.flat_map(|case| &case.tracks).filter(|run| run.track == of.track && run.anchor == of.anchor);
        let bill = runs.next().filter(|_| track.per == Per::Bill).map(|run| (run.anchor_billed_on, run.anchor_due_on));
        let contested = self.contested(day);
        let past_due = self.snapshot.items.iter().filter(|item| {
            item.due_on < day
                && !contested.contains(&item.id)
                && item.open.is_positive()
                && item.open >= self.policy.ledger.de_minimis
                && (track.counts.is_empty() || track.counts.contains(&item.service))
                && bill.is_none_or(|(billed, due)| item.billed_on == billed && item.due_on == due)
        });
        for plan in self.snapshot.arrangements.iter().filter(|plan| plan.made_on <= day) {
            let performs = plan.standing(&self.snapshot.applications, &self.snapshot.items, day).state
                == ArrangementState::Performing;
            if performs && past_due.clone().all(|item| plan.covers.contains(&item.id)) {
                return Err(Broken::ArrangementPerforms { made_on: plan.made_on }.into());
            }
        }
        Ok(())
    }

    /// After a default, the guards' wait from the missed due date has passed, and where a guard asks for it a required
    /// notice was then left at the premises in time. Canceling the arrangement does not shorten it.
    pub(super) fn default_lets_shut_off(self, of: &StageRef, services: &[Service], day: Day) -> Checked {
        for guard in self.guards(services) {
            let Limit::ArrangementDefault { days, posted } = guard.limit else { continue };
            for plan in self.snapshot.arrangements.iter().filter(|plan| plan.made_on <= day) {
                let standing = plan.standing(&self.snapshot.applications, &self.snapshot.items, day);
                let missed = match standing.state {
                    ArrangementState::Completed => continue,
                    ArrangementState::Performing => self.oldest_beside(plan, day),
                    ArrangementState::Missed(_) | ArrangementState::Canceled(_) => standing.missed.first().copied(),
                };
                let Some(missed) = missed else { continue };
                // Once nothing of what it covered is owed, the default is history.
                let is_owed =
                    self.snapshot.items.iter().any(|item| item.open.is_positive() && plan.covers.contains(&item.id));
                if !is_owed {
                    continue;
                }
                let earliest = plus_days(missed, i64::from(days));
                if day < earliest {
                    return Err(Objection::of_rule(guard.rule, Broken::DefaultTooRecent { missed, days, earliest }));
                }
                if let Some(posted) = posted {
                    let last_day = last_day_before(day, posted, &self.world.calendar);
                    let notices = standing_notices(self.snapshot, self.policy, of, day);
                    let left = notices.iter().filter(|n| n.required && n.channel == Channel::Posting);
                    let found = left.map(|n| n.given_on).filter(|on| earliest <= *on).min();
                    if found.is_none_or(|found| found > last_day) {
                        let broken = Broken::NotPostedAfterDefault { missed, from: earliest, last_day, found };
                        return Err(Objection::of_rule(guard.rule, broken));
                    }
                }
            }
        }
        Ok(())
    }

    /// Nobody is shut off in a moratorium.
    pub(super) fn is_no_moratorium(self, day: Day) -> Checked {
        match self.world.moratoria.iter().find(|m| m.from <= day && day <= m.through) {
            None => Ok(()),
            Some(m) => Err(Broken::Moratorium { name: m.name.clone(), from: m.from, through: m.through }.into()),
        }
    }

    /// Not before the day that a released notice announced for the stage.
    pub(super) fn is_not_before_announced(self, of: &StageRef, day: Day) -> Checked {
        let case = self.snapshot.case.as_ref().filter(|case| case.number == of.case);
        let runs = case.into_iter().flat_map(|case| &case.tracks);
        let announced = runs
            .filter(|run| run.track == of.track && run.anchor == of.anchor)
            .filter_map(|run| run.announced.get(&of.stage))
            .copied()
            .max();
        match announced.filter(|announced| day < *announced) {
            Some(announced) => Err(Broken::BeforeAnnounced { announced }.into()),
            None => Ok(()),
        }
    }

    /// Neither a hold nor a placement made the day untrue that a notice announced for the shut-off: such a notice is served
    /// anew.
    pub(super) fn announced_day_was_true(self, cut: &Disconnection) -> Checked {
        let today = self.world.today;
        let cases = self.snapshot.case.iter().filter(|case| case.number == cut.of.case);
        let runs = cases.flat_map(|case| &case.tracks);
        let mut of_run = runs.filter(|run| run.track == cut.of.track && run.anchor == cut.of.anchor);
        let Some(announced) = of_run.find_map(|run| run.announced.get(&cut.of.stage)).copied() else { return Ok(()) };
        let mut at_stake = cut.items.clone();
        if at_stake.is_empty() {
            at_stake = self.snapshot.items.iter().map(|item| item.id).collect();
        }
        let is_at_stake = |items: &BTreeSet<ItemId>| !at_stake.is_disjoint(items);
        for hold in &self.snapshot.holds {
            let from = announced.max(hold.from);
            let concerns = hold.items.is_empty() || contests(hold.kind) || is_at_stake(&hold.items);
            if from < today
                && concerns
                && hold.holds_on(from)
                && self.policy.hold_blocks(hold.kind).contains(&Blocks::Disconnect)
            {
                return Err(Broken::AnnouncedInVain { announced, from }.into());
            }
        }
        if self.policy.referral.while_placed.contains(&Blocks::Disconnect) {
            return Ok(());
        }
        for placed in self.snapshot.placed.iter().chain(&self.snapshot.came_back) {
            let from = announced.max(placed.on);
            let was_out = placed.back_on.is_none_or(|back| from < back);
            if from < today && was_out && is_at_stake(&placed.items) {
                return Err(Broken::AnnouncedInVain { announced, from }.into());
            }
        }
        Ok(())
    }

    /// Whether a person must clear the account first: also where nobody was told that a write-off of ours has lost its debt.
    pub(super) fn is_not_frozen(self) -> Checked {
        if let Some(why) = &self.snapshot.frozen {
            return Err(Broken::Frozen(why.clone()).into());
        }
        match self.snapshot.idle.iter().find(|idle| idle.is_own) {
            Some(idle) => Err(Broken::WriteOffLeftOver { write_off: idle.write_off, left: idle.left }.into()),
            None => Ok(()),
        }
    }
}

pub(super) fn is_adverse(blocks: &BTreeSet<Blocks>) -> bool {
    blocks.contains(&Blocks::Disconnect) || blocks.contains(&Blocks::Referral)
}
