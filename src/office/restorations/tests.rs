//! Water that is off: what turns it on again, and what the household is told meanwhile.

use super::*;
use crate::domain::arrangement::Installment;
use crate::domain::field_order::{OrderKind, OrderState};
use crate::domain::{Cents, OrderId};
use crate::office::disputes::DisputeRequest;
use crate::office::testing::{City, day};
use crate::office::{IfLate, Office};
use crate::store::{CounterPayment, CrewResult};

#[tokio::test]
async fn whoever_was_told_by_word_of_mouth_stands_on_the_list_once() {
    let city = City::new().await;
    city.to_the_dry_tap().await;
    city.at("2026-05-27", "09:00");
    let untold = async || city.office.store.exceptions_of_kind(ExceptionKind::RestorationUntold).await.unwrap();
    city.office.report_overdue(day("2026-05-27")).await.unwrap();
    let [line] = &untold().await[..] else { panic!("the lead is told") };
    let wrong = async || {
        let told = city.office.doctor(&|_, _| {}).await.unwrap();
        let letters = told.checks.into_iter().find(|check| check.name == "restoration letters");
        letters.map(|check| check.wrong)
    };
    assert_eq!(wrong().await, Some(1));
    let refused = city.office.clear_exception(line.id, None, "Ruth").await.unwrap_err().to_string();
    assert!(refused.contains("say whom you told, when and how"), "{refused}");
    city.office.clear_exception(line.id, Some("told by telephone, May 27"), "Ruth").await.unwrap();
    city.at("2026-05-28", "09:00");
    city.office.report_overdue(day("2026-05-28")).await.unwrap();
    assert_eq!((untold().await, wrong().await), (vec![], Some(0)), "it does not come back");
}

/// A sewer bill that is past due beside the water bill.
const SEWER: &str = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,sewer,95.00,2026-04-01,2026-04-22,cis,B2-S
";
const ENDED: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy,service_ended
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,2026-05-25
";

