//! The audit on one small city: a final notice by mail, then water is shut off, under two guards.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::minimum::{Given, earliest_day};
use super::*;
use crate::domain::action::{
    CallAction, DepositAction, FeeAction, FeeAmount, NoticeAction, ReconnectionLimits, TagAction,
};
use crate::domain::arrears::BucketLimits;
use crate::domain::calendar::DayKind;
use crate::domain::case::{Step, StepState};
use crate::domain::day::plus_days;
use crate::domain::decision::{Finding, Verdict};
use crate::domain::deposit::{Applied, Deposit};
use crate::domain::dispute::{Dispute, Ruling, Side};
use crate::domain::hold::{Blocks, Estate, HoldKind};
use crate::domain::ledger::ApplicationOrder;
use crate::domain::notice::{ListedItem, NoticeFacts};
use crate::domain::petition::{Chapter, Petition, StayEnd};
use crate::domain::placement::Placed;
use crate::domain::proof::{Proof, ProofKind};
use crate::domain::referral::Destination;
use crate::domain::route::{Route, RouteLine};
use crate::domain::taken_off::TakenOff;
use crate::domain::testing::{With, bill, day, snapshot, stage_ref, world};
use crate::domain::world::Moratorium;
use crate::domain::{
    Act, ActKey, Action, Address, Cents, Channel, CustomerClass, Day, DepositId, DisputeId, EntryId, EntryKind,
    EventKind, HoldId, Occupancy, Party, PetitionId, ProofId, Recipient, ReferralId, RuleId, Service,
};
use crate::rulebook::policy::{
    BarRule, CallRules, Cmp, Cond, Fact, FollowRules, Guard, LedgerRules, Limit, Offset, OpenCases, Opens, Origin, Per,
    Reanchor, ReferralRules, ServedFrom, Stage, Track, Unit, Value,
};

const TRACK: &str = "nonpayment";

fn stage(id: &str, rule: u32, acts: Vec<Action>) -> Stage {
    Stage {
        id: id.into(),
        rule: RuleId(rule),
        start: Vec::new(),
        leads: Vec::new(),
        on: None,
        never: BTreeSet::new(),
        only_if: Cond::Always,
        end: None,
        every: None,
        release: None,
        waive_if: None,
        acts,
    }
}

fn statutory(by: &[Channel]) -> NoticeAction {
    NoticeAction {
        template: "final_notice".into(),
        by: by.to_vec(),
        statutory: true,
        to: vec![Recipient::Customer],
        deemed_days: 0,
    }
}

fn cut() -> Action {
    Action::Disconnect { services: vec![Service::Water], limit_only: false }
}

fn guard(rule: u32, limit: Limit) -> Guard {
    let classes = BTreeSet::from([CustomerClass::Residential]);
    Guard { rule: RuleId(rule), pack: "us-ca-water".into(), service: Service::Water, classes, limit }
}

fn business_days(n: u16) -> Offset {
    Offset { n, unit: Unit::BusinessDay, more_than: false }
}

fn notice_before(n: u16) -> Limit {
    Limit::NoticeBefore { offset: business_days(n), by: vec![Channel::Mail], from: ServedFrom::Mailed }
}

fn origin(line: u32, name: &str, citation: &str) -> Origin {
    Origin { file: "guards/us-ca-water.yaml".into(), line, name: name.into(), citation: citation.into() }
}

fn policy(guards: Vec<Guard>) -> Policy {
    let acts_of_final = vec![Action::Notice(statutory(&[Channel::Mail]))];
    let call = CallAction { script: "final".into(), attempts: 1, required: true, or_visit: false };
    Policy {
        hash: "test".into(),
        name: "riverbend".into(),
        title: String::new(),
        authority: String::new(),
        effective_from: day("2026-01-01"),
        open_cases: OpenCases::Keep,
        time_zone: "America/Los_Angeles".into(),
        calendar: "test".into(),
        ledger: LedgerRules {
            due_days: None,
            order: ApplicationOrder::default(),
            de_minimis: Cents::new(500),
            buckets: BucketLimits::default(),
        },
        cure_below: Cents::new(500),
        tracks: vec![Track {
            id: TRACK.into(),
            rule: RuleId(2),
            per: Per::Account,
            opens: Opens::Arrears,
            when_anchor_paid: Reanchor::Keep,
            only_if: Cond::Always,
            counts: BTreeSet::new(),
            stages: vec![
                stage("final_notice", 3, acts_of_final),
                stage("call", 3, vec![Action::Call(call)]),
                stage("shut_off", 4, vec![cut()]),
                stage("legal", 5, vec![Action::Refer { to: Destination::Attorney }]),
            ],
        }],
        bars: Vec::new(),
        guards,
        holds: Vec::new(),
        calls: CallRules::default(),
        arrangements: crate::rulebook::policy::ArrangementRules::default(),
        promises: crate::rulebook::policy::PromiseRules::default(),
        referral: ReferralRules::default(),
        approvals: crate::rulebook::policy::ApprovalRules::default(),
        proceedings: crate::rulebook::policy::ProceedingRules::default(),
        deposits: crate::rulebook::policy::DepositRules::default(),
        debts_follow: None,
        origins: vec![
            origin(12, "guard sixty_days", "H&S 116908(a)(1)(A)"),
            origin(18, "guard seven_days", "H&S 116908(a)(1)(B)"),
            origin(1, "nonpayment", ""),
            origin(2, "final_notice", ""),
            origin(3, "shut_off", ""),
            origin(4, "legal", ""),
        ],
        stories: Vec::new(),
    }
}

/// 60 days, and a mailed notice seven business days before.
fn pack() -> Policy {
    policy(vec![guard(0, Limit::DebtAge { days: 60 }), guard(1, notice_before(7))])
}

/// $180.00 for water due 2026-03-23; the final notice that lists it was mailed on the day given.
fn noticed(mailed_on: Day) -> Snapshot {
    snapshot()
        .owing(bill(1, Service::Water, 18_000, day("2026-03-23")))
        .in_case(TRACK, "test")
        .acted("final_notice", mailed_on, &[1])
        .event(EventKind::NoticeMailed, mailed_on, Some(stage_ref(TRACK, 1, "final_notice")))
}

fn act(stage: &str, action: Action, cents: Option<i64>, for_day: Day) -> Act {
    let service = matches!(action, Action::Disconnect { .. }).then_some(Service::Water);
    Act {
        key: ActKey { account: crate::domain::AccountId(1), of: stage_ref(TRACK, 1, stage), service, n: 0 },
        action,
        amount: cents.map(Cents::new),
        for_day,
        notice: None,
        needs_release: false,
        because: Finding {
            rule: RuleId(4),
            track: None,
            stage: None,
            verdict: Verdict::Acts,
            facts: Vec::new(),
            until: None,
        },
    }
}

fn decision(snapshot: &Snapshot, on: Day, acts: Vec<Act>) -> Decision {
    Decision {
        account: snapshot.account,
        seen_seq: snapshot.facts_seq,
        on,
        policy: "test".into(),
        case: snapshot.case.clone(),
        closed: None,
        acts,
        cancels: Vec::new(),
        findings: Vec::new(),
        next_review: None,
    }
}

/// What the audit says of shutting water off on `on` for `cents`.
fn cut_on(snapshot: &Snapshot, policy: &Policy, world: &World, cents: i64) -> Result<Cleared, Box<Breach>> {
    let acts = vec![act("shut_off", cut(), Some(cents), world.today)];
    audit(snapshot, policy, world, decision(snapshot, world.today, acts))
}

fn broken(result: Result<Cleared, Box<Breach>>) -> Broken {
    result.expect_err("the audit should have refused").broken
}

// ---- the two guards -------------------------------------------------------------------------------------------

#[test]
fn debt_of_sixty_days_with_a_notice_of_seven_business_days_may_be_cut_for() {
    let account = noticed(day("2026-05-13"));
    assert!(cut_on(&account, &pack(), &world(day("2026-05-22")), 18_000).is_ok());
}

#[test]
fn on_the_fifty_ninth_day_it_may_not_and_the_lead_reads_why() {
    let account = noticed(day("2026-05-01"));
    let breach = cut_on(&account, &pack(), &world(day("2026-05-21")), 18_000).unwrap_err();
    assert_eq!(
        breach.to_string(),
        "Account 10-0001: disconnect of water by stage shut_off for Thu 2026-05-21 ($180.00) refused: item 1 of \
         $180.00, due Mon 2026-03-23, is 59 days past due and must be 60; the earliest day is Fri 2026-05-22. Rule: \
         guards/us-ca-water.yaml:12, guard sixty_days (H&S 116908(a)(1)(A)). Nothing was done; the account waits for \
         the lead."
    );
}

#[test]
fn a_notice_mailed_six_business_days_before_is_too_late() {
    let account = noticed(day("2026-05-14"));
    let breach = broken(cut_on(&account, &pack(), &world(day("2026-05-22")), 18_000));
    let (last_day, found) = (day("2026-05-13"), Some(day("2026-05-14")));
    assert_eq!(breach, Broken::NoticeTooLate { item: EntryId(1), open: Cents::new(18_000), last_day, found });
}

