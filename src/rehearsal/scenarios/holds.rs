//! Holds and promises: what waits for them, and what comes around again after them.

use super::super::account::Account;
use super::{Tale, hold, riverbend};
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::testing::day;
use crate::domain::{Cents, Service};

#[test]
fn a_fee_under_a_dispute_waits_for_its_end_and_is_not_dated_into_it() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-03-30", |account| {
        account.hold(hold(HoldKind::Dispute, "2026-03-30", None));
    });
    tale.on("2026-04-10", Account::end_hold).through("2026-04-12");
    assert_eq!(tale.days("late_fee"), ["2026-04-10"]);
}

#[test]
fn a_fee_whose_window_closes_under_a_dispute_is_never_charged() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-03-30", |account| {
        account.hold(hold(HoldKind::Dispute, "2026-03-30", None));
    });
    tale.on("2026-05-10", Account::end_hold).through("2026-05-20");
    assert_eq!(tale.days("late_fee"), [""; 0]);
}

#[test]
fn a_hold_runs_through_its_last_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-10", |account| {
        account.hold(hold(HoldKind::Extension, "2026-05-10", Some("2026-05-21")));
    });
    tale.through("2026-05-22");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}

#[test]
fn a_notice_whose_announced_day_passed_under_a_hold_is_served_anew() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-20", |account| {
        account.hold(hold(HoldKind::Extension, "2026-05-20", Some("2026-05-28")));
    });
    tale.through("2026-07-10");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-29"]);
    assert_eq!(tale.days("shut_off"), ["2026-06-15"], "fifteen days after the new notice is a Saturday: Monday");
}

#[test]
fn final_notices_do_not_pile_up_under_a_dispute() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-10", |account| {
        account.hold(hold(HoldKind::Dispute, "2026-05-10", None));
    });
    tale.on("2026-10-01", Account::end_hold).through("2026-10-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-10-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-10-16"]);
}

#[test]
fn a_review_of_one_bill_leaves_the_others_to_their_course() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    let in_review = tale.account.bill(Service::Water, Cents::new(10_000), day("2026-03-23"));
    tale.on("2026-05-15", |account| {
        account.hold(Hold { items: [in_review].into(), ..hold(HoldKind::Review, "2026-05-15", None) });
    });
    tale.through("2026-05-22");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
    assert_eq!(tale.amounts("shut_off"), [24_000]);
}

#[test]
fn a_promise_bars_the_shut_off_through_its_grace() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-20", |account| account.promise(Cents::new(24_000), day("2026-05-26")));
    tale.through("2026-05-27");
    assert_eq!(tale.days("shut_off"), [""; 0], "one day of grace");
    tale.through("2026-05-28");
    assert_eq!(tale.days("shut_off"), ["2026-05-28"]);
}
