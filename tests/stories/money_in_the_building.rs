//! The payment is here, and the program does not know whose it is; then it is known, and the crew has left already.

use serde_json::json;

use crate::city::{CHARGES, City, PAYMENTS};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services";
const DAY: &str = "2026-05-22";

pub fn a_payment_that_is_in_the_building_keeps_the_water_on(city: &City) {
    city.opens("2026-03-02", "riverbend");
    city.takes(
        "2026-03-02",
        "accounts.csv",
        ACCOUNTS,
        &[
            "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water",
            "20-000936,Curtis Hartley,7 Mill Rd,Riverbend,CA,95600,(916) 555-0143,water",
        ],
    );
    let bills = [
        "10-000417,water,312.45,2026-03-02,2026-03-23,cis,B1-W",
        "20-000936,water,180.00,2026-03-02,2026-03-23,cis,B2-W",
    ];
    city.takes("2026-03-02", "charges.csv", CHARGES, &bills);
    // The reminders on March 28, a late fee of 5% on April 2, the final notices on May 1; on May 8 both are spoken with.
    city.night("2026-03-28");
    city.mails("2026-03-28");
    city.night("2026-04-02");
    city.night("2026-05-01");
    city.mails("2026-05-01");
    city.night("2026-05-08");
    city.on("2026-05-08", &["calls", "release"]).ok();
    for call in ["1", "2"] {
        city.on("2026-05-08", &["calls", "record", call, "reached", "--at", "10:00"]).ok();
    }

    // The cut list of May 22: what she has to pay by then.
    city.night(DAY);
    let [order] = &city.orders(DAY, "10-000417")[..] else { panic!("one shut-off") };
    assert_eq!(
        (&order["kind"], &order["for_day"], &order["amount"]),
        (&json!("shut_off"), &json!(DAY), &json!(31_245))
    );
    let [letter] = &city.notices(DAY, "10-000417", "final_notice")[..] else { panic!("one letter") };
    assert_eq!(letter["facts"]["amount"], 31_245);
    let hers = order["id"].to_string();
    let his = city.orders(DAY, "20-000936")[0]["id"].to_string();
    city.on("2026-05-22T07:00", &["orders", "approve", &hers, &his]).ok();

    // Her check lies in the lockbox since May 20, under a number that nobody has. The website's money is known through May
    // 20 only.
    city.takes(
        "2026-05-22T07:10",
        "lockbox.csv",
        PAYMENTS,
        &["77-123456,312.45,2026-05-20,lockbox,lockbox,LB-0520-31", "#control,lockbox,2026-05-21,1,312.45"],
    );
    city.takes("2026-05-22T07:10", "online.csv", PAYMENTS, &["#control,online,2026-05-20,0,0.00"]);
    city.signs_no_payments("2026-05-22T07:10", &["counter", "autopay"], "2026-05-21");
    let refused = city.on("2026-05-22T07:15", &["orders", "finalize"]).refused();
    assert!(refused.contains("payments of online are loaded through 2026-05-20"), "{refused}");
    assert!(refused.contains("arrears payments none --channel online --through 2026-05-21"), "{refused}");
    assert_eq!(city.orders(DAY, "20-000936")[0]["state"], "approved", "nobody's is finalized");

    // Once it is loaded, hers is withheld, and his goes on.
    city.takes("2026-05-22T07:20", "online.csv", PAYMENTS, &["#control,online,2026-05-21,0,0.00"]);
    let said = city.on("2026-05-22T07:20", &["orders", "finalize"]);
    assert_eq!(said.out, "1 shut-off is finalized\n");
    let withheld = said.refused();
    assert!(withheld.starts_with(&format!("order {hers}: not finalized: ")), "{withheld}");
    assert!(withheld.contains("a payment of $312.45 received 2026-05-20 matches no account and may be this one's"));
    assert_eq!(city.orders(DAY, "10-000417")[0]["state"], "approved");
    assert_eq!(city.orders(DAY, "20-000936")[0]["state"], "finalized");

    // A person looks at the check: it is from another town. Only then does hers go on.
    let [unmatched] = &city.on(DAY, &["payments", "unmatched", "--json"]).rows()[..] else { panic!("one payment") };
    city.on("2026-05-22T07:40", &["payments", "reject", &unmatched["id"].to_string()]).ok();
    assert_eq!(city.on("2026-05-22T07:40", &["orders", "finalize"]).ok(), "1 shut-off is finalized\n");

    // 08:00: the crew leaves. 09:10: she pays at the counter, and the cashier reads that a crew is out.
    city.on("2026-05-22T08:00", &["orders", "dispatch", &hers, "--crew", "Crew 4"]).ok();
    let pays = ["payments", "counter", "10-000417", "312.45", "--receipt", "R-1"];
    let paid = city.by("M. Chen", "2026-05-22T09:10", &pays).ok();
    let said = format!(
        "$312.45 is posted to account 10-000417; its balance is $15.62\nAt once: order {hers}: call the crew back from the \
         shut-off of water (Crew 4): the debt was paid (account 10-000417)\n"
    );
    assert_eq!(paid, said);
    let [alert] = &city.exceptions("2026-05-22T09:10", "recall_crew")[..] else {
        panic!("an alert to recall the crew")
    };
    assert!(alert["text"].as_str().is_some_and(|text| text.contains(&format!("order {hers}"))), "{alert}");
    assert_eq!(city.orders(DAY, "10-000417")[0]["state"], "canceled");

    // 09:40: the crew comes back. It had shut off at 09:25.
    let off = ["orders", "result", &hers, "--done", "--at", "09:25"];
    city.by("M. Chen", "2026-05-22T09:40", &off).ok();
    let orders = city.orders(DAY, "10-000417");
    assert_eq!((&orders[0]["state"], &orders[0]["done_at"]), (&json!("done"), &json!("09:25")));
    let [_, restore] = &orders[..] else { panic!("a restoration at once: {orders:?}") };
    assert_eq!((&restore["kind"], &restore["state"]), (&json!("restore"), &json!("approved")));
    assert_eq!((&restore["for_day"], &restore["amount"]), (&json!(DAY), &json!(0)), "today, and without a fee");
    let page = city.on("2026-05-22T09:40", &["account", "10-000417", "--json"]).json();
    assert_eq!(page["balance"], 1_562, "the late fee of April, too little to be shut off for");
    let kinds: Vec<&str> = page["ledger"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["charge", "fee", "payment"], "the fee of April, and none for the restoration");

    // The incident stands on the list until somebody has looked at it, and stays in the log.
    let [incident] = &city.exceptions("2026-05-22T09:40", "incident")[..] else { panic!("an incident") };
    assert_eq!(incident["text"], format!("order {hers} was canceled, and the crew did the shut-off of water"));
    let log = city.on(DAY, &["log", "10-000417", "--json"]).rows();
    let noted = log.iter().find(|line| line["body"]["kind"] == "incident").expect("the incident in the log");
    assert_eq!(noted["body"]["text"], incident["text"], "{noted}");

    // Her water is on again by ten, and nothing more is done.
    city.on("2026-05-22T09:45", &["orders", "dispatch", &restore["id"].to_string(), "--crew", "Crew 4"]).ok();
    city.on("2026-05-22T10:30", &["orders", "result", &restore["id"].to_string(), "--done", "--at", "10:00"]).ok();
    assert_eq!(city.on(DAY, &["orders", "off"]).ok(), "Nothing is shut off.\n");
    city.night("2026-05-23");
    assert_eq!(city.orders("2026-05-23", "10-000417").len(), 2);
    assert_eq!(city.on("2026-05-23", &["account", "10-000417", "--json"]).json()["balance"], 1_562);
}

