//! Random histories of one account, lived day by day with the real decision and the real audit.
//!
//! Each property is one that a supervisor would state. What the law asks of a shut-off is counted here again, with a
//! few lines that share nothing with the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use arrears::domain::arrangement::{ArrangementState, Installment};
use arrears::domain::case::{Cause, StageRef};
use arrears::domain::day::{parse, plus_days};
use arrears::domain::hold::{Hold, HoldKind};
use arrears::domain::world::Moratorium;
use arrears::domain::{
    Act, Action, Address, Calendar, Case, Cents, CustomerClass, Day, Decision, EventKind, HoldId, ItemId, Language,
    Occupancy, Profile, Service, Snapshot, Step, World,
};
use arrears::rehearsal::{Account, Division, Payment};
use arrears::rulebook::{self, Policy, calendar};
use chrono::{Datelike, Weekday};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// How long a history is, in days.
const DAYS: i64 = 260;

fn first_day() -> Day {
    parse("2026-01-05").unwrap()
}

// Policies and calendars.

fn policy_of_the_corpus(name: &str) -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies").join(name);
    let text = fs::read_to_string(path).unwrap();
    rulebook::load(&rulebook::shipped().with(name, text), name).unwrap_or_else(|errors| panic!("{errors}"))
}

fn riverbend() -> Policy {
    rulebook::load(&rulebook::shipped(), "riverbend.yaml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn calendar_of(policy: &Policy) -> Calendar {
    let path = format!("calendars/{}.yaml", policy.calendar);
    calendar::load(rulebook::shipped().get(&path).unwrap(), &path).unwrap()
}

/// A policy of no city, with what the others lack: fees that recur and are waived, leads before leads, tracks opened by
/// events, windows of both kinds, days of a rule, bars and a track's own condition.
const EVERYTHING: &str = "
policy: everything
title: A policy with everything
authority: none
effective: {from: 2026-01-01}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water, sewer, electric]
disconnects: [water, electric]
ledger: {due: 21 days after billed, de_minimis: 1.00}
cure_below: 15.00
tracks:
  penalty:
    cite: none
    per: bill
    stages:
      late: {start: more than 5 days after due, end: {on: 9 days after due, then: lapse}, do: {fee: 4.00, name: late fee}}
      monthly:
        start: 20 days after due
        every: 1 month
        do: {fee: 1.5% of unpaid charges, name: interest}
        waive: {if: count of payment returned in 1 month >= 2}
  water:
    cite: none
    counts: [water, sewer]
    when_anchor_paid: keep
    if: not arrangement missed
    stages:
      tell: {lead: 5 days before warn, do: {notice: reminder, by: mail}}
      warn: {lead: 10 business days before cut, do: {notice: final_notice, by: mail, statutory: yes}}
      call: {lead: 2 business days before cut, do: {call: soon, attempts: 1, required: yes}}
      cut:
        start: 30 days after due
        on: second wednesday of the month
        if: {all: [debt at least 30 days old >= 40.00, days past due < 200]}
        end: {on: 30 days after warn mailed, then: restart warn}
        do: disconnect
  electric:
    cite: none
    counts: [electric]
    when_anchor_paid: close
    stages:
      tag: {start: 8 days after due, do: {tag: shut_off_tag, statutory: yes}}
      cut:
        start: 5 business days after tag posted
        never: [friday, saturday, sunday, holiday, holiday_eve]
        end: {on: 20 days after tag posted, then: exception}
        do: {disconnect: [electric]}
  bad_check:
    cite: none
    opens: payment returned
    stages:
      charge: {start: 0 days after payment returned, do: {fee: 25.00, name: returned payment}}
      notice: {start: 1 day after payment returned, do: {notice: final_notice, by: mail, statutory: yes}}
      cut: {start: 10 days after notice mailed, do: {disconnect: [water]}}
  default:
    cite: none
    opens: installment missed
    stages:
      notice: {start: 2 days after installment missed, do: {notice: final_notice, by: mail, statutory: yes}}
      cut: {start: 7 business days after notice mailed, do: {disconnect: [water]}}
bars:
  twice: {blocks: disconnect electric, when: count of promise broken in 2 months >= 1, cite: none}
";

// Histories.

