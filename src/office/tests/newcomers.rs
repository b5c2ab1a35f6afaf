//! Another customer under the number of an account that owes: nothing happens to whoever lives there now.

use crate::domain::Cents;
use crate::domain::field_order::OrderState;
use crate::office::testing::City;
use crate::store::ExceptionKind;

const ACCOUNTS: &str = "account,customer_name,customer,service_address,service_city,service_state,service_zip,phone,services,\
                        occupancy,service_began\n";

async fn record(city: &City, name: &str, customer: &str, since: &str) {
    let row =
        format!("10-000417,{name},{customer},418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,{since}\n");
    city.takes("accounts.csv", &format!("{ACCOUNTS}{row}")).await;
}

async fn told(city: &City) -> Vec<String> {
    let open = city.office.store.exceptions(true).await.unwrap();
    let lines = open.into_iter().filter(|line| line.kind == ExceptionKind::CustomerChanged);
    lines.map(|line| line.text).collect()
}

#[tokio::test]
async fn whoever_moves_in_under_the_number_of_a_debtor_is_not_shut_off_for_it() {
    let city = City::new().await;
    city.at("2026-05-01", "09:00");
    record(&city, "Rosa Muñoz", "C-1", "2019-08-01").await;
    city.at("2026-05-04", "09:00");
    record(&city, "Omar Diaz", "C-2", "2026-05-03").await;
    let lines = told(&city).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("Omar Diaz, customer C-2, since Sun 2026-05-03"), "{}", lines[0]);
    assert!(lines[0].contains("Rosa Muñoz, customer C-1"), "{}", lines[0]);
    assert!(city.office.snapshot(city.debtor().await).await.unwrap().frozen.is_some());
}

#[tokio::test]
async fn the_shut_off_that_is_prepared_for_the_former_customer_is_not_approved_for_the_next() {
    let city = City::new().await;
    record(&city, "Rosa Muñoz", "C-1", "2019-08-01").await;
    let order = city.to_the_approval().await;
    record(&city, "Omar Diaz", "C-2", "2026-05-20").await;
    let approved = city.office.approve_orders(&[order], "Ruth").await.unwrap();
    assert_eq!(approved.done, []);
    assert_ne!(city.office.store.order(order).await.unwrap().state, OrderState::Approved);
}

#[tokio::test]
async fn a_customer_who_marries_stays_the_customer_and_the_change_stands_in_the_log() {
    let city = City::new().await;
    city.at("2026-05-01", "09:00");
    record(&city, "Rosa Muñoz", "C-1", "2019-08-01").await;
    record(&city, "Rosa Diaz", "C-1", "2019-08-01").await;
    assert!(told(&city).await.is_empty());
    let log = city.office.store.log_of(city.debtor().await, 100).await.unwrap();
    let married = serde_json::json!({ "customer_name": ["Rosa Muñoz", "Rosa Diaz"] });
    assert!(log.iter().any(|line| line.what == "account changed" && line.body["changes"] == married), "{log:?}");
}

#[tokio::test]
async fn where_nothing_is_owed_a_newcomer_is_no_exception() {
    let city = City::new().await;
    city.at("2026-05-01", "09:00");
    record(&city, "Rosa Muñoz", "C-1", "2019-08-01").await;
    let owed = city.office.snapshot(city.debtor().await).await.unwrap().balance();
    assert!(owed > Cents::ZERO);
    city.lockbox("10-000417", &owed.to_plain(), "2026-05-01").await;
    record(&city, "Omar Diaz", "C-2", "2026-05-03").await;
    assert!(told(&city).await.is_empty());
}
