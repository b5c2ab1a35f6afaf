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

/// The recalls that stand on the exceptions list, in words.
fn recalls(city: &City, at: &str) -> Vec<String> {
    let lines = city.exceptions(at, "recall_referral");
    lines.iter().map(|line| line["text"].as_str().unwrap_or_default().to_owned()).collect()
}

pub fn whatever_would_keep_a_debt_from_going_out_calls_it_back(city: &City) {
    is_placed(city, BILL, "", |_| {});
    // No arrangement on what the agency collects: it is called back first.
    let arrange = ["arrange", "make", ACCOUNT, "--installments", "4", "--first-due", "2026-10-15"];
    let refused = city.on("2026-10-01", &arrange).refused();
    assert!(refused.contains("no debt of it is out") && refused.contains("arrears referrals recall 1"), "{refused}");
    assert_eq!(recalls(city, "2026-10-01"), [""; 0]);
    city.on("2026-10-01", &["promise", "make", ACCOUNT, "224.20", "2026-10-09"]).ok();
    let told = recalls(city, "2026-10-01");
    assert!(told[0].contains("has to be called back: a promise to pay $224.20 is open"), "{told:?}");
    city.night("2026-10-12");
    assert_eq!(recalls(city, "2026-10-12"), [""; 0], "the promise was broken");
    for (point, evidence) in
        [("medical_certificate", "Dr. Lee"), ("low_income", "Medi-Cal"), ("willing_to_plan", "declared")]
    {
        city.on("2026-10-13", &["protection", "record", ACCOUNT, point, "--evidence", evidence]).ok();
    }
    let told = recalls(city, "2026-10-13");
    assert!(told[0].contains("has to be called back"), "{told:?}");
    city.on("2026-10-13", &["referrals", "recall", "1", "--reason", "protected"]).ok();
    assert_eq!(recalls(city, "2026-10-13"), [""; 0]);
    is_clean(city, "2026-10-13");
}

pub fn three_points_bar_the_referral_too_though_no_hold_stands(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let home = format!("{ACCOUNT},Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,");
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[&home]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &[BILL]);
    city.on("2026-04-01", &["protection", "record", ACCOUNT, "medical_certificate", "--evidence", "Dr. Lee"]).ok();
    city.on("2026-04-20", &["hold", "end", "1", "--reason", "two points are missing"]).ok();
    for (point, evidence) in [("low_income", "Medi-Cal"), ("willing_to_plan", "declared")] {
        city.on("2026-04-25", &["protection", "record", ACCOUNT, point, "--evidence", evidence]).ok();
    }
    city.night("2026-08-21");
    for step in [&["notices", "release", "--all"][..], &["outbox"]] {
        city.on("2026-08-21", step).ok();
    }
    // The letters of April, when the protection was recorded, left in no batch and are voided now.
    city.on("2026-08-21", &["notices", "batch"]).fails();
    let mailed = ["notices", "mailed", "--batch", "1", "--on", "2026-08-21", "--proof", "PS 3665"];
    city.on("2026-08-21", &mailed).ok();
    city.night("2026-09-21");
    assert_eq!(city.on("2026-09-21", &["referrals", "list", "--json"]).rows(), [Value::Null; 0]);
    let why = city.on("2026-09-21", &["why", ACCOUNT]).ok();
    assert!(why.contains("Health and Safety Code 116910"), "{why}");
    is_clean(city, "2026-09-21");
}

