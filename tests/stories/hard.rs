//! A bill that is disputed, and a petition in bankruptcy that is learned five weeks late.

use serde_json::{Value, json};

use crate::city::{CHARGES, City, PAYMENTS};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services";
const NUMBER: &str = "10-000417";

fn opens(city: &City) {
    city.opens("2026-03-02", "riverbend");
    city.on("2026-03-02", &["staff", "add", "R. Diaz", "--role", "lead"]).ok();
    city.on("2026-03-02", &["staff", "add", "A. Park", "--role", "approver"]).ok();
    let account = "10-000417,Rosa Mu\u{f1}oz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[account]);
    city.takes("2026-03-02", "march.csv", CHARGES, &["10-000417,water,240.00,2026-03-02,2026-03-23,cis,B1-W"]);
}

fn page(city: &City, on: &str) -> Value {
    city.on(on, &["account", NUMBER, "--json"]).json()
}

fn fees(city: &City, on: &str) -> Vec<(Value, Value)> {
    let page = page(city, on);
    let ledger = page["ledger"].as_array().expect("a ledger").clone();
    let is_fee = |line: &&Value| line["memo"] == "late fee" || line["kind"] == "reversal";
    ledger.iter().filter(is_fee).map(|line| (line["effective_on"].clone(), line["amount"].clone())).collect()
}

pub fn a_disputed_bill_stops_alone_until_it_is_decided_appealed_and_its_credit_approved(city: &City) {
    opens(city);
    city.takes("2026-03-23", "april.csv", CHARGES, &["10-000417,water,100.00,2026-03-23,2026-04-13,cis,B2-W"]);
    let open = ["dispute", "open", NUMBER, "--item", "B1-W", "--reason", "the meter was misread"];
    let said = city.by("M. Chen", "2026-03-30", &open).ok();
    assert!(said.contains("arrears dispute decide 1"), "{said}");
    let unknown = ["dispute", "open", NUMBER, "--item", "B9-W", "--reason", "x"];
    assert!(city.on("2026-03-30", &unknown).refused().contains("no debt \"B9-W\""));

    // Only the bill of April 13 has its late fee, ten days after it was due; only it stands in the final notice.
    city.night("2026-04-18");
    city.mails("2026-04-18");
    city.night("2026-04-23");
    assert_eq!(fees(city, "2026-04-23"), [(json!("2026-04-23"), json!(500))]);
    city.night("2026-05-22");
    let [notice] = &city.notices("2026-05-22", NUMBER, "final_notice")[..] else { panic!("one notice") };
    assert_eq!((&notice["facts"]["amount"], &notice["facts"]["balance"]), (&json!(10_000), &json!(10_500)));
    city.mails("2026-05-22");
    let text = city.on("2026-05-22", &["account", NUMBER]).ok();
    assert!(text.contains("Disputed") && text.contains("$240.00"), "{text}");

    // The lead decides for the city: a letter tells the customer, who can appeal for ten days.
    let for_city = ["dispute", "decide", "1", "--for", "city", "--findings", "the meter was tested and is right"];
    assert!(city.by("M. Chen", "2026-06-01", &for_city).refused().contains("M. Chen is a representative"));
    city.on("2026-06-01", &for_city).ok();
    let [letter] = &city.notices("2026-06-01", NUMBER, "dispute_ruling")[..] else { panic!("one letter") };
    let facts = &letter["facts"];
    assert_eq!((&letter["state"], &facts["ruled"]["appeal_by"]), (&json!("planned"), &json!("2026-06-11")));
    assert_eq!((&facts["ruled"]["side"], &facts["amount"]), (&json!("city"), &json!(24_000)));
    assert!(facts["citation"].as_str().expect("words").contains("13.04.130(B)"), "{facts}");
    assert_eq!(
        city.on("2026-06-01", &["tasks", "list", "--json"]).rows(),
        [Value::Null; 0],
        "nothing is left to a person"
    );
    city.mails("2026-06-01");
    assert_eq!(city.notices("2026-06-01", NUMBER, "dispute_ruling")[0]["state"], "mailed");
    let appeal = ["dispute", "appeal", "1", "--reason", "a plumber found the leak on the city's side"];
    city.by("M. Chen", "2026-06-11", &appeal).ok();

    // Until the appeal is decided nobody is shut off, whatever else is past due.
    for date in ["2026-06-12", "2026-07-01"] {
        city.night(date);
        assert_eq!(city.orders(date, NUMBER), [Value::Null; 0], "by {date}");
    }
    let for_her =
        ["dispute", "decide", "1", "--for", "customer", "--findings", "the leak was ours", "--credit", "60.00"];
    assert!(
        city.on("2026-07-02", &for_her).refused().contains("nobody decides on the appeal against their own ruling")
    );
    let said = city.by("R. Diaz", "2026-07-02", &for_her).ok();
    assert!(said.contains("proposal 1"), "{said}");
    let own = city.by("R. Diaz", "2026-07-02", &["approvals", "approve", "1"]).refused();
    assert!(own.contains("nobody approves their own"), "{own}");
    let still = city.on("2026-07-02", &["dispute", "list", NUMBER]).ok();
    assert!(still.contains("the credit waits for approval"), "{still}");
    city.by("A. Park", "2026-07-03", &["approvals", "approve", "1"]).ok();
    let page = page(city, "2026-07-03");
    let open: Vec<&Value> = page["open_items"].as_array().expect("items").iter().map(|item| &item["open"]).collect();
    assert_eq!(open, [&json!(18_000), &json!(10_000), &json!(500)]);
    // The ruling on the appeal is told with what was credited and is owed, and without a further appeal.
    let [_, last] = &city.notices("2026-07-03", NUMBER, "dispute_ruling")[..] else { panic!("another letter") };
    let ruled = &last["facts"]["ruled"];
    assert_eq!(
        (&ruled["on_appeal"], &ruled["credited"], &ruled["appeal_by"]),
        (&json!(true), &json!(6_000), &Value::Null)
    );
    assert_eq!(last["facts"]["amount"], 18_000);
    let held: Vec<&Value> = page["holds"].as_array().expect("holds").iter().map(|hold| &hold["ended_on"]).collect();
    assert_eq!(held, [&json!("2026-06-01"), &json!("2026-07-03")]);
    city.on("2026-07-03", &["doctor"]).ok();
}

