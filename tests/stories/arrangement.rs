//! Six installments beside the current bills: kept, missed, and kept after all.

use serde_json::{Value, json};

use crate::city::{CHARGES, City, PAYMENTS};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services";
const NUMBER: &str = "10-000417";

/// $342.86 due March 23 and its late fee of $17.14: $360.00 in six installments of $60.00 from June 1 on. The first is
/// paid on its day, and so is the bill of June.
fn kept_until_july(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let account = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[account]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,342.86,2026-03-02,2026-03-23,cis,B1-W"]);
    city.night("2026-03-28");
    city.mails("2026-03-28");
    city.night("2026-04-20");
    let plan = ["arrange", "make", NUMBER, "--installments", "6", "--first-due", "2026-06-01"];
    city.on("2026-04-20", &plan).ok();
    let line = arrangement(city, "2026-04-20");
    let installments = line["installments"].as_array().expect("a list");
    assert_eq!(installments.len(), 6);
    assert!(installments.iter().all(|installment| installment["amount"] == 6_000), "{installments:?}");
    assert_eq!((&installments[0]["due_on"], &installments[1]["due_on"]), (&json!("2026-06-01"), &json!("2026-07-01")));

    let first = "10-000417,60.00,2026-06-01,lockbox,lockbox,LB-0601-4";
    city.takes("2026-06-01", "lockbox-0601.csv", PAYMENTS, &[first]);
    city.takes("2026-06-02", "june.csv", CHARGES, &["10-000417,water,95.00,2026-06-02,2026-06-22,cis,B2-W"]);
    // Nobody said what the $95.00 are for: the current bill comes first.
    let undesignated = "10-000417,95.00,2026-06-20,lockbox,lockbox,LB-0620-9";
    city.takes("2026-06-20", "lockbox-0620.csv", PAYMENTS, &[undesignated]);
    city.night("2026-06-29");
    let open = city.on("2026-06-29", &["account", NUMBER, "--json"]).json()["open_items"].clone();
    let still: Vec<&Value> = open.as_array().expect("a list").iter().map(|item| &item["due_on"]).collect();
    assert!(!still.contains(&&json!("2026-06-22")), "the bill of June is paid: {open}");
    let standing = arrangement(city, "2026-06-29")["standing"].clone();
    assert_eq!((&standing["state"], &standing["paid"]), (&json!("performing"), &json!(6_000)));
    assert_eq!(standing["next"]["due_on"], "2026-07-01");
}

fn arrangement(city: &City, on: &str) -> Value {
    let [line] = &city.on(on, &["arrange", "list", "--json"]).rows()[..] else { panic!("one arrangement") };
    line.clone()
}

/// The kinds of the field orders that were made, with the day of each.
fn orders(city: &City, on: &str) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    city.orders(on, NUMBER).iter().map(|order| (word(&order["kind"]), word(&order["for_day"]))).collect()
}

/// The installment of July 1 is missed: the final notice is mailed on July 7, when the grace is over, and she is spoken
/// with a week later.
fn told_of_the_default(city: &City) {
    kept_until_july(city);
    city.night("2026-07-06");
    assert_eq!(arrangement(city, "2026-07-06")["standing"]["state"], "performing", "five days of grace");
    assert_eq!(city.notices("2026-07-06", NUMBER, "final_notice"), [Value::Null; 0]);
    city.night("2026-07-07");
    assert_eq!(arrangement(city, "2026-07-07")["standing"]["state"], json!({ "missed": "2026-07-01" }));
    city.mails("2026-07-07");
    city.night("2026-07-14");
    city.on("2026-07-14", &["calls", "release"]).ok();
    let calls = city.on("2026-07-14", &["calls", "list", "--json"]).rows();
    let [call] = &calls[..] else { panic!("one call: {calls:?}") };
    city.on("2026-07-14", &["calls", "record", &call["id"].to_string(), "reached", "--at", "10:00"]).ok();
}

pub fn a_missed_installment_gives_sixty_days_then_a_posting_and_then_five_business_days(city: &City) {
    told_of_the_default(city);
    // August 30 is a Sunday: its night orders nothing.
    city.night("2026-08-30");
    assert_eq!(orders(city, "2026-08-30"), []);
    let why = city.on("2026-08-30", &["why", NUMBER]).ok();
    assert!(why.contains("waits until Mon 2026-08-31"), "{why}");
    assert!(why.contains("Health and Safety Code 116910(b)(4)"), "{why}");
    city.night("2026-08-31");
    assert_eq!(orders(city, "2026-08-31"), [("tag".to_owned(), "2026-08-31".to_owned())]);
    let tag = city.orders("2026-08-31", NUMBER)[0]["id"].to_string();
    city.on("2026-08-31", &["outbox"]).ok();
    city.on("2026-08-31", &["orders", "dispatch", &tag, "--crew", "Crew 4"]).ok();
    city.on("2026-08-31", &["orders", "result", &tag, "--done", "--at", "10:00"]).ok();
    // Five business days: September 1 to 4, and 8; the 7th is Labor Day.
    for date in ["2026-09-04", "2026-09-07"] {
        city.night(date);
        assert_eq!(orders(city, date).len(), 1, "by {date}");
    }
    city.night("2026-09-08");
    assert_eq!(orders(city, "2026-09-08")[1], ("shut_off".to_owned(), "2026-09-08".to_owned()));
}