/// Something that happens to an account on a day.
#[derive(Clone, Debug)]
enum Fact {
    /// A share of what is owed, in percent; learned some days after it was received.
    Pay {
        percent: i64,
        learned_after: i64,
        to: Designated,
    },
    PaymentReturned,
    Hold {
        kind: HoldKind,
        days: Option<i64>,
        newest_item_only: bool,
    },
    HoldEnds,
    Promise {
        percent: i64,
        days: i64,
    },
    Arrangement {
        installments: i64,
        every_days: i64,
    },
    /// Money, an arrangement and money again, all on one day.
    ArrangementAtTheCounter {
        percent_before: i64,
        percent_after: i64,
        installments: i64,
    },
    ArrangementCanceled,
    ArrangementReinstated,
    LetterReturned,
    LetterVoided,
    Called {
        reached: bool,
    },
    ShutOffCanceledFromNowOn(bool),
    /// A petition in bankruptcy of some days ago.
    Petition {
        days_ago: i64,
    },
    PetitionDismissed,
    /// The city holds a deposit.
    Deposit {
        cents: i64,
    },
    ServiceEnds,
    /// A debt comes from another account of the customer, with its own due date.
    Transferred {
        cents: i64,
        due_days_ago: i64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Designated {
    Oldest,
    Newest,
    Sewer,
    Nothing,
}

#[derive(Clone, Debug)]
struct History {
    class: CustomerClass,
    mails_elsewhere: bool,
    mails_after_days: Option<u16>,
    contact: Option<bool>,
    /// Cents of water; a bill every thirty days, with sewer and refuse beside it.
    bills: Vec<i64>,
    facts: Vec<(i64, Fact)>,
}

fn facts() -> impl Strategy<Value = Fact> {
    let designated = prop::sample::select(vec![
        Designated::Nothing,
        Designated::Nothing,
        Designated::Oldest,
        Designated::Newest,
        Designated::Sewer,
    ]);
    let percent = prop::sample::select(vec![5_i64, 40, 60, 90, 100, 100, 100]);
    let kind = prop::sample::select(HoldKind::ALL.to_vec());
    prop_oneof![
        6 => (percent.clone(), 0_i64..4, designated)
            .prop_map(|(percent, late, to)| Fact::Pay { percent, learned_after: late * 3, to }),
        2 => Just(Fact::PaymentReturned),
        3 => (kind, prop::option::of(1_i64..60), any::<bool>())
            .prop_map(|(kind, days, newest_item_only)| Fact::Hold { kind, days, newest_item_only }),
        2 => Just(Fact::HoldEnds),
        2 => (percent.clone(), 1_i64..20).prop_map(|(percent, days)| Fact::Promise { percent, days }),
        2 => (1_i64..5, prop::sample::select(vec![7_i64, 30]))
            .prop_map(|(installments, every_days)| Fact::Arrangement { installments, every_days }),
        2 => (percent, prop::sample::select(vec![0_i64, 5, 40]), 1_i64..4).prop_map(
            |(percent_before, percent_after, installments)| {
                Fact::ArrangementAtTheCounter { percent_before, percent_after, installments }
            }
        ),
        1 => Just(Fact::ArrangementCanceled),
        1 => Just(Fact::ArrangementReinstated),
        1 => Just(Fact::LetterReturned),
        1 => Just(Fact::LetterVoided),
        2 => any::<bool>().prop_map(|reached| Fact::Called { reached }),
        1 => any::<bool>().prop_map(Fact::ShutOffCanceledFromNowOn),
        1 => prop::sample::select(vec![0_i64, 0, 12, 40]).prop_map(|days_ago| Fact::Petition { days_ago }),
        1 => Just(Fact::PetitionDismissed),
        1 => prop::sample::select(vec![5_000_i64, 60_000]).prop_map(|cents| Fact::Deposit { cents }),
        1 => Just(Fact::ServiceEnds),
        1 => (prop::sample::select(vec![4_000_i64, 20_000]), 0_i64..200)
            .prop_map(|(cents, due_days_ago)| Fact::Transferred { cents, due_days_ago }),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    (
        prop::sample::select(vec![CustomerClass::Residential, CustomerClass::Residential, CustomerClass::Commercial]),
        any::<bool>(),
        prop::sample::select(vec![Some(0), Some(0), Some(1), Some(4), None]),
        prop::option::of(any::<bool>()),
        prop::collection::vec(prop::sample::select(vec![900_i64, 5_000, 9_000, 18_000, 130_000]), 1..7),
        prop::collection::vec((5_i64..DAYS - 20, facts()), 0..9),
    )
        .prop_map(|(class, mails_elsewhere, mails_after_days, contact, bills, facts)| History {
            class,
            mails_elsewhere,
            mails_after_days,
            contact,
            bills,
            facts,
        })
}

impl History {
    fn profile(&self) -> Profile {
        let home = Address {
            line1: "12 Oak St".into(),
            city: "Riverbend".into(),
            state: "CA".into(),
            zip: "95600".into(),
            ..Address::default()
        };
        let elsewhere = Address { line1: "PO Box 9".into(), ..home.clone() };
        Profile {
            number: "10-0001".into(),
            customer_name: "Pat Rivera".into(),
            mailing_address: if self.mails_elsewhere { elsewhere } else { home.clone() },
            service_address: home,
            email: None,
            phones: vec!["5305550100".into()],
            language: Language::English,
            class: self.class,
            services: vec![Service::Water, Service::Sewer, Service::Refuse, Service::Electric],
            owner: None,
            occupancy: Occupancy::Owner,
            third_party: None,
            since: None,
            ended: None,
            attributes: BTreeMap::new(),
        }
    }

    /// Tells the account what happens on the day.
    fn tell(&self, account: &mut Account, division: &mut Division, day: Day) {
        let offset = (day - first_day()).num_days();
        if offset % 30 == 0
            // After the end of service comes one bill, the final one.
            && account.snapshot().profile.ended.is_none_or(|ended| day <= plus_days(ended, 30))
            && let Some(cents) = usize::try_from(offset / 30).ok().and_then(|n| self.bills.get(n))
        {
            let due_on = plus_days(day, 21);
            account.bill(Service::Water, Cents::new(*cents), due_on);
            account.bill(Service::Sewer, Cents::new(3_100), due_on);
            account.bill(Service::Electric, Cents::new(*cents / 2 + 100), due_on);
        }
        for (_, fact) in self.facts.iter().filter(|(on, _)| *on == offset) {
            tell_one(account, division, fact, day);
        }
    }
}

fn tell_one(account: &mut Account, division: &mut Division, fact: &Fact, day: Day) {
    let snapshot = account.snapshot();
    let owed: Cents = snapshot.items.iter().map(|item| item.open).sum();
    let share = |percent: i64| Cents::new(owed.get() * percent / 100);
    match fact {
        Fact::Pay { percent, learned_after, to } if share(*percent).is_positive() => {
            let item = match to {
                Designated::Oldest => snapshot.items.first().map(|item| item.id),
                Designated::Newest => snapshot.items.last().map(|item| item.id),
                Designated::Sewer | Designated::Nothing => None,
            };
            let service = matches!(to, Designated::Sewer).then_some(Service::Sewer);
            let received_on = plus_days(day, -learned_after).max(first_day());
            account.pay(Payment { amount: share(*percent), received_on, item, service });
        }
        Fact::Pay { .. } => {}
        Fact::PaymentReturned => account.return_payment(None),
        Fact::Hold { kind, days, newest_item_only } => {
            let items = snapshot.items.last().filter(|_| *newest_item_only).map(|item| item.id);
            account.hold(hold(*kind, day, days.map(|days| plus_days(day, days)), items.into_iter().collect()));
        }
        Fact::HoldEnds => account.end_hold(),
        Fact::Promise { percent, days } if share(*percent).is_positive() => {
            account.promise(share(*percent), plus_days(day, *days));
        }
        Fact::Promise { .. } => {}
        Fact::Arrangement { installments, every_days } => arrange(account, owed, *installments, *every_days, day),
        Fact::ArrangementAtTheCounter { percent_before, percent_after, installments } => {
            let pay = |percent: i64| Payment { amount: share(percent), received_on: day, item: None, service: None };
            let mut left = owed;
            for (percent, then_arrange) in [(*percent_before, true), (*percent_after, false)] {
                if share(percent).is_positive() {
                    account.pay(pay(percent));
                    left -= share(percent);
                }
                if then_arrange && left.is_positive() {
                    arrange(account, left, *installments, 7, day);
                }
            }
        }
        Fact::ArrangementCanceled => account.cancel_arrangement(),
        Fact::ArrangementReinstated => account.reinstate(),
        Fact::LetterReturned => account.return_letter(),
        Fact::LetterVoided => account.void_letter(),
        Fact::Called { reached } => {
            division.contact = Some(*reached);
            let kind = if *reached { EventKind::ContactMade } else { EventKind::ContactFailed };
            account.happens(kind, None);
        }
        Fact::ShutOffCanceledFromNowOn(canceled) => division.cuts = !canceled,
        Fact::Petition { days_ago } if snapshot.stay_on(day).is_none() => account.petition(plus_days(day, -days_ago)),
        Fact::Petition { .. } => {}
        Fact::PetitionDismissed => account.dismiss(),
        Fact::Deposit { cents } => account.deposit(Cents::new(*cents)),
        Fact::ServiceEnds if snapshot.profile.ended.is_none() => account.end_service(),
        Fact::ServiceEnds => {}
        Fact::Transferred { cents, due_days_ago } => {
            account.transferred(Service::Water, Cents::new(*cents), plus_days(day, -due_days_ago));
        }
    }
}

fn arrange(account: &mut Account, owed: Cents, installments: i64, every_days: i64, day: Day) {
    let each = Cents::new(owed.get() / installments + 1);
    let due = (1..=installments).map(|n| plus_days(day, n * every_days));
    account.arrange(due.map(|due_on| Installment { due_on, amount: each }).collect());
}

fn hold(kind: HoldKind, from: Day, through: Option<Day>, items: BTreeSet<arrears::domain::ItemId>) -> Hold {
    Hold {
        id: HoldId(0),
        kind,
        from,
        through,
        ended_on: None,
        items,
        stops_clock: false,
        reason: "history".into(),
        placed_by: "history".into(),
        placed_on: from,
        estate: None,
    }
}

// Lives.

/// When an account is decided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    EveryDay,
    /// Only when facts changed or the last decision asked to look again.
    WhenDue,
}

/// A day of a life: what was decided, and the account before and after.
struct Lived<'a> {
    day: Day,
    decisions: Vec<Decision>,
    /// The account as the first decision of the day saw it.
    seen: Account<'a>,
    case: Option<Case>,
}

impl Lived<'_> {
    fn acts(&self) -> impl Iterator<Item = &Act> {
        self.decisions.iter().flat_map(|decision| &decision.acts)
    }
}

