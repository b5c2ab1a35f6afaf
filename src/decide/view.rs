//! What a decision looks at: the snapshot on one day, narrowed to the debt that a track counts.
//!
//! A view can stand on a later day than today, with the facts of today: so a later stage's earliest day is found.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::domain::arrangement::{Arrangement, ArrangementState, Standing};
use crate::domain::arrears;
use crate::domain::case::StageRef;
use crate::domain::hold::Blocks;
use crate::domain::placement::Placed;
use crate::domain::promise::{Promise, PromiseState};
use crate::domain::{
    Cents, Day, EntryKind, Event, EventKind, ItemId, OpenItem, Service, Snapshot, StageId, TrackId, TrackRun, World,
};
use crate::rulebook::Policy;
use crate::rulebook::policy::Track;

/// The facts of one account, seen on a day.
#[derive(Clone)]
pub struct View<'a> {
    pub snapshot: &'a Snapshot,
    pub world: &'a World,
    pub policy: &'a Policy,
    /// The day on which the facts are seen; today or later.
    pub on: Day,
    /// The number of the case that the view is in.
    pub case: u32,
    /// When that case opened.
    pub opened_on: Day,
    /// The services whose debt counts; empty for all.
    pub counts: Cow<'a, BTreeSet<Service>>,
    /// Only these items count, where a notice had to list them.
    pub listed: Option<Vec<ItemId>>,
    /// These items do not count: a dispute about them stands that strikes the stage, or an arrangement settles them.
    pub stayed: Vec<ItemId>,
    /// These do not count for anything: the customer contests them, and it is not decided.
    pub disputed: BTreeSet<ItemId>,
    /// The attempts to speak to somebody that are still ahead are taken as made in time: so a letter can announce a day.
    pub supposes_contact: bool,
    /// Services whose shut-off another run has ordered already.
    pub ordered: Vec<Service>,
    /// Debts that came from another account do not count.
    pub without_transferred: bool,
    /// Only the bill with these dates counts: billed, due.
    pub bill: Option<(Day, Day)>,
    /// The run's track and anchor: whose events are meant when a stage is named.
    pub run: Option<(&'a TrackId, ItemId)>,
    /// Events of the snapshot and those that follow from it by time: missed installments, broken promises.
    pub events: Cow<'a, [Event]>,
}

impl<'a> View<'a> {
    /// The whole account today. `events` are [`events_by`] today.
    pub fn new(snapshot: &'a Snapshot, world: &'a World, policy: &'a Policy, events: &'a [Event]) -> Self {
        let (case, opened_on) =
            snapshot.case.as_ref().map_or((snapshot.cases_so_far + 1, world.today), |c| (c.number, c.opened_on));
        Self {
            snapshot,
            world,
            policy,
            on: world.today,
            case,
            opened_on,
            counts: Cow::Borrowed(&EVERY_SERVICE),
            listed: None,
            stayed: Vec::new(),
            disputed: snapshot.disputed(world.today),
            supposes_contact: false,
            ordered: Vec::new(),
            without_transferred: false,
            bill: None,
            run: None,
            events: Cow::Borrowed(events),
        }
    }

    /// The same facts on another day.
    pub fn at(&self, on: Day) -> Self {
        Self { on, ..self.clone() }
    }

    /// Narrowed to one run of a track.
    pub fn of_run(&self, track: &'a Track, run: &TrackRun) -> Self {
        let bill = match track.per {
            crate::rulebook::policy::Per::Bill => Some((run.anchor_billed_on, run.anchor_due_on)),
            crate::rulebook::policy::Per::Account | crate::rulebook::policy::Per::Year => None,
        };
        Self { bill, run: Some((&track.id, run.anchor)), ..self.of_track(track) }
    }

    /// Narrowed to the debts that a track counts. One that came from another account serves no shut-off here unless the policy
    /// says so, and its bill has had its fees where it was billed.
    pub fn of_track(&self, track: &'a Track) -> Self {
        let cuts = track.stages.iter().any(crate::rulebook::policy::Stage::disconnects);
        let without_transferred =
            track.per == crate::rulebook::policy::Per::Bill || (cuts && !self.policy.cuts_for_transferred());
        Self { counts: Cow::Borrowed(&track.counts), without_transferred, ..self.clone() }
    }