#[test]
fn a_crumb_of_an_old_bill_does_not_carry_the_new_one() {
    // Story: $26.00 is left of the bill due 03-23; $212.40 is due 05-22. On 05-29 only the $26.00 is 60 days old.
    let mut account = noticed(day("2026-05-13"));
    account.items[0].open = Cents::new(2_600);
    let account = account.owing(bill(3, Service::Water, 21_240, day("2026-05-22")));
    let on = world(day("2026-05-29"));
    assert!(matches!(broken(cut_on(&account, &pack(), &on, 23_840)), Broken::TooYoung { item: EntryId(3), .. }));
    assert!(cut_on(&account, &pack(), &on, 2_600).is_ok());
}

#[test]
fn a_debt_that_no_notice_listed_carries_nothing_even_without_guards() {
    let account = noticed(day("2026-05-13")).owing(bill(3, Service::Water, 9_000, day("2026-03-24")));
    let refused = broken(cut_on(&account, &policy(Vec::new()), &world(day("2026-05-29")), 27_000));
    assert_eq!(refused, Broken::NotListed { item: EntryId(3), open: Cents::new(9_000) });
}

#[test]
fn a_notice_never_marked_mailed_and_one_that_came_back_carry_nothing() {
    let mut never_mailed = noticed(day("2026-05-01"));
    never_mailed.events.clear();
    let returned = noticed(day("2026-05-01")).event(EventKind::NoticeReturned, day("2026-05-08"), Some(notice_ref()));
    for account in [never_mailed, returned.clone()] {
        let refused = broken(cut_on(&account, &policy(Vec::new()), &world(day("2026-06-03")), 18_000));
        assert_eq!(refused, Broken::NotListed { item: EntryId(1), open: Cents::new(18_000) });
    }
    // Left at the premises after the mail came back, it counts from its own day.
    let posted = returned.event(EventKind::NoticePosted, day("2026-05-20"), Some(notice_ref()));
    assert!(cut_on(&posted, &pack(), &world(day("2026-05-28")), 18_000).is_err());
    assert!(cut_on(&posted, &pack(), &world(day("2026-05-29")), 18_000).is_ok());
}

fn notice_ref() -> crate::domain::case::StageRef {
    stage_ref(TRACK, 1, "final_notice")
}

#[test]
fn the_notice_of_an_earlier_case_serves_nothing() {
    // Story: paid 05-20 by a check that came back 06-03. The old notice is spent with its case.
    let mut account = noticed(day("2026-05-01"));
    account.case.as_mut().unwrap().number = 2;
    account.cases_so_far = 2;
    let mut order = act("shut_off", cut(), Some(18_000), day("2026-06-04"));
    order.key.of.case = 2;
    let refused =
        audit(&account, &pack(), &world(day("2026-06-04")), decision(&account, day("2026-06-04"), vec![order]));
    assert!(matches!(broken(refused), Broken::NoticeTooLate { found: None, .. }));
}

#[test]
fn a_notice_whose_shut_off_expired_is_spent() {
    let mut account = noticed(day("2026-05-01"));
    let expired = Step {
        stage: "shut_off".into(),
        service: None,
        round: 1,
        state: StepState::Expired(day("2026-05-28")),
        items: vec![],
        known: None,
    };
    account.case.as_mut().unwrap().tracks[0].steps.push(expired);
    let refused = broken(cut_on(&account, &policy(Vec::new()), &world(day("2026-06-04")), 18_000));
    assert!(matches!(refused, Broken::NotListed { .. }));
}

#[test]
fn a_decision_cannot_add_an_item_to_a_notice_that_has_gone_out() {
    let account = noticed(day("2026-05-01")).owing(bill(3, Service::Water, 9_000, day("2026-03-24")));
    let mut forged =
        decision(&account, day("2026-06-04"), vec![act("shut_off", cut(), Some(27_000), day("2026-06-04"))]);
    forged.case.as_mut().unwrap().tracks[0].steps[0].items.push(EntryId(3));
    let refused = broken(audit(&account, &pack(), &world(day("2026-06-04")), forged));
    assert!(matches!(refused, Broken::NoticeTooLate { item: EntryId(3), found: None, .. }));
}

#[test]
fn a_reminder_that_the_law_does_not_ask_for_satisfies_no_guard() {
    let mut policy = pack();
    policy.tracks[0].stages[0].acts =
        vec![Action::Notice(NoticeAction { statutory: false, ..statutory(&[Channel::Mail]) })];
    let refused = broken(cut_on(&noticed(day("2026-05-01")), &policy, &world(day("2026-06-04")), 18_000));
    assert!(matches!(refused, Broken::NoticeTooLate { found: None, .. }));
}

#[test]
fn where_mail_goes_elsewhere_the_occupant_must_have_had_a_copy() {
    let mut policy = policy(vec![guard(1, Limit::OccupantCopy { offset: business_days(7) })]);
    let mut account = noticed(day("2026-05-13"));
    let on = world(day("2026-05-22"));
    assert!(cut_on(&account, &policy, &on, 18_000).is_ok());
    account.profile.mailing_address.line1 = "PO Box 9".into();
    assert!(matches!(broken(cut_on(&account, &policy, &on, 18_000)), Broken::NoOccupantCopy { .. }));
    let mut with_copy = statutory(&[Channel::Mail]);
    with_copy.to.push(Recipient::Occupant);
    policy.tracks[0].stages[0].acts = vec![Action::Notice(with_copy)];
    assert!(cut_on(&account, &policy, &on, 18_000).is_ok());
}

#[test]
fn the_guards_of_residential_water_do_not_bind_a_commercial_account() {
    let mut account = noticed(day("2026-04-01"));
    account.profile.class = CustomerClass::Commercial;
    assert!(cut_on(&account, &pack(), &world(day("2026-04-02")), 18_000).is_ok());
}

// ---- deposits and transferred debts ---------------------------------------------------------------------------

/// Service ended on May 15, the final bill is of May 18, and a deposit of $100.00 is held.
fn with_deposit() -> Snapshot {
    let mut account = noticed(day("2026-05-13"));
    account.profile.ended = Some(day("2026-05-15"));
    account.final_bill = Some(day("2026-05-18"));
    account.items.push(crate::domain::OpenItem {
        billed_on: day("2026-05-18"),
        ..bill(7, Service::Water, 4_000, day("2026-06-08"))
    });
    account.deposits.push(Deposit {
        id: DepositId(9),
        amount: Cents::new(10_000),
        interest: Cents::ZERO,
        received_on: day("2019-08-01"),
        source: "cis".into(),
        reference: "D-9".into(),
        returned_on: None,
        taken: Cents::ZERO,
        applied: None,
    });
    account
}

fn apply(snapshot: &Snapshot, on: &str, cents: i64, first: Option<i64>, refund: i64) -> Result<Cleared, Box<Breach>> {
    let (first, refund, payee) = (first.map(EntryId), Cents::new(refund), "Pat Rivera".to_owned());
    let action = Action::ApplyDeposit(DepositAction { deposit: DepositId(9), first, refund, payee });
    let mut order = act("deposit", action, Some(cents), day(on));
    order.key.of = crate::domain::case::StageRef { anchor: EntryId(9), ..stage_ref("deposit", 1, "deposit") };
    audit(snapshot, &pack(), &world(day(on)), decision(snapshot, day(on), vec![order]))
}

#[test]
fn a_deposit_is_applied_whole_on_its_day_and_not_before_the_final_bill() {
    let account = with_deposit();
    assert!(apply(&account, "2026-05-18", 10_000, Some(7), 0).is_ok());
    let early = broken(apply(&account, "2026-05-17", 10_000, Some(7), 0));
    assert_eq!(early, Broken::DepositTooEarly { from: Some(day("2026-05-18")) });
    let (deposit, stated) = (DepositId(9), Some(Cents::new(9_000)));
    assert_eq!(broken(apply(&account, "2026-05-18", 9_000, Some(7), 0)), Broken::NoSuchDeposit { deposit, stated });
    let older = broken(apply(&account, "2026-05-18", 10_000, Some(1), 0));
    assert_eq!(older, Broken::NotFinalBill { item: EntryId(1) });
    let mut goes_on = account.clone();
    goes_on.profile.ended = None;
    assert_eq!(broken(apply(&goes_on, "2026-05-18", 10_000, Some(7), 0)), Broken::DepositTooEarly { from: None });
    let disputed = account.clone().held(HoldKind::Dispute, day("2026-05-01"), None);
    assert!(matches!(broken(apply(&disputed, "2026-05-18", 10_000, Some(7), 0)), Broken::Held { .. }));
    // $220.00 is owed: nothing is left over of $100.00, whoever says so.
    let (stated, left) = (Cents::new(2_000), Cents::ZERO);
    assert_eq!(broken(apply(&account, "2026-05-18", 10_000, Some(7), 2_000)), Broken::RefundWrong { stated, left });
}

