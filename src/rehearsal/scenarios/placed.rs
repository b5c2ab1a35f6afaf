//! Debts that are out with a destination: what waits for them, and what comes around again when they are back.

use super::super::account::Account;
use super::{Tale, riverbend};
use crate::domain::testing::day;
use crate::domain::{Cents, Service};

#[test]
fn a_notice_whose_announced_day_passed_while_the_debt_was_out_is_served_anew() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let bill = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-20", |account| account.place([bill]));
    tale.on("2026-05-29", Account::recall).through("2026-07-10");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-29"], "it announced May 22");
    assert_eq!(tale.days("shut_off"), ["2026-06-15"], "fifteen days after the new notice is a Saturday: Monday");
}

#[test]
fn a_debt_that_was_back_before_the_announced_day_is_shut_off_for_on_it() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let bill = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-10", |account| account.place([bill]));
    tale.on("2026-05-15", Account::recall).through("2026-05-22");
    assert_eq!(tale.days("final_notice"), ["2026-05-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
}
