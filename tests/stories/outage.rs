//! The machine was down, the lead was away, and the carrier brought the letter back: nothing of it shortens anybody's time.

use serde_json::{Value, json};

use crate::city::{CHARGES, City};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services";
const NUMBER: &str = "10-000417";

/// By none of these nights a shut-off has been prepared.
fn no_cut_by(city: &City, dates: &[&str]) {
    for date in dates {
        city.night(date);
        assert!(city.orders(date, NUMBER).iter().all(|order| order["kind"] != "shut_off"), "by {date}");
    }
}

/// Due March 21: the final notice is due on May 5, so that the shut-off could be on May 20. The machine is down from May 4
/// to May 7, the lead releases the notice on Monday, May 11, and it is not mailed that day.
fn released_and_not_mailed(city: &City) -> (Value, String) {
    city.opens("2026-02-28", &city.file("planned-back.yaml", include_str!("policies/planned_back.yaml")));
    city.takes(
        "2026-02-28",
        "accounts.csv",
        ACCOUNTS,
        &["10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water"],
    );
    city.takes("2026-02-28", "charges.csv", CHARGES, &["10-000417,water,240.00,2026-02-28,2026-03-21,cis,B1-W"]);
    // What would have been: the notice on May 5, the shut-off on May 20.
    let ahead = ["simulate", "--from", "2026-02-28", "--to", "2026-05-31", "--account", NUMBER, "--json"];
    let acts = city.on("2026-02-28", &ahead).rows();
    let on = |act: &str| acts.iter().find(|line| line["act"] == act).map(|line| line["on"].clone());
    assert_eq!((on("notice"), on("disconnect")), (Some(json!("2026-05-05")), Some(json!("2026-05-20"))));

    city.night("2026-05-03");
    assert_eq!(city.notices("2026-05-03", NUMBER, "final_notice"), [Value::Null; 0]);
    let report = city.night("2026-05-08");
    assert_eq!(report["missed"], 4, "May 4 to 7");
    let [planned] = &city.notices("2026-05-08", NUMBER, "final_notice")[..] else { panic!("one notice, and no more") };
    assert_eq!((&planned["planned_on"], &planned["state"]), (&json!("2026-05-08"), &json!("planned")));

    let batch = city.batches("2026-05-11");
    let letter = city.notices("2026-05-11", NUMBER, "final_notice")[0].clone();
    assert_eq!((&letter["released_on"], &letter["state"]), (&json!("2026-05-11"), &json!("batched")));
    assert_eq!(letter["facts"]["shut_off_on"], "2026-05-26", "fifteen days from May 11");
    (letter, batch)
}

/// The letter of May 11 is not marked for May 12. It is voided and made anew, and leaves on May 12.
fn mailed_on_may_12(city: &City) -> Value {
    let (letter, batch) = released_and_not_mailed(city);
    let mailed = |extra: &[&'static str]| {
        let args = ["notices", "mailed", "--batch", &batch, "--on", "2026-05-12", "--proof", "PS 3665"];
        city.on("2026-05-12", &[&args[..], extra].concat())
    };
    let refused = mailed(&[]).refused();
    assert!(refused.contains("it states 2026-05-26, and mailed on 2026-05-12 the earliest is 2026-05-27"), "{refused}");
    assert_eq!(city.notices("2026-05-12", NUMBER, "final_notice")[0]["state"], "batched", "nothing was marked");
    let voided = mailed(&["--void-late"]);
    assert_eq!(voided.out, "0 notices are marked as mailed Tue 2026-05-12\n");
    assert!(voided.refused().contains("it was voided and is made anew"));
    assert_eq!(city.notices("2026-05-12", NUMBER, "final_notice")[0]["state"], "voided");

    city.night("2026-05-12");
    let [_, anew] = &city.notices("2026-05-12", NUMBER, "final_notice")[..] else { panic!("a letter made anew") };
    assert_eq!(anew["state"], "planned");
    city.mails("2026-05-12");
    let [_, anew] = &city.notices("2026-05-12", NUMBER, "final_notice")[..] else { panic!("a letter made anew") };
    assert_eq!((&anew["mailed_on"], &anew["proof"]), (&json!("2026-05-12"), &json!("PS 3665")));
    assert_eq!(anew["facts"]["shut_off_on"], "2026-05-27");
    assert_ne!(anew["document"], letter["document"], "other dates, other bytes");
    anew.clone()
}

