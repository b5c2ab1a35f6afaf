//! What the doctor says of a shut-off: lawful by what was known when the crew left, whatever came later.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Check;
use crate::domain::hold::HoldKind;
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{AccountNumber, Cents, OrderId, ReferralId, Service};
use crate::office::testing::{City, day};
use crate::store::{CounterPayment, CrewResult, ExceptionKind, NewHold, Stamp};

/// Friday, May 22: the water was shut off at 09:25, by every rule.
async fn shut_off() -> (City, OrderId) {
    let city = City::new().await;
    let order = city.to_the_shut_off().await;
    city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
    city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
    city.at("2026-05-22", "09:30");
    let result = CrewResult {
        done: true,
        on: day("2026-05-22"),
        at: Some("09:25".into()),
        crew: "Crew 4".into(),
        note: String::new(),
    };
    city.office.record_order_result(order, result, "Omar").await.unwrap();
    (city, order)
}

/// Changes the database behind the program's back.
async fn tampers(city: &City, statement: &str) {
    city.office.store.tampers(statement).await.unwrap();
}

/// The lead at so many minutes after nine, when the crew left.
fn later(city: &City, minutes: i64) -> Stamp {
    city.at("2026-05-22", "09:00");
    let stamp = city.office.stamp("Ruth");
    Stamp { at: stamp.at + TimeDelta::minutes(minutes), ..stamp }
}

/// A medical hold, as if it had been recorded so many minutes after nine, when the crew left.
async fn medical_hold(city: &City, minutes: i64) {
    let account = city.debtor().await;
    let (kind, from, reason) = (HoldKind::Medical, day("2026-05-20"), "certificate of Dr. Lee".to_owned());
    let hold = NewHold { kind, from, through: None, items: Vec::new(), stops_clock: false, reason, estate: None };
    city.office.store.place_hold(account, &hold, &later(city, minutes)).await.unwrap();
}

/// What a check says of the city.
async fn found(city: &City, name: &str) -> Vec<String> {
    let checkup = city.office.doctor(&|_, _| {}).await.unwrap();
    let check = checkup.checks.into_iter().find(|check| check.name == name).unwrap();
    assert!(check.looked_at > 0, "{name}");
    check.findings.into_iter().map(|finding| finding.found).collect()
}

async fn wrong(city: &City) -> Vec<Check> {
    let checkup = city.office.doctor(&|_, _| {}).await.unwrap();
    let shut_offs = checkup.checks.iter().find(|check| check.name == "shut-offs").unwrap();
    assert_eq!(shut_offs.looked_at, 1);
    checkup.checks.into_iter().filter(|check| check.wrong > 0).collect()
}

#[tokio::test]
async fn a_shut_off_by_every_rule_is_found_lawful_also_when_a_hold_is_placed_afterwards() {
    let (city, _) = shut_off().await;
    assert_eq!(wrong(&city).await, []);
    medical_hold(&city, 45).await;
    assert_eq!(wrong(&city).await, []);
}

#[tokio::test]
async fn a_shut_off_under_a_hold_that_stood_when_the_crew_left_is_found() {
    let (city, order) = shut_off().await;
    medical_hold(&city, -60).await;
    let wrong = wrong(&city).await;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let finding = &wrong[0].findings[0];
    assert_eq!((wrong[0].name, wrong[0].wrong), ("shut-offs", 1));
    assert_eq!(finding.account.as_ref().map(AccountNumber::as_str), Some("10-000417"));
    assert!(finding.place.starts_with(&format!("order {order} ")), "{finding:?}");
    assert!(finding.found.contains("medical"), "{finding:?}");
}

#[tokio::test]
async fn a_shut_off_stays_lawful_when_the_account_is_frozen_half_an_hour_after_the_crew_left() {
    let (city, _) = shut_off().await;
    let account = Some(city.debtor().await);
    let frozen = |minutes| {
        let stamp = later(&city, minutes);
        let store = &city.office.store;
        async move { store.open_exception(account, ExceptionKind::BalanceDiffers, "$0.01 less", &stamp).await.unwrap() }
    };
    let line = frozen(30).await;
    assert_eq!(wrong(&city).await, []);
    city.office.store.clear_exception(line, Some("rounding"), &later(&city, 40)).await.unwrap();
    assert_eq!(wrong(&city).await, []);
}

#[tokio::test]
async fn a_shut_off_of_an_account_that_was_frozen_when_the_crew_left_is_found_also_when_it_was_cleared_that_day() {
    let (city, _) = shut_off().await;
    let (account, kind) = (Some(city.debtor().await), ExceptionKind::BalanceDiffers);
    let line = city.office.store.open_exception(account, kind, "$0.01 less", &later(&city, -30)).await.unwrap();
    city.office.store.clear_exception(line, Some("rounding"), &later(&city, 30)).await.unwrap();
    let wrong = wrong(&city).await;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].findings[0].found.contains("$0.01 less"), "{wrong:?}");
}

#[tokio::test]
async fn a_tag_that_was_left_on_the_day_of_the_shut_off_or_later_carries_none() {
    let (city, _) = shut_off().await;
    for (served_on, is_found) in [("2026-05-20", false), ("2026-05-22", true), ("2026-05-23", true)] {
        tampers(
            &city,
            &format!(
                "UPDATE notice SET body =
                    json_set(body, '$.state', 'posted', '$.channel', 'posting', '$.served_on', '{served_on}')"
            ),
        )
        .await;
        assert_eq!(found(&city, "shut-off notices").await.len(), usize::from(is_found), "{served_on}");
    }
}

