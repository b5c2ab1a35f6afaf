//! A shut-off on its day: what stops it between the list and the crew.

use super::*;
use crate::domain::Service;
use crate::domain::call::CallOutcome;
use crate::domain::hold::HoldKind;
use crate::office::testing::{City, day, report};
use crate::store::{CounterPayment, ExceptionKind};

/// A second bill that fell due on May 21.
const JUST_PAST_DUE: &str = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,water,70.00,2026-05-01,2026-05-21,cis,B2-W
";

async fn state(city: &City, order: OrderId) -> OrderState {
    city.office.store.order(order).await.unwrap().state
}

async fn finalized(city: &City) -> OrderId {
    let order = city.to_the_shut_off().await;
    let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
    assert_eq!(outcome.finalized, [order]);
    city.at("2026-05-22", "09:10");
    order
}

fn money(cents: i64) -> CounterPayment {
    let (reference, memo) = ("R-1".to_owned(), String::new());
    CounterPayment { amount: Cents::new(cents), received_on: day("2026-05-22"), reference, memo }
}

#[tokio::test]
async fn a_payment_at_ten_past_nine_cancels_the_shut_off_that_was_finalized_at_nine() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.office.counter_payment(city.debtor().await, &money(22_420), "Omar").await.unwrap();
    assert_eq!(state(&city, order).await, OrderState::Canceled);
    assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, []);
}

#[tokio::test]
async fn a_shut_off_whose_debt_is_paid_is_not_approved_and_the_approver_reads_why() {
    let city = City::new().await;
    let order = city.to_the_approval().await;
    city.lockbox("10-000417", "224.20", "2026-05-22").await;
    let outcome = city.office.approve_orders(&[order], "Ruth").await.unwrap();
    let why = "the debt it rests on was paid".to_owned();
    assert_eq!(outcome, Handled { done: Vec::new(), refused: vec![(order, why)] });
    assert_eq!(state(&city, order).await, OrderState::Prepared);
}

/// The customer is never reached; a tag is to be left 48 hours before the shut-off.
async fn to_the_tag(city: &City) -> OrderId {
    city.to_the_call().await;
    let mut today = day("2026-05-08");
    while today < day("2026-06-15") {
        city.at(&today.to_string(), "04:00");
        city.office.night(today).await.unwrap();
        city.office.release_call_list(today, "Ruth").await.unwrap();
        for call in city.office.store.call_list(today).await.unwrap() {
            city.at(&today.to_string(), "10:00");
            city.office.record_call(call.id, report(CallOutcome::NoAnswer, "10:00"), "Omar").await.unwrap();
        }
        let approved = city.office.store.field_orders(Some(OrderState::Approved), None).await.unwrap();
        if let Some(tag) = approved.into_iter().find(|order| order.kind == OrderKind::Tag) {
            return tag.id;
        }
        today = plus_days(today, 1);
    }
    panic!("no tag was ordered");
}

#[tokio::test]
async fn a_tag_goes_to_the_crew_while_what_it_says_is_true() {
    let city = City::new().await;
    let tag = to_the_tag(&city).await;
    let blank = city.office.dispatch_orders(&[tag], "Crew 4", "Ruth").await.unwrap();
    assert!(blank.done.is_empty() && blank.refused[0].1.contains("not set on paper yet"), "{blank:?}");
    assert_eq!(state(&city, tag).await, OrderState::Approved, "it waits for its paper");
    city.office.render_released(&|| true).await.unwrap();
    assert_eq!(city.office.dispatch_orders(&[tag], "Crew 4", "Ruth").await.unwrap().done, [tag]);
}

#[tokio::test]
async fn a_tag_that_lay_in_the_office_beyond_its_dates_is_set_anew_and_not_left() {
    let city = City::new().await;
    let tag = to_the_tag(&city).await;
    city.office.render_released(&|| true).await.unwrap();
    let late = plus_days(city.office.today(), 10);
    city.at(&late.to_string(), "09:00");
    let refused = city.office.dispatch_orders(&[tag], "Crew 4", "Ruth").await.unwrap().refused;
    assert!(refused[0].1.contains("which is past; it is ordered and set anew"), "{refused:?}");
    assert_eq!(state(&city, tag).await, OrderState::Canceled);
}

#[tokio::test]
async fn a_tag_whose_amount_is_no_longer_true_stays_in_the_office_and_is_canceled() {
    let city = City::new().await;
    let tag = to_the_tag(&city).await;
    city.office.render_released(&|| true).await.unwrap();
    let paid = city.office.today().to_string();
    city.lockbox("10-000417", "24.20", &paid).await;
    let outcome = city.office.dispatch_orders(&[tag], "Crew 4", "Ruth").await.unwrap();
    assert_eq!(outcome.done, []);
    assert!(outcome.refused[0].1.starts_with("it states $"), "{outcome:?}");
    assert_eq!(state(&city, tag).await, OrderState::Canceled);
}