fn live<'a>(policy: &'a Policy, world: &World, history: &History, pace: Pace) -> Result<Vec<Lived<'a>>, String> {
    let mut account = Account::new(policy, world.on(first_day()), history.profile());
    let mut division =
        Division { mails_after_days: history.mails_after_days, contact: history.contact, ..Division::default() };
    let mut days = Vec::new();
    for offset in 0..DAYS {
        let day = plus_days(first_day(), offset);
        account.begin(day);
        history.tell(&mut account, &mut division, day);
        let seen = account.clone();
        let mut decisions = Vec::new();
        // The night's run, and once more after what it brought about.
        for _ in 0..2 {
            if pace == Pace::WhenDue && !account.is_due() {
                continue;
            }
            let decision = account.decide().map_err(|refusal| format!("{day}: {refusal}"))?;
            account.carry_out(&decision, &division);
            // What is past due behind a case that closed opens the next one tomorrow.
            let has_closed = decision.closed.is_some();
            decisions.push(decision);
            if has_closed {
                break;
            }
        }
        days.push(Lived { day, decisions, seen, case: account.case().cloned() });
    }
    Ok(days)
}

fn world_of(policy: &Policy) -> World {
    World { today: first_day(), calendar: calendar_of(policy), moratoria: Vec::new() }
}

