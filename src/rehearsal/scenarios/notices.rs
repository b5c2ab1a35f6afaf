//! Notices and tags that did not go out as ordered: made anew, with their dates.

use super::super::account::Account;
use super::{MONTHLY, Tale, riverbend};
use crate::decide::why;
use crate::domain::Action;
use crate::domain::person::Override;
use crate::domain::testing::day;
use crate::rulebook;

#[test]
fn a_voided_letter_is_decided_anew_the_next_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.mails_after_days = Some(4);
    tale.on("2026-05-04", Account::void_letter).through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-04"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-26"], "mailed May 8; 15 days are a Saturday, then Memorial Day");
}

#[test]
fn a_notice_that_a_person_canceled_is_no_notice_and_is_made_anew_the_day_after() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.mails_after_days = Some(4);
    tale.on("2026-05-04", |account| {
        let (by, reason) = ("Ana Ortiz".to_owned(), "the address is being checked".to_owned());
        account.cancel_letter(&Override { by, reason, on: day("2026-05-04") });
    });
    tale.through("2026-05-04");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let notice = said.iter().find(|line| line.stage == "shut_off / final_notice").unwrap();
    assert_eq!(
        notice.says,
        "canceled by Ana Ortiz on 2026-05-04: the address is being checked; made anew Tue 2026-05-05, unless the stage \
         is skipped"
    );
    tale.through("2026-06-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-05"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-26"], "mailed May 9; 15 days are a Sunday, then Memorial Day");
}

#[test]
fn a_stage_that_tells_and_charges_is_not_charged_again_when_its_letter_is_made_anew() {
    let text = format!(
        "{MONTHLY}  legal:\n    per: account\n    stages:\n      demand: {{start: 10 days after due, do: [{{notice: demand, by: mail}}, \
         {{fee: 25.00, name: demand fee}}], cite: c}}\n"
    );
    let policy = rulebook::load(&rulebook::shipped().with("demand.yaml", text), "demand.yaml").unwrap();
    let mut tale = Tale::new(&policy);
    tale.division.mails_after_days = Some(4);
    tale.on("2026-04-04", Account::void_letter).through("2026-04-20");
    let demanded = tale.acts.iter().filter(|act| act.key.of.stage.as_str() == "demand");
    let words: Vec<_> = demanded.map(|act| (act.for_day.to_string(), act.action.word())).collect();
    let expected = [("2026-04-02", "notice"), ("2026-04-02", "fee"), ("2026-04-04", "notice")];
    assert_eq!(words, expected.map(|(on, word)| (on.to_owned(), word)));
}

#[test]
fn a_tag_that_the_crew_could_not_leave_is_ordered_again_on_the_next_business_day() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.division.contact = Some(false);
    tale.division.posts = false;
    // Tuesday to Friday before Memorial Day.
    tale.through("2026-05-22");
    assert_eq!(tale.days("posting"), ["2026-05-19", "2026-05-20", "2026-05-21", "2026-05-22", "2026-05-22"]);
    let Action::Task { text, .. } = &tale.acts.last().unwrap().action else { panic!("no task") };
    assert!(text.starts_with("posting was ordered 3 times"), "{text}");
    tale.division.posts = true;
    tale.through("2026-06-10");
    assert_eq!(tale.days("shut_off"), ["2026-05-29"], "48 hours after it was left on May 26");
}
