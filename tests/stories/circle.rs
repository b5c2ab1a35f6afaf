//! Debts that go out, and come back: each to its destination, told of every change, and at the end written off or at rest.

use std::fs;

use serde_json::{Value, json};

use crate::city::{CHARGES, City, PAYMENTS};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy,\
                        owner_name,owner_address,owner_city,owner_state,owner_zip,parcel,customer.ssn";
const REVERSALS: &str = "account,reversed_on,reverses_source,reverses_reference,source,reference,memo";

fn referral(city: &City, at: &str, account: &str) -> Value {
    let page = city.on(at, &["account", account, "--json"]).json();
    page["referrals"].as_array().and_then(|list| list.last()).expect("a referral").clone()
}

/// The lines of a file under `exports/` behind its header.
fn lines(city: &City, file: &str) -> Vec<String> {
    let text = fs::read_to_string(city.data().join("exports").join(file)).expect(file);
    text.lines().skip(1).map(str::to_owned).collect()
}

#[track_caller]
fn is_clean(city: &City, at: &str) {
    let checkup = city.on(at, &["doctor", "--json"]).json();
    let wrong: Vec<&Value> =
        checkup["checks"].as_array().expect("checks").iter().filter(|check| check["wrong"] != 0).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

pub fn a_debt_goes_to_the_agency_is_told_of_every_payment_and_comes_back_to_be_written_off(city: &City) {
    city.opens("2026-03-02", "riverbend");
    city.on("2026-03-02", &["staff", "add", "R. Diaz", "--role", "approver"]).ok();
    let home = |number: &str, name: &str| {
        format!("{number},{name},418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,owner,,,,,,,")
    };
    let accounts = [home("10-000417", "Rosa Muñoz"), home("10-000418", "Curtis Hartley")];
    city.takes("2026-03-02", "accounts.csv", ACCOUNTS, &accounts.each_ref().map(String::as_str));
    let charges =
        ["10-000417,water,224.20,2026-03-02,2026-03-23,cis,B1", "10-000418,water,300.00,2026-03-02,2026-03-23,cis,B2"];
    city.takes("2026-03-02", "charges.csv", CHARGES, &charges);
    city.night("2026-08-21");
    city.mails("2026-08-21");
    city.night("2026-09-21");
    for candidate in city.on("2026-09-21", &["referrals", "list", "--json"]).rows() {
        assert_eq!(candidate["to"], "agency");
        city.on("2026-09-22", &["referrals", "approve", &candidate["id"].to_string()]).ok();
    }
    city.on("2026-09-22", &["referrals", "export", "--to", "agency"]).ok();
    assert_eq!(lines(city, "agency-2026-09-22-1.csv").len(), 2);
    let out = referral(city, "2026-09-22", "10-000417");
    let one = out["id"].to_string();
    let other = referral(city, "2026-09-22", "10-000418")["id"].to_string();
    assert_eq!(out["out"], json!({"placed": 22_420, "since": 0, "balance": 22_420}));

    // While the debt is out the city does nothing about it, and says why.
    city.night("2026-09-23");
    let why = city.on("2026-09-23", &["why", "10-000417"]).ok();
    assert!(why.contains("barred: the debt is out (agency) since Tue 2026-09-22"), "{why}");

    // The agency collected $100.00 and kept $25.00: the customer is credited with the whole.
    let remitted = "10-000417,100.00,2026-10-05,agency,agency,AG-1,25.00";
    city.takes("2026-10-06", "agency.csv", &format!("{PAYMENTS},commission"), &[remitted]);
    let ledger = city.on("2026-10-06", &["account", "10-000417", "--json"]).json()["ledger"].clone();
    let paid =
        ledger.as_array().expect("a list").iter().find(|entry| entry["reference"] == "AG-1").expect("the payment");
    assert_eq!(
        (&paid["amount"], &paid["memo"]),
        (&json!(-10_000), &json!("$25.00 commission withheld, $75.00 remitted"))
    );
    assert_eq!(referral(city, "2026-10-06", "10-000417")["out"]["balance"], 12_420);
    let said = city.on("2026-10-06", &["referrals", "report", "--to", "agency"]).ok();
    assert!(said.contains("1 changes and 0 recalls"), "{said}");
    let told = lines(city, "report-agency-2026-10-06-1.csv");
    assert_eq!(told, [format!("R{one}-1,{one},10-000417,payment,2026-10-05,agency,AG-1,-100.00,124.20")]);
    let again = city.on("2026-10-07", &["referrals", "report", "--to", "agency"]).ok();
    assert_eq!(again, "Nothing has changed since the last report\n");

    // The remittance bounces.
    let bounced = "10-000417,2026-10-20,agency,AG-1,agency,AG-1R,Not honored";
    city.takes("2026-10-20", "reversals.csv", REVERSALS, &[bounced]);
    city.on("2026-10-20", &["referrals", "report", "--to", "agency"]).ok();
    let told = lines(city, "report-agency-2026-10-20-1.csv");
    assert_eq!(told, [format!("R{one}-2,{one},10-000417,payment_reversed,2026-10-20,agency,AG-1R,100.00,224.20")]);
    // The same file, to the byte.
    let file = city.data().join("exports/report-agency-2026-10-20-1.csv");
    let first = fs::read(&file).expect("the report");
    fs::remove_file(&file).expect("lost");
    city.on("2026-10-21", &["referrals", "report", "--again", "report-agency-2026-10-20-1"]).ok();
    assert_eq!(fs::read(&file).expect("the report"), first);

    // Curtis Hartley pays in full, at the city: the debt has to be called back. Then his payment comes back.
    city.night("2026-10-22");
    city.takes("2026-10-22", "paid.csv", PAYMENTS, &["10-000418,300.00,2026-10-22,online,online,ON-1"]);
    let [recall] = &city.exceptions("2026-10-22", "recall_referral")[..] else { panic!("one to call back") };
    assert!(recall["text"].as_str().expect("a text").contains("is paid in full"), "{recall}");
    city.on("2026-10-22", &["referrals", "report", "--to", "agency"]).ok();
    let undone = "10-000418,2026-10-26,online,ON-1,online,ON-1R,Insufficient funds";
    city.night("2026-10-26");
    city.takes("2026-10-26", "undone.csv", REVERSALS, &[undone]);
    assert!(city.exceptions("2026-10-26", "recall_referral").is_empty(), "it is owed again");
    // A petition: the debt comes back at once, by a person.
    city.on("2026-10-27", &["hold", "place", "10-000418", "bankruptcy", "--reason", "Chapter 7, case 26-1"]).ok();
    let [recall] = &city.exceptions("2026-10-27", "recall_referral")[..] else { panic!("one to call back") };
    assert!(recall["text"].as_str().expect("a text").contains("a bankruptcy hold stands"), "{recall}");
    city.on("2026-10-27", &["referrals", "recall", &other, "--reason", "petition filed"]).ok();
    assert!(city.exceptions("2026-10-27", "recall_referral").is_empty());
    city.on("2026-10-27", &["referrals", "report", "--to", "agency"]).ok();
    let told = lines(city, "report-agency-2026-10-27-1.csv");
    assert_eq!(told, [format!("R{other}-2,{other},10-000418,payment_reversed,2026-10-26,online,ON-1R,300.00,300.00")]);
    let back = lines(city, "report-agency-2026-10-27-1.recalls.csv");
    assert_eq!(back, [format!("R{other}-3,{other},10-000418,Curtis Hartley,2026-10-27,petition filed,300.00")]);
    is_clean(city, "2026-10-27");

    // The agency gives up. Thirty days later the policy proposes a write-off; the tier asks for the approver.
    let refused = city.file("wrong.csv", "referral,returned_on,reason\n99,2026-12-01,skip\n");
    let said = city.on("2026-12-01", &["referrals", "returns", &refused]).refused();
    assert!(said.contains("line 2") && said.contains("there is no referral 99"), "{said}");
    let file =
        city.file("returns.csv", &format!("referral,returned_on,reason,note\n{one},2026-12-01,skip,no such address\n"));
    city.on("2026-12-01", &["referrals", "returns", &file]).ok();
    let returned = referral(city, "2026-12-01", "10-000417");
    assert_eq!((&returned["state"], &returned["cause"]), (&json!("returned"), &json!("skip: no such address")));
    assert!(city.exceptions("2026-12-01", "debt_returned").is_empty(), "the policy has a stage for it");
    city.night("2026-12-31");
    let [proposed] = &city.on("2026-12-31", &["approvals", "list", "--json"]).rows()[..] else { panic!("one waits") };
    assert_eq!((&proposed["amount"], &proposed["account_number"]), (&json!(22_420), &json!("10-000417")));
    let id = proposed["id"].to_string();
    let lower = city.on("2026-12-31", &["approvals", "approve", &id]).refused();
    assert!(lower.contains("may not approve a write_off of $224.20; ask R. Diaz"), "{lower}");
    let council = city.on("2026-12-31", &["report", "write-offs", "--csv"]).ok();
    assert!(council.contains("10-000417,Rosa Muñoz,residential,224.20,2026-03-23,proposed"), "{council}");
    city.by("R. Diaz", "2026-12-31", &["approvals", "approve", &id]).ok();
    assert_eq!(city.on("2026-12-31", &["account", "10-000417", "--json"]).json()["balance"], 0);
    is_clean(city, "2026-12-31");
}

#[expect(clippy::too_many_lines, reason = "a story is told in one piece")]
pub fn each_debt_goes_where_the_table_says_and_what_it_does_not_cover_is_the_lead_s(city: &City) {
    city.opens("2026-01-02", &city.file("circle.yaml", include_str!("policies/circle.yaml")));
    let owner = |number: &str, ssn: &str, parcel: &str| {
        format!("{number},Ana R. Soto,12 Elm St,Riverbend,CA,95600,(916) 555-0142,water,owner,,,,,,{parcel},{ssn}")
    };
    let tenant = |number: &str| {
        format!(
            "{number},Lee Park,9 Oak St,Riverbend,CA,95600,(916) 555-0143,water,tenant,Delta Homes LLC,900 Harbor Blvd,Riverbend,CA,95600,,"
        )
    };
    let accounts = [
        tenant("20-01"),
        owner("20-02", "", "041-220-017"),
        owner("20-03", "", "041-220-018"),
        owner("20-04", "123-45-6789", ""),
        owner("20-05", "", ""),
        tenant("20-06"),
        tenant("20-07"),
        tenant("20-08"),
        tenant("20-09"),
    ];
    city.takes("2026-01-02", "accounts.csv", ACCOUNTS, &accounts.each_ref().map(String::as_str));
    let due = |number: &str, amount: &str, due: &str| format!("{number},water,{amount},2025-12-15,{due},cis,B{number}");
    let charges = [
        due("20-01", "420.00", "2026-01-05"),
        due("20-02", "500.00", "2026-01-05"),
        due("20-03", "7000.00", "2026-01-05"),
        due("20-04", "150.00", "2026-01-05"),
        due("20-05", "150.00", "2026-01-05"),
        due("20-06", "5500.00", "2026-01-05"),
        due("20-07", "5600.00", "2026-01-05"),
        due("20-08", "5700.00", "2026-01-05"),
        "20-09,water,1500.00,2024-05-12,2024-06-01,cis,B20-09".to_owned(),
    ];
    city.takes("2026-01-02", "charges.csv", CHARGES, &charges.each_ref().map(String::as_str));
    city.night("2026-05-05");
    let rows = city.on("2026-05-05", &["referrals", "list", "--json"]).rows();
    let sent: Vec<(String, String)> = rows
        .iter()
        .map(|row| {
            (
                row["account_number"].as_str().unwrap_or_default().to_owned(),
                row["to"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let expected = [
        ("20-02", "tax_roll"),
        ("20-04", "setoff"),
        ("20-05", "setoff"),
        ("20-06", "small_claims"),
        ("20-07", "small_claims"),
        ("20-08", "small_claims"),
        ("20-09", "small_claims"),
    ];
    assert_eq!(sent, expected.map(|(account, to)| (account.to_owned(), to.to_owned())));
    let id = |account: &str| {
        rows.iter().find(|row| row["account_number"] == account).expect("a candidate")["id"].to_string()
    };

    // A tenant's debt does not go on the roll, and $7,000.00 is more than the court takes: the lead sees both, once.
    let gaps = |at: &str| -> Vec<String> {
        city.exceptions(at, "policy_gap")
            .iter()
            .map(|line| line["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let told = gaps("2026-05-05");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("no destination for $420.00, residential, 120 days past due, not the owner"),
        "{told:?}"
    );
    assert!(told[1].starts_with("no destination for $7,000.00, residential, 120 days past due, the owner"), "{told:?}");
    city.night("2026-05-06");
    assert_eq!(gaps("2026-05-06").len(), 2, "it is told once");

    // An old debt: the lead was told that time will bar it, and then that it has. The court needs a person and a reason.
    let near = city.exceptions("2026-05-06", "limitation_near");
    let near: Vec<&str> = near.iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(near, ["The limitation of $1,500.00 ends on Mon 2026-06-01 (one debt)"]);
    // Two claims of more than $5,000.00 a year.
    for account in ["20-06", "20-07"] {
        city.on("2026-05-06", &["referrals", "approve", &id(account)]).ok();
    }
    let third = city.on("2026-05-06", &["referrals", "approve", &id("20-08")]).refused();
    assert!(third.contains("2 claims over $5,000.00 are filed in 2026, and the court takes 2"), "{third}");
    assert!(third.contains("116.220"), "{third}");

    // A part is paid before the approval: the table sends the rest elsewhere, and the candidate is withdrawn.
    city.takes("2026-05-07", "part.csv", PAYMENTS, &["20-08,4800.00,2026-05-07,online,online,ON-8"]);
    let said = city.on("2026-05-07", &["referrals", "approve", &id("20-08")]).ok();
    assert!(said.contains("withdrawn, not approved: the route sends $900.00 nowhere, not to small_claims"), "{said}");
    city.night("2026-05-08");
    assert_eq!(gaps("2026-05-08").len(), 3, "a tenant's $900.00 has no destination");

    // The setoff file leaves out who has no social security number, and names the account; the number stands nowhere else.
    for account in ["20-02", "20-04", "20-05"] {
        city.on("2026-05-08", &["referrals", "approve", &id(account)]).ok();
    }
    let said = city.on("2026-05-08", &["referrals", "export", "--to", "setoff"]).refused();
    assert!(said.contains("account 20-05: field social security number (1-9)"), "{said}");
    let list = fs::read_to_string(city.data().join("exports/setoff-2026-05-08-1.txt")).expect("the list");
    assert!(list.starts_with("123456789Ana       RSoto           12 Elm St") && list.len() == 155, "{list:?}");
    for shown in
        [&["account", "20-04"][..], &["account", "20-04", "--json"], &["log", "20-04"], &["log", "20-04", "--json"]]
    {
        let said = city.on("2026-05-08", shown).ok();
        assert!(!said.contains("6789"), "{said}");
    }

    // The tax roll, and its correction: the whole again, with what is owed now.
    city.on("2026-05-08", &["referrals", "export", "--to", "tax_roll"]).ok();
    let roll = fs::read_to_string(city.data().join("exports/tax_roll-2026-05-08-1.txt")).expect("the roll");
    assert_eq!(roll, format!("174204122001700050000{}\r\n", " ".repeat(59)));
    let control =
        fs::read_to_string(city.data().join("exports/tax_roll-2026-05-08-1.control.csv")).expect("the totals");
    assert!(control.contains("\n1,500.00,500.00,500.00,"), "{control}");
    city.takes("2026-06-02", "later.csv", PAYMENTS, &["20-02,120.00,2026-06-01,online,online,ON-2"]);
    city.on("2026-06-02", &["referrals", "export", "--to", "tax_roll"]).ok();
    let roll = fs::read_to_string(city.data().join("exports/tax_roll-2026-06-02-1.txt")).expect("the roll");
    assert_eq!(roll, format!("174204122001700038000{}\r\n", " ".repeat(59)));
    let late = city.on("2026-08-11", &["referrals", "export", "--to", "tax_roll"]).refused();
    assert!(late.contains("the tax roll of 2026 closed on Mon 2026-08-10 (Health and Safety Code 5473.4)"), "{late}");

    city.on("2026-06-02", &["night"]).ok();
    let passed = city.exceptions("2026-06-02", "limitation_passed");
    assert_eq!(passed[0]["text"], "The limitation of $1,500.00 passed on Mon 2026-06-01 (one debt)");
    let barred = city.on("2026-06-02", &["referrals", "approve", &id("20-09")]).refused();
    assert!(barred.contains("the limitation of $1,500.00 of the debt passed on Mon 2026-06-01"), "{barred}");
    let reason = "she acknowledged it in writing in 2025";
    city.on("2026-06-02", &["referrals", "approve", &id("20-09"), "--override-limitation", reason]).ok();
    let approved = referral(city, "2026-06-02", "20-09");
    assert_eq!(
        (&approved["limitation_override"]["by"], &approved["limitation_override"]["reason"]),
        (&json!("L. Ortiz"), &json!(reason))
    );
    city.on("2026-06-02", &["referrals", "export", "--to", "small_claims"]).ok();
    // A debt that is out is not written off under the court.
    let out = city.on("2026-06-03", &["writeoff", "20-06", "--reason", "x"]).refused();
    assert!(out.contains("call it back first"), "{out}");
    is_clean(city, "2026-06-03");
}