// What is held against a life.

/// Deciding only when due gives the same acts and cases as deciding every day.
fn same_when_only_due(full: &[Lived], due: &[Lived]) -> Result<(), TestCaseError> {
    for (full, due) in full.iter().zip(due) {
        let keys = |lived: &Lived| lived.acts().map(|act| act.key.to_string()).collect::<BTreeSet<_>>();
        prop_assert_eq!(keys(full), keys(due), "acts on {}", full.day);
        prop_assert_eq!(&full.case, &due.case, "case after {}", full.day);
    }
    Ok(())
}

fn is_restoration(act: &Act) -> bool {
    matches!(act.action, Action::Restore { .. })
}

/// No act twice, and at most one stage forward a day on each run of a track. A fee that is caught up is of another day.
fn nothing_is_doubled(days: &[Lived]) -> Result<(), TestCaseError> {
    let mut keys = BTreeSet::new();
    for lived in days {
        let mut moved: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for decision in &lived.decisions {
            let cuts = decision.acts.iter().filter(|act| matches!(act.action, Action::Disconnect { .. }));
            let services: Vec<_> = cuts.map(|act| act.key.service).collect();
            let distinct: BTreeSet<_> = services.iter().collect();
            prop_assert_eq!(distinct.len(), services.len(), "a service is shut off twice on {}", lived.day);
        }
        for act in lived.acts().filter(|act| !is_restoration(act)) {
            prop_assert!(keys.insert(act.key.clone()), "{} is decided again on {}", act.key, lived.day);
            let StageRef { track, anchor, stage, round, .. } = act.key.of.clone();
            let amends = matches!(act.action, Action::Task { .. } | Action::ReverseFee { .. });
            if act.for_day == lived.day && !amends {
                moved.entry((track, anchor)).or_default().insert((stage, round));
            }
        }
        for ((track, _), stages) in moved {
            prop_assert_eq!(stages.len(), 1, "{} went several stages on {}: {:?}", track, lived.day, stages);
        }
    }
    Ok(())
}