pub fn a_debt_that_came_back_for_a_petition_a_death_or_a_dispute_stops_all_until_that_is_recorded(city: &City) {
    is_placed(city, BILL, "", |_| {});
    let file = city.file("back.csv", "referral,returned_on,reason,note\n1,2026-10-05,bankrupt,chapter 7 filed\n");
    city.on("2026-10-05", &["referrals", "returns", &file]).ok();
    let [line] = &city.exceptions("2026-10-05", "debt_returned")[..] else { panic!("one line") };
    let said = line["text"].as_str().expect("a text");
    assert!(said.contains("came back from agency (bankrupt: chapter 7 filed)"), "{said}");
    assert!(said.contains("`arrears bankruptcy record`"), "{said}");
    let held = |at: &str| {
        let holds = page(city, at)["holds"].as_array().cloned().unwrap_or_default();
        holds.iter().any(|hold| hold["kind"] == "reported" && hold["ended_on"].is_null())
    };
    assert!(held("2026-10-05"));
    for night in ["2026-10-06", "2026-10-07", "2026-11-04"] {
        city.night(night);
    }
    assert_eq!(city.on("2026-11-04", &["calls", "list", "--json"]).rows(), [Value::Null; 0]);
    assert_eq!(city.on("2026-11-04", &["approvals", "list", "--json"]).rows(), [Value::Null; 0], "no write-off");
    let why = city.on("2026-11-04", &["why", ACCOUNT]).ok();
    assert!(why.contains("reported"), "{why}");
    let record = [
        "bankruptcy",
        "record",
        ACCOUNT,
        "--chapter",
        "7",
        "--court",
        "ED Cal",
        "--case",
        "26-1",
        "--petition-on",
        "2026-10-01",
    ];
    city.on("2026-11-04", &record).ok();
    assert!(!held("2026-11-04"), "the petition stands in its place");
    let log = city.on("2026-11-04", &["log", ACCOUNT]).ok();
    assert!(log.contains("recorded: petition 1"), "{log}");
    is_clean(city, "2026-11-04");
}

pub fn a_debt_that_came_back_as_paid_and_is_open_here_is_asked_about(city: &City) {
    is_placed(city, BILL, "", |_| {});
    city.on("2026-10-05", &["referrals", "return", "1", "--reason", "paid", "--on", "2026-10-05"]).ok();
    let [line] = &city.exceptions("2026-10-05", "debt_returned")[..] else { panic!("one line") };
    let said = line["text"].as_str().expect("a text");
    assert!(said.contains("came back from agency (paid), and $224.20 of it is open here"), "{said}");
}

pub fn what_falls_due_while_another_debt_is_out_has_its_own_reminder_demand_and_referral(city: &City) {
    let config = city.data().join("arrears.yaml");
    let text = fs::read_to_string(&config).expect("the configuration");
    fs::write(&config, format!("{text}guards: {{data_days: 900}}\n")).expect("a file");
    is_placed(city, "10-000417,water,900.00,2026-03-02,2026-03-23,cis,B1", "2026-09-30", |_| {});
    // The final bill.
    city.takes("2026-10-01", "final.csv", CHARGES, &["10-000417,water,650.00,2026-10-01,2026-10-22,cis,B2"]);
    city.night("2026-10-27");
    let reminders = city.notices("2026-10-27", ACCOUNT, "reminder");
    assert_eq!(reminders.last().expect("a reminder")["facts"]["amount"], 65_000, "{reminders:#?}");
    city.mails("2026-10-27");
    city.night("2027-01-20");
    let demands = city.notices("2027-01-20", ACCOUNT, "demand");
    assert_eq!(demands.len(), 2, "ninety days past due: {demands:#?}");
    city.mails("2027-01-20");
    city.night("2027-02-19");
    let referrals = page(city, "2027-02-19")["referrals"].as_array().cloned().unwrap_or_default();
    assert_eq!(referrals.len(), 2, "{referrals:#?}");
    city.on("2027-02-19", &["referrals", "approve", &referrals[1]["id"].to_string()]).ok();
    city.on("2027-02-19", &["referrals", "export", "--to", "agency"]).ok();
    let referrals = page(city, "2027-02-19")["referrals"].clone();
    assert_eq!((&referrals[0]["out"]["balance"], &referrals[1]["state"]), (&json!(90_000), &json!("placed")));
    is_clean(city, "2027-02-19");
}
