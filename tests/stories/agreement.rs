//! The letter that confirms an arrangement: mailed, handed over, called back.

use serde_json::{Value, json};

use crate::city::{CHARGES, City};

const ACCOUNTS: &str =
    "account,customer_name,service_address,service_city,service_state,service_zip,email,phone,language,services";
const NUMBER: &str = "10-000417";

/// $224.20 due March 23, and on April 20 its late fee of $11.21.
fn owes_since_march(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let account = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa.munoz@example.com,(916) 555-0142,es,water";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[account]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,224.20,2026-03-02,2026-03-23,cis,B1-W"]);
    city.night("2026-04-20");
}

fn letters(city: &City, on: &str) -> Vec<Value> {
    city.notices(on, NUMBER, "arrangement_letter")
}

fn states(city: &City, on: &str) -> Vec<(Value, Value)> {
    letters(city, on).iter().map(|letter| (letter["channel"].clone(), letter["state"].clone())).collect()
}

fn bytes(city: &City, on: &str, arrangement: &str) -> Vec<u8> {
    let out = city.file("letter.pdf", "");
    city.on(on, &["arrange", "letter", arrangement, "--out", &out]).ok();
    std::fs::read(out).expect("a letter")
}

pub fn an_arrangement_is_confirmed_by_mail_and_email_in_the_customers_language(city: &City) {
    owes_since_march(city);
    let plan = ["arrange", "make", NUMBER, "--installments", "3", "--first-due", "2026-05-01"];
    city.by("M. Chen", "2026-04-20", &plan).ok();
    assert_eq!(
        states(city, "2026-04-20"),
        [(json!("mail"), json!("released")), (json!("email"), json!("released"))],
        "it was just agreed: nobody has to release it"
    );
    for letter in letters(city, "2026-04-20") {
        assert_eq!((&letter["languages"], &letter["released_by"]), (&json!(["es"]), &json!("M. Chen")));
        assert_eq!((&letter["statutory"], &letter["arrangement"]), (&json!(false), &json!(1)));
    }
    // Handed over at once, and the same that is mailed.
    let handed_over = bytes(city, "2026-04-20", "1");
    assert!(handed_over.starts_with(b"%PDF"));
    city.on("2026-04-20", &["outbox"]).ok();
    assert_eq!(states(city, "2026-04-20"), [(json!("mail"), json!("rendered")), (json!("email"), json!("sent"))]);
    // A payment in between makes nothing of what was agreed untrue.
    city.on("2026-04-21", &["payments", "counter", NUMBER, "20.00", "--receipt", "R-1"]).ok();
    let said = city.on("2026-04-21", &["notices", "batch"]).ok();
    assert!(said.contains("1 letter"), "{said}");
    city.on("2026-04-21", &["notices", "mailed", "--batch", "1", "--on", "2026-04-21", "--proof", "PS 3665"]).ok();
    assert_eq!(states(city, "2026-04-21")[0].1, "mailed");
    assert_eq!(bytes(city, "2026-04-22", "1"), handed_over, "printed again, it is the first one byte for byte");
    let page = city.on("2026-04-22", &["account", NUMBER]).ok();
    assert!(page.contains("arrangement_letter"), "{page}");
    city.on("2026-04-22", &["doctor"]).ok();
}

pub fn a_canceled_arrangement_calls_its_letter_back_and_the_next_one_prints_its_own_installments(city: &City) {
    owes_since_march(city);
    let plan = |count| ["arrange", "make", NUMBER, "--installments", count, "--first-due", "2026-05-01"];
    city.on("2026-04-20", &plan("3")).ok();
    let first = bytes(city, "2026-04-20", "1");
    city.on("2026-04-20", &["outbox"]).ok();
    city.on("2026-04-21", &["arrange", "cancel", "1", "--reason", "she can pay sooner"]).ok();
    let [by_mail, by_email] = &letters(city, "2026-04-21")[..] else { panic!("a letter and an email") };
    assert_eq!((&by_mail["state"], &by_email["state"]), (&json!("canceled"), &json!("sent")), "an email has gone");
    assert_eq!(by_mail["cause"], "the arrangement that it confirms was canceled: she can pay sooner");
    city.on("2026-04-21", &plan("2")).ok();
    assert_eq!(bytes(city, "2026-04-21", "1"), first, "the letter of the first says what was agreed then");
    assert_ne!(bytes(city, "2026-04-21", "2"), first);
    city.on("2026-04-21", &["outbox"]).ok();
    let said = city.on("2026-04-21", &["notices", "batch"]).ok();
    assert!(said.contains("1 letter"), "{said}");
}