/// A cured case does nothing more; what comes afterwards belongs to a new case. A fee is taken back in the case that charged it,
/// whenever it is learned that it had no ground; a deposit is applied when service has ended, whether anything is past due or not.
fn a_closed_case_rests(days: &[Lived]) -> Result<(), TestCaseError> {
    let mut closed = 0;
    for lived in days {
        for decision in &lived.decisions {
            let amends = |act: &&Act| matches!(act.action, Action::ReverseFee { .. } | Action::ApplyDeposit(_));
            for act in decision.acts.iter().filter(|act| !is_restoration(act) && !amends(act)) {
                prop_assert!(act.key.of.case > closed, "{} after its case was closed", act.key);
            }
            if let Some(cause) = &decision.closed {
                let stays = !lived.seen.snapshot().stayed.is_empty();
                prop_assert!(*cause == Cause::Cured || (*cause == Cause::Stayed && stays), "{}", cause);
                prop_assert!(decision.case.is_none());
                closed = lived.seen.snapshot().cases_so_far;
            }
        }
    }
    Ok(())
}

/// The same facts give the same bytes.
fn same_bytes(days: &[Lived]) -> Result<(), TestCaseError> {
    for lived in days.iter().step_by(9) {
        let bytes = || serde_json::to_string(&lived.seen.decide().unwrap()).unwrap();
        prop_assert_eq!(bytes(), bytes());
        if let Some(first) = lived.decisions.first() {
            prop_assert_eq!(serde_json::to_string(first).unwrap(), bytes());
        }
    }
    Ok(())
}

/// Whole days from `from` to `to` that count.
fn days_counted(from: Day, to: Day, counts: impl Fn(Day) -> bool) -> usize {
    from.iter_days().take_while(|day| *day < to).filter(|day| counts(*day)).count()
}

