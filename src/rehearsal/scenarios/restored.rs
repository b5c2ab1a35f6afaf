//! What restores service, and what the letter after a shut-off says of it.

use super::{Tale, pay, riverbend};
use crate::decide::why;
use crate::domain::arrangement::Installment;
use crate::domain::ledger::OWN_SOURCE;
use crate::domain::testing::day;
use crate::domain::{Action, Cents, Entry, EntryId, EntryKind, ItemId, Service};

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

/// A write-off of a bill, of today.
fn write_off(account: &mut super::Account, bill: ItemId, cents: i64) -> EntryId {
    account.post(|entry| Entry {
        kind: EntryKind::WriteOff,
        service: Service::Water,
        amount: Cents::new(-cents),
        designated_item: Some(bill),
        source: OWN_SOURCE.into(),
        ..entry
    })
}

#[test]
fn a_write_off_turns_no_water_on_and_the_lead_is_asked_once() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let bill = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.through("2026-05-22");
    let mut written_off = EntryId(0);
    tale.on("2026-05-26", |account| written_off = write_off(account, bill, 24_000)).through("2026-05-26");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let stays = "barred: water stays off: $240.00 of what it was shut off for was written off or moved";
    assert!(said.iter().any(|line| line.says.starts_with(stays)), "{said:?}");
    tale.on("2026-06-09", |account| pay(account, 100)).through("2026-06-09");
    assert_eq!(tale.days("restore"), [""; 0], "nor does it later, when the case is over");
    let asked: std::collections::BTreeSet<String> =
        tale.acts.iter().filter(|act| act.key.of.stage.as_str() == "given_up").map(|act| act.key.to_string()).collect();
    assert_eq!(asked.len(), 1, "one task: {asked:?}");
    // What was written off is owed again, and paid.
    tale.on("2026-06-16", |account| {
        account.post(|entry| Entry {
            kind: EntryKind::Reversal,
            amount: Cents::new(24_000),
            reverses: Some(written_off),
            ..entry
        });
        pay(account, 25_200);
    });
    tale.through("2026-06-16");
    assert_eq!(tale.days("restore"), ["2026-06-16"]);
}

#[test]
fn who_pays_as_much_as_was_written_off_has_water_again() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let bill = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.on("2026-05-26", |account| {
        write_off(account, bill, 24_000);
    });
    tale.on("2026-06-01", |account| pay(account, 24_000)).through("2026-06-01");
    assert_eq!(tale.days("restore"), ["2026-06-01"]);
}

#[test]
fn nobody_without_water_is_told_that_it_may_be_shut_off_and_the_rest_takes_its_course() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let first = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.account.bill(Service::Water, Cents::new(10_000), day("2026-03-23"));
    tale.on("2026-06-01", |account| super::pay_for(account, 24_000, first)).through("2026-06-30");
    assert_eq!((tale.days("shut_off"), tale.days("restore")), (vec!["2026-05-22".to_owned()], vec![]));
    assert_eq!(tale.days("final_notice"), ["2026-05-01"], "for the second bill a run of its own has begun");
    let said = why::explain(tale.last.as_ref().unwrap(), &policy);
    let notice = said.iter().find(|line| line.stage == "shut_off / final_notice").unwrap();
    assert_eq!(notice.says, "barred: water is off already; what falls due is told once it is on again");
    tale.through("2026-08-31");
    assert_eq!(tale.days("demand"), ["2026-08-20"], "150 days past due");
    // Turned on by hand: now it is told, with all its days.
    tale.on("2026-09-01", |account| account.turned_on(Service::Water)).through("2026-10-30");
    assert_eq!(tale.days("final_notice"), ["2026-05-01", "2026-09-01"]);
    assert_eq!(tale.days("shut_off"), ["2026-05-22", "2026-09-16"]);
}

#[test]
fn a_notice_whose_announced_day_passed_while_the_water_was_off_is_served_anew() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    let first = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.through("2026-05-23");
    // The second bill is old enough when the first is paid; its notice is not that of May.
    tale.account.bill(Service::Water, Cents::new(10_000), day("2026-03-24"));
    tale.on("2026-06-09", |account| super::pay_for(account, 24_000, first)).through("2026-07-31");
    assert_eq!(tale.days("restore"), ["2026-06-09"]);
    let notices = tale.days("final_notice");
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[1].as_str() >= "2026-06-09", "{notices:?}");
}
