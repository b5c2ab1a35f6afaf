//! The rehearsal: one account, lived through day by day with the real decision and the real audit.
//!
//! It plays the dated stories that stand in a policy. People are played too: letters are mailed on the day of their
//! decision unless the story says otherwise, calls end as the story says, crews do what they are sent for.
//! Deliberately absent: any database, file or document. What is tried here is the policy.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::audit::audit;
use crate::decide::decide;
use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::hold::Hold;
use crate::domain::ledger::settle;
use crate::domain::world::World;
use crate::domain::{
    AccountId, Act, Action, Address, Calendar, Case, Cents, CustomerClass, Day, Decision, Entry, EntryId, EntryKind,
    Event, EventKind, HoldId, Language, Occupancy, Profile, Service, Snapshot, StageId,
};
use crate::rulebook::Policy;
use crate::rulebook::policy::{Story, StoryFacts};

/// How long a story goes on after its last expectation, in days, when it does not say.
const AFTERMATH_DAYS: i64 = 60;

/// Something that was decided on a day of a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub on: Day,
    pub stage: StageId,
    /// `notice`, `fee`, `disconnect`.
    pub act: &'static str,
    pub amount: Option<Cents>,
}

/// Where a story and its rehearsal differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    #[error("{story}: expected {stage} on {on}, and it did not happen{}", other_days(.others))]
    Missing { story: String, stage: StageId, on: Day, others: Vec<Day> },
    #[error("{story}: {stage} happened on {on}, which the story does not expect")]
    Unexpected { story: String, stage: StageId, on: Day },
    #[error("{story}: expected {stage} on {on} to post {expected}, and it posted {}", amount_words(.got))]
    Amount { story: String, stage: StageId, on: Day, expected: Cents, got: Option<Cents> },
}

fn other_days(days: &[Day]) -> String {
    if days.is_empty() {
        return String::new();
    }
    let days: Vec<String> = days.iter().map(ToString::to_string).collect();
    format!(" (it happened on {})", days.join(", "))
}

fn amount_words(amount: &Option<Cents>) -> String {
    amount.map_or_else(|| "nothing".to_owned(), |amount| amount.to_string())
}

/// One account in memory.
pub struct Rehearsal<'a> {
    policy: &'a Policy,
    world: World,
    story: StoryFacts,
    profile: Profile,
    entries: Vec<Entry>,
    events: Vec<Event>,
    holds: Vec<Hold>,
    case: Option<Case>,
    cases_so_far: u32,
    shut_off: Vec<Service>,
    next_review: Option<Day>,
    facts_changed: bool,
}

impl<'a> Rehearsal<'a> {
    /// The account of a story, before its first day.
    #[must_use]
    pub fn new(policy: &'a Policy, calendar: Calendar, story: &StoryFacts) -> Self {
        let home = Address {
            line1: "1 Story Lane".into(),
            city: "Riverbend".into(),
            state: "CA".into(),
            zip: "95600".into(),
            ..Address::default()
        };
        let mailing =
            if story.mails_elsewhere { Address { line1: "PO Box 1".into(), ..home.clone() } } else { home.clone() };
        let services = story.bills.iter().map(|bill| bill.service).collect::<std::collections::BTreeSet<_>>();
        let profile = Profile {
            number: "STORY".into(),
            customer_name: "A. Customer".into(),
            service_address: home,
            mailing_address: mailing,
            email: None,
            phones: vec!["5555550100".into()],
            language: Language::English,
            class: story.class.unwrap_or(CustomerClass::Residential),
            services: services.into_iter().collect(),
            owner: None,
            occupancy: Occupancy::Tenant,
            third_party: None,
            since: None,
            ended: None,
            attributes: story.attributes.clone(),
        };
        let first = story.bills.iter().map(|bill| bill.billed).min().unwrap_or(crate::domain::day::FIRST_DAY);
        Self {
            policy,
            world: World { today: first, calendar, moratoria: Vec::new() },
            story: story.clone(),
            profile,
            entries: Vec::new(),
            events: Vec::new(),
            holds: Vec::new(),
            case: None,
            cases_so_far: 0,
            shut_off: Vec::new(),
            next_review: None,
            facts_changed: false,
        }
    }

    /// Lives every day through `until` and returns what was decided.
    ///
    /// # Errors
    /// The audit's sentence, when it refuses a decision.
    pub fn live(&mut self, until: Day) -> Result<Vec<Happened>, String> {
        let mut happened = Vec::new();
        let mut day = self.world.today;
        while day <= until {
            self.world.today = day;
            self.facts_of(day);
            let decision = self.decided()?;
            for act in &decision.acts {
                happened.push(Happened {
                    on: act.for_day,
                    stage: act.key.of.stage.clone(),
                    act: act.action.word(),
                    amount: act.amount,
                });
            }
            self.carry_out(&decision);
            day = plus_days(day, 1);
        }
        Ok(happened)
    }