/// What came back told nobody: a visit since then, and a notice that was left, in the mail's place.
fn what_came_back_is_answered(
    snapshot: &Snapshot,
    of: &StageRef,
    notice: &Step,
    day: Day,
) -> Result<(), TestCaseError> {
    if snapshot.profile.class == CustomerClass::Commercial {
        return Ok(());
    }
    let of_run = |e: &StageRef| e.case == of.case && e.anchor == of.anchor && e.track == of.track;
    let of_notice = |e: &StageRef| of_run(e) && e.stage == notice.stage && e.round == notice.round;
    let mut returned = None;
    for event in snapshot.events.iter().filter(|event| event.of.as_ref().is_some_and(of_notice)) {
        match event.kind {
            EventKind::NoticeReturned => returned = returned.max(Some(event.on)),
            EventKind::NoticeMailed => returned = None,
            _ => {}
        }
    }
    let Some(returned) = returned else { return Ok(()) };
    let since = |kinds: &[EventKind], at: &[&str]| {
        let there = |e: &StageRef| of_run(e) && (at.is_empty() || at.contains(&e.stage.as_str()));
        let happened = snapshot.events.iter().filter(|e| kinds.contains(&e.kind) && returned <= e.on);
        happened.filter(|event| event.of.as_ref().is_some_and(there)).map(|event| event.on).min()
    };
    let visited = since(&[EventKind::ContactMade, EventKind::ContactFailed], &["returned_mail"]);
    prop_assert!(visited.is_some(), "nobody went there after {} and before {}", returned, day);
    let left = since(&[EventKind::NoticePosted], &[]);
    let in_time = left.is_some_and(|left| (day - left).num_days() >= 15);
    prop_assert!(in_time, "came back {}, left {:?}, shut off {}", returned, left, day);
    Ok(())
}

/// An arrangement that is kept: nothing of it is cut for, and what is had its sixty days and then a posting.
fn what_is_arranged_is_let_be(
    snapshot: &Snapshot,
    of: &StageRef,
    items: &[ItemId],
    day: Day,
    is_business: impl Fn(Day) -> bool,
) -> Result<(), TestCaseError> {
    for plan in &snapshot.arrangements {
        let standing = plan.standing(&snapshot.applications, &snapshot.items, day);
        if plan.made_on > day || standing.state != ArrangementState::Performing {
            continue;
        }
        prop_assert!(items.iter().all(|item| !plan.covers.contains(item)), "cut for what is arranged");
        let due_on = |item: &ItemId| snapshot.items.iter().find(|open| open.id == *item).map(|open| open.due_on);
        let oldest = items.iter().filter_map(due_on).min().unwrap();
        prop_assert!(oldest > plan.made_on && (day - oldest).num_days() >= 60, "due {} cut {}", oldest, day);
        let posted = snapshot.events.iter().any(|event| {
            let of_run = |e: &StageRef| e.case == of.case && e.anchor == of.anchor && e.track == of.track;
            event.kind == EventKind::NoticePosted
                && event.of.as_ref().is_some_and(of_run)
                && (event.on - oldest).num_days() >= 60
                && days_counted(event.on, day, &is_business) >= 5
        });
        prop_assert!(posted || snapshot.profile.class == CustomerClass::Commercial, "no posting before {}", day);
    }
    Ok(())
}

/// Under the California pack: every debt is sixty days past due, its notice fifteen days and seven business days old,
/// and somebody was spoken to a whole day ahead or, after attempts in vain, had a notice at the door two whole days ahead.
fn every_shut_off_is_lawful(days: &[Lived], calendar: &Calendar) -> Result<(), TestCaseError> {
    let is_weekend = |day: Day| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let is_business = |day: Day| !is_weekend(day) && !calendar.holidays.contains_key(&day);
    for lived in days {
        for decision in &lived.decisions {
            for act in decision.acts.iter().filter(|act| matches!(act.action, Action::Disconnect { .. })) {
                let day = act.for_day;
                prop_assert!(is_business(day) && !calendar.closures.contains(&day), "shut off on {}", day);
                let of = &act.key.of;
                let case = decision.case.as_ref().unwrap();
                let run = case.tracks.iter().find(|run| run.track == of.track && run.anchor == of.anchor).unwrap();
                let step = |stage: &str| {
                    run.steps.iter().filter(|step| step.stage.as_str() == stage).max_by_key(|step| step.round).unwrap()
                };
                let notice = step("final_notice");
                let snapshot = lived.seen.snapshot();
                for item in &step("shut_off").items {
                    prop_assert!(notice.items.contains(item), "{} was not listed", item);
                    let due_on = snapshot.items.iter().find(|open| open.id == *item).unwrap().due_on;
                    let old_enough =
                        (day - due_on).num_days() >= 60 || snapshot.profile.class == CustomerClass::Commercial;
                    prop_assert!(old_enough, "due {} and shut off {}", due_on, day);
                }
                let mailed = snapshot.events.iter().rfind(|event| {
                    let of_notice =
                        |e: &StageRef| e.stage == notice.stage && e.round == notice.round && e.case == of.case;
                    event.kind == EventKind::NoticeMailed && event.of.as_ref().is_some_and(of_notice)
                });
                let mailed = mailed.unwrap().on;
                prop_assert!((day - mailed).num_days() >= 15, "mailed {} and shut off {}", mailed, day);
                prop_assert!(days_counted(mailed, day, is_business) >= 7, "mailed {} and shut off {}", mailed, day);

                what_came_back_is_answered(&snapshot, of, notice, day)?;
                what_is_arranged_is_let_be(&snapshot, of, &step("shut_off").items, day, is_business)?;

                let before = |kind, days| {
                    let in_time = |on: Day| (day - on).num_days() >= days;
                    snapshot.events.iter().any(|event| {
                        let of_run = |e: &StageRef| e.case == of.case && e.anchor == of.anchor && e.track == of.track;
                        event.kind == kind && in_time(event.on) && event.of.as_ref().is_some_and(of_run)
                    })
                };
                let tried = before(EventKind::ContactFailed, 2) && before(EventKind::NoticePosted, 3);
                let is_others = snapshot.profile.class == CustomerClass::Commercial;
                prop_assert!(is_others || tried || before(EventKind::ContactMade, 2), "nobody was told by {}", day);
            }
        }
    }
    Ok(())
}

