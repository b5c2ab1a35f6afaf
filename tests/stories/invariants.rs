//! The twelve invariants, held against the record of a city that was lived through: what was done, on which day, and what was
//! known then. Written from the law's words, with days and sums counted anew; nothing of the program's own checks is asked, but
//! for its doctor at the end.

use std::collections::{BTreeMap, BTreeSet};

use arrears::domain::action::Recipient;
use arrears::domain::arrangement::Arrangement;
use arrears::domain::arrears::BucketLimits;
use arrears::domain::call::{CallAttempt, CallOutcome};
use arrears::domain::day::{parse, plus_days};
use arrears::domain::document::sha256;
use arrears::domain::field_order::{FieldOrder, OrderKind, OrderState};
use arrears::domain::hold::Hold;
use arrears::domain::ledger::{Entry, EntryKind};
use arrears::domain::notice::{Notice, NoticeState};
use arrears::domain::person::Actor;
use arrears::domain::petition::Petition;
use arrears::domain::promise::Promise;
use arrears::domain::referral::{Referral, ReferralState};
use arrears::domain::{Cents, Channel, Day, Language};
use arrears::report::aging::{AgedAccount, Aging, Detail};
use chrono::{Datelike, Weekday};

use super::lives::{City, HEAT};

/// What stands in the record.
struct Record {
    entries: Vec<Entry>,
    notices: Vec<Notice>,
    orders: Vec<FieldOrder>,
    attempts: Vec<CallAttempt>,
    required_calls: BTreeSet<i64>,
    holds: Vec<Hold>,
    promises: Vec<Promise>,
    arrangements: Vec<Arrangement>,
    referrals: Vec<Referral>,
    petitions: Vec<Petition>,
    holidays: BTreeSet<Day>,
    closures: BTreeSet<Day>,
    opted_out_on: Option<Day>,
}

/// Holds the record of a city's account against the invariants. Gives how often each kind of thing was there to be judged.
pub async fn hold(city: &City, seed: u64) -> BTreeMap<&'static str, usize> {
    let record = Record::of(city).await;
    let cuts: Vec<&FieldOrder> = record.done(OrderKind::ShutOff).collect();
    for cut in &cuts {
        let day = cut.done_on.expect("the day of what is done");
        let about = format!("shut off on {day}, seed {seed}");
        record.no_earlier_than_the_law(day, &about);
        record.on_an_open_day(day, &about);
        record.under_no_protection(day, &about);
        record.not_while_an_arrangement_is_kept(day, &about);
    }
    for placed in record.referrals.iter().filter_map(|referral| referral.placed_on) {
        record.under_no_protection(placed, &format!("referred on {placed}, seed {seed}"));
    }
    record.no_email_alone();
    record.calls_within_limits();
    let documents = documents_are_what_was_sent(city, &record).await;
    record.nothing_stayed_is_asked_for(seed);
    record.write_offs_write_off_their_debts(seed);
    Record::no_shut_off_after_the_end(&cuts, city.ended_on, seed);
    money_adds_up(city, &record).await;
    packets_say_what_the_ledger_says(city, &record);
    everything_has_an_author(city).await;

    let notices = |state| record.notices.iter().filter(|notice| notice.state == state).count();
    BTreeMap::from([
        ("shut-offs", cuts.len()),
        ("restorations", record.done(OrderKind::Restore).count()),
        ("tags", record.done(OrderKind::Tag).count()),
        ("visits", record.done(OrderKind::Visit).count()),
        ("letters", notices(NoticeState::Mailed)),
        ("letters that came back", notices(NoticeState::Returned)),
        ("emails", notices(NoticeState::Sent)),
        ("documents", documents),
        ("fees", record.entries.iter().filter(|entry| entry.kind == EntryKind::Fee).count()),
        ("payments taken back", record.entries.iter().filter(|entry| entry.kind == EntryKind::Reversal).count()),
        ("conversations", record.attempts.iter().filter(|attempt| attempt.outcome.is_contact()).count()),
        ("calls in vain", record.attempts.iter().filter(|attempt| attempt.outcome == CallOutcome::NoAnswer).count()),
        ("opt-outs", usize::from(record.opted_out_on.is_some())),
        ("holds", record.holds.len()),
        ("promises", record.promises.len()),
        ("arrangements", record.arrangements.len()),
        ("placed", record.referrals.iter().filter(|referral| referral.placed_on.is_some()).count()),
        ("packets", city.built.len()),
        ("deposits applied", record.entries.iter().filter(|entry| entry.kind == EntryKind::Deposit).count()),
        ("transfers", record.entries.iter().filter(|entry| entry.kind == EntryKind::Transfer).count()),
        ("petitions", record.petitions.len()),
        ("write-offs", record.entries.iter().filter(|entry| entry.kind == EntryKind::WriteOff).count()),
        ("write-offs taken back", record.write_offs_taken_back()),
        ("placements that came back", record.referrals.iter().filter(|referral| came_back(referral)).count()),
    ])
}

