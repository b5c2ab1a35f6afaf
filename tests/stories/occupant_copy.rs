//! Mail goes elsewhere: whoever lives there has a letter of their own, and the water stays on until both have left.

use serde_json::{Value, json};

use crate::city::{CHARGES, City};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,\
                        mailing_address,mailing_city,mailing_state,mailing_zip,phone,services";
const NUMBER: &str = "10-000417";

/// Under a policy: $214.50 due Tuesday, September 1; the notice leaves on Tuesday, November 3, for the customer at a box and
/// for the occupant at the premises. The carrier has accepted the customer's piece.
fn noticed_on_november_3(city: &City, policy: &str) -> String {
    city.file("guards/section-116908.yaml", include_str!("policies/guards/section-116908.yaml"));
    city.file("guards/us-ca-water.yaml", include_str!("../../rules/guards/us-ca-water.yaml"));
    city.opens("2026-08-11", &city.file("policy.yaml", policy));
    let account =
        "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,PO Box 90,Riverbend,CA,95601,(916) 555-0142,water";
    city.takes("2026-08-11", "accounts.csv", ACCOUNTS, &[account]);
    city.takes("2026-08-11", "charges.csv", CHARGES, &["10-000417,water,214.50,2026-08-11,2026-09-01,cis,B1-W"]);
    city.night("2026-11-03");
    city.batches("2026-11-03");
    let pieces = city.notices("2026-11-03", NUMBER, "final_notice");
    let [customer, occupant] = &pieces[..] else { panic!("two pieces: {pieces:?}") };
    assert_eq!((&customer["recipient"], &customer["address"]["line1"]), (&json!("customer"), &json!("PO Box 90")));
    assert_eq!((&occupant["recipient"], &occupant["address"]["line1"]), (&json!("occupant"), &json!("418 Alder St")));
    assert_eq!((&customer["facts"]["amount"], &occupant["facts"]["amount"]), (&json!(21_450), &json!(21_450)));
    mailed(city, &customer["id"], "2026-11-03");
    occupant["id"].to_string()
}

/// The carrier accepted a piece on a day; the form is its proof.
fn mailed(city: &City, piece: &Value, on: &str) {
    city.on(on, &["notices", "mailed", &piece.to_string(), "--on", on, "--proof", "PS 3665"]).ok();
}

/// The first of the dates whose night prepares a shut-off.
fn shut_off_among(city: &City, dates: &[&str]) -> Option<String> {
    let found = dates.iter().find(|date| {
        city.night(date);
        city.orders(date, NUMBER).iter().any(|order| order["kind"] == "shut_off" && order["for_day"] == **date)
    });
    found.map(|date| (*date).to_owned())
}

/// Somebody is spoken with on November 6.
fn spoken_with(city: &City) {
    city.night("2026-11-06");
    city.on("2026-11-06", &["calls", "release"]).ok();
    city.on("2026-11-06", &["calls", "record", "1", "reached", "--at", "10:00"]).ok();
}

const NOVEMBER: [&str; 8] =
    ["2026-11-11", "2026-11-12", "2026-11-13", "2026-11-15", "2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19"];

pub fn seven_business_days_after_both_mailings_and_never_on_a_friday(city: &City) {
    // The seventh business day after November 3 is Friday the 13th: Wednesday the 11th is Veterans Day.
    let occupant = noticed_on_november_3(city, include_str!("policies/section_116908.yaml"));
    mailed(city, &occupant.parse().expect("a number"), "2026-11-03");
    assert_eq!(shut_off_among(city, &NOVEMBER).as_deref(), Some("2026-11-16"));
}

pub fn fifteen_days_where_the_public_utilities_code_stands_beside_it(city: &City) {
    let occupant = noticed_on_november_3(city, include_str!("policies/both_codes.yaml"));
    mailed(city, &occupant.parse().expect("a number"), "2026-11-03");
    spoken_with(city);
    assert_eq!(shut_off_among(city, &NOVEMBER).as_deref(), Some("2026-11-18"));
}

pub fn the_customer_s_proof_alone_shuts_nobody_off(city: &City) {
    let occupant = noticed_on_november_3(city, include_str!("policies/section_116908.yaml"));
    assert_eq!(shut_off_among(city, &NOVEMBER), None);
    let why = city.on("2026-11-19", &["why", NUMBER]).ok();
    assert!(why.contains("waits for final_notice: notice mailed"), "{why}");
    // By now the occupant's letter would state a day that is past, and cannot be mailed as it is.
    let late = ["notices", "mailed", &occupant, "--on", "2026-11-19", "--proof", "PS 3665"];
    let refused = city.on("2026-11-19", &late).refused();
    assert!(refused.contains("it states 2026-11-16"), "{refused}");
}
