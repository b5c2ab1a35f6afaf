//! One account in memory: its ledger, what happened to it, and the case as the decisions left it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::division::Division;
use super::letters::Letter;
use crate::audit::audit;
use crate::decide::decide;
use crate::domain::arrangement::{Arrangement, HadPaid, Installment, Reinstatement, Reversed};
use crate::domain::case::StageRef;
use crate::domain::day::{LAST_DAY, plus_days};
use crate::domain::deposit::Deposit;
use crate::domain::fee::{PostedFee, Undone, is_overtaken};
use crate::domain::hold::Hold;
use crate::domain::ledger::{Books, settle};
use crate::domain::petition::Petition;
use crate::domain::placement::Placed;
use crate::domain::promise::Promise;
use crate::domain::proof::Proof;
use crate::domain::snapshot::spans;
use crate::domain::taken_off::taken_off;
use crate::domain::world::World;
use crate::domain::{
    AccountId, Act, Action, ArrangementId, Case, Cents, Day, Decision, Entry, EntryId, EntryKind, Event, EventKind,
    HoldId, ItemId, Profile, PromiseId, Service, Snapshot,
};
use crate::rulebook::Policy;

/// One account in memory. Each fact is one call; [`Account::decide`] and [`Account::carry_out`] live a day.
#[derive(Clone)]
pub struct Account<'a> {
    policy: &'a Policy,
    pub world: World,
    pub(super) profile: Profile,
    pub(super) entries: Vec<Entry>,
    pub(super) events: Vec<Event>,
    holds: Vec<Hold>,
    promises: Vec<Promise>,
    arrangements: Vec<Arrangement>,
    pub(super) petitions: Vec<Petition>,
    pub(super) proofs: Vec<Proof>,
    shut_off: Vec<Service>,
    pub without_leave: Vec<Service>,
    pub(super) case: Option<Case>,
    cases_so_far: u32,
    facts_seq: i64,
    /// The last decision: what it saw, and when it asked to look again. `None` before the first.
    decided: Option<(i64, Option<Day>)>,
    pub(super) letters: Vec<Letter>,
    fees: Vec<PostedFee>,
    pub(super) deposits: Vec<Deposit>,
    /// What is out with a destination, and what came back.
    pub(super) placed: Vec<Placed>,
}

/// A payment as it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    pub amount: Cents,
    /// The date that counts; today, or earlier when it is learned late.
    pub received_on: Day,
    pub item: Option<ItemId>,
    pub service: Option<Service>,
}

impl<'a> Account<'a> {
    /// An account that owes nothing, on the world's day.
    #[must_use]
    pub fn new(policy: &'a Policy, world: World, profile: Profile) -> Self {
        Self {
            policy,
            world,
            profile,
            entries: Vec::new(),
            events: Vec::new(),
            holds: Vec::new(),
            proofs: Vec::new(),
            promises: Vec::new(),
            arrangements: Vec::new(),
            petitions: Vec::new(),
            shut_off: Vec::new(),
            without_leave: Vec::new(),
            case: None,
            cases_so_far: 0,
            facts_seq: 0,
            decided: None,
            letters: Vec::new(),
            fees: Vec::new(),
            deposits: Vec::new(),
            placed: Vec::new(),
        }
    }

    /// Moves to another day; what was to be mailed by then is.
    pub fn begin(&mut self, day: Day) {
        self.world.today = day;
        let (due, waiting): (Vec<Letter>, Vec<Letter>) =
            std::mem::take(&mut self.letters).into_iter().partition(|l| l.mail_on.is_some_and(|on| on <= day));
        self.letters = waiting;
        for letter in due {
            self.mailed(&letter);
        }
    }

