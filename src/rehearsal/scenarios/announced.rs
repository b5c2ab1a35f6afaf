//! Nobody is told of a shut-off for a day on which it may not come, nor how to restore what is on.

use super::super::account::Account;
use super::{HASTY, Tale, hold, riverbend};
use crate::audit::audit;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::notice::NoticeFacts;
use crate::domain::testing::day;
use crate::domain::{Action, Cents, Decision, EventKind, Service, Snapshot};
use crate::rulebook::{self, Policy};

/// Nobody is reached, so that a tag is left before the shut-off.
fn unreached(policy: &Policy) -> Tale<'_> {
    let mut tale = Tale::owing_nothing(policy);
    tale.account.bill(Service::Water, Cents::new(60_000), day("2026-03-20"));
    tale.division.contact = Some(false);
    tale
}

fn hasty() -> Policy {
    rulebook::load(&rulebook::shipped().with("hasty.yaml", HASTY), "hasty.yaml").unwrap()
}

#[test]
fn no_tag_goes_on_the_door_of_a_house_under_a_medical_hold_until_it_has_ended() {
    let policy = hasty();
    let mut tale = unreached(&policy);
    tale.on("2026-05-08", |account| _ = account.hold(hold(HoldKind::Medical, "2026-05-08", None)));
    tale.through("2026-06-12");
    assert_eq!((tale.days("posting"), tale.days("shut_off")), (vec![], vec![]));
    tale.on("2026-06-15", Account::end_hold).through("2026-07-31");
    assert!(tale.days("posting")[0].as_str() >= "2026-06-15", "{:?}", tale.days("posting"));
}

#[test]
fn no_tag_goes_on_the_door_while_a_dispute_or_a_promise_bars_the_day_that_it_would_announce() {
    let policy = hasty();
    let mut tale = unreached(&policy);
    let other = tale.account.bill(Service::Water, Cents::new(9_000), day("2026-05-15"));
    tale.on("2026-05-12", |account| {
        account.hold(Hold { items: [other].into(), ..hold(HoldKind::Dispute, "2026-05-12", None) });
    });
    tale.through("2026-06-12");
    assert_eq!(tale.days("posting"), [""; 0]);
}

#[test]
fn a_final_notice_waits_for_a_medical_hold_and_not_for_time_to_pay_that_ends_before_its_day() {
    let policy = riverbend();
    let told = |kind, through: Option<&str>| {
        let mut tale = Tale::new(&policy);
        tale.on("2026-04-20", |account| _ = account.hold(hold(kind, "2026-04-20", through)));
        tale.through("2026-05-15");
        tale.days("final_notice")
    };
    assert_eq!(told(HoldKind::Medical, None), [""; 0]);
    assert_eq!(told(HoldKind::Extension, Some("2026-05-10")), ["2026-05-01"], "it announces May 22");
    assert_eq!(told(HoldKind::Extension, Some("2026-06-30")), [""; 0]);
}

/// What the audit says of the decision, were the snapshot otherwise than it was decided on.
fn objection(tale: &Tale, policy: &Policy, decision: Decision, change: impl FnOnce(&mut Snapshot)) -> String {
    let mut snapshot = tale.account.snapshot();
    change(&mut snapshot);
    audit(&snapshot, policy, &tale.account.world, decision).unwrap_err().to_string()
}

#[test]
fn the_audit_lets_no_tag_and_no_final_notice_announce_what_a_hold_bars() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-04-30");
    tale.account.begin(day("2026-05-01"));
    let decision = tale.account.decide().unwrap();
    let announces = |act: &crate::domain::Act| {
        act.notice.as_ref().is_some_and(|facts: &NoticeFacts| facts.shut_off_on == Some(day("2026-05-22")))
    };
    assert!(decision.acts.iter().any(announces));
    let says = objection(&tale, &policy, decision.clone(), |snapshot| {
        snapshot.holds.push(hold(HoldKind::Medical, "2026-04-30", None));
    });
    assert!(says.contains("medical"), "{says}");
    let mut snapshot = tale.account.snapshot();
    snapshot.holds.push(hold(HoldKind::Extension, "2026-04-30", Some("2026-05-21")));
    audit(&snapshot, &policy, &tale.account.world, decision).unwrap();
}

#[test]
fn the_audit_lets_no_letter_say_that_water_is_off_where_it_is_on() {
    let policy = riverbend();
    let mut tale = Tale::new(&policy);
    tale.through("2026-05-22");
    tale.account.begin(day("2026-05-23"));
    let decision = tale.account.decide().unwrap();
    assert!(decision.acts.iter().any(|act| act.key.of.stage.as_str() == "how_to_restore"));
    let says = objection(&tale, &policy, decision, |snapshot| snapshot.shut_off.clear());
    assert!(says.contains("none is off that money turns on again"), "{says}");
}

#[test]
fn the_audit_turns_on_what_is_contested_or_paid_by_money_that_lies_elsewhere_and_nothing_for_half() {
    let policy = riverbend();
    let mut tale = Tale::owing_nothing(&policy);
    tale.account.bill(Service::Refuse, Cents::new(9_000), day("2026-03-20"));
    let water = tale.account.bill(Service::Water, Cents::new(24_000), day("2026-03-23"));
    tale.through("2026-05-25");
    let without = |tale: &Tale| {
        let mut decision = tale.account.decide().unwrap();
        decision.acts.retain(|act| !matches!(act.action, Action::Restore { .. }));
        decision
    };
    tale.account.begin(day("2026-05-26"));
    super::pay(&mut tale.account, 12_000);
    let decision = without(&tale);
    audit(&tale.account.snapshot(), &policy, &tale.account.world, decision).expect("half turns nothing on");
    let disputed = Hold { items: [water].into(), ..hold(HoldKind::Dispute, "2026-05-26", None) };
    let decision = without(&tale);
    let says = objection(&tale, &policy, decision, |snapshot| snapshot.holds.push(disputed));
    assert!(says.contains("is not turned on again"), "{says}");
    super::pay(&mut tale.account, 12_000);
    let decision = without(&tale);
    let says = objection(&tale, &policy, decision, |_| ());
    assert!(says.contains("is not turned on again"), "{says}");
    let ended = |snapshot: &mut Snapshot| snapshot.profile.ended = Some(day("2026-05-25"));
    let restores = tale.account.decide().unwrap();
    assert!(restores.acts.iter().any(|act| matches!(act.action, Action::Restore { .. })));
    let says = objection(&tale, &policy, restores, ended);
    assert!(says.contains("service ended"), "{says}");
    assert!(tale.account.snapshot().events.iter().any(|event| event.kind == EventKind::ShutOff));
}