#[test]
fn nothing_adverse_is_done_while_a_deposit_waits_to_be_applied() {
    let account = with_deposit();
    let on = world(day("2026-05-22"));
    let held = Broken::DepositHeld { ended: day("2026-05-15"), held: Cents::new(10_000) };
    assert_eq!(broken(cut_on(&account, &pack(), &on, 18_000)), held);
    for ordered in [Ordered::Notice, Ordered::Call, Ordered::Referral(Destination::Attorney), Ordered::WriteOff] {
        let refused = reexamine(&account, &pack(), &on, &pending(ordered, "final_notice", on.today)).unwrap_err();
        assert_eq!(refused, Refusal::GuardNotMet { broken: held.clone(), origin: None }, "{ordered:?}");
    }
    let mut applied = account;
    let (entry, amount) = (EntryId(20), Cents::new(10_000));
    applied.deposits[0].applied = Some(Applied { entry, on: day("2026-05-19"), amount });
    // Nothing waits any more; there is nothing to shut off all the same.
    let ended = Broken::ServiceEnded { ended: day("2026-05-15") };
    assert_eq!(broken(cut_on(&applied, &pack(), &on, 18_000)), ended);
}

#[test]
fn a_debt_that_came_from_another_account_shuts_nothing_off_unless_the_policy_says_so() {
    let mut account = noticed(day("2026-05-13"));
    account.items[0].kind = crate::domain::EntryKind::Transfer;
    let on = world(day("2026-05-22"));
    let refused = Broken::Transferred { item: EntryId(1), open: Cents::new(18_000) };
    assert_eq!(broken(cut_on(&account, &pack(), &on, 18_000)), refused);
    let order = pending(Ordered::ShutOff, "shut_off", on.today);
    let again = reexamine(&account, &pack(), &on, &order).unwrap_err();
    assert_eq!(again, Refusal::GuardNotMet { broken: refused, origin: None });
    let mut allowing = pack();
    let rule = RuleId(0);
    let follow = FollowRules { rule, same_class: true, after_days: 0, counts_toward_shut_off: true };
    allowing.debts_follow = Some(follow);
    assert!(cut_on(&account, &allowing, &on, 18_000).is_ok(), "a notice has listed it");
}

// ---- days -----------------------------------------------------------------------------------------------------

#[test]
fn closed_days_eves_moratoria_and_unknown_calendars_bar() {
    let days = BTreeSet::from([DayKind::OfficeClosed, DayKind::ClosedEve]);
    let policy = policy(vec![guard(0, Limit::NeverOn { days })]);
    let account = noticed(day("2026-05-01"));
    let says = |world: &World| broken(cut_on(&account, &policy, world, 18_000));
    assert!(matches!(says(&world(day("2026-05-23"))), Broken::ClosedDay { kind: DayKind::OfficeClosed, .. }));
    assert!(matches!(says(&world(day("2026-05-22"))), Broken::ClosedDay { kind: DayKind::ClosedEve, .. }));
    assert!(cut_on(&account, &policy, &world(day("2026-05-21")), 18_000).is_ok());

    let mut heat = world(day("2026-05-21"));
    heat.moratoria =
        vec![Moratorium { name: "heat order".into(), from: day("2026-05-21"), through: day("2026-05-21") }];
    assert!(matches!(says(&heat), Broken::Moratorium { .. }));

    let mut unknown = world(day("2026-05-21"));
    unknown.calendar.known = Some((day("2025-01-01"), day("2025-12-31")));
    assert_eq!(says(&unknown), Broken::CalendarUnknown { day: day("2026-05-21") });
}

#[test]
fn a_day_that_a_notice_announced_is_never_made_earlier() {
    let mut account = noticed(day("2026-05-01"));
    let run = &mut account.case.as_mut().unwrap().tracks[0];
    run.announced.insert("shut_off".into(), day("2026-05-27"));
    let early = cut_on(&account, &pack(), &world(day("2026-05-26")), 18_000);
    assert_eq!(broken(early), Broken::BeforeAnnounced { announced: day("2026-05-27") });
    assert!(cut_on(&account, &pack(), &world(day("2026-05-27")), 18_000).is_ok());
}

#[test]
fn a_condition_that_is_unknown_bars_a_shut_off_and_names_what_is_missing() {
    let heating = Cond::Is(Fact::Attribute("premises.heating".into()), Cmp::Eq, Value::Flag(true));
    let policy = policy(vec![guard(0, Limit::NeverWhile { when: heating })]);
    let mut account = noticed(day("2026-05-01"));
    let on = world(day("2026-05-22"));
    let refused = broken(cut_on(&account, &policy, &on, 18_000));
    assert_eq!(refused, Broken::BarUnknown("premises.heating is not given".into()));
    account.profile.attributes = BTreeMap::from([("premises.heating".into(), "no".into())]);
    assert!(cut_on(&account, &policy, &on, 18_000).is_ok());
    account.profile.attributes = BTreeMap::from([("premises.heating".into(), "yes".into())]);
    assert_eq!(broken(cut_on(&account, &policy, &on, 18_000)), Broken::BarStands);
}

#[test]
fn one_false_part_settles_all_and_one_true_part_any_whatever_is_unknown() {
    let unknown = || Cond::Is(Fact::Attribute("age".into()), Cmp::Ge, Value::Number(65));
    let no = || Cond::Not(Box::new(Cond::Always));
    let account = noticed(day("2026-05-01"));
    let bars = |when: Cond| {
        let mut policy = policy(Vec::new());
        policy.bars = vec![BarRule { rule: RuleId(4), blocks: Blocks::Disconnect, service: None, when }];
        cut_on(&account, &policy, &world(day("2026-05-22")), 18_000).is_err()
    };
    assert!(!bars(Cond::All(vec![unknown(), no()])));
    assert!(bars(Cond::All(vec![unknown(), Cond::Always])));
    assert!(bars(Cond::Any(vec![unknown(), Cond::Always])));
    assert!(bars(Cond::Any(vec![unknown(), no()])));
    assert!(bars(Cond::Not(Box::new(unknown()))));
}

// ---- protections ----------------------------------------------------------------------------------------------

#[test]
fn every_kind_of_hold_bars_a_shut_off_and_a_referral() {
    for kind in HoldKind::ALL {
        let account = noticed(day("2026-05-01")).held(*kind, day("2026-05-22"), None);
        let on = world(day("2026-05-22"));
        let refused = broken(cut_on(&account, &pack(), &on, 18_000));
        assert_eq!(refused, Broken::Held { kind: *kind, from: day("2026-05-22"), blocks: Blocks::Disconnect });
        let refer = act("legal", Action::Refer { to: Destination::Attorney }, Some(18_000), on.today);
        let refused = broken(audit(&account, &pack(), &on, decision(&account, on.today, vec![refer])));
        assert!(matches!(refused, Broken::Held { blocks: Blocks::Referral, .. }));
    }
}

#[test]
fn a_review_of_one_bill_leaves_a_shut_off_that_rests_on_another_and_a_dispute_of_it_does_not() {
    let on_another = |kind| {
        let mut account = noticed(day("2026-05-01")).owing(bill(3, Service::Water, 9_000, day("2026-03-24")));
        account = account.held(kind, day("2026-05-02"), None).acted("shut_off", day("2026-05-22"), &[1]);
        account.holds[0].items = BTreeSet::from([EntryId(3)]);
        account
    };
    let cut = |account: &Snapshot| cut_on(account, &pack(), &world(day("2026-05-22")), 18_000);
    let mut account = on_another(HoldKind::Review);
    assert!(cut(&account).is_ok());
    account.holds[0].items = BTreeSet::from([EntryId(1)]);
    assert!(cut(&account).is_err());
    for kind in [HoldKind::Dispute, HoldKind::Appeal, HoldKind::Investigation] {
        assert!(matches!(broken(cut(&on_another(kind))), Broken::Held { blocks: Blocks::Disconnect, .. }));
        let refer = act("legal", Action::Refer { to: Destination::Attorney }, Some(18_000), day("2026-05-22"));
        let (account, on) = (on_another(kind), world(day("2026-05-22")));
        let refused = broken(audit(&account, &pack(), &on, decision(&account, on.today, vec![refer])));
        assert!(matches!(refused, Broken::Held { blocks: Blocks::Referral, .. }));
    }
}

#[test]
fn no_notice_lists_a_bill_that_the_customer_contests() {
    let mut account = noticed(day("2026-05-01")).held(HoldKind::Dispute, day("2026-05-02"), None);
    account.holds[0].items = BTreeSet::from([EntryId(1)]);
    let on = world(day("2026-05-03"));
    let refused =
        broken(audit(&account, &pack(), &on, decision(&account, on.today, vec![telling(&account, on.today)])));
    assert_eq!(refused, Broken::Contested { item: EntryId(1), open: Cents::new(18_000) });
}

#[test]
fn nothing_rests_on_a_debt_of_before_a_petition_whatever_the_ledger_says() {
    // The bill of March 23, billed on March 2: by the audit's own dates it is of before April 20.
    let mut account = noticed(day("2026-05-01"));
    account.petitions.push(petition(day("2026-04-20")));
    let on = world(day("2026-05-22"));
    let of_before = |broken: Broken| matches!(broken, Broken::BeforePetition { most: Cents::ZERO, .. });
    assert!(of_before(broken(cut_on(&account, &pack(), &on, 18_000))));
    let refer = act("legal", Action::Refer { to: Destination::Attorney }, Some(18_000), on.today);
    assert!(of_before(broken(audit(&account, &pack(), &on, decision(&account, on.today, vec![refer])))));
    let tell = vec![telling(&account, on.today)];
    assert!(of_before(broken(audit(&account, &pack(), &on, decision(&account, on.today, tell)))));
    account.petitions[0].ended = Some((day("2026-05-21"), StayEnd::Dismissed));
    assert!(cut_on(&account, &pack(), &on, 18_000).is_ok());
}