    /// The account as it stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let books = settle(&self.entries, &self.policy.ledger.order, &[], crate::domain::day::LAST_DAY);
        Snapshot {
            account: AccountId(1),
            facts_seq: 0,
            profile: self.profile.clone(),
            items: books.items,
            unapplied: books.unapplied,
            events: self.events.clone(),
            holds: self.holds.clone(),
            promises: Vec::new(),
            arrangements: Vec::new(),
            payments: Vec::new(),
            applications: Vec::new(),
            shut_off: self.shut_off.clone(),
            case: self.case.clone(),
            cases_so_far: self.cases_so_far,
            frozen: None,
        }
    }

    fn decided(&self) -> Result<Decision, String> {
        let snapshot = self.snapshot();
        let decision = decide(&snapshot, &self.world, self.policy);
        // What is not due to be looked at must not change: the next review is a promise.
        let asleep = !self.facts_changed && self.next_review.is_none_or(|review| review > self.world.today);
        if asleep && self.world.today > self.first_day() && decision.changes(snapshot.case.as_ref()) {
            return Err(format!("{}: decided something on a day that no review was due", self.world.today));
        }
        let cleared = audit(&snapshot, self.policy, &self.world, decision).map_err(|breach| breach.to_string())?;
        Ok(cleared.into_inner())
    }

    fn first_day(&self) -> Day {
        self.story.bills.iter().map(|bill| bill.billed).min().unwrap_or(self.world.today)
    }

    /// The story's facts of a day: bills, payments, returns, events, holds.
    fn facts_of(&mut self, day: Day) {
        let before = (self.entries.len(), self.events.len(), self.holds.len());
        for bill in self.story.bills.clone().iter().filter(|bill| bill.billed == day) {
            let entry = self.entry(EntryKind::Charge, bill.amount, day, bill.service);
            self.entries.push(Entry { due_on: Some(bill.due), ..entry });
        }
        for (_, amount) in self.story.payments.clone().iter().filter(|(on, _)| *on == day) {
            let entry = self.entry(EntryKind::Payment, -*amount, day, Service::General);
            self.entries.push(entry);
        }
        for (_, amount) in self.story.returned.clone().iter().filter(|(on, _)| *on == day) {
            let undone: Vec<EntryId> = self.entries.iter().filter_map(|entry| entry.reverses).collect();
            let original = self
                .entries
                .iter()
                .rev()
                .find(|e| e.kind == EntryKind::Payment && e.amount == -*amount && !undone.contains(&e.id));
            if let Some(original) = original.map(|entry| entry.id) {
                let entry = self.entry(EntryKind::Reversal, *amount, day, Service::General);
                self.entries.push(Entry { reverses: Some(original), ..entry });
            }
            self.events.push(Event { kind: EventKind::PaymentReturned, on: day, of: None });
        }
        for (on, kind) in self.story.events.iter().filter(|(on, _)| *on == day) {
            self.events.push(Event { kind: *kind, on: *on, of: None });
        }
        for (kind, from, through) in self.story.holds.iter().filter(|(_, from, _)| *from == day) {
            self.holds.push(Hold {
                id: HoldId(i64::try_from(self.holds.len()).unwrap_or(i64::MAX)),
                kind: *kind,
                from: *from,
                through: *through,
                ended_on: if kind.ends_by_decision() { through.map(|last| plus_days(last, 1)) } else { None },
                items: std::collections::BTreeSet::new(),
                stops_clock: false,
                reason: "story".into(),
                placed_by: "story".into(),
                placed_on: *from,
            });
        }
        self.mail_late(day);
        self.facts_changed |= before != (self.entries.len(), self.events.len(), self.holds.len());
    }

    fn entry(&self, kind: EntryKind, amount: Cents, on: Day, service: Service) -> Entry {
        let id = i64::try_from(self.entries.len()).unwrap_or(i64::MAX).saturating_add(1);
        Entry {
            id: EntryId(id),
            account: AccountId(1),
            service,
            kind,
            amount,
            effective_on: on,
            due_on: None,
            printed: BTreeMap::new(),
            designated_item: None,
            designated_service: None,
            reverses: None,
            channel: None,
            source: "story".into(),
            reference: id.to_string(),
            memo: String::new(),
            recorded_at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    /// Does what was decided, as the division would on a good day.
    fn carry_out(&mut self, decision: &Decision) {
        self.facts_changed = false;
        self.next_review = decision.next_review;
        self.case.clone_from(&decision.case);
        if let Some(case) = &decision.case {
            self.cases_so_far = self.cases_so_far.max(case.number);
        }
        for act in &decision.acts {
            let of = &act.key.of;
            match &act.action {
                Action::Fee(fee) => {
                    let amount = act.amount.unwrap_or(Cents::ZERO);
                    let entry = self.entry(EntryKind::Fee, amount, act.for_day, Service::General);
                    let due = plus_days(act.for_day, i64::from(fee.due_days));
                    self.entries.push(Entry { due_on: Some(due), ..entry });
                    self.facts_changed = true;
                }
                Action::Notice(notice) => {
                    if !self.story.mailed.contains_key(&of.stage) {
                        self.mailed(of, self.world.today, notice.deemed_days);
                    }
                }
                Action::Tag(_) => self.happens(EventKind::NoticePosted, of),
                Action::Call(_) => match self.story.contact {
                    Some(true) => self.happens(EventKind::ContactMade, of),
                    Some(false) => self.happens(EventKind::ContactFailed, of),
                    None => {}
                },
                Action::Disconnect { services, .. } => {
                    self.shut_off.extend(services.iter().copied());
                    self.happens(EventKind::ShutOff, of);
                }
                Action::Restore { services, .. } => {
                    self.shut_off.retain(|service| !services.contains(service));
                    self.happens(EventKind::Restored, of);
                }
                Action::Task { .. }
                | Action::Hold { .. }
                | Action::Flag { .. }
                | Action::Refer { .. }
                | Action::Freeze { .. }
                | Action::WriteOff => {}
            }
        }
    }

    /// Notices that the story mails on this very day, if they have been decided.
    fn mail_late(&mut self, day: Day) {
        let Some(case) = self.case.clone() else { return };
        for (stage, _) in self.story.mailed.clone().iter().filter(|(_, on)| **on == day) {
            for run in &case.tracks {
                if let Some(step) = run.steps.iter().filter(|step| step.stage == *stage).max_by_key(|step| step.round) {
                    let of = StageRef {
                        case: case.number,
                        track: run.track.clone(),
                        anchor: run.anchor,
                        stage: stage.clone(),
                        round: step.round,
                    };
                    self.mailed(&of, day, 0);
                }
            }
        }
    }

    fn mailed(&mut self, of: &StageRef, on: Day, deemed_days: u16) {
        let served = plus_days(on, i64::from(deemed_days));
        self.events.push(Event { kind: EventKind::NoticeMailed, on, of: Some(of.clone()) });
        self.events.push(Event { kind: EventKind::NoticeServed, on: served, of: Some(of.clone()) });
        self.facts_changed = true;
    }

    fn happens(&mut self, kind: EventKind, of: &StageRef) {
        self.events.push(Event { kind, on: self.world.today, of: Some(of.clone()) });
        self.facts_changed = true;
    }
}

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
        Action::Disconnect { services, .. } => {
            snapshot.shut_off.extend(services.iter().copied());
            snapshot.events.push(event(EventKind::ShutOff, day));
        }
        Action::Restore { services, .. } => snapshot.shut_off.retain(|service| !services.contains(service)),
        Action::Fee(fee) => {
            let amount = act.amount.unwrap_or(Cents::ZERO);
            let last = snapshot.items.iter().map(|item| item.id.0).max().unwrap_or(0);
            snapshot.items.push(crate::domain::OpenItem {
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
        | Action::Freeze { .. }
        | Action::WriteOff => {}
    }
}

/// Plays a story and says where it differs from what the policy expects.
///
/// The stages that the story names must act on exactly the days named; other stages may act besides. A story that
/// expects nothing at all asserts that nothing happens.
///
/// # Errors
/// The audit's sentence, when it refuses a decision.
pub fn play(policy: &Policy, calendar: &Calendar, story: &Story) -> Result<Vec<Difference>, String> {
    let last_fact = story.facts.bills.iter().map(|bill| bill.due).max().unwrap_or(crate::domain::day::FIRST_DAY);
    let last_expected = story.expect.iter().map(|(day, _)| *day).max().unwrap_or(last_fact);
    let until = story.facts.until.unwrap_or_else(|| plus_days(last_expected.max(last_fact), AFTERMATH_DAYS));
    let happened = Rehearsal::new(policy, calendar.clone(), &story.facts).live(until)?;
    Ok(compare(story, &happened))
}

fn compare(story: &Story, happened: &[Happened]) -> Vec<Difference> {
    let name = || story.name.clone();
    let mut differences = Vec::new();
    let mut named = Vec::new();
    for (day, expected) in &story.expect {
        for one in expected {
            named.push((one.stage.clone(), *day));
            let of_stage: Vec<&Happened> = happened.iter().filter(|h| h.stage == one.stage).collect();
            let on_day: Vec<&&Happened> = of_stage.iter().filter(|h| h.on == *day).collect();
            if on_day.is_empty() {
                let mut others: Vec<Day> = of_stage.iter().map(|h| h.on).collect();
                others.dedup();
                differences.push(Difference::Missing { story: name(), stage: one.stage.clone(), on: *day, others });
            } else if let Some(expected) = one.fee {
                let got = on_day.iter().find(|h| h.act == "fee").and_then(|h| h.amount);
                if got != Some(expected) {
                    differences.push(Difference::Amount {
                        story: name(),
                        stage: one.stage.clone(),
                        on: *day,
                        expected,
                        got,
                    });
                }
            }
        }
    }
    let nothing_expected = story.expect.is_empty();
    for h in happened {
        let is_named = named.iter().any(|(stage, _)| *stage == h.stage);
        let is_expected = named.contains(&(h.stage.clone(), h.on));
        if (is_named || nothing_expected) && !is_expected {
            let difference = Difference::Unexpected { story: name(), stage: h.stage.clone(), on: h.on };
            if !differences.contains(&difference) {
                differences.push(difference);
            }
        }
    }
    differences
}