pub fn a_letter_that_leaves_late_moves_the_shut_off_out(city: &City) {
    mailed_on_may_12(city);
    city.night("2026-05-15");
    city.on("2026-05-15", &["calls", "release"]).ok();
    city.on("2026-05-15", &["calls", "record", "1", "reached", "--at", "10:00"]).ok();
    no_cut_by(city, &["2026-05-20", "2026-05-21", "2026-05-26"]);
    city.night("2026-05-27");
    let [order] = &city.orders("2026-05-27", NUMBER)[..] else { panic!("the shut-off") };
    assert_eq!((&order["kind"], &order["for_day"]), (&json!("shut_off"), &json!("2026-05-27")));
}

pub fn a_batch_that_nobody_marks_as_mailed_never_leads_to_a_shut_off(city: &City) {
    let (letter, _) = released_and_not_mailed(city);
    no_cut_by(city, &["2026-05-20", "2026-05-26", "2026-05-27", "2026-06-30", "2027-05-31"]);
    assert_eq!(city.orders("2027-05-31", NUMBER), [Value::Null; 0], "nor any other order");
    assert_eq!(city.notices("2027-05-31", NUMBER, "final_notice"), [letter], "and no other letter is made");
    let why = city.on("2027-05-31", &["why", NUMBER]).ok();
    assert!(why.contains("waits for final_notice: notice mailed"), "{why}");
}

pub fn mail_that_came_back_bars_the_shut_off_until_a_visit_and_a_posting(city: &City) {
    let letter = mailed_on_may_12(city);
    city.night("2026-05-15");
    city.on("2026-05-15", &["calls", "release"]).ok();
    city.on("2026-05-15", &["calls", "record", "1", "reached", "--at", "10:00"]).ok();
    let returned =
        ["notices", "returned", &letter["id"].to_string(), "--on", "2026-05-20", "--reason", "no such number"];
    city.on("2026-05-20", &returned).ok();
    let [exception] = &city.exceptions("2026-05-20", "returned_mail")[..] else { panic!("it is told") };
    assert_eq!(exception["text"], "The final notice to the customer came back: no such number");

    // The next morning a crew has to go there, to speak to somebody and to leave the notice.
    city.night("2026-05-21");
    let orders = city.orders("2026-05-21", NUMBER);
    let kinds: Vec<&str> = orders.iter().map(|order| order["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["visit", "tag"]);
    let ids: Vec<String> = orders.iter().map(|order| order["id"].to_string()).collect();
    let [visit, tag] = &ids[..] else { unreachable!() };

    // May 27 is past, and nobody has gone.
    no_cut_by(city, &["2026-05-27", "2026-05-28"]);
    let why = city.on("2026-05-28", &["why", NUMBER]).ok();
    assert!(why.contains("waits for returned_mail: notice posted"), "{why}");
    city.on("2026-05-29", &["outbox"]).ok();
    city.on("2026-05-29", &["orders", "dispatch", visit, tag, "--crew", "Crew 4"]).ok();
    // The notice is left on May 29, and its fifteen days end on Saturday, June 13; but a notice alone is no visit.
    city.on("2026-05-29", &["orders", "result", tag, "--done", "--at", "09:00"]).ok();
    no_cut_by(city, &["2026-06-12", "2026-06-16"]);
    let why = city.on("2026-06-16", &["why", NUMBER]).ok();
    assert!(why.contains("Health and Safety Code 116908(a)(2)"), "{why}");
    // The crew's sheet turns up: it had spoken with somebody there.
    let spoke =
        ["orders", "result", visit, "--done", "--on", "2026-05-29", "--at", "09:00", "--note", "spoke with her son"];
    city.on("2026-06-16", &spoke).ok();
    let [_, _, order] = &city.orders("2026-06-16", NUMBER)[..] else { panic!("the shut-off") };
    assert_eq!((&order["kind"], &order["for_day"]), (&json!("shut_off"), &json!("2026-06-16")));
}
