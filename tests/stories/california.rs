//! What California asks besides notices and days: the tenants of a landlord, a household that cannot do without water, and word
//! to whoever was shut off.

use serde_json::{Value, json};

use crate::city::{CHARGES, City};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,mailing_address,mailing_city,\
                        mailing_state,mailing_zip,phone,services,occupancy,premises.landlord_account,premises.units";
const NUMBER: &str = "10-000417";

/// Riverbend; $240.00 of water is due on March 23. The final notice leaves on Friday, May 1; on May 8 somebody is spoken with.
fn noticed(city: &City, row: &str) {
    city.opens("2026-03-02", "riverbend");
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[row]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,240.00,2026-03-02,2026-03-23,cis,B1-W"]);
    city.night("2026-05-01");
    city.mails("2026-05-01");
}

fn spoken_with(city: &City) {
    city.night("2026-05-08");
    city.on("2026-05-08", &["calls", "release"]).ok();
    city.on("2026-05-08", &["calls", "record", "1", "reached", "--at", "10:00"]).ok();
}

/// Rosa Muñoz lives there.
fn at_home(city: &City) {
    noticed(city, "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,,,,,(916) 555-0142,water,owner,,");
    spoken_with(city);
}

/// Alder Homes rents 24 flats out.
fn landlord(city: &City) {
    let row = "10-000417,Alder Homes LLC,418 Alder St,Riverbend,CA,95600,PO Box 90,Riverbend,CA,95601,(916) 555-0142,water,tenant,\
               yes,24";
    noticed(city, row);
}

fn shut_off(city: &City, on: &str) -> Option<Value> {
    city.night(on);
    city.orders(on, NUMBER).into_iter().find(|order| order["kind"] == "shut_off" && order["for_day"] == on)
}

pub fn the_tenants_of_a_landlord_have_a_notice_on_every_door_and_fifteen_days_from_it(city: &City) {
    landlord(city);
    city.night("2026-05-04");
    let [tag] = &city.orders("2026-05-04", NUMBER)[..] else { panic!("the tag") };
    let told = tag["instruction"].as_str().unwrap();
    assert!(told.starts_with("on the door of every dwelling, 24 in all"), "{told}");
    city.on("2026-05-04", &["outbox"]).ok();
    let [paper] = &city.notices("2026-05-04", NUMBER, "tenants_notice")[..] else { panic!("the paper") };
    assert_eq!((&paper["addressee"], &paper["channel"]), (&json!("Residents / Residentes"), &json!("posting")));
    assert_eq!(
        (&paper["state"], &paper["languages"]),
        (&json!("rendered"), &json!(["en", "es", "zh", "tl", "vi", "ko"]))
    );
    spoken_with(city);

    // The crew goes on Monday, May 11, and says where it left them.
    let id = tag["id"].to_string();
    city.on("2026-05-11", &["orders", "dispatch", &id, "--crew", "Crew 2"]).ok();
    let refused = city.on("2026-05-11", &["orders", "result", &id, "--done", "--at", "10:00"]).refused();
    assert!(refused.contains("its note says where it was left, and on how many doors"), "{refused}");
    let note = ["orders", "result", &id, "--done", "--at", "10:00", "--note", "24 doors, and both entrances"];
    city.on("2026-05-11", &note).ok();

    // May 22, which the landlord was told, is too early for them; the fifteenth day is Tuesday, May 26, after Memorial Day.
    assert_eq!(shut_off(city, "2026-05-22"), None);
    let why = city.on("2026-05-22", &["why", NUMBER]).ok();
    assert!(why.contains("left by the crew Mon 2026-05-11"), "{why}");
    let order = shut_off(city, "2026-05-26").expect("the shut-off");

    // Two of them ask to become customers: nothing happens until that is decided.
    city.on("2026-05-26", &["orders", "approve", &order["id"].to_string()]).ok();
    let asked = city.on("2026-05-26", &["tenants", "ask", NUMBER, "--who", "L. Tran, 3B, and J. Diaz, 4A"]).ok();
    assert!(asked.contains("hold 1 (tenants) stands until it is decided"), "{asked}");
    city.signs_no_payments("2026-05-26", &["counter", "online", "lockbox", "autopay"], "2026-05-25");
    let refused = city.on("2026-05-26", &["orders", "finalize"]);
    assert!(refused.out.contains("0 shut-offs are finalized"), "{}", refused.out);
    assert_eq!(shut_off(city, "2026-05-28"), None);
    city.on("2026-06-01", &["tenants", "decide", "1", "--refused", "--reason", "no one of them lives there"]).ok();
}

