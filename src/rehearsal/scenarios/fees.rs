//! Fees: posted on their own dates, once, and taken back when the debt was paid in time.

use super::{Tale, learn_late, monthly, pay, riverbend};
use crate::decide::why;
use crate::domain::Cents;
use crate::domain::testing::day;
use crate::rulebook;

#[test]
fn a_fee_missed_while_the_daemon_was_down_posts_on_its_own_date() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-30").down_until("2026-04-20").through("2026-04-20");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("courtesy_call"), ["2026-04-20"], "what people are told is of today");
}

#[test]
fn a_fee_missed_until_after_its_window_still_posts_on_its_own_date() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-26").down_until("2026-05-04").through("2026-05-04");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("reminder"), [""; 0], "its window is over, and outward acts are not caught up");
}

#[test]
fn a_payment_in_time_that_is_learned_late_takes_the_late_fee_back_once() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", |account| learn_late(account, 24_000, "2026-04-01")).through("2026-04-20");
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-20"]);
    assert_eq!(tale.amounts("late_fee.taken_back"), [1_200]);
    assert_eq!(tale.account.snapshot().balance(), Cents::ZERO);
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let fee = said.iter().find(|line| line.says.contains("fee taken back")).unwrap();
    assert_eq!(fee.facts[1], "past due on 2026-04-02 of the bill of 2026-03-02, due 2026-03-23 = $0.00");
    tale.through("2026-06-30");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-20"], "and never again");
}

#[test]
fn a_late_fee_that_was_paid_is_taken_back_too_and_its_money_is_credit() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-10", |account| pay(account, 25_200));
    tale.on("2026-04-20", |account| learn_late(account, 24_000, "2026-04-01")).through("2026-04-21");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-20"]);
    assert_eq!(tale.account.snapshot().unapplied, Cents::new(25_200));
}

#[test]
fn a_late_fee_stays_when_the_payment_that_is_learned_late_was_late_or_too_small() {
    let policy = riverbend();
    for (cents, received) in [(24_000, "2026-04-03"), (23_000, "2026-04-01")] {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-20", |account| learn_late(account, cents, received)).through("2026-06-30");
        assert_eq!(tale.days("late_fee.taken_back"), [""; 0], "{cents} received {received}");
    }
}

#[test]
fn the_late_fee_of_april_2_is_undone_by_what_came_on_april_1_and_not_by_what_came_that_day() {
    let policy = riverbend();
    let taken_back = |received: &str| {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-20", |account| learn_late(account, 24_000, received)).through("2026-04-30");
        tale.days("late_fee.taken_back")
    };
    assert_eq!(taken_back("2026-04-01"), ["2026-04-20"]);
    assert_eq!(taken_back("2026-04-02"), [""; 0]);
    assert_eq!(taken_back("2026-04-03"), [""; 0]);
}

#[test]
fn a_fee_posted_with_the_shut_off_stays_when_the_customer_pays_that_afternoon() {
    let savannah = include_str!("../../../tests/policies/44-savannah.yaml");
    let policy = rulebook::load(&rulebook::shipped().with("savannah.yaml", savannah), "savannah.yaml").unwrap();
    let taken_back = |learned: &str, received: &str| {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-09", |_| {}).decide();
        assert_eq!(tale.days("shut_off"), ["2026-04-09"; 2], "the fee of the night, and the order");
        // The bill and its penalty of ten percent.
        tale.on(learned, |account| learn_late(account, 26_400, received)).through("2026-04-30");
        assert_eq!(tale.days("penalty.taken_back"), [""; 0], "{received}");
        tale.days("shut_off.taken_back")
    };
    assert_eq!(taken_back("2026-04-09", "2026-04-09"), [""; 0], "at 15:00, eighteen days overdue");
    assert_eq!(taken_back("2026-04-13", "2026-04-08"), ["2026-04-13"]);
    assert_eq!(taken_back("2026-04-13", "2026-04-09"), [""; 0]);
    assert_eq!(taken_back("2026-04-13", "2026-04-10"), [""; 0]);
}

const MONTHLY_FEE: &str = "
policy: monthly-fee
title: A late fee every month for an account
authority: none
effective: {from: 2026-01-01}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water]
tracks:
  late:
    per: account
    stages:
      late: {start: 18 days after due, every: 1 month, do: {fee: 10.00, name: late fee}, cite: a}
";