    /// The items that count here, oldest due first, whether due or not.
    pub fn items(&self) -> impl Iterator<Item = &'a OpenItem> {
        self.snapshot.items.iter().filter(|item| {
            (self.counts.is_empty() || self.counts.contains(&item.service))
                && self.listed.as_ref().is_none_or(|listed| listed.contains(&item.id))
                && !self.stayed.contains(&item.id)
                && !self.disputed.contains(&item.id)
                && !(self.without_transferred && item.kind == EntryKind::Transfer)
                && self.bill.is_none_or(|(billed, due)| item.billed_on == billed && item.due_on == due)
        })
    }

    /// The same, with what the customer contests: it is owed until it is decided otherwise.
    pub fn with_disputed(&self) -> Self {
        Self { disputed: BTreeSet::new(), ..self.clone() }
    }

    /// What the customer is asked for: the balance without what is contested.
    pub fn balance(&self) -> Cents {
        let contested = self.snapshot.items.iter().filter(|item| self.disputed.contains(&item.id));
        self.snapshot.balance() - contested.map(|item| item.open).sum::<Cents>()
    }

    /// The counted items that are past due on the day.
    pub fn past_due(&self) -> impl Iterator<Item = &'a OpenItem> {
        let (on, de_minimis) = (self.on, self.de_minimis());
        self.items().filter(move |item| arrears::is_past_due(item, on, de_minimis))
    }

    /// Their sum.
    pub fn past_due_amount(&self) -> Cents {
        self.past_due().map(|item| item.open).sum()
    }

    /// The first day after this one on which another counted item becomes `days` past due.
    pub fn next_item_aged(&self, days: i64) -> Option<Day> {
        let de_minimis = self.de_minimis();
        self.items()
            .filter(|item| item.open >= de_minimis)
            .map(|item| crate::domain::day::plus_days(item.due_on, days.max(1)))
            .filter(|day| *day > self.on)
            .min()
    }

    /// Items below this are let be.
    pub fn de_minimis(&self) -> Cents {
        self.policy.ledger.de_minimis
    }

    /// The events of one stage of the run, in one round. One dated ahead is known already: a mailing that counts as
    /// served in five days.
    pub fn stage_events(&self, stage: &StageId, round: u16) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .filter(move |event| event.of.as_ref().is_some_and(|of| self.is_of(of, stage) && of.round == round))
    }

    /// The last event of the kind in this case: of the stage named in any round, or of any stage.
    pub fn last_event(&self, kind: EventKind, stage: Option<&StageId>) -> Option<&Event> {
        self.events
            .iter()
            .filter(|event| event.kind == kind && event.on <= self.on)
            .filter(|event| match (stage, &event.of) {
                (Some(stage), Some(of)) => self.is_of(of, stage),
                (Some(_), None) => false,
                (None, Some(of)) => of.case == self.case,
                // What belongs to no stage is of this case when it happened in its time.
                (None, None) => event.on >= self.opened_on,
            })
            .max_by_key(|event| event.on)
    }

    /// Whether the reference is to the stage in this view's case, track and run.
    fn is_of(&self, of: &StageRef, stage: &StageId) -> bool {
        of.case == self.case
            && of.stage == *stage
            && self.run.is_none_or(|(track, anchor)| of.track == *track && of.anchor == anchor)
    }

    /// The promises that are still open on the day.
    pub fn open_promises(&self) -> impl Iterator<Item = &'a Promise> {
        let payments = &self.snapshot.payments;
        let made = self.snapshot.promises.iter().filter(|promise| promise.made_on <= self.on);
        made.filter(|promise| promise.state(payments, self.on) == PromiseState::Open)
    }

    /// The arrangements made by the day, and how each stands on it.
    pub fn plans(&self) -> impl Iterator<Item = (&'a Arrangement, Standing)> {
        let made = self.snapshot.arrangements.iter().filter(|plan| plan.made_on <= self.on);
        made.map(|plan| (plan, plan.standing(&self.snapshot.applications, &self.snapshot.items, self.on)))
    }

    /// Whether an arrangement performs on the day.
    pub fn is_kept(&self) -> bool {
        self.plans().any(|(_, standing)| standing.state == ArrangementState::Performing)
    }

    /// The due date of the oldest unpaid bill beside an arrangement that performs, where the policy says how long such a
    /// bill may stay unpaid.
    pub fn unpaid_beside(&self) -> Option<Day> {
        self.policy.arrangements.current_days?;
        let performing = self.plans().filter(|(_, standing)| standing.state == ArrangementState::Performing);
        performing
            .filter_map(|(plan, _)| plan.unpaid_beside(&self.snapshot.items, self.on, self.de_minimis(), &self.counts))
            .min()
    }

    /// The day from which an arrangement that performs no longer keeps the service on, for a bill beside it is unpaid.
    pub fn let_go_from(&self) -> Option<Day> {
        let days = self.policy.arrangements.current_days?;
        self.unpaid_beside().map(|due| crate::domain::day::plus_days(due, i64::from(days)))
    }

    /// The items that an arrangement settles which performs, where another bill is past due beside it: what is said and
    /// done is about that one.
    pub fn settled_otherwise(&self) -> Vec<ItemId> {
        let performing = self.plans().filter(|(_, standing)| standing.state == ArrangementState::Performing);
        let covered: BTreeSet<ItemId> = performing.flat_map(|(plan, _)| plan.covers.iter().copied()).collect();
        if covered.is_empty() || self.past_due().all(|item| covered.contains(&item.id)) {
            return Vec::new();
        }
        covered.into_iter().collect()
    }

    /// The items that are out with a destination, where the policy does not let what is struck go on meanwhile.
    pub fn placed(&self, strikes: &BTreeSet<Blocks>) -> Vec<ItemId> {
        if strikes.is_empty() || strikes.is_subset(&self.policy.referral.while_placed) {
            return Vec::new();
        }
        self.snapshot.placed.iter().flat_map(|placed| placed.items.iter().copied()).collect()
    }

    /// What is and was out with a destination, where the policy did not let what is struck go on meanwhile.
    pub fn were_placed(&self, strikes: &BTreeSet<Blocks>) -> impl Iterator<Item = &'a Placed> {
        let goes_on = strikes.is_subset(&self.policy.referral.while_placed);
        let all = self.snapshot.placed.iter().chain(&self.snapshot.came_back);
        all.filter(move |_| !goes_on)
    }

    /// The dates from which the wait of a default runs: of installments that were missed, the first of each arrangement of
    /// which something that it covers is still owed; of an unpaid bill beside one that performs.
    pub fn defaults(&self) -> impl Iterator<Item = Day> {
        let open = |item: &&OpenItem| item.open.is_positive();
        let owed =
            move |plan: &Arrangement| self.snapshot.items.iter().filter(open).any(|i| plan.covers.contains(&i.id));
        let missed =
            self.plans().filter(move |(plan, _)| owed(plan)).filter_map(|(_, standing)| standing.defaulted_on());
        missed.chain(self.unpaid_beside())
    }
}

/// All services count.
static EVERY_SERVICE: BTreeSet<Service> = BTreeSet::new();

/// What happened by today: the recorded events, and those that no one records because they follow from the ledger and
/// the day.
pub fn events_by(snapshot: &Snapshot, today: Day) -> Cow<'_, [Event]> {
    let mut derived = Vec::new();
    for plan in snapshot.arrangements.iter().filter(|plan| plan.made_on <= today) {
        let standing = plan.standing(&snapshot.applications, &snapshot.items, today);
        // Canceling the arrangement afterwards undoes no default.
        if standing.defaulted_on().is_some() {
            let missed = standing.missed.iter();
            derived.extend(missed.map(|due| Event { kind: EventKind::InstallmentMissed, on: *due, of: None }));
        }
    }
    for promise in snapshot.promises.iter().filter(|promise| promise.made_on <= today) {
        if let PromiseState::Broken(on) = promise.state(&snapshot.payments, today) {
            derived.push(Event { kind: EventKind::PromiseBroken, on, of: None });
        }
    }
    if derived.is_empty() {
        return Cow::Borrowed(&snapshot.events);
    }
    Cow::Owned(snapshot.events.iter().cloned().chain(derived).collect())
}
