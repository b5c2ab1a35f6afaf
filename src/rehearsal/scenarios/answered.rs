//! Who pays what a final notice asks for by its day, and what becomes of the notice.

use super::{Tale, pay, riverbend};
use crate::domain::testing::day;
use crate::domain::{Cents, Service};

/// $90.00 of refuse due March 20 and $240.00 of water due March 23. The final notice of May 1 asks for the water.
fn beside_refuse(policy: &crate::rulebook::Policy) -> Tale<'_> {
    let mut tale = Tale::owing_nothing(policy);
    tale.account.bill(Service::Refuse, Cents::new(9_000), day("2026-03-20"));
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale
}

#[test]
fn who_pays_the_sum_of_the_final_notice_keeps_the_water_though_the_money_went_to_older_debt() {
    let policy = riverbend();
    let mut tale = beside_refuse(&policy);
    tale.on("2026-05-15", |account| pay(account, 24_000)).through("2026-05-22");
    let water = tale.account.snapshot().items.iter().find(|item| item.service == Service::Water).unwrap().open;
    assert_eq!(water, Cents::new(9_000), "the ledger paid the older refuse bill first");
    assert_eq!(tale.days("shut_off"), [""; 0]);
    // On the day of the shut-off what is left is asked for anew, with all its days.
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-22"]);
    tale.through("2026-06-30");
    let shut_off = tale.days("shut_off");
    assert!(shut_off.len() == 1 && shut_off[0].as_str() >= "2026-05-30", "{shut_off:?}");
}

#[test]
fn a_cent_less_than_was_asked_for_is_not_what_was_asked_for() {
    let policy = riverbend();
    let mut tale = beside_refuse(&policy);
    tale.on("2026-05-15", |account| pay(account, 23_999)).through("2026-05-22");
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn what_is_paid_in_parts_since_the_notice_counts_together() {
    let policy = riverbend();
    let mut tale = beside_refuse(&policy);
    tale.on("2026-05-06", |account| pay(account, 14_000));
    tale.on("2026-05-20", |account| pay(account, 10_000)).through("2026-05-26");
    assert_eq!(tale.days("shut_off"), [""; 0]);
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-22"]);
}

#[test]
fn money_of_the_time_before_the_notice_answers_no_notice() {
    let policy = riverbend();
    let mut tale = beside_refuse(&policy);
    tale.on("2026-04-28", |account| pay(account, 9_000)).through("2026-05-22");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"], "it paid the refuse, and the notice asked for the water");
}