/// Nobody is asked for a bill that they contest, nor for one of before a petition; and nobody is shut off or referred while
/// anything is contested.
fn what_is_withdrawn_is_asked_of_nobody(days: &[Lived]) -> Result<(), TestCaseError> {
    let contests = [HoldKind::Dispute, HoldKind::Appeal, HoldKind::Investigation];
    for lived in days {
        let snapshot = lived.seen.snapshot();
        let open = |hold: &&Hold| {
            contests.contains(&hold.kind)
                && hold.from <= lived.day
                && hold.ended_on.is_none_or(|ended| lived.day < ended)
        };
        let contested: BTreeSet<ItemId> =
            snapshot.holds.iter().filter(open).flat_map(|hold| hold.items.iter().copied()).collect();
        let any_contest = snapshot.holds.iter().any(|hold| open(&hold));
        let petition = snapshot.petitions.iter().rfind(|petition| {
            petition.petition_on <= lived.day && petition.ended.is_none_or(|(ended, _)| lived.day < ended)
        });
        for act in lived.acts() {
            let is_adverse = matches!(act.action, Action::Disconnect { .. } | Action::Refer { .. } | Action::WriteOff);
            prop_assert!(!(is_adverse && any_contest), "{} while something is contested", act.key);
            for item in act.notice.iter().flat_map(|notice| &notice.items) {
                prop_assert!(!contested.contains(&item.item), "{} asks for a contested bill", act.key);
                if let Some(petition) = petition {
                    prop_assert!(item.billed_on > petition.petition_on, "{} asks for debt of before", act.key);
                }
            }
        }
    }
    Ok(())
}

fn holds_in_general(policy: &Policy, history: &History) -> Result<Vec<Decision>, TestCaseError> {
    let world = world_of(policy);
    let full = live(policy, &world, history, Pace::EveryDay).map_err(TestCaseError::fail)?;
    let due = live(policy, &world, history, Pace::WhenDue).map_err(TestCaseError::fail)?;
    same_when_only_due(&full, &due)?;
    nothing_is_doubled(&full)?;
    a_closed_case_rests(&full)?;
    same_bytes(&full)?;
    what_is_withdrawn_is_asked_of_nobody(&full)?;
    if policy.name == "riverbend" {
        every_shut_off_is_lawful(&full, &world.calendar)?;
    }
    Ok(full.into_iter().flat_map(|lived| lived.decisions).collect())
}

/// The first day on which somebody is shut off or referred; far in the future when nobody is.
fn first_adverse(days: &[Lived]) -> (Day, Day) {
    let first = |wanted: fn(&Action) -> bool| {
        let found = days.iter().find(|lived| lived.acts().any(|act| wanted(&act.action)));
        found.map_or(Day::MAX, |lived| lived.day)
    };
    (
        first(|action| matches!(action, Action::Disconnect { .. })),
        first(|action| matches!(action, Action::Refer { .. } | Action::WriteOff)),
    )
}

