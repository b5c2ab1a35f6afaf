//! What a notice that was served still carries: nothing for whoever follows a customer who died, nothing where it asked for more
//! than was owed; and water that stays off behind a write-off until the lead orders it on.

use serde_json::{Value, json};

use crate::city::{CHARGES, City};

const ACCOUNTS: &str = "account,customer_name,customer,service_address,service_city,service_state,service_zip,phone,services,\
                        occupancy,service_began";
const ADJUSTMENTS: &str = "account,service,amount,adjusted_on,source,reference,memo";
const NUMBER: &str = "10-000417";

fn record(city: &City, on: &str, who: &str, since: &str) {
    let row = format!("{NUMBER},{who},418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,{since}");
    city.takes(on, &format!("accounts-{on}.csv"), ACCOUNTS, &[&row]);
}

/// $240.00 of water is due on March 23. The final notice leaves on Friday, May 1; on May 8 Rosa Muñoz is spoken with.
fn told(city: &City) {
    city.opens("2026-03-02", "riverbend");
    city.on("2026-03-02", &["staff", "add", "R. Diaz", "--role", "lead"]).ok();
    city.on("2026-03-02", &["staff", "add", "A. Park", "--role", "approver"]).ok();
    record(city, "2026-03-02", "Rosa Muñoz,C-1", "2019-08-01");
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,240.00,2026-03-02,2026-03-23,cis,B1-W"]);
    city.night("2026-05-01");
    city.mails("2026-05-01");
    city.night("2026-05-08");
    city.on("2026-05-08", &["calls", "release"]).ok();
    city.on("2026-05-08", &["calls", "record", "1", "reached", "--at", "10:00"]).ok();
}

fn shut_offs(city: &City, on: &str) -> Vec<Value> {
    city.orders(on, NUMBER)
        .into_iter()
        .filter(|order| order["kind"] == "shut_off" && order["state"] != "canceled")
        .collect()
}

/// The days on which final notices were planned, and what each asks for.
fn final_notices(city: &City, on: &str) -> Vec<(String, i64)> {
    let notices = city.notices(on, NUMBER, "final_notice").into_iter();
    let told = notices.filter(|notice| notice["recipient"] == "customer");
    told.map(|notice| {
        let day = notice["planned_on"].as_str().expect("a day").to_owned();
        (day, notice["facts"]["amount"].as_i64().expect("cents"))
    })
    .collect()
}

fn why(city: &City, on: &str) -> String {
    city.on(on, &["why", NUMBER]).ok()
}