#[test]
fn of_a_bill_that_spans_the_petition_no_more_is_asked_for_than_its_later_days() {
    // $180.00 for the thirty days of April 6 to May 5: fifteen of them are after April 20.
    let mut account = noticed(day("2026-05-01"));
    account.petitions.push(petition(day("2026-04-20")));
    let period = [("service_from", "2026-04-06"), ("service_through", "2026-05-05")];
    account.items[0].printed = period.map(|(name, on)| (name.to_owned(), day(on))).into();
    let on = world(day("2026-05-22"));
    let tells = |account: &Snapshot| {
        audit(account, &pack(), &on, decision(account, on.today, vec![telling(account, on.today)]))
    };
    assert!(matches!(broken(tells(&account)), Broken::BeforePetition { most, .. } if most == Cents::new(9_000)));
    account.items[0].open = Cents::new(9_000);
    assert!(tells(&account).is_ok());
}

#[test]
fn a_letter_to_an_estate_goes_out_once_the_lead_has_named_who_acts_for_it_and_none_that_the_law_asks_for() {
    let mut account = noticed(day("2026-05-01")).held(HoldKind::Deceased, day("2026-05-02"), None);
    let on = world(day("2026-05-03"));
    let tells = |account: &Snapshot, statutory| {
        let mut act = telling(account, on.today);
        if let Action::Notice(notice) = &mut act.action {
            notice.statutory = statutory;
        }
        audit(account, &pack(), &on, decision(account, on.today, vec![act]))
    };
    assert!(tells(&account, false).is_err());
    let representative = Party { name: "Ana Muñoz".into(), address: Address::default() };
    account.holds[0].estate = Some(Estate {
        of: "Pat Rivera".into(),
        died_on: None,
        told_by: "her daughter".into(),
        representative: Some(representative),
        letters_on: None,
        noticed_on: None,
        claimed_on: None,
    });
    assert!(tells(&account, false).is_ok());
    assert!(tells(&account, true).is_err());
}

/// A letter of the day that lists the bill of March 23.
fn telling(account: &Snapshot, on: Day) -> Act {
    let open = account.items[0].open.get();
    let mut act = act("final_notice", Action::Notice(statutory(&[Channel::Mail])), None, on);
    let listed = ListedItem { billed_on: account.items[0].billed_on, ..facts(&[(1, open)], open).items[0].clone() };
    act.notice = Some(NoticeFacts { items: vec![listed], ..facts(&[], open) });
    act
}

fn petition(on: Day) -> Petition {
    Petition {
        id: PetitionId(1),
        chapter: Chapter::Thirteen,
        court: "Eastern District of California".into(),
        case_number: "26-20417".into(),
        petition_on: on,
        relief_on: on,
        learned_on: on,
        recorded_on: on,
        recorded_by: "Ruth".into(),
        known_through: EntryId(9),
        assurance: None,
        discharged_on: None,
        ended: None,
        ordered_on: None,
        of_after: Vec::new(),
    }
}

#[test]
fn a_promise_bars_through_its_day_and_a_default_only_frees_after_sixty_days() {
    let promised = noticed(day("2026-05-01")).promising(day("2026-05-20"), 18_000, day("2026-05-26"));
    assert!(matches!(
        broken(cut_on(&promised, &pack(), &world(day("2026-05-26")), 18_000)),
        Broken::PromiseOpen { .. }
    ));
    assert!(cut_on(&promised, &pack(), &world(day("2026-05-27")), 18_000).is_ok());

    let policy = policy(vec![guard(0, Limit::ArrangementDefault { days: 60, posted: None })]);
    let plan = noticed(day("2026-05-01")).arranged(day("2026-05-15"), &[(day("2026-06-01"), 9_000)]);
    let says = |on: &str| cut_on(&plan, &policy, &world(day(on)), 18_000);
    assert_eq!(broken(says("2026-06-01")), Broken::ArrangementPerforms { made_on: day("2026-05-15") });
    assert!(matches!(broken(says("2026-07-30")), Broken::DefaultTooRecent { .. }));
    assert!(says("2026-07-31").is_ok());
    // Canceled after the default, the wait is the same; canceled before anything was missed, there is none.
    let canceled = |canceled: &str, on: &str| {
        let mut account = plan.clone();
        account.arrangements[0].canceled_on = Some(day(canceled));
        cut_on(&account, &policy, &world(day(on)), 18_000)
    };
    assert!(matches!(broken(canceled("2026-06-08", "2026-06-09")), Broken::DefaultTooRecent { .. }));
    assert!(matches!(broken(canceled("2026-06-08", "2026-07-30")), Broken::DefaultTooRecent { .. }));
    assert!(canceled("2026-06-08", "2026-07-31").is_ok());
    assert!(canceled("2026-05-28", "2026-06-09").is_ok());
    // Nor does the look on the day itself let a crew go.
    let mut tidied = plan.clone().acted("shut_off", day("2026-06-09"), &[1]);
    tidied.arrangements[0].canceled_on = Some(day("2026-06-08"));
    let order =
        |on: &str| reexamine(&tidied, &policy, &world(day(on)), &pending(Ordered::ShutOff, "shut_off", day(on)));
    assert!(matches!(order("2026-06-09"), Err(Refusal::GuardNotMet { .. })));
    assert!(order("2026-07-31").is_ok());
    // Paid in time, learned late: the arrangement never defaulted.
    let paid = plan.clone().applied(1, 9_000, day("2026-06-01"));
    assert!(cut_on(&paid, &policy, &world(day("2026-06-01")), 18_000).is_ok());
    // Once nothing that it covers is owed, the default is history; what else is owed goes by its own days.
    let mut history = plan.clone();
    history.arrangements[0].covers = BTreeSet::from([EntryId(7)]);
    assert!(cut_on(&history, &policy, &world(day("2026-06-09")), 18_000).is_ok());
}

#[test]
fn after_a_default_a_shut_off_rests_on_a_posting_of_five_business_days_that_followed_the_sixty() {
    let five = Offset { n: 5, unit: Unit::BusinessDay, more_than: false };
    let mut policy = policy(vec![guard(1, Limit::ArrangementDefault { days: 60, posted: Some(five) })]);
    let tag = Action::Tag(TagAction { template: "tag".into(), statutory: true, to_tenants: false, doors: None });
    policy.tracks[0].stages.insert(2, stage("posting", 3, vec![tag]));
    let plan = noticed(day("2026-05-01")).arranged(day("2026-06-15"), &[(day("2026-07-01"), 9_000)]);
    let says = |account: &Snapshot, on: &str| cut_on(account, &policy, &world(day(on)), 18_000);
    let left = |on: &str| {
        let posting = Some(stage_ref(TRACK, 1, "posting"));
        plan.clone().acted("posting", day(on), &[1]).event(EventKind::NoticePosted, day(on), posting)
    };
    // Without a posting never; the sixty days end on Sunday, August 30.
    let (missed, from) = (day("2026-07-01"), day("2026-08-30"));
    let lacking = Broken::NotPostedAfterDefault { missed, from, last_day: day("2026-10-23"), found: None };
    assert_eq!(broken(says(&plan, "2026-10-30")), lacking);
    assert!(lacking.to_string().contains("Sun 2026-08-30 or later and by Fri 2026-10-23; none stands"), "{lacking}");
    // Posted in the wait, it does not count.
    assert!(matches!(broken(says(&left("2026-08-28"), "2026-09-30")), Broken::NotPostedAfterDefault { .. }));
    // Posted on Monday the 31st; the day itself is not counted.
    let posted = left("2026-08-31");
    assert!(matches!(broken(says(&posted, "2026-09-04")), Broken::NotPostedAfterDefault { .. }));
    assert!(says(&posted, "2026-09-08").is_ok());
    // Canceling the arrangement changes nothing, and neither does the look on the day itself.
    let mut canceled = plan.clone().acted("shut_off", day("2026-09-08"), &[1]);
    canceled.arrangements[0].canceled_on = Some(day("2026-07-10"));
    let on = day("2026-09-08");
    let look = reexamine(&canceled, &policy, &world(on), &pending(Ordered::ShutOff, "shut_off", on));
    assert!(matches!(look, Err(Refusal::GuardNotMet { broken: Broken::NotPostedAfterDefault { .. }, .. })), "{look:?}");
    // Once nothing of what the arrangement covered is owed, the default is history.
    let mut settled = plan.clone();
    settled.arrangements[0].covers = BTreeSet::from([EntryId(99)]);
    assert!(says(&settled, "2026-12-31").is_ok());
}