#[tokio::test]
async fn a_debt_that_is_at_the_attorney_and_at_the_agency_is_found() {
    let (city, _) = shut_off().await;
    let account = city.debtor().await;
    let act_key = city.office.store.notices_of(account).await.unwrap().remove(0).act_key;
    for (id, to) in [(1, Destination::Attorney), (2, Destination::Agency)] {
        let referral = Referral {
            id: ReferralId(id),
            account,
            act_key: act_key.replacen("final_notice", to.word(), 1),
            to,
            state: ReferralState::Placed,
            proposed_on: day("2026-05-22"),
            amount: Cents::new(22_420),
            items: BTreeSet::new(),
            approved_by: None,
            approved_on: None,
            placed_on: None,
            cause: None,
            limitation_override: None,
            placement: None,
        };
        let body = serde_json::to_string(&referral).unwrap();
        let key = &referral.act_key;
        tampers(
            &city,
            &format!(
                "INSERT INTO referral (account_id, act_key, state, body) VALUES ({account}, '{key}', 'placed', '{body}')"
            ),
        )
        .await;
        let found = found(&city, "referrals").await;
        let twice = ["placed at attorney (referral 1) and agency (referral 2)".to_owned()];
        assert_eq!(found.as_slice(), if id == 1 { &[][..] } else { &twice[..] });
    }
}

#[tokio::test]
async fn an_arrangement_beyond_the_limits_for_no_reason_or_by_nobody_is_found() {
    for (actor, reason, is_found) in [
        ("{\"person\":\"Omar\"}", "in hospital", false),
        ("{\"person\":\"Omar\"}", " ", true),
        ("\"daemon\"", "in hospital", true),
    ] {
        let (city, _) = shut_off().await;
        let body = format!("{{\"arrangement\":1,\"by\":\"Ruth\",\"reason\":\"{reason}\",\"limits\":[]}}");
        let account = city.debtor().await;
        tampers(
            &city,
            &format!(
                "INSERT INTO log (account_id, recorded_at, actor, what, body, hash)
                 VALUES ({account}, '2026-05-22T16:00:00Z', '{actor}', 'limits overridden', '{body}', 'x')"
            ),
        )
        .await;
        assert_eq!(found(&city, "overrides").await.len(), usize::from(is_found), "{actor} {reason}");
    }
}

#[tokio::test]
async fn a_payment_of_the_same_instant_behind_the_crew_leaves_the_shut_off_lawful() {
    let city = City::new().await;
    let order = city.to_the_shut_off().await;
    // The clock stands still at nine: the crew is sent and shuts off, and then the customer pays at the counter.
    city.office.finalize_orders(day("2026-05-22"), "Ruth").await.unwrap();
    city.office.dispatch_orders(&[order], "Crew 4", "Ruth").await.unwrap();
    let result = CrewResult {
        done: true,
        on: day("2026-05-22"),
        at: Some("09:00".into()),
        crew: "Crew 4".into(),
        note: String::new(),
    };
    city.office.record_order_result(order, result, "Omar").await.unwrap();
    let payment = CounterPayment {
        received_on: day("2026-05-22"),
        amount: Cents::new(30_000),
        reference: "R-1".into(),
        memo: String::new(),
    };
    city.office.counter_payment(city.debtor().await, &payment, "Omar").await.unwrap();
    assert_eq!(found(&city, "shut-offs").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_letter_that_was_mailed_before_it_was_planned_and_an_order_done_before_it_was_approved_are_found() {
    let (city, _) = shut_off().await;
    assert_eq!(found(&city, "dates").await, Vec::<String>::new());
    tampers(&city, "UPDATE notice SET body = json_set(body, '$.mailed_on', '2026-04-30')").await;
    tampers(&city, "UPDATE field_order SET body = json_set(body, '$.done_on', '2026-05-20')").await;
    let found = found(&city, "dates").await;
    assert!(found.iter().any(|found| found == "mailed Thu 2026-04-30, released Fri 2026-05-01"), "{found:?}");
    assert!(found.iter().any(|found| found.starts_with("done Wed 2026-05-20, finalized Fri 2026-05-22")), "{found:?}");
}

#[tokio::test]
async fn an_arrangement_beyond_the_limits_that_nobody_else_approved_is_found() {
    let (city, _) = shut_off().await;
    let account = city.debtor().await;
    let change = Cents::new(-100);
    let waiting = city.office.propose_adjustment(account, Service::Water, change, "leak", "Omar").await.unwrap();
    for proposal in [waiting.0, 99] {
        let body = format!(
            "{{\"arrangement\":1,\"by\":\"Ruth\",\"reason\":\"in hospital\",\"limits\":[],\"proposal\":{proposal}}}"
        );
        tampers(
            &city,
            &format!(
                "INSERT INTO log (account_id, recorded_at, actor, what, body, hash)
                 VALUES ({account}, '2026-05-22T16:00:00Z', '{{\"person\":\"Ruth\"}}', 'limits overridden', '{body}', 'x')"
            ),
        )
        .await;
    }
    assert_eq!(found(&city, "overrides").await.len(), 2, "one waits, and one there is not");
}
