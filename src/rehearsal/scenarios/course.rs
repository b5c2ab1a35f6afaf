//! The course of a case: shut-off, restoration, referral, and its end.

use super::super::account::Account;
use super::{Tale, monthly, pay, pay_for, riverbend};
use crate::decide::why;
use crate::domain::testing::day;
use crate::domain::{Action, Cents, Day, Decision, EventKind, Service};

#[test]
fn an_unpaid_bill_goes_from_a_late_fee_to_a_shut_off() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-06-10");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("contact"), ["2026-05-08"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn a_canceled_shut_off_comes_around_again_the_next_open_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.cuts = false;
    tale.through("2026-05-26");
    assert_eq!(tale.days("shut_off"), ["2026-05-22", "2026-05-26"]);
}

#[test]
fn a_returned_payment_brings_the_debt_back_with_a_fresh_notice_but_no_second_late_fee() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let water = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Sewer, Cents::new(9_000), day("2026-03-23"));
    // The sewer bill keeps the case open.
    tale.on("2026-05-10", |account| pay_for(account, 24_000, water));
    tale.on("2026-05-18", |account| account.return_payment(None)).through("2026-06-30");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-18"]);
    assert_eq!(tale.days("shut_off"), ["2026-06-02"]);
}

#[test]
fn water_is_restored_when_the_water_is_paid_though_sewer_is_not() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let water = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Sewer, Cents::new(9_000), day("2026-03-23"));
    tale.on("2026-05-27", |account| pay_for(account, 24_000, water)).through("2026-05-28");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
    assert_eq!(tale.days("restore"), ["2026-05-27"]);
    assert!(tale.account.case().is_some());
}

#[test]
fn water_that_was_shut_off_without_leave_is_restored_at_once_without_fee_though_it_is_not_paid() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-05-22");
    assert_eq!((tale.days("shut_off"), tale.days("restore")), (vec!["2026-05-22".to_owned()], Vec::new()));
    tale.account.without_leave.push(Service::Water);
    let snapshot = tale.account.snapshot();
    let decision = tale.account.decide().unwrap();
    let restore = decision.acts.iter().find(|act| matches!(act.action, Action::Restore { .. })).unwrap();
    assert_eq!(restore.action, Action::Restore { services: vec![Service::Water], without_fee: true });
    assert_eq!((restore.for_day, restore.needs_release), (day("2026-05-22"), false));
    assert!(crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).is_ok());
}

#[test]
fn where_service_has_ended_nothing_is_shut_off_and_the_debt_is_demanded() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-15", |account| account.change(|profile| profile.ended = Some(day("2026-04-15"))));
    tale.through("2026-08-31");
    let told = ["final_notice", "contact", "posting", "shut_off"].map(|stage| tale.days(stage).len());
    assert_eq!(told, [0; 4]);
    assert_eq!(tale.days("demand").len(), 1);
}

#[test]
fn a_final_notice_of_before_the_end_of_service_leads_to_no_shut_off_after_it() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-05-01");
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    tale.on("2026-05-10", |account| account.change(|profile| profile.ended = Some(day("2026-05-15"))));
    tale.through("2026-08-31");
    assert_eq!((tale.days("shut_off"), tale.days("posting")), (Vec::<String>::new(), Vec::new()));
}

#[test]
fn a_restoration_that_the_crew_could_not_do_is_ordered_anew_until_the_water_runs() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-27", |account| pay(account, 30_000));
    let ordered = |account: &Account| {
        let acts = account.decide().unwrap().acts;
        let restore = acts.iter().find(|act| matches!(act.action, Action::Restore { .. })).unwrap();
        restore.key.clone()
    };
    let first = ordered(&tale.account);
    assert_eq!(ordered(&tale.account), first, "decided again, it is the same order");
    tale.account.happens(EventKind::OrderCanceled, Some(&first.of));
    let second = ordered(&tale.account);
    assert_eq!(second.of.round, first.of.round + 1, "another order, with a key of its own");
    tale.account.happens(EventKind::OrderCanceled, Some(&second.of));
    assert_eq!(ordered(&tale.account).of.round, first.of.round + 2);
    tale.through("2026-05-28");
    assert!(tale.account.snapshot().shut_off.is_empty());
}

#[test]
fn a_cured_case_ends_and_its_pending_acts_with_it() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-18", |account| pay(account, 25_200)).through("2026-05-18");
    let last = tale.last.as_ref().unwrap();
    assert_eq!(last.closed, Some(crate::domain::case::Cause::Cured));
    assert_eq!((last.case.as_ref(), last.acts.as_slice()), (None, [].as_slice()));
}

#[test]
fn a_referral_rests_on_what_is_past_due_and_not_on_the_bill_of_today() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-09-20", |account| {
        account.bill(Service::Water, Cents::new(11_100), day("2026-10-12"));
    });
    tale.through("2026-09-30");
    let referred: Vec<i64> = tale
        .acts
        .iter()
        .filter(|a| matches!(a.action, Action::Refer { .. }))
        .filter_map(|a| a.amount)
        .map(Cents::get)
        .collect();
    assert_eq!(referred, [25_200], "the bill and its late fee");
}

#[test]
fn a_payment_returned_long_ago_opens_nothing_on_a_new_bill() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.on("2026-03-10", |account| pay(account, 24_000));
    tale.on("2026-03-12", |account| account.return_payment(None));
    tale.on("2026-03-20", |account| pay(account, 30_000)).through("2026-05-31");
    tale.on("2026-06-01", |account| {
        account.bill(Service::Water, Cents::new(9_000), day("2026-06-22"));
    });
    tale.through("2026-06-10");
    assert!(tale.account.case().is_none());
}

#[test]
fn the_night_does_not_look_at_an_account_before_its_next_stage() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-02");
    let review = |tale: &Tale| tale.last.as_ref().and_then(|decision: &Decision| decision.next_review);
    let expected: Option<Day> = Some(day("2026-03-24"));
    assert_eq!(review(&tale), expected);
    tale.through("2026-03-24");
    assert_eq!(review(&tale), Some(day("2026-03-28")), "the reminder");
}

#[test]
fn the_audit_refuses_to_restore_what_is_not_off() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-27", |account| pay(account, 30_000));
    let decision = tale.account.decide().unwrap();
    assert!(decision.acts.iter().any(|act| matches!(act.action, Action::Restore { .. })));
    let mut snapshot = tale.account.snapshot();
    snapshot.shut_off.clear();
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("water is not shut off"), "{breach}");
}

#[test]
fn a_stage_that_the_record_rules_out_is_passed_over_at_once_and_named_as_not_for_the_account() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    // The day after the final notice is a Saturday, on which nobody goes to tenants.
    tale.through("2026-05-02");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let of = |stage: &str| said.iter().find(|line| line.stage == format!("shut_off / {stage}")).unwrap();
    assert_eq!(
        (of("tenants").says.as_str(), &of("tenants").facts[..]),
        ("not for this account", &["landlord account = no".to_owned()][..])
    );
    assert!(of("contact").says.starts_with("waits until Fri 2026-05-08"), "{}", of("contact").says);
}

#[test]
fn tenants_of_whom_the_billing_system_tells_late_are_told_all_the_same() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-12", |account| {
        account.profile.attributes.insert("premises.landlord_account".into(), "yes".into());
        account.learned();
    });
    tale.through("2026-06-10");
    assert_eq!(tale.days("tenants"), ["2026-05-12"], "the call of May 8 had gone past it");
    assert_eq!(tale.days("shut_off"), ["2026-05-27"], "fifteen days from it");
}