#[tokio::test]
async fn a_payment_that_nobody_has_decided_yet_keeps_the_crew_at_home() {
    let city = City::new().await;
    let order = finalized(&city).await;
    // The file is in the books, and the daemon was killed before it decided the account.
    city.lockbox("10-000417", "224.20", "2026-05-22").await;
    assert_eq!(state(&city, order).await, OrderState::Finalized);
    assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, []);
    assert_eq!(state(&city, order).await, OrderState::Canceled);
}

#[tokio::test]
async fn a_medical_hold_at_ten_past_nine_cancels_the_shut_off_although_nothing_is_paid() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.office.hold(city.debtor().await, HoldKind::Medical, (None, None), "letter of Dr. Ames", "Omar").await.unwrap();
    assert_eq!(state(&city, order).await, OrderState::Canceled);
}

#[tokio::test]
async fn a_payment_after_dispatch_calls_the_crew_back() {
    let city = City::new().await;
    let order = finalized(&city).await;
    assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, [order]);
    let taken = city.office.counter_payment(city.debtor().await, &money(22_420), "Omar").await.unwrap();
    let told: Vec<_> = taken.recalled.iter().map(|order| (order.id, order.crew.as_deref())).collect();
    assert_eq!((taken.is_new, told), (true, vec![(order, Some("Crew 4"))]));
    let again = city.office.counter_payment(city.debtor().await, &money(22_420), "Omar").await.unwrap();
    assert_eq!((again.entry, again.is_new, again.recalled), (taken.entry, false, vec![]));
    let standing = city.office.store.exceptions(true).await.unwrap();
    assert!(standing.iter().any(|line| line.kind == ExceptionKind::RecallCrew), "{standing:?}");
}

#[tokio::test]
async fn an_unmatched_payment_of_the_amount_withholds_the_shut_off_until_it_is_somebody_elses() {
    let city = City::new().await;
    let order = city.to_the_shut_off().await;
    // The bank read a number that is like none of ours; the amount is what is past due here.
    city.lockbox("77-431902", "224.20", "2026-05-21").await;
    let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
    assert!(
        matches!(&outcome.refused[..], [(id, FinalizeRefusal::UnmatchedPayment { amount, .. })]
            if *id == order && *amount == Cents::new(22_420)),
        "{outcome:?}"
    );
    assert_eq!(state(&city, order).await, OrderState::Approved);
    let unmatched = city.office.store.unmatched_payments(Some(UnmatchedState::Open)).await.unwrap();
    city.office.reject_payment(unmatched[0].id, "Ruth").await.unwrap();
    let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
    assert_eq!(outcome.finalized, [order]);
}

#[tokio::test]
async fn an_unmatched_payment_that_comes_in_after_finalization_keeps_the_crew_in_the_yard() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.lockbox("77-431902", "224.20", "2026-05-22").await;
    let outcome = city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
    assert_eq!((outcome.done, outcome.refused.len()), (vec![], 1));
    assert_eq!(state(&city, order).await, OrderState::Finalized, "it may be somebody else's");
    let unmatched = city.office.store.unmatched_payments(Some(UnmatchedState::Open)).await.unwrap();
    city.office.reject_payment(unmatched[0].id, "Ruth").await.unwrap();
    assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, [order]);
}

#[tokio::test]
async fn a_shut_off_is_not_carried_out_on_another_day_than_the_one_it_was_looked_at_for() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.at("2026-05-26", "08:00");
    assert_eq!(city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap().done, []);
    assert_eq!(state(&city, order).await, OrderState::Canceled);
}

#[tokio::test]
async fn a_crew_cannot_have_been_there_before_the_day_of_its_order() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
    let early = CrewResult {
        done: true,
        on: day("2026-05-12"),
        at: Some("08:10".into()),
        crew: "Crew 4".into(),
        note: String::new(),
    };
    let refused = city.office.record_order_result(order, early, "Ruth").await.unwrap_err();
    assert!(refused.to_string().contains("2026-05-12 lies before it"), "{refused}");
}