pub fn three_points_are_shown_one_by_one_and_together_bar_the_shut_off(city: &City) {
    at_home(city);
    let record = |on: &str, what: &str, evidence: &str| {
        city.by("M. Chen", on, &["protection", "record", NUMBER, what, "--evidence", evidence]).ok()
    };
    let said = record("2026-05-14", "medical_certificate", "Dr. A. Osei: home dialysis");
    assert!(said.contains("Hold 1 (medical) stands until the lead decides"), "{said}");
    assert!(said.contains("Missing of the three points: the customer cannot pay within the billing cycle; "), "{said}");
    let [line] = &city.exceptions("2026-05-14", "protection_asked")[..] else { panic!("the lead is told") };
    assert!(line["text"].as_str().unwrap().contains("arrears protection show 10-000417"));
    assert_eq!(shut_off(city, "2026-05-22"), None, "it is examined");

    record("2026-05-22", "low_income", "Medi-Cal card of a daughter");
    let said = record("2026-05-26", "willing_to_plan", "said so on the telephone, May 26");
    assert!(said.ends_with("All three points are shown: service is not shut off\n"), "{said}");
    let why = city.on("2026-05-26", &["why", NUMBER]).ok();
    assert!(
        why.contains("1. a primary care provider certifies a threat to life or health: shown since Thu 2026-05-14"),
        "{why}"
    );
    assert!(why.contains("2. the customer cannot pay within the billing cycle: shown since Fri 2026-05-22"), "{why}");
    assert!(why.contains("All three are shown: service is not shut off (Health and Safety Code 116910(a))."), "{why}");

    // Nobody ends that by ending the hold; whoever finds a point untrue says which, and why.
    let refused = city.on("2026-05-27", &["hold", "end", "1", "--reason", "the list is long"]).refused();
    assert!(refused.contains("three points that are all shown"), "{refused}");
    city.on("2026-06-08", &["protection", "end", "1", "--reason", "Dr. Osei: the patient has moved away"]).ok();
    city.on("2026-06-08", &["hold", "end", "1", "--reason", "no certificate any more"]).ok();
    city.night("2026-06-09");
    assert_eq!(city.notices("2026-06-09", NUMBER, "final_notice").len(), 2, "she is told anew before anything");
}

pub fn whoever_was_shut_off_is_told_at_once_how_to_be_restored_and_the_year_counts_it(city: &City) {
    at_home(city);
    let day = "2026-05-22";
    let order = shut_off(city, day).expect("the shut-off")["id"].to_string();
    city.on(day, &["orders", "approve", &order]).ok();
    city.signs_no_payments(day, &["counter", "online", "lockbox", "autopay"], "2026-05-21");
    city.on("2026-05-22T07:30", &["orders", "finalize"]).ok();
    city.on("2026-05-22T07:40", &["orders", "dispatch", &order, "--crew", "Crew 2"]).ok();
    city.on("2026-05-22T09:30", &["orders", "result", &order, "--done", "--at", "09:10"]).ok();

    // At once, without anybody's release, and in all languages.
    let [letter] = &city.notices(day, NUMBER, "how_to_restore")[..] else { panic!("the letter") };
    assert_eq!((&letter["state"], &letter["statutory"]), (&json!("released"), &json!(true)));
    assert_eq!(letter["languages"], json!(["en", "es", "zh", "tl", "vi", "ko"]));
    assert_eq!(letter["facts"]["reconnection"], json!({ "in_hours": 5_000, "after_hours": 15_000, "of": 2021 }));

    // Nobody mails it: after the long weekend the lead is told, and a day later the doctor finds it.
    city.on(day, &["outbox"]).ok();
    city.night("2026-05-26");
    let [line] = &city.exceptions("2026-05-26", "restoration_untold")[..] else { panic!("the lead is told") };
    assert!(line["text"].as_str().unwrap().starts_with("water of account 10-000417 is off since Fri 2026-05-22"));
    city.on("2026-05-26", &["doctor"]).ok();
    let doctor = city.on("2026-05-27", &["doctor"]);
    assert!(doctor.out.contains("no letter has left since that says how service is restored"), "{}", doctor.out);
    city.mails("2026-05-27");
    city.on("2026-05-27", &["doctor"]).ok();

    let counted = city.on("2026-05-27", &["report", "shutoffs", "--year", "2026", "--json"]).json();
    assert_eq!((&counted["published"], &counted["homes"]), (&json!(1), &json!(1)));
    assert_eq!((&counted["months"][4]["residential"], &counted["total"]["still_off"]), (&json!(1), &json!(1)));
    let table = city.on("2026-05-27", &["report", "shutoffs"]).ok();
    assert!(table.contains("1 shut-offs of homes for unpaid bills"), "{table}");
}

pub fn interest_is_waived_by_law_once_in_twelve_months_for_who_has_shown_a_low_income(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let row = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,,,,,(916) 555-0142,water,owner,,";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[row]);
    let bills = [
        "10-000417,water,240.00,2026-03-02,2026-03-23,cis,B1-W",
        "10-000417,water,180.00,2026-04-01,2026-04-22,cis,B2-W",
    ];
    city.takes("2026-04-01", "charges.csv", CHARGES, &bills);
    city.night("2026-04-02");
    city.night("2026-05-02");
    let page = city.on("2026-05-04", &["account", NUMBER, "--json"]).json();
    let fees: Vec<String> = page["ledger"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["kind"] == "fee")
        .map(|line| line["id"].to_string())
        .collect();
    let [first, second] = &fees[..] else { panic!("two late fees: {fees:?}") };
    let waive = |on: &str, fee: &str| city.by("M. Chen", on, &["fee", "waive", NUMBER, fee, "--low-income"]);

    let refused = waive("2026-05-04", first).refused();
    assert!(refused.contains("has not shown a low income (Health and Safety Code 116914(a)(2))"), "{refused}");
    let evidence =
        ["protection", "record", NUMBER, "low_income", "--evidence", "declared an income under 200% of the level"];
    city.by("M. Chen", "2026-05-04", &evidence).ok();
    waive("2026-05-04", first).ok();
    // The law gives the waiver; a second person sees that it is hers and that it is the first.
    city.on("2026-05-05", &["approvals", "approve", "1"]).ok();
    let refused = waive("2026-06-01", second).refused();
    assert!(refused.contains("again from 2027-05-04"), "{refused}");
    waive("2027-05-04", second).ok();
}
