//! A customer who comes back: seen by the file that brings the new account, confirmed by one person, proposed by another,
//! approved by a third.

use serde_json::{Value, json};

use crate::city::{CHARGES, City};

const ACCOUNTS: &str = "account,customer_name,customer,service_address,service_city,service_state,service_zip,phone,services,\
                        occupancy,service_ended";

pub fn a_customer_who_comes_back_owes_what_was_written_off_when_three_people_have_said_so(city: &City) {
    city.opens("2026-03-02", "riverbend");
    city.on("2026-03-02", &["staff", "add", "I. Brandt", "--role", "approver"]).ok();
    let left = "10-000417,Rosa Muñoz,C-20417,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,tenant,2026-04-15";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[left]);
    city.takes("2026-03-02", "charges.csv", CHARGES, &["10-000417,water,224.20,2026-03-02,2026-03-23,cis,B1-W"]);
    city.by("M. Chen", "2026-12-01", &["writeoff", "10-000417", "--reason", "no address"]).ok();
    let approve = |at: &str| {
        let [waits] = &city.on(at, &["approvals", "list", "--json"]).rows()[..] else { panic!("one waits") };
        city.by("I. Brandt", at, &["approvals", "approve", &waits["id"].to_string()]).ok();
        waits.clone()
    };
    approve("2026-12-01");
    let balance = |number: &str, at: &str| city.on(at, &["account", number, "--json"]).json()["balance"].clone();
    assert_eq!(balance("10-000417", "2026-12-01"), 0);

    // February 1, 2027: she is back in town, under a new number of a customer; somebody else lives at Alder Street.
    let back = "10-000900,Rosa Munoz,C-20417,77 Quarry Rd,Riverbend,CA,95600,916-555-0199,water,tenant,";
    let other = "10-000950,Omar Diaz,C-30001,418 Alder St,Riverbend,CA,95600,916-555-0177,water,tenant,";
    city.takes("2027-02-01", "accounts-2.csv", ACCOUNTS, &[back, other]);
    let [line] = &city.exceptions("2027-02-01", "returning_debtor")[..] else { panic!("one line") };
    let text = line["text"].as_str().expect("a text");
    for said in ["account 10-000417 (Rosa Muñoz)", "the same customer C-20417", "$224.20 written off", "Thu 2028-03-23"]
    {
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(line["account_number"], "10-000900");
    city.night("2027-02-02");
    assert!(city.on("2027-02-02", &["approvals", "list", "--json"]).rows().is_empty(), "nothing follows by itself");
    // The billing system's number of the customer is on both accounts: there is nothing to say, and a line to see.
    let known = city.on("2027-02-02", &["returning", "confirm", "1", "--reason", "x"]).refused();
    assert!(known.contains("pair 1 was confirmed by the billing system"), "{known}");
    city.on("2027-02-02", &["exceptions", "clear", &line["id"].to_string(), "--reason", "she is to pay it"]).ok();
    assert!(city.exceptions("2027-02-02", "returning_debtor").is_empty());

    let said =
        city.by("M. Chen", "2027-02-03", &["writeoff", "10-000417", "--reverse", "--reason", "she is back"]).ok();
    assert!(said.contains("the last day to sue is Thu 2028-03-23"), "{said}");
    assert_eq!(balance("10-000417", "2027-02-03"), 0);
    approve("2027-02-03");
    let page = city.on("2027-02-03", &["account", "10-000417", "--json"]).json();
    assert_eq!((&page["open_items"][0]["due_on"], &page["balance"]), (&json!("2026-03-23"), &json!(22_420)));

    // The new tenant of Alder Street never owes it.
    let transfer = |to: &'static str| ["transfer", "propose", "10-000417", to, "--reason", "moved"];
    let refused = city.by("M. Chen", "2027-02-03", &transfer("10-000950")).refused();
    assert!(refused.contains("an occupant never owes a former occupant's debt"), "{refused}");
    // The policy has it follow her, thirty days past due as it is; a person approves it.
    city.night("2027-02-04");
    let proposed = approve("2027-02-04");
    let reason = proposed["reason"].as_str().expect("a reason");
    assert!(reason.contains("Riverbend Municipal Code 13.04.160(B)"), "{reason}");
    assert_eq!((balance("10-000417", "2027-02-04"), balance("10-000900", "2027-02-04")), (json!(0), json!(22_420)));
    let page = city.on("2027-02-04", &["account", "10-000900", "--json"]).json();
    assert_eq!(page["open_items"][0]["due_on"], "2026-03-23", "as old as it was");

    // It shuts off no water at Quarry Road.
    for on in ["2027-02-05", "2027-04-20"] {
        city.night(on);
        assert!(city.notices(on, "10-000900", "final_notice").is_empty(), "{on}");
        assert_eq!(city.orders(on, "10-000900"), Vec::<Value>::new(), "{on}");
    }
    assert!(!city.notices("2027-04-20", "10-000900", "demand").is_empty(), "the demand lists it anew");
    city.on("2027-04-20", &["doctor"]).ok();
}
