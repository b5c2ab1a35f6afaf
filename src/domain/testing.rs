//! For tests only: accounts built in a few lines, so that a test shows the facts that matter and no others.
//!
//! Every function panics on a date that is none; that is wanted in a test and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use super::arrangement::{Arrangement, Installment, Reversed};
use super::calendar::Calendar;
use super::case::{Case, StageRef, Step, StepState, TrackRun};
use super::day::{Day, parse};
use super::hold::{Hold, HoldKind};
use super::ledger::{Application, Entry};
use super::promise::Promise;
use super::{
    AccountId, Address, ArrangementId, Cents, CustomerClass, EntryId, EntryKind, Event, EventKind, HoldId, Language,
    Occupancy, OpenItem, Profile, PromiseId, Service, Snapshot, World,
};

/// `day("2026-05-22")`.
///
/// # Panics
/// When it is no date.
#[must_use]
pub fn day(text: &str) -> Day {
    parse(text).unwrap_or_else(|| panic!("{text} is not a date"))
}

/// A city without holidays on that day.
#[must_use]
pub fn world(today: Day) -> World {
    World { today, calendar: Calendar { name: "test".into(), ..Calendar::default() }, moratoria: Vec::new() }
}

/// A residential owner with water, sewer and refuse at 12 Oak St, English, no email, one telephone.
#[must_use]
pub fn profile() -> Profile {
    let home = Address {
        line1: "12 Oak St".into(),
        city: "Riverbend".into(),
        state: "CA".into(),
        zip: "95600".into(),
        ..Address::default()
    };
    Profile {
        number: "10-0001".into(),
        customer_name: "Pat Rivera".into(),
        service_address: home.clone(),
        mailing_address: home,
        email: None,
        phones: vec!["5305550100".into()],
        language: Language::English,
        class: CustomerClass::Residential,
        services: vec![Service::Water, Service::Sewer, Service::Refuse],
        owner: None,
        occupancy: Occupancy::Owner,
        third_party: None,
        since: None,
        ended: None,
        attributes: BTreeMap::new(),
    }
}

/// Account 1 of that customer, owing nothing, without a case.
#[must_use]
pub fn snapshot() -> Snapshot {
    Snapshot::new(AccountId(1), 1, profile())
}

/// An open charge, wholly unpaid, billed 21 days before it is due.
#[must_use]
pub fn bill(id: i64, service: Service, cents: i64, due_on: Day) -> OpenItem {
    OpenItem {
        id: EntryId(id),
        service,
        kind: EntryKind::Charge,
        amount: Cents::new(cents),
        open: Cents::new(cents),
        billed_on: super::day::plus_days(due_on, -21),
        due_on,
        printed: BTreeMap::new(),
    }
}

/// Adds facts to a snapshot, one a call.
pub trait With: Sized {
    /// An open item; items stay in order of their due dates.
    #[must_use]
    fn owing(self, item: OpenItem) -> Self;
    #[must_use]
    fn event(self, kind: EventKind, on: Day, of: Option<StageRef>) -> Self;
    /// A hold on the whole account.
    #[must_use]
    fn held(self, kind: HoldKind, from: Day, through: Option<Day>) -> Self;
    #[must_use]
    fn promising(self, made_on: Day, cents: i64, pay_by: Day) -> Self;
    /// An arrangement that covers all open items, with no grace.
    #[must_use]
    fn arranged(self, made_on: Day, installments: &[(Day, i64)]) -> Self;
    /// A payment of which all is applied to one item. The item's open amount is left as it is.
    #[must_use]
    fn applied(self, item: i64, cents: i64, on: Day) -> Self;
    /// Case 1, opened on the day after the first item's due date, with one run of the track.
    #[must_use]
    fn in_case(self, track: &str, policy: &str) -> Self;
    /// A step of that run that acted on the day, in round 1, listing the items.
    #[must_use]
    fn acted(self, stage: &str, on: Day, items: &[i64]) -> Self;
}

impl With for Snapshot {
    fn owing(mut self, item: OpenItem) -> Self {
        self.items.push(item);
        self.items.sort_by_key(|item| (item.due_on, item.id));
        self
    }

    fn event(mut self, kind: EventKind, on: Day, of: Option<StageRef>) -> Self {
        self.events.push(Event { kind, on, of });
        self
    }