#[test]
fn twenty_four_and_forty_eight_hours_hold_whatever_the_hour_of_the_day() {
    let hours = |n| Offset { n, unit: Unit::Hour, more_than: false };
    let mut policy = policy(vec![guard(1, Limit::Contact { contact: hours(24), posted: hours(48) })]);
    let tag = Action::Tag(TagAction { template: "tag".into(), statutory: true, to_tenants: false, doors: None });
    policy.tracks[0].stages.insert(2, stage("posting", 3, vec![tag]));
    let says = |account: &Snapshot, on: &str| cut_on(account, &policy, &world(day(on)), 18_000);
    let told = |kind, on: &str| {
        let call = Some(stage_ref(TRACK, 1, "call"));
        noticed(day("2026-05-01")).acted("call", day(on), &[1]).event(kind, day(on), call)
    };
    // Spoken to on Monday the 18th.
    let spoken = told(EventKind::ContactMade, "2026-05-18");
    assert!(matches!(broken(says(&spoken, "2026-05-19")), Broken::NoContact { .. }));
    assert!(says(&spoken, "2026-05-20").is_ok());
    // The tag left on Tuesday the 19th, perhaps at 16:30; a crew comes at 08:00.
    let posting = Some(stage_ref(TRACK, 1, "posting"));
    let tagged = told(EventKind::ContactFailed, "2026-05-18").acted("posting", day("2026-05-19"), &[1]).event(
        EventKind::NoticePosted,
        day("2026-05-19"),
        posting,
    );
    assert!(matches!(broken(says(&tagged, "2026-05-21")), Broken::NoContact { .. }), "39.5 hours");
    assert!(says(&tagged, "2026-05-22").is_ok());
}

#[test]
fn a_landlords_account_rests_on_a_notice_left_for_the_tenants_ten_days_before_or_fifteen_where_they_may_share_a_meter()
{
    let days = |n| Offset { n, unit: Unit::Day, more_than: false };
    let limit = Limit::TenantsTold { individually_metered: days(10), master_meter: days(15) };
    let mut policy = policy(vec![guard(1, limit)]);
    let tag = |to_tenants| Action::Tag(TagAction { template: "tag".into(), statutory: true, to_tenants, doors: None });
    policy.tracks[0].stages.insert(2, stage("tenants", 3, vec![tag(true)]));
    policy.tracks[0].stages.insert(3, stage("posting", 3, vec![tag(false)]));
    let says = |account: &Snapshot, on: &str| cut_on(account, &policy, &world(day(on)), 18_000);
    let mut account = noticed(day("2026-05-01"));
    assert!(says(&account, "2026-05-22").is_ok(), "the customer lives there");
    account.profile.attributes.insert("premises.landlord_account".into(), "yes".into());
    let left = |stage: &str| {
        let of = Some(stage_ref(TRACK, 1, stage));
        account.clone().acted(stage, day("2026-05-18"), &[1]).event(EventKind::NoticePosted, day("2026-05-18"), of)
    };
    let lacking = Broken::TenantsNotTold { last_day: day("2026-05-07"), found: None };
    assert_eq!(broken(says(&account, "2026-05-22")), lacking);
    assert!(lacking.to_string().ends_with("left for the tenants by Thu 2026-05-07; none stands"), "{lacking}");
    assert!(matches!(broken(says(&left("posting"), "2026-06-02")), Broken::TenantsNotTold { .. }), "another notice");
    let mut told = left("tenants");
    assert!(matches!(broken(says(&told, "2026-06-01")), Broken::TenantsNotTold { .. }));
    assert!(says(&told, "2026-06-02").is_ok());
    told.profile.attributes.insert("premises.master_meter".into(), "no".into());
    assert!(matches!(broken(says(&told, "2026-05-27")), Broken::TenantsNotTold { .. }));
    assert!(says(&told, "2026-05-28").is_ok());
    // Nor does the look on the day itself let a crew go.
    let on = day("2026-05-27");
    let look =
        reexamine(&told.acted("shut_off", on, &[1]), &policy, &world(on), &pending(Ordered::ShutOff, "shut_off", on));
    assert!(matches!(look, Err(Refusal::GuardNotMet { broken: Broken::TenantsNotTold { .. }, .. })), "{look:?}");
}

#[test]
fn turning_on_again_costs_a_household_that_has_shown_a_low_income_no_more_than_the_limit() {
    use crate::domain::action::Reconnection::{AfterHours, InHours};
    let limits = ReconnectionLimits { in_hours: Cents::new(5_000), after_hours: Cents::new(15_000), of: 2021 };
    let policy = policy(vec![guard(1, Limit::ReconnectionFee { limits })]);
    let on = day("2026-05-22");
    let mut account = noticed(day("2026-05-01"));
    let charged = |account: &Snapshot, reconnects, cost: Option<i64>, cents| {
        let amount = FeeAmount::Flat(Cents::new(cents));
        let cost = cost.map(Cents::new);
        let fee = Action::Fee(FeeAction { name: "reconnection".into(), amount, due_days: 0, reconnects, cost });
        audit(account, &policy, &world(on), decision(account, on, vec![act("legal", fee, Some(cents), on)]))
    };
    assert!(charged(&account, Some(InHours), None, 8_500).is_ok(), "nobody has shown a low income");
    account.proofs.push(Proof {
        id: ProofId(1),
        kind: ProofKind::LowIncome,
        evidence: "Medi-Cal".into(),
        from: day("2026-05-01"),
        through: None,
        ended_on: None,
        recorded_by: "test".into(),
        recorded_on: day("2026-05-01"),
    });
    let dear = |posted, limit| Broken::ReconnectionTooDear { posted: Cents::new(posted), limit: Cents::new(limit) };
    assert_eq!(broken(charged(&account, Some(InHours), None, 5_001)), dear(5_001, 5_000));
    assert!(charged(&account, Some(InHours), None, 5_000).is_ok());
    assert!(charged(&account, Some(AfterHours), None, 15_000).is_ok());
    assert_eq!(broken(charged(&account, Some(InHours), Some(4_250), 5_000)), dear(5_000, 4_250));
    assert!(charged(&account, None, None, 8_500).is_ok(), "another fee");
}

#[test]
fn nothing_leaves_the_building_for_a_frozen_account() {
    let mut account = noticed(day("2026-05-01"));
    account.frozen = Some("balance differs from the billing system by $0.01".into());
    let on = day("2026-05-22");
    let call = CallAction { script: "x".into(), attempts: 1, required: false, or_visit: false };
    for outward in [cut(), Action::Call(call), Action::Refer { to: Destination::Agency }] {
        let acts = vec![act("shut_off", outward, Some(18_000), on)];
        let refused = broken(audit(&account, &pack(), &world(on), decision(&account, on, acts)));
        assert!(matches!(refused, Broken::Frozen(_)));
    }
}

// ---- other acts -----------------------------------------------------------------------------------------------

fn facts(listed: &[(i64, i64)], amount: i64) -> NoticeFacts {
    NoticeFacts {
        items: listed
            .iter()
            .map(|(id, cents)| ListedItem {
                item: EntryId(*id),
                service: Service::Water,
                kind: crate::domain::EntryKind::Charge,
                billed_on: day("2026-03-02"),
                due_on: day("2026-03-23"),
                open: Cents::new(*cents),
            })
            .collect(),
        amount: Cents::new(amount),
        balance: Cents::new(amount),
        days_past_due: 0,
        pay_by: None,
        shut_off_on: None,
        citation: String::new(),
        deposit: None,
        reconnection: None,
        restores: None,
        agreed: None,
        ruled: None,
    }
}

#[test]
fn a_notice_lists_what_the_ledger_has_and_its_items_sum_to_what_it_asks() {
    let account = noticed(day("2026-05-01"));
    let on = day("2026-05-01");
    let says = |facts: Option<NoticeFacts>, by: &[Channel]| {
        let mut notice = act("final_notice", Action::Notice(statutory(by)), None, on);
        notice.notice = facts;
        audit(&account, &pack(), &world(on), decision(&account, on, vec![notice]))
    };
    let mail = [Channel::Mail];
    assert!(says(Some(facts(&[(1, 18_000)], 18_000)), &mail).is_ok());
    assert!(matches!(broken(says(Some(facts(&[(1, 18_000)], 18_001)), &mail)), Broken::NoticeSum { .. }));
    assert!(matches!(broken(says(Some(facts(&[(1, 17_000)], 17_000)), &mail)), Broken::ListedWrong { .. }));
    assert!(matches!(broken(says(Some(facts(&[(9, 100)], 100)), &mail)), Broken::ListedWrong { open: None, .. }));
    assert_eq!(broken(says(None, &mail)), Broken::NoticeWithoutFacts);
    let email = says(Some(facts(&[(1, 18_000)], 18_000)), &[Channel::Email]);
    assert!(matches!(broken(email), Broken::NeverAlone { .. }));
    assert!(says(Some(facts(&[(1, 18_000)], 18_000)), &[Channel::Email, Channel::Mail]).is_ok());
}