/// $90.00 of sewer and $312.45 of water are past due. The final notice asks for the water, and the oldest debt is paid first.
pub fn who_pays_what_the_notice_asks_for_is_not_shut_off_whichever_debt_the_money_paid(city: &City) {
    city.opens("2026-03-02", "riverbend");
    let account = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water sewer";
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &[account]);
    let bills = [
        "10-000417,sewer,90.00,2026-02-25,2026-03-18,cis,B1-S",
        "10-000417,water,312.45,2026-03-02,2026-03-23,cis,B1-W",
    ];
    city.takes("2026-03-02", "charges.csv", CHARGES, &bills);
    city.night("2026-05-01");
    city.mails("2026-05-01");
    let [letter] = &city.notices("2026-05-01", "10-000417", "final_notice")[..] else { panic!("one letter") };
    assert_eq!(letter["facts"]["amount"], 31_245);
    city.night("2026-05-08");
    city.on("2026-05-08", &["calls", "release"]).ok();
    city.on("2026-05-08", &["calls", "record", "1", "reached", "--at", "10:00"]).ok();
    city.night(DAY);
    let order = city.orders(DAY, "10-000417")[0]["id"].to_string();
    city.on("2026-05-22T07:00", &["orders", "approve", &order]).ok();
    city.signs_no_payments("2026-05-22T07:10", &["counter", "autopay", "online", "lockbox"], "2026-05-21");
    city.on("2026-05-22T07:40", &["orders", "finalize"]).ok();
    city.on("2026-05-22T08:00", &["orders", "dispatch", &order, "--crew", "Crew 4"]).ok();

    // She comes with the letter, and pays what it says.
    let pays = ["payments", "counter", "10-000417", "312.45", "--receipt", "R-1"];
    let said = city.by("M. Chen", "2026-05-22T09:10", &pays).ok();
    assert!(said.contains(&format!("At once: order {order}: call the crew back")), "{said}");
    assert_eq!(city.exceptions("2026-05-22T09:10", "recall_crew").len(), 1);
    // Which debts the money paid is the books' business. When the next shut-off would be prepared, on the first day on which there
    // are any, what is left of the water is asked for anew, with all its days.
    let page = city.on("2026-05-22T09:10", &["account", "10-000417", "--json"]).json();
    let open = page["open_items"].as_array().expect("a list");
    assert!(open.iter().any(|item| item["service"] == "water" && item["open"] == 9_000), "{page}");
    city.night("2026-05-26");
    let why = city.on("2026-05-26", &["why", "10-000417"]).ok();
    assert_eq!(city.notices("2026-05-26", "10-000417", "final_notice").len(), 2, "{why}");
    assert_eq!(city.orders("2026-05-26", "10-000417").len(), 1, "and nobody is sent");
    city.on("2026-05-26", &["doctor"]).ok();
}
