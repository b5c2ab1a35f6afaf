//! What a notice that was served still carries: nothing for whoever follows a customer who died, and nothing where it asked for
//! more than was owed.

use super::{Account, Payment, Tale, hold, learn_late, pay, riverbend};
use crate::decide::why;
use crate::domain::hold::HoldKind;
use crate::domain::testing::day;
use crate::domain::{Cents, Entry, EntryKind, EventKind, ItemId, Service};

/// A correction of today, of the service's oldest debts.
fn adjust(account: &mut Account, service: Service, amount: Cents) {
    let designated_service = Some(service);
    account.post(|entry| Entry { kind: EntryKind::Adjustment, service, amount, designated_service, ..entry });
}

/// A bill that the billing system takes back today.
fn take_back(account: &mut Account, bill: ItemId) {
    let amount = account.entries.iter().find(|entry| entry.id == bill).map(|entry| -entry.amount).unwrap();
    account.post(|entry| Entry { kind: EntryKind::Reversal, amount, reverses: Some(bill), ..entry });
}

#[test]
fn whoever_follows_a_customer_who_died_has_a_notice_a_call_and_all_their_days() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-12", |account| {
        account.hold(hold(HoldKind::Deceased, "2026-05-12", None));
    });
    tale.on("2026-05-18", Account::end_hold).through("2026-05-18");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let notice = said.iter().find(|line| line.stage == "shut_off / final_notice").unwrap();
    assert_eq!(notice.says, "acts today");
    let anew = "served anew = what was served before Mon 2026-05-18 was served on somebody else";
    assert_eq!(notice.facts.last().map(String::as_str), Some(anew));
    tale.through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-18"]);
    assert_eq!(tale.days("contact"), ["2026-05-08", "2026-05-26"], "May 25 is Memorial Day");
    assert_eq!(tale.days("shut_off"), ["2026-06-02"]);
}

#[test]
fn what_was_served_before_a_person_said_that_the_customer_is_the_same_is_served_anew() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-12", |account| account.happens(EventKind::CustomerFollows, None)).through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-12"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-27"]);
}

#[test]
fn a_notice_that_asked_for_more_than_was_owed_is_served_anew_once_for_each_correction() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-12", |account| adjust(account, Service::Water, Cents::new(-2_000))).through("2026-05-12");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let notice = said.iter().find(|line| line.stage == "shut_off / final_notice").unwrap();
    let anew = notice.facts.last().unwrap();
    assert!(anew.contains("the one of Fri 2026-05-01 asked for $20.00 more than was owed: adjustment"), "{anew}");
    tale.through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-12"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-27"]);
}

#[test]
fn a_correction_of_another_service_leaves_the_notice_for_water_as_it_is() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.account.bill(Service::Sewer, Cents::new(9_000), day("2026-03-23"));
    tale.on("2026-05-12", |account| adjust(account, Service::Sewer, Cents::new(-2_000))).through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn a_part_payment_makes_no_notice_untrue_whenever_it_was_received_and_learned() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-06", |account| learn_late(account, 1_000, "2026-04-28"));
    tale.on("2026-05-12", |account| pay(account, 1_000)).through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn a_late_fee_that_goes_because_its_bill_turns_out_paid_makes_no_notice_untrue() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    let second = tale.account.bill(Service::Water, Cents::new(10_000), day("2026-03-30"));
    tale.on("2026-05-12", |account| {
        account.pay(Payment {
            amount: Cents::new(10_000),
            received_on: day("2026-04-07"),
            item: Some(second),
            service: None,
        });
    });
    tale.through("2026-06-30");
    assert_eq!(tale.days("late_fee.taken_back"), ["2026-05-12"]);
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn a_bill_that_is_taken_back_spends_the_notice_that_listed_it_beside_another() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    let second = tale.account.bill(Service::Water, Cents::new(10_000), day("2026-03-23"));
    tale.on("2026-05-12", |account| take_back(account, second)).through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-12"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-27"]);
}