#[test]
fn a_fee_is_not_less_than_nothing_not_before_its_debt_is_past_due_and_not_posted_twice() {
    let account = noticed(day("2026-05-01"));
    let fee = || {
        let amount = FeeAmount::Flat(Cents::new(1_000));
        Action::Fee(FeeAction { name: "late".into(), amount, due_days: 21, reconnects: None, cost: None })
    };
    let says = |acts: Vec<Act>| {
        audit(&account, &pack(), &world(day("2026-05-22")), decision(&account, day("2026-05-22"), acts))
    };
    let at = |cents, on: &str| act("final_notice", fee(), cents, day(on));
    assert!(says(vec![at(Some(1_000), "2026-03-24")]).is_ok());
    assert_eq!(broken(says(vec![at(Some(-1), "2026-03-24")])), Broken::FeeAmount);
    assert_eq!(broken(says(vec![at(None, "2026-03-24")])), Broken::FeeAmount);
    assert!(matches!(broken(says(vec![at(Some(1), "2026-03-23")])), Broken::FeeTooEarly { .. }));
    assert!(matches!(broken(says(vec![at(Some(1), "2026-05-23")])), Broken::DatedAhead { .. }));
    let twice = vec![at(Some(1), "2026-04-01"), at(Some(1), "2026-05-01")];
    assert_eq!(broken(says(twice)), Broken::DuplicateKey);
}

#[test]
fn a_lien_needs_that_the_debtor_is_the_owner_and_a_debt_is_placed_once() {
    let mut account = noticed(day("2026-05-01"));
    let on = day("2026-05-22");
    let says = |account: &Snapshot, to| {
        let acts = vec![act("legal", Action::Refer { to }, Some(18_000), on)];
        audit(account, &pack(), &world(on), decision(account, on, acts))
    };
    assert!(says(&account, Destination::Lien).is_ok());
    account.profile.occupancy = Occupancy::Tenant;
    assert_eq!(broken(says(&account, Destination::TaxRoll)), Broken::NotOwner { to: Destination::TaxRoll });
    assert!(says(&account, Destination::Attorney).is_ok());
    let mut placed = account.clone();
    let items = account.items.iter().map(|item| item.id).collect();
    placed.placed = vec![Placed {
        referral: ReferralId(7),
        to: Destination::Agency,
        on: day("2026-05-10"),
        items,
        back_on: None,
        returned: None,
    }];
    let out = Broken::Out { to: Destination::Agency, on: day("2026-05-10") };
    assert_eq!(broken(says(&placed, Destination::Attorney)), out);
    let recalled = account.event(EventKind::Recalled, day("2026-05-12"), None);
    assert!(says(&recalled, Destination::Attorney).is_ok());
}

#[test]
fn a_debt_goes_where_the_first_line_of_its_route_sends_it_and_nowhere_else() {
    let account = noticed(day("2026-05-01"));
    let on = day("2026-05-22");
    let line = |to, from, below| RouteLine {
        rule: RuleId(0),
        to,
        from: Cents::new(from),
        below: Some(Cents::new(below)),
        age_days: 60,
        classes: BTreeSet::new(),
        owner: None,
    };
    let mut policy = pack();
    let lines = vec![line(Destination::Agency, 10_000, 18_001), line(Destination::Attorney, 10_000, 99_999)];
    policy.referral.routes = vec![Route { name: "collection".into(), lines, gaps: Vec::new() }];
    let legal = policy.tracks.iter_mut().flat_map(|track| &mut track.stages).find(|stage| stage.id.as_str() == "legal");
    legal.unwrap().acts = vec![Action::Route { route: "collection".into() }];
    let says = |account: &Snapshot, action, cents| {
        let acts = vec![act("legal", action, Some(cents), on)];
        audit(account, &policy, &world(on), decision(account, on, acts))
    };
    assert!(says(&account, Action::Refer { to: Destination::Agency }, 18_000).is_ok());
    let other =
        Broken::OtherRoute { to: Destination::Attorney, now: Some(Destination::Agency), amount: Cents::new(18_000) };
    assert_eq!(broken(says(&account, Action::Refer { to: Destination::Attorney }, 18_000)), other);
    let gap = Action::NoRoute { route: "collection".into(), text: String::new() };
    let missed = Broken::RouteMissed { now: Destination::Agency, amount: Cents::new(18_000) };
    assert_eq!(broken(says(&account, gap.clone(), 18_000)), missed);
    let mut small = account.clone();
    small.items[0].open = Cents::new(9_999);
    assert!(says(&small, gap, 9_999).is_ok());
}

#[test]
fn nothing_is_done_about_a_debt_that_is_out_unless_the_policy_lets_it_go_on() {
    let mut account = noticed(day("2026-05-01"));
    let on = day("2026-05-22");
    let items: BTreeSet<_> = account.items.iter().map(|item| item.id).collect();
    account.placed = vec![Placed {
        referral: ReferralId(7),
        to: Destination::Agency,
        on: day("2026-05-10"),
        items,
        back_on: None,
        returned: None,
    }];
    let fee = FeeAction {
        name: "late".into(),
        amount: FeeAmount::Flat(Cents::new(500)),
        due_days: 0,
        cost: None,
        reconnects: None,
    };
    let acts = || vec![act("final_notice", Action::Fee(fee.clone()), Some(500), on)];
    let out = Broken::Out { to: Destination::Agency, on: day("2026-05-10") };
    assert_eq!(broken(audit(&account, &pack(), &world(on), decision(&account, on, acts()))), out);
    let cuts = vec![act("shut_off", cut(), Some(18_000), on)];
    assert_eq!(broken(audit(&account, &pack(), &world(on), decision(&account, on, cuts))), out);
    let mut policy = pack();
    policy.referral.while_placed = BTreeSet::from([Blocks::Fees]);
    assert!(audit(&account, &policy, &world(on), decision(&account, on, acts())).is_ok());
}

#[test]
fn a_notice_whose_announced_day_passed_under_a_hold_or_while_the_debt_was_out_carries_nothing() {
    let mut account = noticed(day("2026-05-01"));
    account.case.as_mut().unwrap().tracks[0].announced.insert("shut_off".into(), day("2026-05-22"));
    let on = world(day("2026-06-08"));
    assert!(cut_on(&account, &pack(), &on, 18_000).is_ok(), "nothing stood against it");
    let out = |from: &str, back: Option<&str>, item: i64| {
        let (referral, to, items) = (ReferralId(7), Destination::Agency, BTreeSet::from([EntryId(item)]));
        let placed = Placed { referral, to, on: day(from), items, back_on: back.map(day), returned: None };
        Snapshot { came_back: vec![placed], ..account.clone() }
    };
    let vain = |what: &str| Broken::AnnouncedDayPassed { announced: day("2026-05-22"), what: what.to_owned() };
    let later = out("2026-05-26", Some("2026-06-05"), 1);
    assert_eq!(broken(cut_on(&later, &pack(), &on, 18_000)), vain("the debt was out (agency)"));
    let over = out("2026-05-10", Some("2026-06-05"), 1);
    assert_eq!(broken(cut_on(&over, &pack(), &on, 18_000)), vain("the debt was out (agency)"));
    assert!(cut_on(&out("2026-05-10", Some("2026-05-22"), 1), &pack(), &on, 18_000).is_ok(), "back by then");
    assert!(cut_on(&out("2026-05-10", Some("2026-06-05"), 2), &pack(), &on, 18_000).is_ok(), "another debt");
    let mut goes_on = pack();
    goes_on.referral.while_placed = BTreeSet::from([Blocks::Disconnect]);
    assert!(cut_on(&over, &goes_on, &on, 18_000).is_ok(), "the policy goes on meanwhile");
    let held = account.clone().held(HoldKind::Extension, day("2026-05-20"), Some(day("2026-05-28")));
    assert_eq!(broken(cut_on(&held, &pack(), &on, 18_000)), vain("a hold (extension)"));
}

#[test]
fn a_decision_on_other_facts_another_day_or_with_a_stranger_s_key_is_refused() {
    let account = noticed(day("2026-05-01"));
    let on = day("2026-05-22");
    let order = || act("shut_off", cut(), Some(18_000), on);
    let says = |change: &dyn Fn(&mut Decision)| {
        let mut changed = decision(&account, on, vec![order()]);
        change(&mut changed);
        broken(audit(&account, &pack(), &world(on), changed))
    };
    assert_eq!(says(&|d| d.seen_seq = 0), Broken::StaleFacts { seen: 0, now: 1 });
    assert!(matches!(says(&|d| d.on = day("2026-05-21")), Broken::OtherDay { .. }));
    assert_eq!(says(&|d| d.next_review = Some(on)), Broken::ReviewNotAhead { next: on });
    assert!(matches!(says(&|d| d.acts[0].key.of.case = 7), Broken::OtherCase { named: 7, .. }));
    assert!(matches!(says(&|d| d.acts[0].key.of.stage = "elsewhere".into()), Broken::UnknownStage { .. }));
    assert!(matches!(says(&|d| d.acts[0].for_day = day("2026-05-21")), Broken::DatedBack { .. }));
    assert_eq!(says(&|d| d.policy = "another".into()), Broken::OtherPolicy);
}

// ---- the second look ------------------------------------------------------------------------------------------

fn pending(ordered: Ordered, stage: &str, for_day: Day) -> Pending {
    Pending {
        account: crate::domain::AccountId(1),
        ordered,
        of: stage_ref(TRACK, 1, stage),
        service: (ordered == Ordered::ShutOff).then_some(Service::Water),
        items: BTreeSet::from([EntryId(1)]),
        amount: Cents::new(18_000),
        for_day,
    }
}