    fn held(mut self, kind: HoldKind, from: Day, through: Option<Day>) -> Self {
        self.holds.push(Hold {
            id: HoldId(1 + i64::try_from(self.holds.len()).unwrap()),
            kind,
            from,
            through,
            ended_on: None,
            items: BTreeSet::new(),
            stops_clock: false,
            reason: "test".into(),
            placed_by: "test".into(),
            placed_on: from,
            estate: None,
        });
        self
    }

    fn promising(mut self, made_on: Day, cents: i64, pay_by: Day) -> Self {
        self.promises.push(Promise {
            id: PromiseId(1),
            made_on,
            known_through: EntryId(0),
            amount: Cents::new(cents),
            pay_by,
            grace_days: 0,
            canceled_on: None,
            taken_by: "test".into(),
        });
        self
    }

    fn arranged(mut self, made_on: Day, installments: &[(Day, i64)]) -> Self {
        self.arrangements.push(Arrangement {
            id: ArrangementId(1),
            made_on,
            known_through: EntryId(0),
            made_by: "test".into(),
            covers: self.items.iter().map(|item| item.id).collect(),
            had_paid: None,
            installments: installments
                .iter()
                .map(|(due_on, cents)| Installment { due_on: *due_on, amount: Cents::new(*cents) })
                .collect(),
            grace_days: 0,
            canceled_on: None,
            note: String::new(),
            reversed: Reversed::default(),
            taken: None,
            overridden: None,
            reinstated: Vec::new(),
        });
        self
    }

    fn applied(mut self, item: i64, cents: i64, on: Day) -> Self {
        let id = 1_000 + i64::try_from(self.payments.len()).unwrap();
        self.payments.push(payment(id, cents, on));
        let (credit, debt, amount) = (EntryId(id), EntryId(item), Cents::new(cents));
        self.applications.push(Application { credit, debt, amount, on, due_on: on });
        self
    }

    fn in_case(mut self, track: &str, policy: &str) -> Self {
        let first = self.items.first().expect("a case needs a debt");
        let opened_on = super::day::plus_days(first.due_on, 1);
        self.case = Some(Case {
            number: 1,
            opened_on,
            policy: policy.into(),
            tracks: vec![TrackRun {
                own: BTreeSet::new(),
                track: track.into(),
                anchor: first.id,
                anchor_billed_on: first.billed_on,
                anchor_due_on: first.due_on,
                opened_on,
                steps: Vec::new(),
                announced: BTreeMap::new(),
                asked: BTreeMap::new(),
                frozen: BTreeMap::new(),
                unrouted: std::collections::BTreeSet::new(),
                closed: None,
            }],
        });
        self.cases_so_far = 1;
        self
    }

    fn acted(mut self, stage: &str, on: Day, items: &[i64]) -> Self {
        let run = self.case.as_mut().and_then(|case| case.tracks.first_mut()).expect("in_case comes first");
        run.steps.push(Step {
            stage: stage.into(),
            service: None,
            round: 1,
            state: StepState::Acted(on),
            items: items.iter().map(|id| EntryId(*id)).collect(),
            known: None,
        });
        self
    }
}

/// A stage of case 1, in round 1.
#[must_use]
pub fn stage_ref(track: &str, anchor: i64, stage: &str) -> StageRef {
    StageRef { case: 1, track: track.into(), anchor: EntryId(anchor), stage: stage.into(), round: 1 }
}

/// An entry for water of that many cents; money off is below zero.
#[must_use]
pub fn entry(id: i64, kind: EntryKind, cents: i64, on: Day, due_on: Option<Day>) -> Entry {
    Entry {
        id: EntryId(id),
        account: AccountId(1),
        service: Service::Water,
        kind,
        amount: Cents::new(cents),
        effective_on: on,
        due_on,
        printed: BTreeMap::new(),
        designated_item: None,
        designated_service: None,
        reverses: None,
        channel: None,
        source: "test".into(),
        reference: id.to_string(),
        memo: String::new(),
        recorded_at: chrono::DateTime::UNIX_EPOCH,
    }
}

/// A payment for water of that many cents.
#[must_use]
pub fn payment(id: i64, cents: i64, on: Day) -> Entry {
    entry(id, EntryKind::Payment, -cents, on, None)
}
