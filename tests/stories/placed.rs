//! Debts that are out: what is placed is what was approved, and what comes back is asked for anew.

use std::fs;

use serde_json::{Value, json};

use crate::city::{CHARGES, City, PAYMENTS};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy,service_ended";
const ACCOUNT: &str = "10-000417";
/// $224.20 due March 23.
const BILL: &str = "10-000417,water,224.20,2026-03-02,2026-03-23,cis,B1";

/// Rosa Muñoz owes a bill; on September 22 it is placed with the agency, a month after the demand.
fn is_placed(city: &City, bill: &str, ended: &str, before: impl FnOnce(&City)) {
    city.opens("2026-03-02", "riverbend");
    city.on("2026-03-02", &["staff", "add", "R. Diaz", "--role", "approver"]).ok();
    let home = format!("{ACCOUNT},Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,{ended}");
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[&home]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &[bill]);
    city.night("2026-08-21");
    city.mails("2026-08-21");
    city.night("2026-09-21");
    before(city);
    city.on("2026-09-22", &["referrals", "approve", "1"]).ok();
    city.on("2026-09-22", &["referrals", "export", "--to", "agency"]).ok();
}

fn page(city: &City, at: &str) -> Value {
    city.on(at, &["account", ACCOUNT, "--json"]).json()
}

#[track_caller]
fn is_clean(city: &City, at: &str) {
    let checkup = city.on(at, &["doctor", "--json"]).json();
    let wrong: Vec<&Value> =
        checkup["checks"].as_array().expect("checks").iter().filter(|check| check["wrong"] != 0).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub fn a_debt_that_comes_back_is_not_shut_off_for_by_the_notice_of_before(city: &City) {
    is_placed(city, BILL, "", |_| {});
    city.night("2026-10-15");
    city.on("2026-10-20", &["referrals", "recall", "1", "--reason", "the city collects itself"]).ok();
    city.night("2026-10-21");
    city.on("2026-10-21", &["calls", "release"]).ok();
    city.on("2026-10-21T10:00", &["calls", "record", "1", "reached", "--at", "10:00"]).ok();
    for night in ["2026-10-22", "2026-10-23", "2026-10-26"] {
        city.night(night);
    }
    assert_eq!(city.orders("2026-10-26", ACCOUNT), [Value::Null; 0], "the notice of August announced September 8");
    let notices = city.notices("2026-10-26", ACCOUNT, "final_notice");
    assert_eq!(notices.len(), 2, "it is served anew: {notices:#?}");
    is_clean(city, "2026-10-26");
}

pub fn what_is_placed_is_what_was_approved_and_no_bill_that_came_since(city: &City) {
    is_placed(city, "10-000417,water,900.00,2026-03-02,2026-03-23,cis,B1", "", |city| {
        // Not due before October 13, and with it the table would send $1,080.00 to the attorney.
        let bill = "10-000417,water,180.00,2026-09-22,2026-10-13,cis,B2";
        city.takes("2026-09-22", "later.csv", CHARGES, &[bill]);
    });
    let list = fs::read_to_string(city.data().join("exports/agency-2026-09-22-1.csv")).expect("the list");
    assert!(list.contains("900.00") && !list.contains("1080.00"), "{list}");
    let out = page(city, "2026-09-22")["referrals"][0]["out"].clone();
    assert_eq!(out, json!({"placed": 90_000, "since": 0, "balance": 90_000}));
    // What pays the bill is no news for the agency.
    let pays = "10-000417,180.00,2026-10-20,online,online,ON-1";
    city.takes("2026-10-20", "paid.csv", &format!("{PAYMENTS},for_reference"), &[&format!("{pays},B2")]);
    is_clean(city, "2026-10-20");
}
