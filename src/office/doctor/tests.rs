//! What the doctor says of a shut-off: lawful by what was known when the crew left, whatever came later.

use chrono::TimeDelta;

use super::Check;
use crate::domain::hold::HoldKind;
use crate::domain::{AccountNumber, OrderId};
use crate::office::testing::{City, day};
use crate::store::{CrewResult, NewHold, Stamp};

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

/// A medical hold, as if it had been recorded so many minutes after nine, when the crew left.
async fn medical_hold(city: &City, minutes: i64) {
    let account = city.debtor().await;
    let (kind, from, reason) = (HoldKind::Medical, day("2026-05-20"), "certificate of Dr. Lee".to_owned());
    let hold = NewHold { kind, from, through: None, items: Vec::new(), stops_clock: false, reason, estate: None };
    city.at("2026-05-22", "09:00");
    let stamp = city.office.stamp("Ruth");
    let stamp = Stamp { at: stamp.at + TimeDelta::minutes(minutes), ..stamp };
    city.office.store.place_hold(account, &hold, &stamp).await.unwrap();
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
