//! Everything is done twice, as tired people and restarted machines do: nothing is sent, posted or charged twice.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::city::{CHARGES, City, PAYMENTS};

const ACCOUNTS: &str =
    "account,customer_name,service_address,service_city,service_state,service_zip,email,phone,services";
const NUMBER: &str = "10-000417";

/// What left the building and what stands in the books: emails, letters, calls, orders, ledgers and balances.
fn what_was_done(city: &City, at: &str) -> BTreeMap<String, Value> {
    let mut done = BTreeMap::new();
    let emails = fs::read_dir(city.data().join("mail")).map_or(0, Iterator::count);
    done.insert("emails".to_owned(), emails.into());
    for number in [NUMBER, "10-000418"] {
        let page = city.on(at, &["account", number, "--json"]).json();
        for part in ["ledger", "balance", "open_items", "notices", "calls", "orders", "case"] {
            done.insert(format!("{number} {part}"), page[part].clone());
        }
    }
    done
}

/// Does something once more, and holds that nothing has changed by it.
#[track_caller]
fn again(city: &City, at: &str, what: impl FnOnce()) {
    let before = what_was_done(city, at);
    what();
    assert_eq!(what_was_done(city, at), before, "done twice on {at}");
}

pub fn what_is_done_twice_happens_once(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let accounts = [
        "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa.munoz@example.com,(916) 555-0142,water",
        "10-000418,Curtis Hartley,420 Alder St,Riverbend,CA,95600,,(916) 555-0143,water",
    ];
    let bills = [
        "10-000417,water,180.00,2026-03-02,2026-03-23,cis,B1-W",
        "10-000418,water,95.00,2026-03-02,2026-03-23,cis,B2-W",
    ];
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &accounts);
    city.takes("2026-03-02", "charges.csv", CHARGES, &bills);
    again(city, "2026-03-02", || {
        let said = city.takes("2026-03-02", "charges.csv", CHARGES, &bills);
        assert!(said.contains("imported before, nothing is new"), "{said}");
        // The same rows in another file, with one that is new to nobody.
        let said = city.takes("2026-03-02", "charges-again.csv", CHARGES, &[bills[1], bills[0]]);
        assert!(said.contains("2 rows, 0 new"), "{said}");
    });

    // March 28: a letter to each, and to her an email beside it.
    city.night("2026-03-28");
    again(city, "2026-03-28", || assert_eq!(city.night("2026-03-28")["already_done"], true));
    city.on("2026-03-28", &["outbox"]).ok();
    assert_eq!(what_was_done(city, "2026-03-28")["emails"], 1);
    again(city, "2026-03-28", || drop(city.on("2026-03-28", &["outbox"]).ok()));
    city.on("2026-03-28", &["notices", "batch"]).ok();
    let printed = city.data().join("print/batch-000001.pdf");
    let first = fs::read(&printed).expect("the batch");
    again(city, "2026-03-28", || {
        assert_eq!(city.on("2026-03-28", &["notices", "batch"]).ok(), "No letter waits for a batch\n");
        // The printer ate it: the same bytes again, whatever was in the folder.
        fs::remove_file(&printed).expect("the batch");
        let said = city.on("2026-03-28", &["notices", "reprint", "1"]).ok();
        assert!(said.starts_with("Batch 1 again: 2 letters, the same file, "), "{said}");
        assert_eq!(fs::read(&printed).expect("the batch"), first);
    });
    let mailed = ["notices", "mailed", "--batch", "1", "--on", "2026-03-28", "--proof", "PS 3665"];
    city.on("2026-03-28", &mailed).ok();
    again(city, "2026-03-28", || {
        assert_eq!(city.on("2026-03-28", &mailed).out, "");
        city.on("2026-03-28", &["notices", "reprint", "1"]).ok();
    });

    // April 2: the late fees.
    city.night("2026-04-02");
    let fees = |at: &str| {
        let ledger = city.on(at, &["account", NUMBER, "--json"]).json()["ledger"].clone();
        ledger.as_array().expect("a list").iter().filter(|entry| entry["kind"] == "fee").count()
    };
    assert_eq!(fees("2026-04-02"), 1);
    again(city, "2026-04-02", || assert_eq!(city.night("2026-04-02")["already_done"], true));

    // Money: by a file twice, and at the counter twice under one receipt.
    let paid = ["10-000418,40.00,2026-04-03,lockbox,lockbox,LB-1", "#control,lockbox,2026-04-03,1,40.00"];
    city.takes("2026-04-04", "lockbox.csv", PAYMENTS, &paid);
    let counter = ["payments", "counter", NUMBER, "25.00", "--receipt", "R-1"];
    city.on("2026-04-04", &counter).ok();
    again(city, "2026-04-04", || {
        city.takes("2026-04-04", "lockbox.csv", PAYMENTS, &paid);
        city.takes("2026-04-04", "lockbox-2.csv", PAYMENTS, &paid[..1]);
        let said = city.on("2026-04-04", &counter).ok();
        assert!(said.starts_with("$25.00 was posted before"), "{said}");
    });

    // To the crew: the same steps twice, and one shut-off.
    // The lead signs that the bank brought nothing more: on payments loaded a month ago no night goes on.
    let nothing_more = |at: &str, through: &str| {
        city.on(at, &["payments", "none", "--channel", "lockbox", "--through", through]).ok();
    };
    nothing_more("2026-05-01", "2026-04-30");
    city.night("2026-05-01");
    city.mails("2026-05-01");
    nothing_more("2026-05-08", "2026-05-07");
    city.night("2026-05-08");
    city.on("2026-05-08", &["calls", "release"]).ok();
    again(city, "2026-05-08", || {
        city.night("2026-05-08");
        city.on("2026-05-08", &["calls", "release"]);
    });
    let call = city.on("2026-05-08", &["calls", "list", "--json"]).rows()[0]["id"].to_string();
    city.on("2026-05-08", &["calls", "record", &call, "reached", "--at", "10:00"]).ok();
    nothing_more("2026-05-22", "2026-05-21");
    city.night("2026-05-22");
    again(city, "2026-05-22", || drop(city.night("2026-05-22")));
    let order = city.orders("2026-05-22", NUMBER)[0]["id"].to_string();
    city.on("2026-05-22", &["orders", "approve", &order]).ok();
    city.signs_no_payments("2026-05-22", &["lockbox", "counter", "online", "autopay"], "2026-05-21");
    city.on("2026-05-22", &["orders", "finalize"]).ok();
    city.on("2026-05-22", &["orders", "dispatch", &order, "--crew", "Crew 4"]).ok();
    city.on("2026-05-22", &["orders", "result", &order, "--done", "--at", "10:30"]).ok();
    again(city, "2026-05-22", || {
        assert_eq!(city.on("2026-05-22", &["orders", "finalize"]).ok(), "0 shut-offs are finalized\n");
        city.on("2026-05-22", &["orders", "dispatch", &order, "--crew", "Crew 5"]).refused();
        city.on("2026-05-22", &["orders", "result", &order, "--done", "--at", "11:30"]).refused();
    });
}
