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

/// Riverbend, with limits of every kind.
fn limited(city: &City) -> String {
    city.file("guards/us-ca-water.yaml", include_str!("../../rules/guards/us-ca-water.yaml"));
    let riverbend = include_str!("../../rules/riverbend.yaml");
    let limits = "arrangements:\n  down_payment: 20%\n  minimum_installment: 25.00\n  max_balance: 1000.00\n  \
                  after_default: 180 days\n";
    let text = riverbend.replace("arrangements:\n  max_months", &format!("{limits}  max_months"));
    assert_ne!(text, riverbend);
    city.file("policy.yaml", &text)
}

/// $240.00 due March 23, and its late fee of $12.00 due April 20: from the day after $252.00 are past due.
fn owes_252(city: &City, policy: &str) {
    city.opens("2026-03-02", policy);
    city.on("2026-03-02", &["staff", "add", "A. Park", "--role", "approver"]).ok();
    let account = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,,(916) 555-0142,en,water";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[account]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,240.00,2026-03-02,2026-03-23,cis,B1-W"]);
    city.night("2026-04-20");
}

fn installments(city: &City, on: &str) -> Vec<(Value, Value)> {
    let lines = city.on(on, &["arrange", "list", "--json"]).rows();
    let [line] = &lines[..] else { panic!("one arrangement: {lines:?}") };
    let installments = line["installments"].as_array().expect("a list");
    installments.iter().map(|installment| (installment["due_on"].clone(), installment["amount"].clone())).collect()
}

pub fn each_condition_is_shown_and_a_limit_of_the_city_is_overridden_by_another_person(city: &City) {
    let policy = limited(city);
    owes_252(city, &policy);
    let plan = [NUMBER, "--installments", "10", "--first-due", "2026-05-02", "--down", "20.00"];
    let propose = [&["arrange", "propose"], &plan[..]].concat();
    let shown = city.on("2026-04-21", &propose).ok();
    assert!(shown.contains("$50.40 or more, 20% of $252.00"), "{shown}");
    assert!(shown.contains("Riverbend Municipal Code 13.04.140(B)"), "{shown}");
    let points = city.on("2026-04-21", &[&propose[..], &["--json"]].concat()).json();
    let failing: Vec<&Value> =
        points["points"].as_array().expect("points").iter().filter(|p| p["holds"] == false).collect();
    let words: Vec<&Value> = failing.iter().map(|point| &point["condition"]).collect();
    assert_eq!(words, ["down_payment", "least_installment"]);
    // The second of May is a Saturday.
    assert_eq!(points["installments"][1]["due_on"], "2026-05-04");
    let make = [&["arrange", "make"], &plan[..]].concat();
    let refused = city.by("M. Chen", "2026-04-21", &make).refused();
    assert!(refused.contains("smallest installment: $25.00 or more is asked for, and there is $23.20"), "{refused}");
    assert!(refused.contains("--override REASON"), "{refused}");
    let over = [&make[..], &["--override", "on a fixed income"]].concat();
    let named = city.by("M. Chen", "2026-04-21", &[&over[..], &["--approved-by", "A. Park"]].concat()).refused();
    assert!(named.contains("nobody approves by being named"), "{named}");
    let proposed = city.by("M. Chen", "2026-04-21", &over).ok();
    assert!(proposed.contains("nothing is agreed yet") && proposed.contains("smallest installment"), "{proposed}");
    assert!(city.by("M. Chen", "2026-04-21", &over).fails().contains("proposed the same"));
    assert!(city.on("2026-04-21", &["arrange", "list", "--json"]).rows().is_empty(), "nothing is made");
    let why = city.on("2026-04-21", &["why", NUMBER]).ok();
    assert!(why.contains("waits for somebody who approves") && why.contains("on a fixed income"), "{why}");
    let approve = ["approvals", "approve", "1"];
    assert!(city.by("M. Chen", "2026-04-21", &approve).refused().contains("may not approve"));
    // The arrangement runs from the day of the approval; its down payment is due on it.
    let approved = city.by("A. Park", "2026-04-22", &approve).ok();
    assert!(approved.contains("of $252.00 of account 10-000417 is made, as M. Chen proposed it"), "{approved}");
    assert_eq!(installments(city, "2026-04-22")[0], (json!("2026-04-22"), json!(2_000)));
    let line = &city.on("2026-04-22", &["arrange", "list", "--json"]).rows()[0];
    assert_eq!(line["made_by"], json!("M. Chen"));
    assert_eq!(
        (&line["overridden"]["by"], &line["overridden"]["reason"]),
        (&json!("A. Park"), &json!("on a fixed income"))
    );
    assert_eq!(line["overridden"]["limits"].as_array().expect("limits").len(), 2);
    let log = city.on("2026-04-22", &["log", NUMBER]).ok();
    assert!(log.contains("on a fixed income") && log.contains("proposal approved"), "{log}");
    let why = city.on("2026-04-22", &["why", NUMBER]).ok();
    assert!(why.contains("A. Park approved it on") && !why.contains("waits for somebody who approves"), "{why}");
}