fn is_clean(city: &City, at: &str) {
    let checkup = city.on(at, &["doctor", "--json"]).json();
    let wrong: Vec<&Value> =
        checkup["checks"].as_array().expect("checks").iter().filter(|check| check["wrong"] != 0).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub fn whoever_follows_a_customer_who_died_is_told_anew(city: &City) {
    told(city);
    city.by("M. Chen", "2026-05-12", &["deceased", "record", NUMBER, "--told-by", "her daughter"]).ok();
    city.on("2026-05-18", &["deceased", "end", "1", "--reason", "her daughter Ana is the customer now"]).ok();
    let said = why(city, "2026-05-18");
    assert!(said.contains("what was served before Mon 2026-05-18 was served on somebody else"), "{said}");
    city.night("2026-05-22");
    assert_eq!(shut_offs(city, "2026-05-22"), [Value::Null; 0]);
    assert_eq!(final_notices(city, "2026-05-22"), [("2026-05-01".to_owned(), 24_000), ("2026-05-18".into(), 24_000)]);
    is_clean(city, "2026-05-22");
}

pub fn after_the_doubt_whose_account_it_is_everything_is_told_anew(city: &City) {
    told(city);
    record(city, "2026-05-12", "Omar Diaz,C-2", "2026-05-11");
    let [line] = &city.exceptions("2026-05-12", "customer_changed")[..] else { panic!("the lead is asked") };
    let id = line["id"].to_string();
    let clear = ["exceptions", "clear", &id, "--reason", "her married name, by telephone with the billing office"];
    city.on("2026-05-14", &clear).ok();
    city.night("2026-05-15");
    city.night("2026-05-22");
    assert_eq!(shut_offs(city, "2026-05-22"), [Value::Null; 0]);
    let days: Vec<String> = final_notices(city, "2026-05-22").into_iter().map(|(day, _)| day).collect();
    assert_eq!(days, ["2026-05-01", "2026-05-14"]);
    is_clean(city, "2026-05-22");
}

pub fn a_bill_that_is_corrected_behind_its_final_notice_has_another(city: &City) {
    told(city);
    let leak = "10-000417,water,-20.00,2026-05-12,cis,ADJ-1,Leak adjustment";
    city.takes("2026-05-12", "adjustments.csv", ADJUSTMENTS, &[leak]);
    city.night("2026-05-13");
    let said = why(city, "2026-05-13");
    assert!(said.contains("asked for $20.00 more than was owed"), "{said}");
    city.night("2026-05-22");
    assert_eq!(shut_offs(city, "2026-05-22"), [Value::Null; 0]);
    let notices = final_notices(city, "2026-05-22");
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert_eq!(notices[1].1, 22_000, "what is owed");
    is_clean(city, "2026-05-22");
}

pub fn a_correction_calls_the_crew_back_and_a_payment_of_a_part_does_not(city: &City) {
    told(city);
    city.night("2026-05-22");
    let [order] = &shut_offs(city, "2026-05-22")[..] else { panic!("the shut-off") };
    let id = order["id"].to_string();
    city.on("2026-05-22", &["orders", "approve", &id]).ok();
    city.signs_no_payments("2026-05-22", &["counter", "online", "lockbox", "autopay"], "2026-05-21");
    city.on("2026-05-22T07:30", &["orders", "finalize"]).ok();
    city.on("2026-05-22T07:40", &["orders", "dispatch", &id, "--crew", "Crew 2"]).ok();
    let paid = ["payments", "counter", NUMBER, "20.00", "--receipt", "R-1"];
    city.by("M. Chen", "2026-05-22T08:00", &paid).ok();
    assert_eq!(city.exceptions("2026-05-22", "recall_crew").len(), 0);
    let leak = "10-000417,water,-20.00,2026-05-12,cis,ADJ-1,Leak adjustment";
    city.takes("2026-05-22T08:10", "adjustments.csv", ADJUSTMENTS, &[leak]);
    assert_eq!(city.exceptions("2026-05-22", "recall_crew").len(), 1);
    assert_eq!(shut_offs(city, "2026-05-22"), [Value::Null; 0]);
}

pub fn behind_a_write_off_the_water_stays_off_until_the_lead_orders_it_on(city: &City) {
    told(city);
    city.night("2026-05-22");
    let day = "2026-05-22";
    let id = shut_offs(city, day)[0]["id"].to_string();
    city.on(day, &["orders", "approve", &id]).ok();
    city.signs_no_payments(day, &["counter", "online", "lockbox", "autopay"], "2026-05-21");
    city.on("2026-05-22T07:30", &["orders", "finalize"]).ok();
    city.on("2026-05-22T07:40", &["orders", "dispatch", &id, "--crew", "Crew 2"]).ok();
    city.on("2026-05-22T09:30", &["orders", "result", &id, "--done", "--at", "09:10"]).ok();
    city.mails("2026-05-22");
    city.by("M. Chen", "2026-05-26", &["writeoff", NUMBER, "--reason", "no address"]).ok();
    city.by("A. Park", "2026-05-26", &["approvals", "approve", "1"]).ok();
    city.night("2026-05-27");
    let restores = |on: &str| -> Vec<Value> {
        city.orders(on, NUMBER).into_iter().filter(|order| order["kind"] == "restore").collect()
    };
    assert_eq!(restores("2026-05-27"), [Value::Null; 0], "a write-off is no payment");
    let tasks = city.on("2026-05-27", &["tasks", "list", "--json"]).rows();
    let asks = |task: &&Value| {
        let text = task["text"].as_str().unwrap_or_default();
        text.contains("$240.00 of what it was shut off for was written off")
            && text.contains("arrears orders restore 10-000417 --service water --reason")
    };
    assert_eq!(tasks.iter().filter(asks).count(), 1, "{tasks:#?}");

    let restore = ["orders", "restore", NUMBER, "--service", "water", "--reason", "a family with an infant moves in"];
    assert!(city.by("M. Chen", "2026-05-28", &restore).refused().contains("M. Chen is a representative"));
    let said = city.on("2026-05-28", &restore).ok();
    assert!(said.contains("turns water of account 10-000417 on"), "{said}");
    let again = city.on("2026-05-28", &restore).refused();
    assert!(again.contains("turns water on already"), "{again}");
    let [order] = &restores("2026-05-28")[..] else { panic!("one order") };
    assert_eq!((&order["state"], &order["approved_by"]), (&json!("approved"), &json!("L. Ortiz")));
    let log = city.on("2026-05-28", &["log", NUMBER]).ok();
    assert!(log.contains("restoration ordered") && log.contains("a family with an infant moves in"), "{log}");
    let id = order["id"].to_string();
    city.on("2026-05-28T10:00", &["orders", "dispatch", &id, "--crew", "Crew 2"]).ok();
    city.on("2026-05-28T11:00", &["orders", "result", &id, "--done", "--at", "10:40"]).ok();
    assert_eq!(city.on("2026-05-28", &["orders", "off", "--json"]).rows(), [] as [Value; 0]);
    let none = city.on("2026-05-29", &restore).refused();
    assert!(none.contains("water is not shut off here"), "{none}");
    is_clean(city, "2026-05-29");
}

pub fn a_debt_that_time_bars_goes_to_an_agency_only_for_a_reason(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let row = format!(
        "{NUMBER},Rosa Mu\u{f1}oz,C-1,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,2019-08-01,2023-02-01"
    );
    city.takes("2026-03-02", "accounts.csv", &format!("{ACCOUNTS},service_ended"), &[&row]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,300.00,2022-12-11,2023-01-01,cis,B1-W"]);
    city.night("2026-03-03");
    city.mails("2026-03-03");
    city.night("2026-04-10");
    let [candidate] = &city.on("2026-04-10", &["referrals", "list", "--json"]).rows()[..] else { panic!("one") };
    assert_eq!((&candidate["to"], &candidate["sue_by"]), (&json!("agency"), &json!("2025-01-01")));
    let shown = city.on("2026-04-10", &["referrals", "list"]).ok();
    assert!(shown.contains("To sue by") && shown.contains("2025-01-01"), "{shown}");
    let id = candidate["id"].to_string();
    let refused = city.on("2026-04-10", &["referrals", "approve", &id]).refused();
    assert!(refused.contains("the limitation of $300.00 of the debt passed on Wed 2025-01-01"), "{refused}");
    let reason = "she acknowledged it in writing in 2025";
    city.on("2026-04-10", &["referrals", "approve", &id, "--override-limitation", reason]).ok();
    city.on("2026-04-10", &["referrals", "export", "--to", "agency"]).ok();
    let list = std::fs::read_to_string(city.data().join("exports/agency-2026-04-10-1.csv")).expect("the list");
    let mut lines = list.lines();
    let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let row: Vec<&str> = lines.next().expect("a line").split(',').collect();
    let at = head.iter().position(|column| *column == "limitation").expect("the column");
    assert_eq!(row[at], "2025-01-01", "{list}");
}