    /// Whether a decision is due today: a new fact, or the day on which the last one asked to look again.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.decided.is_none_or(|(seen, review)| {
            seen != self.facts_seq || review.is_some_and(|review| review <= self.world.today)
        })
    }

    /// Decides today, and has the audit clear it.
    ///
    /// # Errors
    /// The audit's sentence, when it refuses the decision.
    pub fn decide(&self) -> Result<Decision, String> {
        let snapshot = self.snapshot();
        let decision = decide(&snapshot, &self.world, self.policy);
        let cleared = audit(&snapshot, self.policy, &self.world, decision).map_err(|breach| breach.to_string())?;
        Ok(cleared.into_inner())
    }

    /// Does what was decided, as the division does it.
    pub fn carry_out(&mut self, decision: &Decision, division: &Division) {
        self.decided = Some((decision.seen_seq, decision.next_review));
        self.case.clone_from(&decision.case);
        if let Some(case) = &decision.case {
            self.cases_so_far = self.cases_so_far.max(case.number);
        }
        let canceled = |of: &StageRef| decision.closed.is_some() || decision.cancels.iter().any(|(c, _)| c == of);
        self.letters.retain(|letter| !canceled(&letter.of));
        for act in &decision.acts {
            self.carry_out_act(act, division);
        }
    }

    /// The account as it stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let books = self.books();
        let asks = self.case.as_ref().is_some_and(Case::asks);
        let planned = !(self.promises.is_empty() && self.arrangements.is_empty() && self.shut_off.is_empty());
        let overtaken = self.fees.iter().any(|fee| is_overtaken(fee, &self.entries, &self.petitions));
        let is_payment = |entry: &&Entry| matches!(entry.kind, EntryKind::Payment | EntryKind::Reversal);
        Snapshot {
            account: AccountId(1),
            facts_seq: self.facts_seq,
            profile: self.profile.clone(),
            items: books.items,
            unapplied: books.unapplied,
            idle: books.idle,
            taken_off: taken_off(&self.entries),
            stayed: books.stayed,
            petitions: self.petitions.clone(),
            disputes: Vec::new(),
            events: self.events.clone(),
            holds: self.holds.clone(),
            proofs: self.proofs.clone(),
            promises: self.promises.clone(),
            arrangements: self.arrangements.clone(),
            payments: if planned || asks {
                self.entries.iter().filter(is_payment).cloned().collect()
            } else {
                Vec::new()
            },
            applications: if planned { books.applications } else { Vec::new() },
            fees: self.fees.clone(),
            ledger: if overtaken { self.entries.clone() } else { Vec::new() },
            shut_off: self.shut_off.clone(),
            without_leave: self.without_leave.clone(),
            deposits: self.deposits.clone(),
            final_bill: self.final_bill(),
            placed: self.placed.iter().filter(|placed| placed.back_on.is_none()).cloned().collect(),
            came_back: self.placed.iter().filter(|placed| placed.back_on.is_some()).cloned().collect(),
            case: self.case.clone(),
            cases_so_far: self.cases_so_far,
            frozen: None,
        }
    }

    fn books(&self) -> Books {
        let plans = spans(&self.arrangements, &self.petitions);
        settle(&self.entries, &self.policy.ledger.order, &plans, LAST_DAY)
    }

    pub(super) fn last_entry(&self) -> EntryId {
        self.entries.last().map_or(EntryId(0), |entry| entry.id)
    }

    pub(super) fn learned(&mut self) {
        self.facts_seq += 1;
    }

    fn carry_out_act(&mut self, act: &Act, division: &Division) {
        let today = self.world.today;
        let of = &act.key.of;
        if matches!(&act.action, Action::Visit(call) if call.replaces_call()) {
            self.happens(EventKind::CallImpossible, Some(of));
        }
        match &act.action {
            Action::Fee(fee) => {
                let due_on = Some(plus_days(act.for_day, i64::from(fee.due_days)));
                let amount = act.amount.unwrap_or(Cents::ZERO);
                let posted = |entry| Entry { kind: EntryKind::Fee, amount, effective_on: act.for_day, due_on, ..entry };
                let entry = self.post(posted);
                let anchor = self.entries.iter().find(|entry| entry.id == of.anchor);
                let bill = anchor.map(|entry| (entry.effective_on, entry.due_on.unwrap_or(entry.effective_on)));
                let (key, name, on) = (act.key.clone(), fee.name.clone(), act.for_day);
                self.fees.push(PostedFee { entry, key, name, amount, on, bill, undone: None });
            }
            Action::Notice(notice) => {
                let mail_on = division.mails_on.get(&of.stage).copied();
                let mail_on =
                    mail_on.or_else(|| division.mails_after_days.map(|days| plus_days(today, i64::from(days))));
                let letter = Letter { of: of.clone(), deemed_days: notice.deemed_days, mail_on };
                // A day that is past is not a day on which it can be mailed.
                match mail_on {
                    Some(on) if on == today => self.mailed(&letter),
                    Some(on) if on < today => self.letters.push(Letter { mail_on: None, ..letter }),
                    Some(_) | None => self.letters.push(letter),
                }
            }
            Action::Tag(_) if division.posts => self.happens(EventKind::NoticePosted, Some(of)),
            Action::Tag(_) => self.happens(EventKind::OrderCanceled, Some(of)),
            Action::Call(_) | Action::Visit(_) => match division.contact {
                Some(true) => self.happens(EventKind::ContactMade, Some(of)),
                Some(false) => self.happens(EventKind::ContactFailed, Some(of)),
                None => {}
            },
            Action::Disconnect { services, .. } if division.cuts => {
                self.shut_off.extend(services.iter().copied());
                self.happens(EventKind::ShutOff, Some(of));
            }
            Action::Disconnect { .. } => self.happens(EventKind::OrderCanceled, Some(of)),
            Action::Restore { services, .. } => {
                self.shut_off.retain(|service| !services.contains(service));
                self.without_leave.retain(|service| !services.contains(service));
                self.happens(EventKind::Restored, Some(of));
            }
            Action::ReverseFee { fee, .. } => self.reverse_fee(*fee),
            Action::ApplyDeposit(deposit) => self.apply_deposit(deposit, act.amount.unwrap_or(Cents::ZERO)),
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

    fn reverse_fee(&mut self, id: ItemId) {
        let today = self.world.today;
        let Some(fee) = self.fees.iter_mut().find(|fee| fee.entry == id) else { return };
        fee.undone = Some(Undone::TakenBack(today));
        let amount = -fee.amount;
        self.post(|entry| Entry { kind: EntryKind::Reversal, amount, reverses: Some(id), ..entry });
    }

    /// Posts an entry of today: `make` fills in what it is.
    pub(super) fn post(&mut self, make: impl FnOnce(Entry) -> Entry) -> EntryId {
        let id = EntryId(i64::try_from(self.entries.len()).unwrap_or(i64::MAX).saturating_add(1));
        let blank = Entry {
            id,
            account: AccountId(1),
            service: Service::General,
            kind: EntryKind::Charge,
            amount: Cents::ZERO,
            effective_on: self.world.today,
            due_on: None,
            printed: BTreeMap::new(),
            designated_item: None,
            designated_service: None,
            reverses: None,
            channel: None,
            source: "rehearsal".into(),
            reference: id.to_string(),
            memo: String::new(),
            recorded_at: DateTime::<Utc>::UNIX_EPOCH,
        };
        self.entries.push(make(blank));
        self.learned();
        id
    }
}

/// Facts, one a call, each learned today.
impl Account<'_> {
    /// A bill of today.
    pub fn bill(&mut self, service: Service, amount: Cents, due_on: Day) -> ItemId {
        self.post(|entry| Entry { service, amount, due_on: Some(due_on), ..entry })
    }

    /// A payment.
    pub fn pay(&mut self, payment: Payment) -> EntryId {
        self.post(|entry| Entry {
            kind: EntryKind::Payment,
            amount: -payment.amount,
            effective_on: payment.received_on,
            designated_item: payment.item,
            designated_service: payment.service,
            ..entry
        })
    }

    /// The latest payment that still stands (of that amount, where one is given) came back.
    pub fn return_payment(&mut self, amount: Option<Cents>) {
        let undone: BTreeSet<EntryId> = self.entries.iter().filter_map(|entry| entry.reverses).collect();
        let original =
            self.entries.iter().rev().find(|e| {
                e.kind == EntryKind::Payment && !undone.contains(&e.id) && amount.is_none_or(|a| e.amount == -a)
            });
        if let Some((id, amount)) = original.map(|entry| (entry.id, entry.amount)) {
            self.post(|entry| Entry { kind: EntryKind::Reversal, amount: -amount, reverses: Some(id), ..entry });
        }
        self.happens(EventKind::PaymentReturned, None);
    }

    /// A crew turned a service on that a person had ordered on.
    #[cfg(test)]
    pub fn turned_on(&mut self, service: Service) {
        self.shut_off.retain(|off| *off != service);
        self.happens(EventKind::Restored, None);
    }

    /// Places a hold; its id is given here.
    pub fn hold(&mut self, hold: Hold) -> HoldId {
        let id = HoldId(i64::try_from(self.holds.len()).unwrap_or(i64::MAX).saturating_add(1));
        self.holds.push(Hold { id, ..hold });
        self.learned();
        id
    }

    /// Ends the latest hold that a person has not ended, from today on.
    pub fn end_hold(&mut self) {
        let today = self.world.today;
        if let Some(hold) = self.holds.iter_mut().rev().find(|hold| hold.ended_on.is_none()) {
            hold.ended_on = Some(today);
            self.learned();
        }
    }

    /// The customer promises today.
    pub fn promise(&mut self, amount: Cents, pay_by: Day) {
        self.promises.push(Promise {
            id: PromiseId(i64::try_from(self.promises.len()).unwrap_or(i64::MAX)),
            made_on: self.world.today,
            known_through: self.last_entry(),
            amount,
            pay_by,
            grace_days: self.policy.promises.grace_days,
            canceled_on: None,
            taken_by: "rehearsal".into(),
        });
        self.learned();
    }

    /// An arrangement of today on all that is owed; it covers nothing when nothing is owed, and is then not made.
    pub fn arrange(&mut self, installments: Vec<Installment>) {
        let books = self.books();
        let covers: BTreeSet<ItemId> = books.items.iter().map(|item| item.id).collect();
        if covers.is_empty() {
            return;
        }
        self.arrangements.push(Arrangement {
            id: ArrangementId(i64::try_from(self.arrangements.len()).unwrap_or(i64::MAX)),
            made_on: self.world.today,
            known_through: self.last_entry(),
            made_by: "rehearsal".into(),
            had_paid: Some(HadPaid::of(&covers, &books.applications, self.world.today)),
            covers,
            installments,
            grace_days: self.policy.arrangements.grace_days,
            canceled_on: None,
            note: String::new(),
            reversed: Reversed::default(),
            taken: None,
            overridden: None,
            reinstated: Vec::new(),
        });
        self.learned();
    }

    /// Takes the latest arrangement up again, where the policy does so.
    pub fn reinstate(&mut self) {
        let today = self.world.today;
        let Some(limits) = self.policy.arrangements.reinstate else { return };
        let pay_by = self.world.calendar.next_office_day(plus_days(today, i64::from(limits.pay_days)));
        if let Some(plan) = self.arrangements.iter_mut().rev().find(|plan| plan.canceled_on.is_none()) {
            let (by, reason) = ("rehearsal".to_owned(), "rehearsal".to_owned());
            plan.reinstated.push(Reinstatement { on: today, by, reason, pay_by });
            self.learned();
        }
    }

    /// Cancels the latest arrangement from today on.
    pub fn cancel_arrangement(&mut self) {
        let today = self.world.today;
        if let Some(plan) = self.arrangements.iter_mut().rev().find(|plan| plan.canceled_on.is_none()) {
            plan.canceled_on = Some(today);
            self.learned();
        }
    }

    /// The master record changes.
    pub fn change(&mut self, change: impl FnOnce(&mut Profile)) {
        change(&mut self.profile);
        self.learned();
    }

    /// Something that happened today.
    pub fn happens(&mut self, kind: EventKind, of: Option<&StageRef>) {
        self.events.push(Event { kind, on: self.world.today, of: of.cloned() });
        self.learned();
    }

    /// The case as it stands.
    #[must_use]
    pub const fn case(&self) -> Option<&Case> {
        self.case.as_ref()
    }

    /// What happened so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}