pub fn a_petition_learned_late_undoes_what_it_can_and_leaves_younger_debt_its_own_course(city: &City) {
    opens(city);
    city.night("2026-03-28");
    city.mails("2026-03-28");
    city.night("2026-04-02");
    assert_eq!(fees(city, "2026-04-02"), [(json!("2026-04-02"), json!(1_200))]);
    // Thirty days of service, of which fifteen are after March 30.
    let with_period = format!("{CHARGES},printed.service_from,printed.service_through");
    let spans = "10-000417,water,90.00,2026-04-15,2026-05-06,cis,B2-W,2026-03-16,2026-04-14";
    city.takes("2026-04-15", "april.csv", &with_period, &[spans]);
    let paid = "10-000417,20.00,2026-04-20,lockbox,lockbox,LB-0420-1";
    city.takes("2026-04-20", "lockbox-0420.csv", PAYMENTS, &[paid]);
    city.night("2026-05-01");
    city.mails("2026-05-01");

    let record = [
        "bankruptcy",
        "record",
        NUMBER,
        "--chapter",
        "13",
        "--court",
        "Eastern District of California",
        "--case",
        "26-20417",
        "--petition-on",
        "2026-03-30",
    ];
    let said = city.by("M. Chen", "2026-05-04", &record).ok();
    assert!(said.contains("$285.00 is stayed, and the balance that can be asked for is $25.00"), "{said}");
    assert!(said.contains("payment LB-0420-1") && said.contains("(final notice) mailed Fri 2026-05-01"), "{said}");
    assert_eq!(city.exceptions("2026-05-04", "petition_late").len(), 1);
    // The fee of April 2 is taken back: nothing was past due on its day but what is stayed.
    assert_eq!(fees(city, "2026-05-04"), [(json!("2026-04-02"), json!(1_200)), (json!("2026-05-04"), json!(-1_200))]);
    let why = city.on("2026-05-04", &["why", NUMBER]).ok();
    assert!(why.contains("$285.00 is stayed (chapter 13, case 26-20417, petition of 2026-03-30)"), "{why}");
    assert!(why.contains("11 USC 362"), "{why}");
    let text = city.on("2026-05-04", &["account", NUMBER]).ok();
    assert!(text.contains("Stayed by a petition") && text.contains("26-20417"), "{text}");

    // Twenty days after the order for relief are over: the lead is told, once, and nothing is ordered.
    city.night("2026-05-04");
    city.night("2026-05-05");
    let tasks = city.on("2026-05-05", &["tasks", "list", "--json"]).rows();
    let unassured = |task: &&Value| task["text"].as_str().is_some_and(|text| text.contains("No adequate assurance"));
    assert_eq!(tasks.iter().filter(unassured).count(), 1, "{tasks:?}");
    city.night("2026-05-22");
    assert_eq!(city.orders("2026-05-22", NUMBER), [Value::Null; 0]);

    // The later half of the bill of May 6 has a course of its own; the letter asks for nothing else.
    city.night("2026-05-27");
    let reminders = city.notices("2026-05-27", NUMBER, "reminder");
    let last = reminders.last().expect("a reminder");
    assert_eq!((&last["facts"]["amount"], &last["facts"]["balance"]), (&json!(2_500), &json!(2_500)));

    let discharged = city.on("2026-08-03", &["bankruptcy", "discharged", "1"]).ok();
    assert!(discharged.contains("proposed for write-off"), "{discharged}");
    city.by("A. Park", "2026-08-04", &["approvals", "approve", "1"]).ok();
    let page = page(city, "2026-08-04");
    assert_eq!((&page["stayed"], &page["petitions"][0]["discharged_on"]), (&json!([]), &json!("2026-08-03")));
    city.on("2026-08-04", &["doctor"]).ok();
}