#[test]
fn a_payment_loaded_a_second_ago_wins() {
    let on = day("2026-05-22");
    let mut account = noticed(day("2026-05-01"));
    let cut = pending(Ordered::ShutOff, "shut_off", on);
    let permit = reexamine(&account, &pack(), &world(on), &cut).unwrap();
    assert_eq!((permit.on(), permit.facts_seq()), (on, 1));
    // In part: the shut-off stands for the rest, a notice that states the old amount does not.
    account.items[0].open = Cents::new(10_000);
    assert!(reexamine(&account, &pack(), &world(on), &cut).is_ok());
    let notice = reexamine(&account, &pack(), &world(on), &pending(Ordered::Notice, "final_notice", on));
    assert_eq!(notice, Err(Refusal::AmountChanged { stated: Cents::new(18_000), open: Cents::new(10_000) }));
    account.items.clear();
    let refused = reexamine(&account, &pack(), &world(on), &cut).unwrap_err();
    assert_eq!((refused.remedy(), refused), (Remedy::Cancel, Refusal::Paid));
}

#[test]
fn nobody_is_called_about_a_bill_that_is_not_due_yet() {
    let on = day("2026-05-22");
    let mut account = noticed(day("2026-05-01"));
    let call = Pending { items: BTreeSet::new(), ..pending(Ordered::Call, "call", on) };
    assert!(reexamine(&account, &pack(), &world(on), &call).is_ok());
    account.items[0].due_on = on;
    assert_eq!(reexamine(&account, &pack(), &world(on), &call), Err(Refusal::Paid));
}

#[test]
fn what_came_between_release_and_execution_is_named() {
    let on = day("2026-05-22");
    let cut = pending(Ordered::ShutOff, "shut_off", on);
    let says = |account: &Snapshot| reexamine(account, &pack(), &world(on), &cut).unwrap_err();
    let account = noticed(day("2026-05-01"));
    assert_eq!(says(&account.clone().held(HoldKind::Medical, on, None)), Refusal::Protected(HoldKind::Medical));
    assert!(matches!(says(&account.clone().promising(on, 18_000, on)), Refusal::Promise { .. }));
    let plan = account.clone().arranged(on, &[(day("2026-06-01"), 18_000)]);
    assert_eq!(says(&plan), Refusal::Arrangement { made_on: on });
    let mut closed = account.clone();
    closed.case = None;
    assert_eq!(says(&closed), Refusal::CaseClosed);
    let mut frozen = account.clone();
    frozen.frozen = Some("x".into());
    assert_eq!(says(&frozen).remedy(), Remedy::Person);
    let returned = account.event(EventKind::NoticeReturned, day("2026-05-21"), Some(notice_ref()));
    assert!(matches!(says(&returned), Refusal::GuardNotMet { .. }));
}

#[test]
fn nothing_is_shut_off_where_service_has_ended_for_whoever_lives_there_is_another_customer() {
    let on = day("2026-05-22");
    let mut account = noticed(day("2026-05-01"));
    account.profile.ended = Some(on);
    for ordered in [Ordered::ShutOff, Ordered::Tag] {
        let refused = reexamine(&account, &pack(), &world(on), &pending(ordered, "shut_off", on)).unwrap_err();
        assert_eq!(refused.remedy(), Remedy::Cancel);
        assert!(refused.to_string().contains("service ended Fri 2026-05-22"), "{refused}");
    }
    account.profile.ended = Some(plus_days(on, 1));
    let cut = pending(Ordered::ShutOff, "shut_off", on);
    assert!(reexamine(&account, &pack(), &world(on), &cut).is_ok(), "the day before it is this customer's");
}

#[test]
fn a_shut_off_happens_on_no_other_day_and_only_while_its_condition_holds() {
    let account = noticed(day("2026-05-01"));
    let cut = pending(Ordered::ShutOff, "shut_off", day("2026-05-22"));
    let late = reexamine(&account, &pack(), &world(day("2026-05-25")), &cut).unwrap_err();
    assert_eq!(late.remedy(), Remedy::Cancel);
    assert_eq!(late, Refusal::WrongDay { for_day: day("2026-05-22"), today: day("2026-05-25") });
    let mut policy = pack();
    policy.tracks[0].stages[2].only_if = Cond::Is(Fact::DebtAged(60), Cmp::Ge, Value::Money(Cents::new(20_000)));
    assert_eq!(reexamine(&account, &policy, &world(day("2026-05-22")), &cut), Err(Refusal::ConditionGone));
}

#[test]
fn a_restoration_needs_nobody_s_leave() {
    let account = snapshot().held(HoldKind::Review, day("2026-01-01"), None);
    let restore = pending(Ordered::Restore, "shut_off", day("2026-05-22"));
    assert!(reexamine(&account, &pack(), &world(day("2026-05-22")), &restore).is_ok());
}

// ---- properties -----------------------------------------------------------------------------------------------

prop_compose! {
    fn city()(
        holidays in prop::collection::btree_set(0_i64..200, 0..12),
        closures in prop::collection::btree_set(0_i64..200, 0..6),
        moratorium in prop::option::of((60_i64..150, 0_i64..10)),
    ) -> World {
        let at = |n| plus_days(day("2026-03-01"), n);
        let mut city = world(at(0));
        city.calendar.holidays = holidays.into_iter().map(|n| (at(n), "holiday".to_owned())).collect();
        city.calendar.closures = closures.into_iter().map(at).collect();
        city.moratoria = moratorium
            .map(|(from, long)| Moratorium { name: "order".into(), from: at(from), through: at(from + long) })
            .into_iter()
            .collect();
        city
    }
}

fn offsets() -> impl Strategy<Value = Offset> {
    let units = prop::sample::select(vec![Unit::Day, Unit::BusinessDay, Unit::Hour, Unit::Week]);
    (units, 0_u16..12, any::<bool>()).prop_map(|(unit, n, more_than)| Offset { n, unit, more_than })
}

#[test]
fn a_notice_without_a_language_that_the_law_requires_is_refused_by_the_law() {
    use crate::domain::Language::{English, Korean, Spanish};
    let policy = policy(vec![guard(0, Limit::Languages { languages: vec![English, Korean] })]);
    let profile = crate::domain::testing::profile();
    assert_eq!(audit_languages(&policy, &profile, &"final_notice".into(), &[Korean, Spanish, English]), Ok(()));
    let refused = audit_languages(&policy, &profile, &"final_notice".into(), &[English, Spanish]).unwrap_err();
    assert_eq!((refused.language, refused.citation.as_str()), (Korean, "H&S 116908(a)(1)(A)"));
    let shop = crate::domain::Profile { class: CustomerClass::Commercial, ..profile };
    assert_eq!(audit_languages(&policy, &shop, &"final_notice".into(), &[English]), Ok(()), "the pack is for homes");
}

proptest! {
    #[test]
    fn the_day_before_the_earliest_is_refused_and_the_earliest_is_cleared(
        city in city(),
        due in 0_i64..40,
        age in 0_u16..90,
        mailed_after in 0_i64..80,
        offset in offsets(),
        deemed in 0_u16..6,
        served in any::<bool>(),
    ) {
        let due_on = plus_days(day("2026-03-01"), due);
        let mailed_on = plus_days(due_on, mailed_after);
        let from = if served { ServedFrom::Served } else { ServedFrom::Mailed };
        let days = BTreeSet::from([DayKind::OfficeClosed, DayKind::Friday]);
        let mut policy = policy(vec![
            guard(0, Limit::DebtAge { days: age }),
            guard(1, Limit::NoticeBefore { offset, by: vec![Channel::Mail], from }),
            guard(1, Limit::NeverOn { days }),
        ]);
        let notice = NoticeAction { deemed_days: deemed, ..statutory(&[Channel::Mail]) };
        policy.tracks[0].stages[0].acts = vec![Action::Notice(notice)];
        let mut account = noticed(mailed_on);
        account.items[0].due_on = due_on;

        let given = Given {
            channel: Channel::Mail,
            given_on: mailed_on,
            served_on: plus_days(mailed_on, i64::from(deemed)),
            reaches_occupant: false,
        };
        let earliest = earliest_day(&policy.guards, &city, &[due_on], &[given], false, mailed_on).unwrap();
        prop_assert!(cut_on(&account, &policy, &city.on(earliest), 18_000).is_ok());
        let mut before = plus_days(earliest, -1);
        while before >= mailed_on {
            prop_assert!(cut_on(&account, &policy, &city.on(before), 18_000).is_err(), "cleared on {before}");
            before = plus_days(before, -1);
        }
    }

    #[test]
    fn a_hold_a_holiday_or_a_moratorium_more_never_clears_what_was_refused(
        city in city(),
        mailed_after in 0_i64..40,
        cut_after in 40_i64..110,
        kind in prop::sample::select(HoldKind::ALL.to_vec()),
        hold_from in 0_i64..120,
        hold_days in prop::option::of(0_i64..60),
        on_item in any::<bool>(),
        holiday in 0_i64..150,
        ordered in prop::sample::select(vec![
            Ordered::Notice, Ordered::Call, Ordered::ShutOff, Ordered::Referral(Destination::Lien), Ordered::WriteOff,
        ]),
    ) {
        let start = day("2026-03-23");
        let today = plus_days(start, cut_after);
        let account = noticed(plus_days(start, mailed_after));
        let days = BTreeSet::from([DayKind::OfficeClosed]);
        let policy = policy(vec![
            guard(0, Limit::DebtAge { days: 60 }),
            guard(1, notice_before(7)),
            guard(1, Limit::NeverOn { days }),
        ]);
        let mut stricter_city = city.on(today);
        stricter_city.calendar.holidays.insert(plus_days(start, holiday), "another".into());
        let from = plus_days(start, hold_from);
        let mut held = account.clone().held(kind, from, hold_days.map(|n| plus_days(from, n)));
        if on_item {
            held.holds[0].items = BTreeSet::from([EntryId(1)]);
        }
        let cleared = |account: &Snapshot, world: &World| cut_on(account, &policy, world, 18_000).is_ok();
        prop_assert!(!cleared(&held, &stricter_city) || cleared(&account, &city.on(today)));
        let order = pending(ordered, "shut_off", today);
        let permitted = |account: &Snapshot, world: &World| reexamine(account, &policy, world, &order).is_ok();
        prop_assert!(!permitted(&held, &stricter_city) || permitted(&account, &city.on(today)));
        if held.holds[0].holds_on(today) {
            prop_assert!(!cleared(&held, &city.on(today)));
        }
    }
}

