//! Debts that nobody may be asked for: disputed bills, and those of before a petition in bankruptcy.

use super::super::account::Account;
use super::{Tale, hold, pay, riverbend};
use crate::domain::case::Cause;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::testing::day;
use crate::domain::{Cents, ItemId, Service};

fn disputed(account: &mut Account, item: ItemId, from: &str) {
    account.hold(Hold { items: [item].into(), ..hold(HoldKind::Dispute, from, None) });
}

#[test]
fn a_disputed_bill_gets_no_fee_and_stands_in_no_notice_while_the_other_takes_its_course() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let read_wrong = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Water, Cents::new(10_000), day("2026-04-13"));
    tale.on("2026-03-30", |account| disputed(account, read_wrong, "2026-03-30"));
    tale.through("2026-07-31");
    assert_eq!(tale.days("late_fee"), ["2026-04-23"], "ten days after the bill of April 13");
    assert_eq!(tale.amounts("final_notice")[0], 10_000, "water alone");
    assert_eq!(tale.days("final_notice")[0], "2026-05-22", "thirty-nine days after April 13");
    assert_eq!(tale.days("shut_off"), [""; 0], "nobody is shut off while it is not decided");
}

#[test]
fn a_case_with_nothing_but_a_disputed_bill_rests_and_goes_on_with_a_new_notice_when_the_city_is_right() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let bill = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.through("2026-05-01");
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    tale.on("2026-05-10", |account| disputed(account, bill, "2026-05-10"));
    tale.through("2026-06-30");
    let last = tale.last.as_ref().unwrap();
    assert_eq!((&last.closed, last.case.is_some()), (&None, true), "it was not paid");
    assert_eq!(tale.days("contact"), ["2026-05-08"], "that of before the dispute");
    tale.on("2026-07-01", Account::end_hold).through("2026-07-31");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-07-01"], "the day that the first announced is past");
    assert_eq!(tale.days("shut_off"), ["2026-07-16"]);
}

#[test]
fn a_petition_ends_the_case_of_older_debt_and_younger_debt_has_one_of_its_own() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.through("2026-05-09");
    tale.on("2026-05-10", |account| account.petition(day("2026-05-10"))).through("2026-05-10");
    assert_eq!(tale.last.as_ref().unwrap().closed, Some(Cause::Stayed));
    tale.through("2026-06-01");
    assert_eq!(tale.days("shut_off"), [""; 0]);
    // The bill of June is the first after the petition: its period is not known, and it may span the day.
    tale.on("2026-06-02", |account| {
        account.bill(Service::Water, Cents::new(9_000), day("2026-06-23"));
    });
    tale.on("2026-07-02", |account| {
        account.bill(Service::Water, Cents::new(8_000), day("2026-07-23"));
    });
    tale.through("2026-09-30");
    let snapshot = tale.account.snapshot();
    assert_eq!(snapshot.stayed_amount(), Cents::new(34_200), "with the late fee of May 3 on the bill of March");
    assert_eq!(tale.amounts("final_notice")[1..], [8_000], "of July 23");
    assert_eq!(tale.amounts("shut_off"), [8_000]);
    assert_eq!(tale.days("shut_off"), ["2026-09-21"]);
}

#[test]
fn a_petition_that_is_learned_late_takes_back_the_fee_and_turns_the_water_on() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.through("2026-05-22");
    assert_eq!((tale.days("late_fee"), tale.days("shut_off")), (vec!["2026-04-02".into()], vec!["2026-05-22".into()]));
    tale.on("2026-05-25", |account| account.petition(day("2026-03-30"))).through("2026-05-25");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-05-25"]);
    assert_eq!(tale.days("restore"), ["2026-05-25"]);
    let snapshot = tale.account.snapshot();
    assert_eq!((snapshot.balance(), snapshot.stayed_amount()), (Cents::ZERO, Cents::new(24_000)));
}

#[test]
fn water_that_is_off_for_a_stayed_bill_is_not_kept_off_by_a_younger_one() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    // The first bill behind the petition may span its day, and is stayed with the older one.
    tale.account.bill(Service::Water, Cents::new(5_000), day("2026-06-20"));
    tale.account.bill(Service::Water, Cents::new(6_000), day("2026-07-20"));
    tale.through("2026-07-31");
    assert_eq!((tale.days("shut_off"), tale.days("restore")), (vec!["2026-05-22".into()], vec![]));
    // The bill of July is 12 days past due: no notice of it was served, and it was no ground for the shut-off.
    tale.on("2026-08-01", |account| account.petition(day("2026-05-26"))).through("2026-08-02");
    assert_eq!(tale.days("restore"), ["2026-08-01"]);
    assert!(tale.account.snapshot().balance().is_positive(), "it is owed all the same");
}

#[test]
fn dismissal_brings_the_debt_back_with_its_due_date_and_new_notices() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-10", |account| account.petition(day("2026-05-10")));
    tale.on("2026-08-03", Account::dismiss).through("2026-08-31");
    assert_eq!(tale.account.snapshot().items[0].due_on, day("2026-03-23"));
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-08-03"]);
    assert_eq!(tale.days("shut_off"), ["2026-08-18"], "fifteen days after the new notice");
}

#[test]
fn money_of_after_the_petition_pays_the_bill_of_after_it() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-10", |account| account.petition(day("2026-05-10")));
    tale.on("2026-06-02", |account| {
        account.bill(Service::Water, Cents::new(9_000), day("2026-06-23"));
    });
    tale.on("2026-07-02", |account| {
        account.bill(Service::Water, Cents::new(8_000), day("2026-07-23"));
        pay(account, 8_000);
    });
    tale.through("2026-09-30");
    assert_eq!(tale.account.snapshot().items, []);
    assert_eq!(tale.days("late_fee").len(), 1, "that of before the petition");
}