impl Record {
    async fn of(city: &City) -> Self {
        let (store, account) = (&city.office.store, city.account);
        let calls = store.calls_of(account).await.expect("the calls");
        let calendar = city.office.rules_on(city.office.today()).await.expect("a policy").calendar.clone();
        Self {
            entries: store.entries(account).await.expect("the entries"),
            notices: store.notices_of(account).await.expect("the notices"),
            orders: store.orders_of(account).await.expect("the orders"),
            attempts: store.attempts_of(account).await.expect("the attempts"),
            required_calls: calls.iter().filter(|call| call.required).map(|call| call.id.0).collect(),
            holds: store.holds_of(account).await.expect("the holds"),
            promises: store.promises_of(account).await.expect("the promises"),
            arrangements: store.arrangements_of(account).await.expect("the arrangements"),
            referrals: store.referrals_of(account).await.expect("the referrals"),
            petitions: city.office.snapshot(account).await.expect("the account").petitions,
            holidays: calendar.holidays.keys().copied().collect(),
            closures: calendar.closures.iter().copied().collect(),
            opted_out_on: city.opted_out_on,
        }
    }

    /// Orders of a kind that a crew carried out with leave.
    fn done(&self, kind: OrderKind) -> impl Iterator<Item = &FieldOrder> {
        let done = move |order: &&FieldOrder| order.kind == kind && order.state == OrderState::Done;
        self.orders.iter().filter(done).filter(|order| !order.is_done_without_leave())
    }

