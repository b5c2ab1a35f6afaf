//! What a decision looks at: the snapshot on one day, narrowed to the debt that a track counts.
//!
//! A view can stand on a later day than today, with the facts of today: so a later stage's earliest day is found.

use std::collections::BTreeSet;

use crate::domain::arrangement::ArrangementState;
use crate::domain::arrears;
use crate::domain::case::StageRef;
use crate::domain::promise::PromiseState;
use crate::domain::{Cents, Day, Event, EventKind, ItemId, OpenItem, Service, Snapshot, StageId, TrackRun, World};
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
    pub counts: BTreeSet<Service>,
    /// Only these items count, where a notice had to list them.
    pub listed: Option<BTreeSet<ItemId>>,
    /// Only the bill with these dates counts: billed, due.
    pub bill: Option<(Day, Day)>,
    /// The run's track and anchor: whose events are meant when a stage is named.
    pub run: Option<(crate::domain::TrackId, ItemId)>,
    /// Events of the snapshot and those that follow from it by time: missed installments, broken promises.
    pub events: Vec<Event>,
}

impl<'a> View<'a> {
    /// The whole account today.
    pub fn new(snapshot: &'a Snapshot, world: &'a World, policy: &'a Policy) -> Self {
        let (case, opened_on) =
            snapshot.case.as_ref().map_or((snapshot.cases_so_far + 1, world.today), |c| (c.number, c.opened_on));
        let mut events = snapshot.events.clone();
        events.extend(derived_events(snapshot, world.today));
        Self {
            snapshot,
            world,
            policy,
            on: world.today,
            case,
            opened_on,
            counts: BTreeSet::new(),
            listed: None,
            bill: None,
            run: None,
            events,
        }
    }

    /// The same facts on another day.
    pub fn at(&self, on: Day) -> Self {
        Self { on, ..self.clone() }
    }

    /// Narrowed to one run of a track.
    pub fn of_run(&self, track: &Track, run: &TrackRun) -> Self {
        let bill = match track.per {
            crate::rulebook::policy::Per::Bill => Some((run.anchor_billed_on, run.anchor_due_on)),
            crate::rulebook::policy::Per::Account | crate::rulebook::policy::Per::Year => None,
        };
        Self { counts: track.counts.clone(), bill, run: Some((run.track.clone(), run.anchor)), ..self.clone() }
    }

    /// Narrowed to the items that a notice listed.
    pub fn only_listed(&self, items: BTreeSet<ItemId>) -> Self {
        Self { listed: Some(items), ..self.clone() }
    }

    /// The items that count here, oldest due first, whether due or not.
    pub fn items(&self) -> impl Iterator<Item = &'a OpenItem> {
        let (counts, listed, bill) = (self.counts.clone(), self.listed.clone(), self.bill);
        self.snapshot.items.iter().filter(move |item| {
            (counts.is_empty() || counts.contains(&item.service))
                && listed.as_ref().is_none_or(|listed| listed.contains(&item.id))
                && bill.is_none_or(|(billed, due)| item.billed_on == billed && item.due_on == due)
        })
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
                (None, None) => true,
            })
            .max_by_key(|event| event.on)
    }

    /// Whether the reference is to the stage in this view's case, track and run.
    fn is_of(&self, of: &StageRef, stage: &StageId) -> bool {
        of.case == self.case
            && of.stage == *stage
            && self.run.as_ref().is_none_or(|(track, anchor)| of.track == *track && of.anchor == *anchor)
    }

    /// A promise that is still open on the day.
    pub fn open_promise(&self) -> Option<&'a crate::domain::promise::Promise> {
        let payments = &self.snapshot.payments;
        self.snapshot
            .promises
            .iter()
            .filter(|promise| promise.made_on <= self.on)
            .find(|promise| promise.state(payments, self.on) == PromiseState::Open)
    }
}

/// Events that no one records because they follow from the ledger and the day.
fn derived_events(snapshot: &Snapshot, today: Day) -> Vec<Event> {
    let mut events = Vec::new();
    for plan in snapshot.arrangements.iter().filter(|plan| plan.made_on <= today) {
        let standing = plan.standing(&snapshot.applications, today);
        if let ArrangementState::Missed(_) = standing.state {
            events.extend(standing.missed.iter().map(|due| Event {
                kind: EventKind::InstallmentMissed,
                on: *due,
                of: None,
            }));
        }
    }
    for promise in snapshot.promises.iter().filter(|promise| promise.made_on <= today) {
        if let PromiseState::Broken(on) = promise.state(&snapshot.payments, today) {
            events.push(Event { kind: EventKind::PromiseBroken, on, of: None });
        }
    }
    events
}
