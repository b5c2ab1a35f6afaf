//! What restores service, and what the letter after a shut-off says of it.

use super::{Tale, pay, riverbend};
use crate::domain::arrangement::Installment;
use crate::domain::testing::day;
use crate::domain::{Action, Cents, Service};

#[test]
fn the_letter_lists_the_water_debt_that_it_was_shut_off_for_and_tells_the_rest_apart() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Refuse, Cents::new(9_000), day("2026-03-23"));
    tale.account.bill(Service::Water, Cents::new(7_000), day("2026-05-11"));
    tale.through("2026-05-23");
    let told = tale.acts.iter().find(|act| act.key.of.stage.as_str() == "how_to_restore").unwrap();
    let facts = told.notice.as_ref().unwrap();
    let restores = facts.restores.unwrap();
    assert_eq!((facts.amount, restores.fee), (Cents::new(24_000), Cents::ZERO));
    // With the newer water bill, the refuse, and late fees of $16.50 and $5.00.
    assert_eq!(restores.past_due, Cents::new(42_150));
}

#[test]
fn who_pays_the_sum_of_the_letter_has_water_though_the_money_went_to_older_debt() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Refuse, Cents::new(9_000), day("2026-03-20"));
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-27", |account| pay(account, 23_999)).through("2026-05-27");
    assert_eq!(tale.days("shut_off"), ["2026-05-22"]);
    assert!(tale.days("restore").is_empty(), "a cent is missing");
    tale.on("2026-05-28", |account| pay(account, 1)).through("2026-05-28");
    assert_eq!(tale.days("restore"), ["2026-05-28"]);
    let water = tale.account.snapshot().items.iter().find(|item| item.service == Service::Water).unwrap().open;
    assert_eq!(water, Cents::new(9_000), "the ledger paid the older refuse bill first");
    // Whoever is shut off for the rest is told anew, with all its days.
    tale.through("2026-07-15");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-05-28"]);
    assert_eq!(tale.days("shut_off").len(), 2);
    assert!(tale.days("shut_off")[1].as_str() >= "2026-06-12", "{:?}", tale.days("shut_off"));
}

#[test]
fn a_bill_that_came_due_since_keeps_no_water_off() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Water, Cents::new(7_000), day("2026-05-18"));
    tale.on("2026-05-27", |account| pay(account, 24_000)).through("2026-05-28");
    assert_eq!(
        (tale.days("shut_off"), tale.days("restore")),
        (vec!["2026-05-22".to_owned()], vec!["2026-05-27".into()])
    );
}

#[test]
fn an_arrangement_turns_water_on_again_and_one_that_is_missed_ends_in_a_shut_off_with_new_notices() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-27", |account| {
        account.arrange(vec![
            Installment { due_on: day("2026-06-10"), amount: Cents::new(12_600) },
            Installment { due_on: day("2026-07-10"), amount: Cents::new(12_600) },
        ]);
    });
    tale.through("2026-05-28");
    assert_eq!(tale.days("restore"), ["2026-05-27"]);
    tale.through("2026-10-30");
    assert_eq!(tale.days("restore"), ["2026-05-27"], "and once");
    let notices = tale.days("final_notice");
    assert!(notices.len() >= 2 && notices[1].as_str() > "2026-06-10", "{notices:?}");
    let shut_off = tale.days("shut_off");
    assert!(shut_off.len() == 2 && shut_off[1].as_str() > "2026-08-10", "60 days after the miss: {shut_off:?}");
}

#[test]
fn the_audit_refuses_a_decision_that_leaves_paid_water_off() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.on("2026-05-27", |account| pay(account, 24_000));
    let mut decision = tale.account.decide().unwrap();
    decision.acts.retain(|act| !matches!(act.action, Action::Restore { .. }));
    let snapshot = tale.account.snapshot();
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("is not turned on again"), "{breach}");
}

#[test]
fn the_audit_refuses_a_letter_that_asks_for_more_than_the_shut_off_was_for() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    let refuse = tale.account.bill(Service::Refuse, Cents::new(9_000), day("2026-03-23"));
    tale.through("2026-05-22");
    tale.account.begin(day("2026-05-23"));
    let mut decision = tale.account.decide().unwrap();
    let letter = decision.acts.iter_mut().find_map(|act| act.notice.as_mut()).unwrap();
    let wrong = crate::domain::notice::ListedItem {
        item: refuse,
        service: Service::Refuse,
        open: Cents::new(9_000),
        ..letter.items[0].clone()
    };
    letter.items.push(wrong);
    letter.amount = letter.items.iter().map(|item| item.open).sum();
    let snapshot = tale.account.snapshot();
    let breach = crate::audit::audit(&snapshot, &policy, &tale.account.world, decision).unwrap_err();
    assert!(breach.to_string().contains("nothing was shut off for it"), "{breach}");
}
