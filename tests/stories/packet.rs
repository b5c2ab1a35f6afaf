//! The last bill of a tenant who moved away, four years later: what may be claimed, of whom, and what was sent.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use arrears::domain::document::sha256;
use serde_json::{Value, json};

use crate::city::{CHARGES, City};

const ACCOUNTS: &str = "account,customer_name,service_address,service_city,service_state,service_zip,phone,services,occupancy,\
                        owner_name,owner_address,owner_city,owner_state,owner_zip,service_ended";
const FEES: &str = "account,service,kind,amount,billed_on,due_on,source,reference";
const REVERSALS: &str = "account,reversed_on,reverses_source,reverses_reference,source,reference,memo";
const NUMBER: &str = "10-000417";
const CUT_OFF: &str = "2026-10-05";

fn balance(city: &City, at: &str) -> Value {
    city.on(at, &["account", NUMBER, "--json"]).json()["balance"].clone()
}

/// All that letters bear, of a city that has changed its name.
const MILLBROOK: &str = "city:
  name: City of Millbrook
  address: {line1: 1 Mill Road, city: Millbrook, state: CA, zip: '95601'}
  remit_to: {line1: PO Box 1, city: Millbrook, state: CA, zip: '95601'}
  phone: (530) 555-0100
  hours: {en: Mondays}
  email: water@millbrook.example
  website: millbrook.example
  pay_online: millbrook.example/pay
  policy_page: millbrook.example/shutoff
  legal_help: Legal Aid, (530) 555-0177
";

/// One file of a packet.
pub fn part(packet: &Path, name: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(fs::File::open(packet).expect("the packet")).expect("a ZIP");
    let mut bytes = Vec::new();
    archive.by_name(name).expect(name).read_to_end(&mut bytes).expect("its bytes");
    bytes
}