/// So many cases, or as many as `PROPTEST_CASES` says: a wide search takes hours, and is begun by hand.
fn config(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..asked }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn riverbend_keeps_its_promises_in_every_history(history in histories()) {
        holds_in_general(&riverbend(), &history)?;
    }

    #[test]
    fn other_cities_keep_theirs(
        history in histories(),
        city in prop::sample::select(vec![
            "04-livingston.yaml", "14-ca-hsc-116908.yaml", "15-lodi.yaml", "40-plentywood.yaml", "44-savannah.yaml",
            "79-farmer-city.yaml",
        ]),
    ) {
        holds_in_general(&policy_of_the_corpus(city), &history)?;
    }

    #[test]
    fn a_policy_with_everything_keeps_its_own(history in histories()) {
        let sources = rulebook::shipped().with("everything.yaml", EVERYTHING);
        let policy = rulebook::load(&sources, "everything.yaml").unwrap_or_else(|errors| panic!("{errors}"));
        holds_in_general(&policy, &history)?;
    }

    #[test]
    fn protection_never_brings_a_shut_off_or_referral_forward(
        history in histories(),
        on in 0..DAYS,
        kind in prop::sample::select(HoldKind::ALL.to_vec()),
        length in 1_i64..60,
        with in 0_u8..5,
    ) {
        let policy = riverbend();
        let world = world_of(&policy);
        let mut history = history;
        if with == 3 {
            // With a petition a life goes another way: shares of what is owed are other sums, no arrangement is made while it
            // stands, a call is about another bill, another petition is not recorded, and a hold about a bill that the petition
            // takes from what is asked for is about nothing. What is compared is bills and holds on whole accounts.
            history.contact = Some(history.contact.unwrap_or(true));
            history.facts.retain(|(_, fact)| matches!(fact, Fact::Hold { newest_item_only: false, .. }));
        }
        let before = first_adverse(&live(&policy, &world, &history, Pace::WhenDue).map_err(TestCaseError::fail)?);
        let mut world = world;
        let from = plus_days(first_day(), on);
        match with {
            0 => history.facts.insert(0, (on, Fact::Hold { kind, days: Some(length), newest_item_only: false })),
            1 => {
                world.calendar.holidays.insert(from, "a new holiday".into());
            }
            2 => {
                let contests = [HoldKind::Dispute, HoldKind::Appeal, HoldKind::Investigation];
                let kind = contests[usize::try_from(length).unwrap() % 3];
                history.facts.insert(0, (on, Fact::Hold { kind, days: None, newest_item_only: true }));
            }
            3 => history.facts.insert(0, (on, Fact::Petition { days_ago: length })),
            _ => world.moratoria.push(Moratorium { name: "heat".into(), from, through: plus_days(from, length) }),
        }
        let after = first_adverse(&live(&policy, &world, &history, Pace::WhenDue).map_err(TestCaseError::fail)?);
        prop_assert!(after.0 >= before.0, "a shut-off moved from {} to {}", before.0, after.0);
        prop_assert!(after.1 >= before.1, "a referral moved from {} to {}", before.1, after.1);
    }
}

/// The histories reach what they are meant to try; a strategy that never shuts anyone off would prove nothing.
#[test]
fn the_histories_reach_shut_offs_restorations_referrals_and_second_rounds() {
    let policy = riverbend();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reached: BTreeMap<&'static str, usize> = BTreeMap::new();
    for _ in 0..60 {
        let history = histories().new_tree(&mut runner).unwrap().current();
        let Ok(decisions) = holds_in_general(&policy, &history) else { continue };
        for decision in &decisions {
            *reached.entry("closed").or_default() += usize::from(decision.closed.is_some());
            for act in &decision.acts {
                *reached.entry(act.action.word()).or_default() += 1;
                *reached.entry("second round").or_default() += usize::from(act.key.of.round > 1);
            }
        }
    }
    for what in ["notice", "call", "tag", "fee", "disconnect", "restore", "refer", "closed", "second round"] {
        assert!(reached.get(what).copied().unwrap_or_default() > 0, "no history reaches {what}: {reached:?}");
    }
}