fn ruled(account: &mut Snapshot, on: &str, appeal_by: &str) {
    account.disputes.push(Dispute {
        id: DisputeId(5),
        items: BTreeSet::new(),
        reason: "never used".into(),
        raised_on: day("2026-05-10"),
        opened_on: day("2026-05-10"),
        opened_by: "Omar".into(),
        hold: HoldId(1),
        ruling: Some(Ruling {
            side: Side::City,
            findings: "read right".into(),
            by: "Ruth".into(),
            on: day(on),
            appeal_by: Some(day(appeal_by)),
            proposals: Vec::new(),
            settled_on: Some(day(on)),
            tell: None,
        }),
        appeal: None,
        withdrawn: Vec::new(),
    });
}

#[test]
fn nobody_is_shut_off_or_referred_while_a_ruling_can_be_appealed() {
    let mut account = noticed(day("2026-05-01"));
    ruled(&mut account, "2026-05-18", "2026-05-22");
    let on = world(day("2026-05-22"));
    let runs =
        |broken: Broken| matches!(broken, Broken::Appealable { dispute: DisputeId(5), last, .. } if last == on.today);
    assert!(runs(broken(cut_on(&account, &pack(), &on, 18_000))));
    let refer = act("legal", Action::Refer { to: Destination::Attorney }, Some(18_000), on.today);
    assert!(runs(broken(audit(&account, &pack(), &on, decision(&account, on.today, vec![refer])))));
    account.disputes.clear();
    ruled(&mut account, "2026-05-15", "2026-05-21");
    assert!(cut_on(&account, &pack(), &on, 18_000).is_ok(), "the notice announced no day that passed meanwhile");
}

#[test]
fn a_notice_whose_announced_day_passed_while_nobody_might_be_shut_off_carries_nothing() {
    let mut account = noticed(day("2026-05-01"));
    ruled(&mut account, "2026-05-15", "2026-05-21");
    let run = &mut account.case.as_mut().unwrap().tracks[0];
    run.announced.insert("shut_off".into(), day("2026-05-21"));
    let on = world(day("2026-05-22"));
    let passed = |broken: Broken| matches!(broken, Broken::AnnouncedDayPassed { announced, .. } if announced == day("2026-05-21"));
    assert!(passed(broken(cut_on(&account, &pack(), &on, 18_000))));
    account.disputes.clear();
    assert!(cut_on(&account, &pack(), &on, 18_000).is_ok());
    let mut held = account.held(HoldKind::Dispute, day("2026-05-20"), None);
    held.holds[0].ended_on = Some(day("2026-05-22"));
    assert!(passed(broken(cut_on(&held, &pack(), &on, 18_000))));
}

// ---- what a served notice still carries ----------------------------------------------------------------------

fn off(entry: i64, kind: EntryKind, debt: Option<i64>, on: Day) -> TakenOff {
    let debt = debt.map(EntryId);
    TakenOff { entry: EntryId(entry), kind, debt, service: Service::Water, on, amount: Cents::new(2_000) }
}

#[test]
fn what_was_served_before_a_death_was_settled_shuts_nobody_off() {
    let mut account = noticed(day("2026-05-01")).held(HoldKind::Deceased, day("2026-05-12"), None);
    account.holds[0].ended_on = Some(day("2026-05-18"));
    let refused = broken(cut_on(&account, &pack(), &world(day("2026-05-22")), 18_000));
    let (told, since) = (day("2026-05-01"), day("2026-05-18"));
    assert_eq!(refused, Broken::ServedOnAnother { stage: "final_notice".into(), told, since });
    // Served on the day, it was served on whoever is there now.
    account = noticed(day("2026-05-12"));
    account = account.event(EventKind::CustomerFollows, day("2026-05-12"), None);
    assert!(cut_on(&account, &pack(), &world(day("2026-05-22")), 18_000).is_ok());
    account = account.event(EventKind::CustomerFollows, day("2026-05-13"), None);
    let refused = broken(cut_on(&account, &pack(), &world(day("2026-05-22")), 18_000));
    assert!(matches!(refused, Broken::ServedOnAnother { .. }), "{refused:?}");
}

#[test]
fn a_notice_that_stated_more_than_was_owed_shuts_nobody_off() {
    let today = world(day("2026-05-22"));
    let mut account = noticed(day("2026-05-13"));
    account.case.as_mut().unwrap().tracks[0].steps[0].known = Some(EntryId(4));
    for (taken, stands) in [
        (off(5, EntryKind::Adjustment, Some(1), day("2026-05-14")), false),
        (off(5, EntryKind::Adjustment, Some(1), day("2026-05-02")), false),
        (off(5, EntryKind::Reversal, Some(1), day("2026-05-14")), false),
        (off(5, EntryKind::Adjustment, None, day("2026-05-14")), false),
        (off(4, EntryKind::Adjustment, Some(1), day("2026-05-02")), true),
        (off(5, EntryKind::Adjustment, Some(7), day("2026-05-14")), true),
        (off(5, EntryKind::WriteOff, Some(1), day("2026-05-14")), true),
        (off(5, EntryKind::Transfer, Some(1), day("2026-05-14")), true),
    ] {
        account.taken_off = vec![taken.clone()];
        let found = cut_on(&account, &pack(), &today, 18_000);
        assert_eq!(found.is_ok(), stands, "{taken:?}: {found:?}");
        if let Err(breach) = found {
            let stated = matches!(breach.broken, Broken::Overstated { amount, .. } if amount == Cents::new(2_000));
            assert!(stated, "{breach}");
        }
    }
}

#[test]
fn nobody_is_told_of_a_shut_off_of_what_is_off() {
    let mut account = noticed(day("2026-05-13"));
    account.shut_off = vec![Service::Water];
    let on = world(day("2026-05-22"));
    for ordered in [Ordered::Notice, Ordered::Tag, Ordered::Call] {
        let refused = reexamine(&account, &pack(), &on, &pending(ordered, "final_notice", on.today)).unwrap_err();
        let Refusal::StageOver { how } = &refused else { panic!("{ordered:?}: {refused}") };
        assert!(how.contains("water is off already"), "{how}");
    }
    account.shut_off = Vec::new();
    assert!(reexamine(&account, &pack(), &on, &pending(Ordered::Notice, "final_notice", on.today)).is_ok());
}

#[test]
fn a_write_off_turns_nothing_on_and_a_discharge_or_as_much_money_does() {
    let mut account = noticed(day("2026-05-01")).acted("shut_off", day("2026-05-22"), &[1]);
    account = account.event(EventKind::ShutOff, day("2026-05-22"), Some(stage_ref(TRACK, 1, "shut_off")));
    account.shut_off = vec![Service::Water];
    account.items.clear();
    let on = world(day("2026-05-28"));
    let mut restore =
        act("restore", Action::Restore { services: vec![Service::Water], without_fee: false }, None, on.today);
    restore.key.of.track = "restoration".into();
    let decided = |account: &Snapshot, acts: Vec<Act>| audit(account, &pack(), &on, decision(account, on.today, acts));
    assert!(decided(&account, vec![restore.clone()]).is_ok(), "it was paid");
    assert_eq!(broken(decided(&account, vec![])), Broken::KeptOff { service: Service::Water });

    account.taken_off = vec![TakenOff { amount: Cents::new(18_000), ..off(9, EntryKind::WriteOff, Some(1), on.today) }];
    let (service, amount) = (Service::Water, Cents::new(18_000));
    assert_eq!(broken(decided(&account, vec![restore.clone()])), Broken::GivenUp { service, amount });
    assert!(decided(&account, vec![]).is_ok(), "it stays off");
    let mut paid = account.clone();
    paid.payments = vec![crate::domain::testing::payment(8, 18_000, day("2026-05-26"))];
    assert!(decided(&paid, vec![restore]).is_ok());
}