#[tokio::test]
async fn a_shut_off_that_the_crew_did_on_another_day_is_an_incident_and_restored_at_once() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
    city.at("2026-05-23", "11:00");
    let at_eight = CrewResult {
        done: true,
        on: day("2026-05-23"),
        at: Some("08:00".into()),
        crew: "Crew 4".into(),
        note: String::new(),
    };
    city.office.record_order_result(order, at_eight, "Ruth").await.unwrap();
    let [incident] = &city.office.store.exceptions_of_kind(ExceptionKind::Incident).await.unwrap()[..] else {
        panic!("one incident")
    };
    assert!(
        incident.text.contains("was for Fri 2026-05-22") && incident.text.contains("Sat 2026-05-23"),
        "{incident:?}"
    );
    let orders = city.office.store.orders_of(city.debtor().await).await.unwrap();
    let restores: Vec<_> = orders.iter().filter(|order| order.kind == OrderKind::Restore).collect();
    assert_eq!(restores.len(), 1, "nobody had leave on that Saturday: {orders:?}");
    let said = city.office.off_without_leave(order).await.unwrap().unwrap();
    assert!(said.contains("had no leave (it was for Fri 2026-05-22, and the crew did it on Sat 2026-05-23)"), "{said}");
}

#[tokio::test]
async fn a_crew_that_has_not_reported_by_the_next_morning_is_on_the_exceptions_list_until_it_does() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
    let silent = async || {
        let standing = city.office.store.exceptions(true).await.unwrap();
        standing.into_iter().filter(|line| line.kind == ExceptionKind::NoResult).collect::<Vec<_>>()
    };
    city.office.night(day("2026-05-22")).await.unwrap();
    assert_eq!(silent().await, []);
    for morning in ["2026-05-23", "2026-05-24"] {
        city.at(morning, "04:00");
        city.office.night(day(morning)).await.unwrap();
        let lines = silent().await;
        assert_eq!((lines.len(), lines[0].opened_on), (1, day("2026-05-23")), "told once");
        assert!(lines[0].text.contains(&format!("arrears orders result {order}")), "{lines:?}");
        assert!(lines[0].text.contains("Crew 4 has the shut-off of water for 2026-05-22"), "{lines:?}");
    }
    let result = CrewResult { done: true, on: day("2026-05-22"), at: None, crew: "Crew 5".into(), note: String::new() };
    city.office.record_order_result(order, result, "Ruth").await.unwrap();
    assert_eq!(silent().await, []);
}

#[tokio::test]
async fn an_unmatched_payment_of_another_amount_and_number_withholds_nothing() {
    let city = City::new().await;
    let order = city.to_the_shut_off().await;
    city.lockbox("77-431902", "61.00", "2026-05-21").await;
    let outcome = city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
    assert_eq!(outcome.finalized, [order]);
}

#[tokio::test]
async fn a_shut_off_is_judged_when_it_is_recorded_by_what_stood_against_it_also_where_nobody_had_looked() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.office.dispatch_orders(&[order], "Crew 1", "Ruth").await.unwrap();
    let debtor = city.debtor().await;
    let hold = crate::store::NewHold {
        kind: crate::domain::hold::HoldKind::Reported,
        from: day("2026-05-22"),
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason: "the agency says of the debtor: bankrupt".into(),
        estate: None,
    };
    // As a file brings it, between two looks of the daemon.
    city.office.store.place_hold(debtor, &hold, &city.office.stamp("Ruth")).await.unwrap();
    let (on, at) = (day("2026-05-22"), Some("10:00".to_owned()));
    let result = CrewResult { done: true, on, at, crew: "Crew 1".to_owned(), note: String::new() };
    city.office.record_order_result(order, result, "Omar").await.unwrap();
    let lines = city.office.store.exceptions_of_kind(ExceptionKind::Incident).await.unwrap();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let approved = city.office.store.field_orders(Some(OrderState::Approved), None).await.unwrap();
    assert!(matches!(&approved[..], [order] if order.kind == OrderKind::Restore), "{approved:?}");
}