pub fn of_a_customer_who_died_nothing_is_collected_and_the_household_keeps_its_water(city: &City) {
    opens(city);
    city.night("2026-04-02");
    let record = ["deceased", "record", NUMBER, "--told-by", "her son, at the counter"];
    city.by("M. Chen", "2026-04-10", &record).ok();
    let tasks = city.on("2026-04-10", &["tasks", "list", "--json"]).rows();
    assert!(tasks[0]["text"].as_str().expect("words").contains("418 Alder St"), "{tasks:?}");
    for date in ["2026-05-01", "2026-05-22", "2026-08-03"] {
        city.night(date);
        assert_eq!(city.orders(date, NUMBER), [Value::Null; 0], "by {date}");
        assert_eq!(city.notices(date, NUMBER, "final_notice"), [Value::Null; 0], "by {date}");
    }
    let why = city.on("2026-08-03", &["why", NUMBER]).ok();
    assert!(why.contains("a hold stands (deceased)"), "{why}");
    let name = [
        "deceased",
        "representative",
        "1",
        "--name",
        "Ana Mu\u{f1}oz",
        "--street",
        "9 Elm St",
        "--city",
        "Riverbend",
        "--state",
        "CA",
        "--zip",
        "95601",
    ];
    assert!(city.by("M. Chen", "2026-08-03", &name).refused().contains("M. Chen is a representative"));
    city.on("2026-08-03", &name).ok();
    city.on("2026-08-03", &["deceased", "letters", "1", "--on", "2026-07-15"]).ok();
    let estates = city.on("2026-08-03", &["deceased", "list"]).ok();
    assert!(estates.contains("Sun 2026-11-15") && estates.contains("9 Elm St"), "{estates}");
    city.night("2026-10-15");
    city.night("2026-10-16");
    let tasks = city.on("2026-10-16", &["tasks", "list", "--json"]).rows();
    let claims = |task: &&Value| task["text"].as_str().is_some_and(|text| text.contains("ends on Sun 2026-11-15"));
    assert_eq!(tasks.iter().filter(claims).count(), 1, "thirty days ahead, once: {tasks:?}");
    city.on("2026-10-16", &["deceased", "end", "1", "--reason", "her daughter is the customer of a new account"]).ok();
    city.on("2026-10-16", &["doctor"]).ok();
}