    fn is_business(&self, day: Day) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.holidays.contains(&day)
    }

    fn business_days(&self, from: Day, to: Day) -> usize {
        from.iter_days().skip(1).take_while(|day| *day <= to).filter(|day| self.is_business(*day)).count()
    }

    /// What was received by then, as it was known at the end of a day.
    fn received(&self, from: Day, through: Day, known_on: Day) -> Cents {
        let undone: BTreeSet<_> = self
            .entries
            .iter()
            .filter(|entry| entry.effective_on <= known_on)
            .filter_map(|entry| entry.reverses)
            .collect();
        let counts = |entry: &&Entry| {
            entry.kind == EntryKind::Payment
                && (from..=through).contains(&entry.effective_on)
                && entry.recorded_at.date_naive() <= plus_days(known_on, 1)
                && !undone.contains(&entry.id)
        };
        self.entries.iter().filter(counts).map(|entry| entry.amount.abs()).sum()
    }

    /// Invariants 1 and 5: debts of sixty days that a letter listed, which was mailed with proof fifteen days and seven business
    /// days ahead to the mailing address, and to the occupant where that is another; somebody spoken to, or a notice left.
    fn no_earlier_than_the_law(&self, day: Day, about: &str) {
        let in_time = |notice: &&Notice| {
            let mailed = notice.mailed_on.filter(|_| notice.proof.is_some());
            mailed.is_some_and(|on| (day - on).num_days() >= 15 && self.business_days(on, day) >= 7)
                && notice.template.as_str() == "final_notice"
                && notice.channel == Channel::Mail
                && notice.statutory
        };
        let last = self
            .notices
            .iter()
            .filter(in_time)
            .filter(|notice| notice.recipient == Recipient::Customer)
            .max_by_key(|notice| notice.mailed_on);
        let Some(notice) = last else { panic!("no final notice was mailed in time: {about}") };
        let mailed = notice.mailed_on.expect("in time");
        let old = notice.facts.items.iter().filter(|item| (day - item.due_on).num_days() >= 60);
        let owed: Cents = old.map(|item| item.open).sum();
        assert!(owed >= Cents::new(6_000), "{owed} of the debts listed are sixty days old: {about}");

        let languages: BTreeSet<Language> = notice.languages.iter().copied().collect();
        assert_eq!(languages.len(), 6, "{about}");
        let mut copies = self.notices.iter().filter(in_time).filter(|copy| copy.act_key == notice.act_key);
        let goes_elsewhere = notice.address.line1 != "418 Alder St";
        let has_copy = copies.any(|copy| copy.recipient == Recipient::Occupant && copy.address.line1 == "418 Alder St");
        assert!(!goes_elsewhere || has_copy, "no copy to the occupant: {about}");

        let by = |kind, since: Day, days: i64| {
            let there =
                |order: &FieldOrder| order.done_on.is_some_and(|on| since <= on && (day - on).num_days() >= days);
            self.done(kind).any(there)
        };
        let answered = |attempt: &CallAttempt| {
            attempt.outcome.is_contact() && mailed <= attempt.made_on && (day - attempt.made_on).num_days() >= 2
        };
        let told =
            self.attempts.iter().any(answered) || by(OrderKind::Visit, mailed, 2) || by(OrderKind::Tag, mailed, 3);
        assert!(told, "nobody was spoken to and nothing was left: {about}");
        if let Some(returned) = notice.returned_on.filter(|on| *on <= day) {
            let answered = by(OrderKind::Visit, returned, 0) && by(OrderKind::Tag, returned, 2);
            assert!(answered, "the letter came back on {returned} and nobody went there: {about}");
        }
    }

    /// Invariant 2: never on a weekend, a holiday, a day on which the office is closed, or in a moratorium.
    fn on_an_open_day(&self, day: Day, about: &str) {
        assert!(self.is_business(day) && !self.closures.contains(&day), "closed: {about}");
        let heat = parse(HEAT.0).expect("a day")..=parse(HEAT.1).expect("a day");
        assert!(!heat.contains(&day), "in the heat: {about}");
    }

    /// Invariant 3: no hold, whatever its kind, and no promise whose time runs.
    fn under_no_protection(&self, day: Day, about: &str) {
        let standing = self.holds.iter().find(|hold| {
            let ended = hold.ended_on.is_some_and(|ended| ended <= day);
            let over = !hold.kind.ends_by_decision() && hold.through.is_some_and(|through| through < day);
            hold.placed_on <= day && hold.from <= day && !ended && !over
        });
        assert!(standing.is_none(), "under {standing:?}: {about}");
        let promised = self.promises.iter().find(|promise| {
            let canceled = promise.canceled_on.is_some_and(|on| on <= day);
            let kept = self.received(plus_days(promise.made_on, 1), day, day) >= promise.amount;
            promise.made_on <= day && day <= promise.last_day() && !canceled && !kept
        });
        assert!(promised.is_none(), "promised {promised:?}: {about}");
    }

    /// Invariant 4: where an arrangement is made, a shut-off needs that sixty days before it was not all received that had come
    /// due by then: installments with their grace, and the bills beside it. Money learned late counts by its own day.
    fn not_while_an_arrangement_is_kept(&self, day: Day, about: &str) {
        for plan in &self.arrangements {
            let over = plan.canceled_on.is_some_and(|on| on <= day);
            let last = plan.installments.last().map(|last| last.due_on);
            let agreed: Cents = plan.installments.iter().map(|installment| installment.amount).sum();
            if over || plan.made_on >= day || self.received(plan.made_on, day, day) >= agreed && last < Some(day) {
                continue;
            }
            let broken = plan.installments.iter().enumerate().any(|(index, installment)| {
                let in_time = plus_days(installment.due_on, i64::from(plan.grace_days));
                let asked: Cents = plan.installments[..=index].iter().map(|each| each.amount).sum();
                let beside = self.billed(plan.made_on, in_time);
                (day - installment.due_on).num_days() >= 60
                    && self.received(plan.made_on, in_time, day) < asked + beside
            });
            let unpaid_beside = self.billed(plan.made_on, plus_days(day, -60 - 21)) > Cents::ZERO
                && self.received(plan.made_on, day, day) < agreed + self.billed(plan.made_on, day);
            assert!(broken || unpaid_beside, "arranged on {} and kept: {about}", plan.made_on);
        }
    }

    /// Bills and fees of days after one, through another.
    fn billed(&self, after: Day, through: Day) -> Cents {
        let beside = |entry: &&Entry| entry.is_debt() && after < entry.effective_on && entry.effective_on <= through;
        self.entries.iter().filter(beside).map(|entry| entry.amount).sum()
    }

    fn is_undone(&self, entry: &Entry) -> bool {
        self.entries.iter().any(|other| other.reverses == Some(entry.id))
    }

    fn write_offs_taken_back(&self) -> usize {
        let write_offs = self.entries.iter().filter(|entry| entry.kind == EntryKind::WriteOff);
        write_offs.filter(|entry| self.is_undone(entry)).count()
    }

    /// What was billed by the day of a petition is in no letter that was ordered while its stay stood and was known.
    fn nothing_stayed_is_asked_for(&self, seed: u64) {
        for petition in &self.petitions {
            let known = plus_days(petition.recorded_on, 1);
            let until = petition.ended.map_or(Day::MAX, |(ended, _)| ended);
            let asked = self.notices.iter().filter(|notice| known <= notice.planned_on && notice.planned_on < until);
            let items = asked.flat_map(|notice| &notice.facts.items);
            let stayed = items.into_iter().find(|item| {
                let debt = self.entries.iter().find(|entry| entry.id == item.item);
                debt.is_some_and(|debt| debt.effective_on <= petition.petition_on)
            });
            assert!(stayed.is_none(), "{stayed:?} is stayed since {} and asked for, seed {seed}", petition.petition_on);
        }
    }

    /// A write-off that stands writes off no more than its debt, which stands in the ledger from before it.
    fn write_offs_write_off_their_debts(&self, seed: u64) {
        let write_offs = self.entries.iter().filter(|entry| entry.kind == EntryKind::WriteOff);
        for write_off in write_offs.filter(|entry| !self.is_undone(entry)) {
            let debt = self.entries.iter().find(|entry| Some(entry.id) == write_off.designated_item);
            let is_so = debt.is_some_and(|debt| {
                debt.effective_on <= write_off.effective_on && write_off.amount.abs() <= debt.amount
            });
            assert!(is_so, "{write_off:?} of {debt:?}, seed {seed}");
        }
    }

    /// Nobody is shut off where service has ended.
    fn no_shut_off_after_the_end(cuts: &[&FieldOrder], ended_on: Option<Day>, seed: u64) {
        let after = cuts.iter().find(|cut| ended_on.is_some_and(|ended| cut.done_on > Some(ended)));
        assert!(after.is_none(), "{after:?} after the end of service, seed {seed}");
    }

    /// Invariant 6: what the law wants told is not served by email.
    fn no_email_alone(&self) {
        for notice in self.notices.iter().filter(|notice| notice.statutory && notice.channel == Channel::Email) {
            assert_eq!(notice.served_on, None, "notice {} is served by email", notice.id);
        }
    }

    /// Invariant 7: seven attempts in seven days; after a conversation seven days of quiet, but for calls that the law requires;
    /// by day; and none to whoever asked not to be called.
    fn calls_within_limits(&self) {
        for attempt in &self.attempts {
            let week = plus_days(attempt.made_on, -6)..=attempt.made_on;
            let within = self.attempts.iter().filter(|other| week.contains(&other.made_on)).count();
            assert!(within <= 7, "{within} attempts in the seven days through {}", attempt.made_on);
            assert!(("08:00".."20:00").contains(&attempt.at.as_str()), "called at {}", attempt.at);
            let quiet = self.attempts.iter().find(|other| {
                let days = (attempt.made_on - other.made_on).num_days();
                other.outcome.is_contact() && (1..7).contains(&days)
            });
            let required = self.required_calls.contains(&attempt.call.0);
            assert!(quiet.is_none() || required, "called on {} after {quiet:?}", attempt.made_on);
            let opted_out = self.opted_out_on.is_some_and(|on| on <= attempt.made_on);
            assert!(!opted_out, "called on {} after an opt-out", attempt.made_on);
        }
    }
}