pub fn an_installment_received_in_time_and_learned_late_was_never_missed(city: &City) {
    told_of_the_default(city);
    let late = "10-000417,60.00,2026-07-01,lockbox,lockbox,LB-0701-2";
    city.takes("2026-07-20", "lockbox-0701.csv", PAYMENTS, &[late]);
    let standing = arrangement(city, "2026-07-20")["standing"].clone();
    assert_eq!((&standing["state"], &standing["paid"]), (&json!("performing"), &json!(12_000)));
    assert_eq!(standing["missed"], json!([]));
    // She goes on paying: nobody is sent.
    for (date, reference) in [("2026-08-03", "LB-0803-7"), ("2026-09-01", "LB-0901-1")] {
        let paid = format!("10-000417,60.00,{date},lockbox,lockbox,{reference}");
        city.takes(date, &format!("lockbox-{date}.csv"), PAYMENTS, &[&paid]);
    }
    for date in ["2026-08-31", "2026-09-08", "2026-09-30"] {
        city.night(date);
        assert_eq!(orders(city, date), [], "by {date}");
    }
    assert_eq!(arrangement(city, "2026-09-30")["standing"]["state"], "performing");
}

/// A file of payments that the payer meant for a certain bill.
const DESIGNATED: &str = "account,amount,received_on,channel,for_reference,source,reference";

/// Each installment is paid on its day, for the old bill by its name, and the bill of June is not.
fn pays_installments_alone(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let account = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[account]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,342.86,2026-03-02,2026-03-23,cis,B1-W"]);
    city.night("2026-03-28");
    city.mails("2026-03-28");
    city.night("2026-04-20");
    let plan = ["arrange", "make", NUMBER, "--installments", "6", "--first-due", "2026-06-01"];
    city.on("2026-04-20", &plan).ok();
    city.takes("2026-06-02", "june.csv", CHARGES, &["10-000417,water,95.00,2026-06-02,2026-06-22,cis,B2-W"]);
    let installments = ["2026-06-01", "2026-07-01", "2026-08-03"];
    for date in &installments[..2] {
        pays_an_installment(city, date);
    }
    // The final notice is due 39 days after the bill of June, and is of that bill alone.
    city.night("2026-06-27");
    city.night("2026-07-30");
    assert_eq!(city.notices("2026-07-30", NUMBER, "final_notice"), [Value::Null; 0]);
    city.night("2026-07-31");
    city.mails("2026-07-31");
    let [notice] = &city.notices("2026-07-31", NUMBER, "final_notice")[..] else { panic!("one notice") };
    assert_eq!((&notice["facts"]["amount"], &notice["facts"]["shut_off_on"]), (&json!(9_500), &json!("2026-08-28")));
    pays_an_installment(city, installments[2]);
    city.night("2026-08-07");
    city.on("2026-08-07", &["calls", "release"]).ok();
    let call = city.on("2026-08-07", &["calls", "list", "--json"]).rows()[0]["id"].to_string();
    city.on("2026-08-07", &["calls", "record", &call, "reached", "--at", "10:00"]).ok();
    assert_eq!(arrangement(city, "2026-08-07")["standing"]["state"], "performing");
}

fn pays_an_installment(city: &City, date: &str) {
    let row = format!("10-000417,60.00,{date},lockbox,B1-W,lockbox,LB-{date}");
    city.takes(date, &format!("lockbox-{date}.csv"), DESIGNATED, &[&row]);
}

pub fn a_bill_that_stays_unpaid_beside_an_arrangement_that_is_kept_gives_sixty_days_and_a_posting_too(city: &City) {
    pays_installments_alone(city);
    // The sixty days of the bill end on Friday, August 21.
    city.night("2026-08-20");
    assert_eq!(orders(city, "2026-08-20"), []);
    city.night("2026-08-21");
    assert_eq!(orders(city, "2026-08-21"), [("tag".to_owned(), "2026-08-21".to_owned())]);
    let tag = city.orders("2026-08-21", NUMBER)[0]["id"].to_string();
    city.on("2026-08-21", &["outbox"]).ok();
    city.on("2026-08-21", &["orders", "dispatch", &tag, "--crew", "Crew 4"]).ok();
    city.on("2026-08-21", &["orders", "result", &tag, "--done", "--at", "10:00"]).ok();
    city.night("2026-08-27");
    assert_eq!(orders(city, "2026-08-27").len(), 1);
    city.night("2026-08-28");
    assert_eq!(orders(city, "2026-08-28")[1], ("shut_off".to_owned(), "2026-08-28".to_owned()));
    let shut_off = city.orders("2026-08-28", NUMBER)[1].clone();
    assert_eq!(shut_off["amount"], 9_500, "not for what the arrangement covers");
    // The crew has left; she pays the bill of June at the counter, and the arrangement keeps her water on again.
    let id = shut_off["id"].to_string();
    city.on("2026-08-28", &["orders", "approve", &id]).ok();
    city.signs_no_payments("2026-08-28", &["lockbox", "counter", "online", "autopay"], "2026-08-27");
    city.on("2026-08-28", &["orders", "finalize"]).ok();
    city.on("2026-08-28", &["orders", "dispatch", &id, "--crew", "Crew 4"]).ok();
    let paid = city.on("2026-08-28", &["payments", "counter", NUMBER, "95.00", "--receipt", "R-1"]).ok();
    assert!(paid.contains(&format!("order {id}: call the crew back from the shut-off of water (Crew 4)")), "{paid}");
    city.night("2026-09-01");
    assert!(city.orders("2026-09-01", NUMBER).iter().all(|order| order["state"] != "prepared"));
}