#[test]
fn a_late_fee_that_was_upheld_by_another_alone_is_taken_back_with_it() {
    let policy = rulebook::load(&rulebook::shipped().with("fee.yaml", MONTHLY_FEE), "fee.yaml").unwrap();
    // The first fee, of April 10, is due May 1: it alone is past due on May 10.
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-01", |account| learn_late(account, 24_000, "2026-03-20")).through("2026-07-31");
    assert_eq!(tale.days("late"), ["2026-04-10", "2026-05-10"]);
    assert_eq!(tale.days("late.taken_back"), ["2026-06-01"; 2]);
    assert_eq!(tale.account.snapshot().balance(), Cents::ZERO);
    // Learned on the day of the next fee: none is posted for the two that are taken back.
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-10", |account| learn_late(account, 24_000, "2026-03-20")).through("2026-07-31");
    assert_eq!(tale.days("late"), ["2026-04-10", "2026-05-10"]);
    assert_eq!(tale.days("late.taken_back"), ["2026-06-10"; 2]);
    // A payment between the two: the first had its ground, and the second has it in the first.
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-01", |account| learn_late(account, 24_000, "2026-04-20")).through("2026-06-02");
    assert_eq!(tale.days("late.taken_back"), [""; 0]);
}

#[test]
fn the_audit_refuses_to_take_back_a_fee_while_the_one_that_upholds_it_stands() {
    let policy = rulebook::load(&rulebook::shipped().with("fee.yaml", MONTHLY_FEE), "fee.yaml").unwrap();
    let mut tale = Tale::new(&policy);
    tale.on("2026-06-01", |account| learn_late(account, 24_000, "2026-03-20"));
    let mut decision = tale.account.decide().unwrap();
    decision.acts.remove(0);
    let breach = crate::audit::audit(&tale.account.snapshot(), &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("was past due on its day, Sun 2026-05-10"), "{breach}");
}

#[test]
fn a_check_in_time_that_came_back_takes_no_late_fee_back() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", |account| {
        learn_late(account, 24_000, "2026-04-01");
        account.return_payment(None);
    });
    tale.through("2026-04-30");
    assert_eq!(tale.days("late_fee.taken_back"), [""; 0]);
}

#[test]
fn a_fee_that_was_taken_back_is_charged_when_the_check_behind_it_comes_back() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-13", |account| learn_late(account, 24_000, "2026-04-01"));
    tale.on("2026-04-20", |account| account.return_payment(None)).through("2026-04-30");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-04-13"]);
    assert_eq!(tale.days("late_fee"), ["2026-04-02", "2026-04-20"], "once again, with the debt that came back");
    assert_eq!(tale.account.snapshot().balance(), Cents::new(25_200), "one fee is owed");
}

#[test]
fn the_audit_refuses_to_take_back_a_fee_that_had_its_ground() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-20", |account| learn_late(account, 24_000, "2026-04-01"));
    let decision = tale.account.decide().unwrap();
    let mut snapshot = tale.account.snapshot();
    let late = snapshot.ledger.iter_mut().find(|entry| entry.is_credit()).unwrap();
    late.effective_on = day("2026-04-03");
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("was past due on its day, Thu 2026-04-02"), "{breach}");
}

#[test]
fn a_bill_has_its_late_fee_once_though_a_returned_payment_opens_a_new_case() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-10", |account| pay(account, 24_000));
    tale.on("2026-04-20", |account| account.return_payment(None)).through("2026-04-30");
    assert_eq!(tale.account.case().map(|case| case.number), Some(2));
    assert_eq!(tale.days("late_fee"), ["2026-04-02"]);
}

#[test]
fn a_fee_that_recurs_goes_on_in_a_new_case_from_its_last_day() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-10", |account| pay(account, 25_000));
    tale.on("2026-04-20", |account| account.return_payment(None)).through("2026-06-15");
    assert_eq!(tale.days("interest"), ["2026-04-02", "2026-05-02", "2026-06-02"]);
}

#[test]
fn the_audit_refuses_a_second_late_fee_for_the_same_bill() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-04-02", |_| {});
    let decision = tale.account.decide().unwrap();
    tale.account.carry_out(&decision, &tale.division);
    let mut snapshot = tale.account.snapshot();
    snapshot.fees[0].key.of.case = 7;
    snapshot.facts_seq = decision.seen_seq;
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("the bill due Mon 2026-03-23 had its fee on Thu 2026-04-02"), "{breach}");
}

#[test]
fn a_recurring_fee_recurs_at_its_distance_and_not_every_day() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.through("2026-06-15");
    assert_eq!(tale.days("interest"), ["2026-04-02", "2026-05-02", "2026-06-02"]);
}

#[test]
fn recurring_fees_of_an_outage_post_each_on_its_own_date() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    tale.through("2026-03-30").down_until("2026-06-10").through("2026-06-15");
    assert_eq!(tale.days("interest"), ["2026-04-02", "2026-05-02", "2026-06-02"]);
}

#[test]
fn each_returned_payment_is_charged_once() {
    let policy = monthly();
    let mut tale = Tale::new(&policy);
    for (paid, returned) in [("2026-03-10", "2026-03-16"), ("2026-03-17", "2026-03-24")] {
        tale.on(paid, |account| pay(account, 24_000));
        tale.on(returned, |account| account.return_payment(None));
    }
    tale.through("2026-03-31");
    assert_eq!(tale.days("charge"), ["2026-03-16", "2026-03-24"]);
}