fn came_back(referral: &Referral) -> bool {
    matches!(referral.state, ReferralState::Recalled | ReferralState::Returned)
}

/// Invariant 5, and 9 of documents: what a notice says that was sent is in the record, byte for byte.
async fn documents_are_what_was_sent(city: &City, record: &Record) -> usize {
    let mut seen = 0;
    for notice in &record.notices {
        let left = matches!(
            notice.state,
            NoticeState::Mailed | NoticeState::Sent | NoticeState::Returned | NoticeState::Bounced
        );
        let Some(hash) = &notice.document else {
            assert!(!left, "notice {} left without a document", notice.id);
            continue;
        };
        let kept = city.office.store.document(hash).await.expect("the documents");
        let document = kept.unwrap_or_else(|| panic!("the document of notice {} is gone", notice.id));
        assert_eq!(sha256(&document.bytes), *hash, "notice {}", notice.id);
        seen += 1;
    }
    seen
}

/// Invariant 8: the ledger's sum is the balance, the buckets add up to it, and nothing was posted twice.
async fn money_adds_up(city: &City, record: &Record) {
    let today = city.office.today();
    let all: Cents = record.entries.iter().filter(|e| e.effective_on <= today).map(|entry| entry.amount).sum();
    let snapshot = city.office.snapshot(city.account).await.expect("the account");
    // What a petition stays is not asked for, and what is left over of a write-off is nobody's.
    let left_over: Cents = snapshot.idle.iter().map(|idle| idle.left).sum();
    let ledger = all + left_over - snapshot.stayed.iter().map(|item| item.open).sum::<Cents>();
    assert_eq!(snapshot.balance(), ledger, "the balance");
    let aged = AgedAccount {
        number: snapshot.profile.number.clone(),
        name: snapshot.profile.customer_name.clone(),
        class: snapshot.profile.class,
        items: snapshot.items.clone(),
        unapplied: snapshot.unapplied,
    };
    let aging = Aging::of([aged], &BucketLimits(vec![30, 60, 90]), today, Detail::Summary);
    let buckets: Cents = aging.total.buckets_cents.iter().copied().sum();
    assert_eq!((buckets, aging.total.balance_cents), (ledger, ledger), "the buckets");
    let mut posted = BTreeSet::new();
    for entry in &record.entries {
        let key = (entry.source.clone(), entry.reference.clone(), entry.service, entry.kind);
        assert!(posted.insert(key), "{} of {} is posted twice", entry.reference, entry.source);
    }
}