pub fn a_court_s_stay_is_overridden_by_nobody(city: &City) {
    let policy = limited(city);
    owes_252(city, &policy);
    let place = ["hold", "place", NUMBER, "bankruptcy", "--reason", "chapter 13 petition of April 20"];
    city.on("2026-04-21", &place).ok();
    let make = [
        "arrange",
        "make",
        NUMBER,
        "--installments",
        "4",
        "--first-due",
        "2026-05-04",
        "--down",
        "50.00",
        "--override",
        "she asked",
    ];
    let refused = city.by("M. Chen", "2026-04-21", &make).refused();
    assert!(refused.contains("not under a hold") && refused.contains("bankruptcy"), "{refused}");
}

pub fn a_down_payment_that_was_taken_at_the_counter_counts_once(city: &City) {
    let policy = limited(city);
    owes_252(city, &policy);
    city.on("2026-04-21", &["payments", "counter", NUMBER, "52.00", "--receipt", "R-77"]).ok();
    let make =
        |receipt| ["arrange", "make", NUMBER, "--installments", "4", "--first-due", "2026-05-04", "--receipt", receipt];
    assert!(city.on("2026-04-22", &make("R-78")).fails().contains("R-78"));
    city.on("2026-04-22", &make("R-77")).ok();
    let of = |day: &str| (json!(day), json!(5_000));
    assert_eq!(
        installments(city, "2026-04-22"),
        [of("2026-05-04"), of("2026-06-04"), of("2026-07-06"), of("2026-08-04")],
        "$200.00 are left, and July 4 is a Saturday"
    );
    let line = &city.on("2026-04-22", &["arrange", "list", "--json"]).rows()[0];
    assert_eq!(line["taken"], json!({ "amount": 5_200, "receipts": ["R-77"] }));
    assert_eq!((&line["standing"]["paid"], &line["standing"]["state"]), (&json!(0), &json!("performing")));
    for (day, receipt) in
        [("2026-05-04", "R-90"), ("2026-06-04", "R-91"), ("2026-07-06", "R-92"), ("2026-08-04", "R-93")]
    {
        city.on(day, &["payments", "counter", NUMBER, "50.00", "--receipt", receipt]).ok();
    }
    let page = city.on("2026-08-05", &["account", NUMBER, "--json"]).json();
    assert_eq!(page["balance"], 0, "the last installment pays the last cent");
    assert_eq!(city.on("2026-08-05", &["arrange", "list", "--json"]).rows()[0]["standing"]["state"], "completed");
}

pub fn a_missed_arrangement_is_taken_up_again_within_the_policys_limits(city: &City) {
    owes_252(city, "riverbend");
    let plan = ["arrange", "make", NUMBER, "--installments", "5", "--first-due", "2026-05-04"];
    city.on("2026-04-21", &plan).ok();
    let standing = |on: &str| city.on(on, &["arrange", "list", "--json"]).rows()[0]["standing"].clone();
    let again = |on: &str| city.on(on, &["arrange", "reinstate", "1", "--reason", "her pay was late"]);
    assert!(again("2026-05-05").refused().contains("arrangement 1 is performing"));
    // Five days of grace are over on May 9; the final notice is planned, and waits for its release.
    city.night("2026-05-11");
    assert_eq!(standing("2026-05-11")["state"], json!({ "missed": "2026-05-04" }));
    let planned = city.notices("2026-05-11", NUMBER, "final_notice");
    assert_eq!(planned[0]["state"], "planned");
    let refused = city.by("M. Chen", "2026-05-12", &["arrange", "reinstate", "1", "--reason", "she asked"]).refused();
    assert!(refused.contains("M. Chen is a representative"), "{refused}");
    let said = again("2026-05-12").ok();
    assert!(said.contains("Mon 2026-05-18"), "five days end on a Sunday: {said}");
    assert_eq!(
        (&standing("2026-05-18")["state"], &standing("2026-05-18")["next"]["due_on"]),
        (&json!("performing"), &json!("2026-05-18"))
    );
    let notice = &city.notices("2026-05-12", NUMBER, "final_notice")[0];
    assert_eq!(notice["state"], "voided");
    assert_eq!(notice["cause"], "the arrangement of 2026-04-21 was reinstated on 2026-05-12: her pay was late");
    city.night("2026-05-18");
    assert_eq!(city.notices("2026-05-18", NUMBER, "final_notice").len(), 1, "nothing is served while it is kept");
    // Nothing was paid: it is missed anew, and once a year is enough.
    city.night("2026-05-19");
    assert_eq!(standing("2026-05-19")["state"], json!({ "missed": "2026-05-18" }));
    assert_eq!(city.notices("2026-05-19", NUMBER, "final_notice").len(), 2, "it is made anew");
    let refused = again("2026-05-19").refused();
    assert!(refused.contains("in the last 12 months"), "{refused}");
    // What was learned late was never missed.
    let paid = "10-000417,50.40,2026-05-04,lockbox,lockbox,LB-0504-1";
    city.takes("2026-05-20", "lockbox.csv", crate::city::PAYMENTS, &[paid]);
    assert_eq!(standing("2026-05-20")["state"], "performing");
    city.on("2026-05-20", &["doctor"]).ok();
}