#[tokio::test]
async fn a_shut_off_done_although_it_was_canceled_is_restored_at_once_whatever_is_owed() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.takes("charges-2.csv", JUST_PAST_DUE).await;
    let dispatched = city.office.dispatch_orders(&[order], "Crew 1", "Ruth").await.unwrap();
    assert_eq!(dispatched.done, [order]);
    let debtor = city.debtor().await;
    // The bill it began with; the new bill stays open, a day past due.
    city.office.counter_payment(debtor, &money(22_420), "Omar").await.unwrap();
    assert_eq!(state(&city, order).await, OrderState::Canceled);
    assert_eq!(city.office.snapshot(debtor).await.unwrap().balance(), Cents::new(7_000));

    let result = |done, note: &str| CrewResult {
        done,
        on: day("2026-05-22"),
        at: Some("10:00".to_owned()),
        crew: "Crew 1".to_owned(),
        note: note.to_owned(),
    };
    city.office.record_order_result(order, result(true, ""), "Omar").await.unwrap();
    let to_restore = async || {
        let approved = city.office.store.field_orders(Some(OrderState::Approved), None).await.unwrap();
        approved.into_iter().map(|order| (order.id, order.kind, order.service)).collect::<Vec<_>>()
    };
    let ordered = to_restore().await;
    assert!(matches!(ordered[..], [(_, OrderKind::Restore, Service::Water)]), "{ordered:?}");
    let standing = city.office.store.exceptions(true).await.unwrap();
    assert!(standing.iter().any(|line| line.kind == ExceptionKind::Incident), "{standing:?}");

    // Nobody could get in: it is ordered anew, and nothing holds it back.
    let first = ordered[0].0;
    assert_eq!(city.office.dispatch_orders(&[first], "Crew 1", "Ruth").await.unwrap().done, [first]);
    city.office.record_order_result(first, result(false, "locked gate"), "Omar").await.unwrap();
    let second = to_restore().await[0].0;
    assert_eq!(city.office.dispatch_orders(&[second], "Crew 1", "Ruth").await.unwrap().done, [second]);
    city.office.record_order_result(second, result(true, ""), "Omar").await.unwrap();
    let known = city.office.snapshot(debtor).await.unwrap();
    assert_eq!((known.shut_off, known.without_leave, known.items.len()), (vec![], vec![], 1), "no fee");
    assert_eq!(to_restore().await, []);
}

#[tokio::test]
async fn whoever_records_a_shut_off_that_had_been_canceled_reads_that_water_is_off_and_what_restores_it() {
    let city = City::new().await;
    let order = finalized(&city).await;
    city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
    let crews = city.office.crews_out().await.unwrap();
    city.office.counter_payment(city.debtor().await, &money(22_420), "Omar").await.unwrap();
    let told = crews.to_call_back().await.unwrap();
    assert!(told[0].starts_with("order 1: call the crew back") && told[0].ends_with("(account 10-000417)"), "{told:?}");
    assert_eq!(city.office.crews_out().await.unwrap().to_call_back().await.unwrap(), [""; 0], "once");
    assert_eq!(city.office.off_without_leave(order).await.unwrap(), None, "not done");
    let done = CrewResult {
        done: true,
        on: day("2026-05-22"),
        at: Some("09:20".into()),
        crew: "Crew 4".into(),
        note: String::new(),
    };
    city.office.record_order_result(order, done, "Omar").await.unwrap();
    let told = city.office.off_without_leave(order).await.unwrap().unwrap();
    assert!(told.starts_with("water is off at account 10-000417, and should not be: order 1 had no leave ("), "{told}");
    assert!(told.contains("restoration order 2 waits to be dispatched: `arrears orders dispatch 2"), "{told}");
}

#[tokio::test]
async fn a_tag_stays_in_the_office_while_a_medical_hold_stands_and_why_names_the_hold() {
    let city = City::new().await;
    let tag = to_the_tag(&city).await;
    city.office.render_released(&|| true).await.unwrap();
    let debtor = city.debtor().await;
    city.office.hold(debtor, HoldKind::Medical, (None, None), "letter of Dr. Ames", "Omar").await.unwrap();
    let outcome = city.office.dispatch_orders(&[tag], "Crew 4", "Ruth").await.unwrap();
    assert!(outcome.done.is_empty() && outcome.refused[0].1.contains("a medical hold stands"), "{outcome:?}");
    assert_ne!(state(&city, tag).await, OrderState::Dispatched);
    let why = city.office.why(debtor, None).await.unwrap();
    assert!(
        why.stands[0].starts_with("Hold 1 (medical) stands since")
            && why.stands[0].contains("until a person ends it: letter of Dr. Ames. It bars shut-off, referral (Health"),
        "{:?}",
        why.stands
    );
}

#[tokio::test]
async fn why_says_that_water_is_off_and_what_keeps_it_off() {
    let city = City::new().await;
    city.to_the_dry_tap().await;
    let debtor = city.debtor().await;
    let stands = async || city.office.why(debtor, None).await.unwrap().stands;
    let off = "water is off since Fri 2026-05-22: $224.20 of what it was shut off for is owed; paid or arranged, it is \
               turned on again";
    assert_eq!(stands().await, [off]);
    city.office.counter_payment(debtor, &money(22_420), "Omar").await.unwrap();
    let paid = "water is off since Fri 2026-05-22; nothing keeps it off, and a crew is to turn it on again";
    assert_eq!(stands().await, [paid]);
}