/// Adopts Riverbend's policy with a fee of $50.00 for turning on again.
async fn charges_for_turning_on(city: &City) {
    let told = "do: {notice: how_to_restore, by: mail, statutory: yes, copies: [occupant, third_party]}";
    let both = "do: [{notice: how_to_restore, by: mail, statutory: yes}, \
                {fee: 50.00, name: reconnection fee, reconnects: in_hours, cost: 60.00}]";
    let text = include_str!("../../../rules/riverbend.yaml");
    let changed = text.split("\ntests:").next().unwrap().replace(told, both);
    assert!(changed.contains("reconnects"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("riverbend.yaml");
    std::fs::write(&path, changed).unwrap();
    city.office.adopt_policy(&path, None, "Ruth").await.unwrap();
}

async fn pays(city: &City, cents: i64, on: &str, reference: &str) {
    let payment = CounterPayment {
        amount: Cents::new(cents),
        received_on: day(on),
        reference: reference.to_owned(),
        memo: String::new(),
    };
    city.office.counter_payment(city.debtor().await, &payment, "Omar").await.unwrap();
}

async fn disputes(city: &City, items: &[&str]) {
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    let request = DisputeRequest { items, reason: "the meter was misread".to_owned(), raised_on: None };
    city.office.open_dispute(city.debtor().await, &request, "Omar").await.unwrap();
}

/// The restorations that wait for a crew.
async fn to_restore(city: &City) -> Vec<OrderId> {
    let approved = city.office.store.field_orders(Some(OrderState::Approved), None).await.unwrap();
    approved.into_iter().filter(|order| order.kind == OrderKind::Restore).map(|order| order.id).collect()
}

async fn turned_on(city: &City, order: OrderId, on: &str) {
    assert_eq!(city.office.dispatch_orders(&[order], "Crew 2", "Ruth").await.unwrap().done, [order]);
    let done =
        CrewResult { done: true, on: day(on), at: Some("15:00".into()), crew: "Crew 2".into(), note: String::new() };
    city.office.record_order_result(order, done, "Ruth").await.unwrap();
    assert!(city.office.snapshot(city.debtor().await).await.unwrap().shut_off.is_empty());
}

async fn night(city: &City, on: &str) {
    city.at(on, "04:00");
    city.office.night(day(on)).await.unwrap();
    city.at(on, "09:00");
}

/// The letters that say how service is restored, oldest first.
async fn letters(city: &City) -> Vec<Notice> {
    let all = city.office.store.notices_of(city.debtor().await).await.unwrap();
    all.into_iter().filter(|notice| notice.template.as_str() == "how_to_restore").collect()
}

async fn states(city: &City) -> Vec<NoticeState> {
    letters(city).await.into_iter().map(|notice| notice.state).collect()
}

async fn is_well(city: &City) {
    let examined = city.office.doctor(&|_, _| {}).await.unwrap();
    let wrong: Vec<_> = examined.checks.into_iter().filter(|check| check.wrong > 0).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(city.office.store.exceptions_of_kind(ExceptionKind::AuditRefused).await.unwrap(), []);
}

/// What a decision of the account as it was known at the end of the day before orders, as it does of what is known now.
async fn why_says(office: &Office, city: &City, on: &str) -> bool {
    let why = office.why(city.debtor().await, Some(day(on))).await.unwrap();
    why.decision.acts.iter().any(|act| matches!(act.action, crate::domain::Action::Restore { .. }))
}

#[tokio::test]
async fn half_of_the_sum_turns_no_water_on_and_all_of_it_does() {
    let city = City::new().await;
    city.to_the_dry_tap().await;
    city.at("2026-05-22", "11:00");
    pays(&city, 11_210, "2026-05-22", "R-1").await;
    assert_eq!(to_restore(&city).await, [], "a cent counts once");
    city.at("2026-05-22", "12:00");
    pays(&city, 5_000, "2026-05-22", "R-2").await;
    assert_eq!(to_restore(&city).await, []);
    city.at("2026-05-23", "10:00");
    assert!(!why_says(&city.office, &city, "2026-05-22").await);
    pays(&city, 6_210, "2026-05-23", "R-3").await;
    let order = to_restore(&city).await[0];
    city.at("2026-05-26", "09:00");
    assert!(why_says(&city.office, &city, "2026-05-23").await);
    turned_on(&city, order, "2026-05-26").await;
    is_well(&city).await;
}

#[tokio::test]
async fn half_of_the_sum_turns_no_water_on_though_it_went_to_older_debt() {
    let city = City::new().await;
    city.takes("sewer.csv", &SEWER.replace("2026-04-22", "2026-03-20").replace("2026-04-01", "2026-03-01")).await;
    city.to_the_dry_tap().await;
    city.at("2026-05-22", "11:00");
    pays(&city, 22_419, "2026-05-22", "R-1").await;
    assert_eq!(to_restore(&city).await, []);
    pays(&city, 1, "2026-05-22", "R-2").await;
    assert_eq!(to_restore(&city).await.len(), 1, "the sum of the letter, of which $95.00 went to the sewer");
    is_well(&city).await;
}

#[tokio::test]
async fn the_bill_without_the_fee_turns_no_water_on_and_an_arrangement_of_the_fee_does() {
    let city = City::new().await;
    charges_for_turning_on(&city).await;
    city.to_the_dry_tap().await;
    city.office.work_outbox(&city.mailer()).await.unwrap();
    let batch = city.office.make_batch("Ruth").await.unwrap().made.unwrap().batch;
    city.office.mark_batch_mailed(batch, day("2026-05-22"), IfLate::Refuse, "PS 3665", "Ruth").await.unwrap();
    city.at("2026-05-22", "11:00");
    pays(&city, 22_420, "2026-05-22", "R-1").await;
    assert_eq!(to_restore(&city).await, [], "the letter named the fee");
    night(&city, "2026-05-27").await;
    let installments =
        ["2026-06-15", "2026-07-15"].map(|due| Installment { due_on: day(due), amount: Cents::new(2_500) });
    city.office.agree(city.debtor().await, installments.to_vec(), "asked", "Ruth").await.unwrap();
    assert_eq!(to_restore(&city).await.len(), 1);
    night(&city, "2026-05-28").await;
    is_well(&city).await;
}

#[tokio::test]
async fn the_letter_of_the_day_states_the_fee_that_is_posted_with_it_and_leaves() {
    let city = City::new().await;
    charges_for_turning_on(&city).await;
    city.to_the_dry_tap().await;
    city.office.work_outbox(&city.mailer()).await.unwrap();
    let made = city.office.make_batch("Ruth").await.unwrap();
    assert_eq!((made.dropped, made.made.map(|made| made.pieces)), (vec![], Some(1)));
    let letter = letters(&city).await.remove(0);
    let restores = letter.facts.restores.unwrap();
    assert_eq!((restores.fee, restores.beside()), (Cents::new(5_000), Cents::new(5_000)));
    assert_eq!((letter.facts.amount, letter.facts.balance), (Cents::new(22_420), Cents::new(27_420)));
    let parts = city.office.wordings.clone();
    let said = |notice: &Notice| {
        let profile = crate::notices::samples::profile();
        let city = crate::config::CityProfile::default();
        let parts = crate::notices::letter::parts(&city, &parts, notice, &profile, day("2026-05-22"), &[]).unwrap();
        format!("{:?}", parts[0])
    };
    let text = said(&letter);
    assert!(text.contains("includes a reconnection fee of $50.00") && text.contains("$274.20"), "{text}");
    // The same once the fee stands among what is listed.
    let mut later = letter.clone();
    later.facts.restores.as_mut().unwrap().listed = Cents::new(5_000);
    later.facts.amount = Cents::new(27_420);
    let text = said(&later);
    assert!(text.contains("includes a reconnection fee of $50.00") && text.contains("$274.20"), "{text}");
    is_well(&city).await;
}

#[tokio::test]
async fn no_letter_says_that_water_is_off_once_it_is_on() {
    let city = City::new().await;
    city.to_the_dry_tap().await;
    city.office.work_outbox(&city.mailer()).await.unwrap();
    let batch = city.office.make_batch("Ruth").await.unwrap().made.unwrap().batch;
    city.at("2026-05-23", "09:00");
    pays(&city, 22_420, "2026-05-23", "R-1").await;
    let order = to_restore(&city).await[0];
    turned_on(&city, order, "2026-05-23").await;
    assert_eq!(states(&city).await, [NoticeState::Canceled]);
    let pull = city.office.store.exceptions_of_kind(ExceptionKind::PullLetter).await.unwrap();
    assert!(pull[0].text.contains("take letter"), "{pull:?}");
    city.at("2026-05-26", "09:00");
    let marked =
        city.office.mark_batch_mailed(batch, day("2026-05-26"), IfLate::Refuse, "PS 3665", "Ruth").await.unwrap();
    assert_eq!(marked.mailed, []);
    is_well(&city).await;
    // Had it left all the same, the doctor would say so.
    let body = "json_set(body, '$.state', 'mailed', '$.mailed_on', '2026-05-26')";
    let update = format!("UPDATE notice SET state = 'mailed', body = {body} WHERE id = {}", letters(&city).await[0].id);
    city.office.store.tampers(&update).await.unwrap();
    let examined = city.office.doctor(&|_, _| {}).await.unwrap();
    let found = format!("{:?}", examined.checks.iter().find(|check| check.name == "dates").unwrap());
    assert!(found.contains("a crew had turned it on again"), "{found}");
}

#[tokio::test]
async fn a_letter_that_waited_under_an_arrangement_does_not_leave_when_it_is_missed() {
    let city = City::new().await;
    city.to_the_dry_tap().await;
    city.office.work_outbox(&city.mailer()).await.unwrap();
    let installments =
        ["2026-06-15", "2026-07-15"].map(|due| Installment { due_on: day(due), amount: Cents::new(11_210) });
    city.office.agree(city.debtor().await, installments.to_vec(), "asked", "Ruth").await.unwrap();
    let order = to_restore(&city).await[0];
    assert_eq!(states(&city).await, [NoticeState::Rendered]);
    // Before the crew has been there the letter is looked at again: it waits for nothing.
    turned_on(&city, order, "2026-05-22").await;
    assert_eq!(states(&city).await, [NoticeState::Voided]);
    for on in ["2026-05-23", "2026-06-16", "2026-06-20", "2026-06-22"] {
        night(&city, on).await;
        city.office.work_outbox(&city.mailer()).await.unwrap();
    }
    assert_eq!(states(&city).await, [NoticeState::Voided], "and none is made anew");
    is_well(&city).await;
}

#[tokio::test]
async fn what_is_contested_after_the_shut_off_keeps_no_water_off_and_nobody_is_asked_for_another_bill() {
    let city = City::new().await;
    city.takes("sewer.csv", SEWER).await;
    city.to_the_dry_tap().await;
    city.at("2026-05-22", "11:00");
    pays(&city, 5_000, "2026-05-22", "R-1").await;
    city.at("2026-05-22", "12:00");
    disputes(&city, &["B1-W"]).await;
    let order = to_restore(&city).await[0];
    night(&city, "2026-05-23").await;
    assert!(letters(&city).await.iter().all(|letter| !letter.state.is_pending()), "no word of the sewer");
    turned_on(&city, order, "2026-05-23").await;
    night(&city, "2026-05-24").await;
    is_well(&city).await;
}

#[tokio::test]
async fn a_dispute_of_another_bill_keeps_the_water_as_it_is_and_the_sum_is_that_of_the_rest() {
    let city = City::new().await;
    city.takes("sewer.csv", SEWER).await;
    city.to_the_dry_tap().await;
    city.at("2026-05-22", "12:00");
    disputes(&city, &["B2-S"]).await;
    night(&city, "2026-05-23").await;
    assert_eq!(to_restore(&city).await, []);
    pays(&city, 22_420, "2026-05-23", "R-1").await;
    assert_eq!(to_restore(&city).await.len(), 1);
    is_well(&city).await;
}

#[tokio::test]
async fn nothing_is_turned_on_where_service_has_ended_and_the_lead_is_told_once() {
    let city = City::new().await;
    city.to_the_dry_tap().await;
    city.at("2026-05-26", "09:00");
    city.takes("ended.csv", ENDED).await;
    night(&city, "2026-05-27").await;
    assert_eq!(states(&city).await, [NoticeState::Canceled]);
    city.at("2026-05-28", "09:00");
    pays(&city, 22_420, "2026-05-28", "R-1").await;
    assert_eq!(to_restore(&city).await, []);
    night(&city, "2026-05-29").await;
    let incidents = city.office.store.exceptions_of_kind(ExceptionKind::Incident).await.unwrap();
    let [line] = &incidents[..] else { panic!("one line: {incidents:?}") };
    assert!(line.text.contains("is off since Fri 2026-05-22, and its service ended Mon 2026-05-25"), "{}", line.text);
    city.office.clear_exception(line.id, Some("the new tenant called"), "Ruth").await.unwrap();
    night(&city, "2026-05-30").await;
    assert_eq!(city.office.store.exceptions_of_kind(ExceptionKind::Incident).await.unwrap(), []);
    assert_eq!(city.office.store.exceptions_of_kind(ExceptionKind::RestorationUntold).await.unwrap(), []);
    is_well(&city).await;
}

#[tokio::test]
async fn a_restoration_that_waits_does_not_leave_once_service_has_ended() {
    let city = City::new().await;
    city.to_the_dry_tap().await;
    city.at("2026-05-22", "11:00");
    pays(&city, 22_420, "2026-05-22", "R-1").await;
    let order = to_restore(&city).await[0];
    city.at("2026-05-26", "09:00");
    city.takes("ended.csv", ENDED).await;
    let outcome = city.office.dispatch_orders(&[order], "Crew 2", "Ruth").await.unwrap();
    assert!(outcome.done.is_empty() && outcome.refused[0].1.contains("service ended"), "{outcome:?}");
    assert_eq!(city.office.store.order(order).await.unwrap().state, OrderState::Canceled);
    is_well(&city).await;
}