/// What a reader finds in a PDF, one space between the words.
pub fn words_of(pdf: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("packet.pdf");
    fs::write(&path, pdf).expect("a file");
    let output = Command::new("pdftotext").arg(&path).arg("-").output();
    let output = output.expect("pdftotext is needed: apt-get install poppler-utils");
    String::from_utf8(output.stdout).expect("UTF-8").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn an_old_debt_goes_out_once_counted_and_by_its_own_date(city: &City) {
    city.opens("2022-09-12", &city.file("old-debts.yaml", include_str!("policies/old_debts.yaml")));
    let tenant = "10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,(916) 555-0142,water,tenant,\
                  Delta Homes LLC,900 Harbor Blvd,Millbrook,CA,95643,2022-09-10";
    city.takes("2022-09-12", "accounts.csv", ACCOUNTS, &[tenant]);
    city.takes("2022-09-12", "charges.csv", CHARGES, &["10-000417,water,486.20,2022-09-12,2022-10-03,cis,B1-W"]);
    city.night("2022-10-08");
    city.mails("2022-10-08");
    let reminder = city.notices("2022-10-08", NUMBER, "reminder")[0].clone();
    let first_hash = reminder["document"].as_str().expect("a hash").to_owned();

    // October 13, 2022: a late fee of $10.00; on November 1 the billing system sends it back under a name of its own.
    city.night("2022-10-13");
    assert_eq!(balance(city, "2022-10-13"), 49_620);
    let doubled = "10-000417,water,fee,10.00,2022-11-01,2022-11-22,cis,LF-7731";
    city.takes("2022-11-01", "fees.csv", FEES, &[doubled]);
    assert_eq!(balance(city, "2022-11-01"), 50_620);

    // March 1, 2024: a fee that the lead waives on the next day.
    city.night("2024-03-01");
    let ledger = city.on("2024-03-01", &["account", NUMBER, "--json"]).json()["ledger"].clone();
    let fee =
        ledger.as_array().expect("a list").iter().find(|entry| entry["memo"] == "statement fee").expect("the fee");
    assert_eq!((&fee["effective_on"], &fee["amount"]), (&json!("2024-03-01"), &json!(1_500)));
    let waive = ["fee", "waive", NUMBER, &fee["id"].to_string(), "--reason", "she had moved"];
    city.by("M. Chen", "2024-03-02", &waive).ok();
    let [proposed] = &city.on("2024-03-02", &["approvals", "list", "--json"]).rows()[..] else { panic!("one waits") };
    city.on("2024-03-02", &["approvals", "approve", &proposed["id"].to_string()]).ok();
    assert_eq!(balance(city, "2024-03-02"), 50_620);

    // The demand leaves on August 28, 2026; thirty days later the attorney is proposed, and neither lien nor tax roll.
    city.night("2026-08-28");
    city.mails("2026-08-28");
    city.night("2026-09-27");
    let [referral] = &city.on("2026-09-27", &["referrals", "list", "--json"]).rows()[..] else {
        panic!("one referral")
    };
    assert_eq!((&referral["to"], &referral["amount"]), (&json!("attorney"), &json!(50_620)));
    let why = city.on("2026-09-27", &["why", NUMBER]).ok();
    for stage in ["lien", "tax_roll"] {
        let told = why.split("legal / ").find(|told| told.starts_with(stage)).expect(stage);
        assert!(told.contains("does not apply"), "{told}");
        assert!(told.contains("debtor is owner = no: the premises are let"), "{told}");
    }
    city.on("2026-09-28", &["referrals", "approve", &referral["id"].to_string()]).ok();

    // The fee that is counted twice keeps the packet back.
    let refused = city.on(CUT_OFF, &["packet", NUMBER]).refused();
    assert!(refused.contains("a fee of $10.00 is counted twice"), "{refused}");
    assert!(refused.contains("brought by cis as LF-7731"), "{refused}");
    assert!(refused.contains("the total would be $506.20 instead of $496.20"), "{refused}");
    assert!(!city.data().join("packets").exists(), "nothing was written");
    let reversal = "10-000417,2026-10-05,cis,LF-7731,cis,REV-7731,Counted twice";
    city.takes(CUT_OFF, "reversals.csv", REVERSALS, &[reversal]);
    assert_eq!(balance(city, CUT_OFF), 49_620);

    // The bill could be sued upon through October 3, 2026. Neither the fee of 2024 nor anything else moved that.
    let refused = city.on(CUT_OFF, &["packet", NUMBER]).refused();
    assert!(refused.contains("passed on 2026-10-03 ($486.20 of the claim)"), "{refused}");
    let sue = ["packet", NUMBER, "--override-limitation"];
    let nameless = city.on(CUT_OFF, &[&sue[..], &[" "]].concat()).refused();
    assert!(nameless.contains("an override needs the name of a person and a reason"), "{nameless}");
    let reason = "she signed a promise in 2025, counsel has it";
    let lower = city.by("M. Chen", CUT_OFF, &[&sue[..], &[reason]].concat()).refused();
    assert!(lower.contains("M. Chen is a representative"), "{lower}");

    // What the city's letters look like has changed since; what was sent has not.
    let yaml = city.data().join("arrears.yaml");
    let config = fs::read_to_string(&yaml).expect("the configuration");
    let of_riverbend = "city: {name: City of Riverbend}";
    assert!(config.contains(of_riverbend), "{config}");
    fs::write(&yaml, config.replace(of_riverbend, MILLBROOK)).expect("the configuration");
    let again = city.file("reminder.pdf", "");
    let shown = city.on(CUT_OFF, &["notices", "show", &reminder["id"].to_string(), "--out", &again]).ok();
    assert!(shown.contains("as it was kept"), "{shown}");
    assert_eq!(sha256(&fs::read(&again).expect("the reminder")).as_str(), first_hash);
    city.on(CUT_OFF, &["notices", "reprint", "1"]).ok();
    let printed = fs::read_to_string(city.data().join("print/batch-000001.json")).expect("the manifest");
    assert!(printed.contains(&first_hash), "{printed}");

    let said = city.on(CUT_OFF, &[&sue[..], &[reason]].concat()).ok();
    let path = said.trim().trim_start_matches("The packet of account 10-000417 is ").to_owned();
    let packet = Path::new(&path);
    let statement: Value = serde_json::from_slice(&part(packet, "statement.json")).expect("JSON");
    assert_eq!(statement["claim"]["total"], "496.20", "{statement}");
    let items = statement["open_items"].as_array().expect("a list");
    let last_days: Vec<&Value> = items.iter().map(|item| &item["limitation_last_day"]).collect();
    assert_eq!(last_days, [&json!("2026-10-03"), &json!("2026-10-13")], "{statement}");
    let manifest: Value = serde_json::from_slice(&part(packet, "manifest.json")).expect("JSON");
    assert_eq!(manifest["limitation_last_day"], "2026-10-03", "{manifest}");
    assert_eq!(manifest["total"], "496.20", "{manifest}");
    let read = words_of(&part(packet, "packet.pdf"));
    for said in ["The limitation of $486.20 of the claim has passed.", "L. Ortiz", reason, "10/03/2026"] {
        assert!(read.contains(said), "{said}: {read}");
    }
    let files = manifest["files"].as_array().expect("a list");
    let exhibit = files.iter().find(|file| file["path"].as_str().is_some_and(|path| path.contains("reminder")));
    assert_eq!(exhibit.expect("the reminder")["sha256"], first_hash);
}
