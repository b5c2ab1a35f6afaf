//! The final bill of a customer who left a deposit: from the file that brings it to the letter and the packet that show it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::city::{CHARGES, City};
use crate::packet::{part, words_of};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy,service_ended";
const DEPOSITS: &str = "account,deposit,interest,received_on,source,reference";
const ADJUSTMENTS: &str = "account,kind,amount,adjusted_on,source,reference,memo";
const NUMBER: &str = "10-000417";

fn account(city: &City, at: &str) -> Value {
    city.on(at, &["account", NUMBER, "--json"]).json()
}

pub fn a_deposit_pays_the_final_bill_before_anybody_is_written_to_and_the_letter_shows_it(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let tenant = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,tenant,";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[tenant]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,224.20,2026-03-02,2026-03-23,cis,B1-W"]);
    city.takes("2026-03-02", "deposits.csv", DEPOSITS, &["10-000417,150.00,4.20,2019-08-01,cis,D-2071"]);
    let shown = city.on("2026-03-02", &["account", NUMBER]).ok();
    assert!(shown.contains("D-2071") && shown.contains("$150.00") && shown.contains("held"), "{shown}");

    // She moves out on April 15. The final bill comes on June 12, two days before the policy would do without it.
    city.takes("2026-04-15", "accounts-2.csv", ACCOUNTS, &[&format!("{tenant}2026-04-15")]);
    city.night("2026-06-12");
    let why = city.on("2026-06-12", &["why", NUMBER]).ok();
    assert!(why.contains("final_notice") && why.contains("service ended"), "there is nothing to shut off: {why}");
    assert!(why.contains("waits until Sun 2026-06-14"), "sixty days, should no bill come: {why}");
    assert!(city.on("2026-06-12", &["notices", "list", "--account", NUMBER, "--json"]).rows().is_empty());
    city.takes("2026-06-12", "final.csv", CHARGES, &["10-000417,water,100.00,2026-06-12,2026-07-03,cis,B2-W"]);
    city.night("2026-06-13");
    let page = account(city, "2026-06-13");
    assert_eq!(page["balance"], 17_000, "$324.20 less $154.20; no fee was charged meanwhile");
    let open: Vec<(&Value, &Value)> =
        page["open_items"].as_array().expect("a list").iter().map(|item| (&item["due_on"], &item["open"])).collect();
    assert_eq!(open, [(&json!("2026-03-23"), &json!(17_000))], "the final bill is paid first");
    let why = city.on("2026-06-13", &["why", NUMBER]).ok();
    assert!(why.contains("Riverbend Municipal Code 13.04.160(A)"), "{why}");

    // The night again, and the billing system's own entry for it: nothing is counted twice.
    city.night("2026-06-14");
    let list = city.on("2026-06-14", &["fee", "export"]).ok();
    assert!(list.starts_with("1 line, -$154.20 in all"), "{list}");
    let theirs = "10-000417,deposit,-154.20,2026-06-15,cis,ADJ-9,Deposit applied to the final bill";
    city.takes("2026-06-15", "adjustments.csv", ADJUSTMENTS, &[theirs]);
    city.takes("2026-06-16", "balances.csv", "account,balance,as_of", &["10-000417,170.00,2026-06-15"]);
    assert!(city.exceptions("2026-06-16", "balance_differs").is_empty());
    assert_eq!(account(city, "2026-06-16")["balance"], 17_000);

    // The demand states what is left, and that the deposit is taken off.
    city.night("2026-06-22");
    let demand = city.notices("2026-06-22", NUMBER, "demand")[0].clone();
    assert_eq!(demand["facts"]["amount"], 17_000);
    city.mails("2026-06-22");
    let pdf = city.file("demand.pdf", "");
    city.on("2026-06-22", &["notices", "show", &demand["id"].to_string(), "--out", &pdf]).ok();
    let read = words_of(&fs::read(&pdf).expect("the letter"));
    let line = "Deposit applied; it is already taken off the amounts above: $154.20, June 12, 2026";
    assert!(read.contains(line), "{read}");

    // Thirty days later it is referred, and the packet's statement has the deposit too.
    city.night("2026-07-22");
    let [referral] = &city.on("2026-07-22", &["referrals", "list", "--json"]).rows()[..] else {
        panic!("one referral")
    };
    city.on("2026-07-22", &["referrals", "approve", &referral["id"].to_string()]).ok();
    let said = city.on("2026-07-23", &["packet", NUMBER]).ok();
    let path = said.trim().trim_start_matches("The packet of account 10-000417 is ").to_owned();
    let read = words_of(&part(Path::new(&path), "packet.pdf"));
    assert!(read.contains("Deposit applied") && read.contains("224.20 154.20 324.20 170.00"), "{read}");
    let checked = city.on("2026-07-23", &["doctor"]).ok();
    assert!(checked.contains("deposits"), "{checked}");
}