/// Invariant 10: a packet's total is the ledger's, and each notice in it is what was sent.
fn packets_say_what_the_ledger_says(city: &City, record: &Record) {
    for built in &city.built {
        assert_eq!(built.packet.total, built.ledger, "the total of {}", built.packet.file_name);
        let mut exhibits = 0;
        for part in &built.packet.parts {
            assert_eq!(sha256(&part.bytes), part.hash, "{}", part.path);
            exhibits += usize::from(record.notices.iter().any(|notice| notice.document.as_ref() == Some(&part.hash)));
        }
        assert!(exhibits > 0, "{} has no notice as it was sent", built.packet.file_name);
    }
}

/// Invariant 12: every line of the log has its author, and the doctor finds the record whole.
async fn everything_has_an_author(city: &City) {
    let log = city.office.store.log_of(city.account, 100_000).await.expect("the log");
    for line in &log {
        let named = match &line.actor {
            Actor::Person(name) | Actor::File(name) => !name.trim().is_empty(),
            Actor::Daemon => true,
        };
        assert!(named, "line {} ({}) is nobody's", line.seq, line.what);
        if let Some(reason) = line.body.get("override").and_then(|given| given.get("reason")) {
            assert!(reason.as_str().is_some_and(|reason| !reason.trim().is_empty()), "line {}", line.seq);
        }
    }
    let checkup = city.office.doctor(&|_, _| {}).await.expect("a checkup");
    let wrong: Vec<_> = checkup.checks.iter().filter(|check| check.wrong > 0).collect();
    assert!(checkup.is_clean(), "{wrong:#?}");
}
