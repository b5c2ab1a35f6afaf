//! What files are taken, and what is said of those that are not.

use proptest::prelude::*;

use super::*;
use crate::domain::ledger::PaymentChannel;
use crate::domain::{Cents, CustomerClass, EntryKind, Language, Occupancy, Service, day};

const PAYMENTS: &str = "\
account,amount,received_on,channel,source,reference,memo
10-000417,154.00,2026-05-20,lockbox,lockbox,LB-1,Check 1187
10-000418,\"1,308.40\",5/20/2026,lockbox,lockbox,LB-2,
#control,lockbox,2026-05-20,2,1462.40
";

fn entries(text: &str) -> Vec<NewEntry> {
    match read("file.csv", text.as_bytes()).unwrap().rows {
        ImportRows::Entries(entries) => entries,
        ImportRows::Accounts(_) | ImportRows::Balances(_) | ImportRows::Deposits(_) | ImportRows::Returns(_) => {
            panic!("no entries")
        }
    }
}

fn accounts(text: &str) -> Vec<(u32, Profile)> {
    match read("file.csv", text.as_bytes()).unwrap().rows {
        ImportRows::Accounts(accounts) => accounts,
        ImportRows::Entries(_) | ImportRows::Balances(_) | ImportRows::Deposits(_) | ImportRows::Returns(_) => {
            panic!("no accounts")
        }
    }
}

/// The lines of the report between its first and its last.
fn refusals(text: impl AsRef<[u8]>) -> Vec<String> {
    let report = read("file.csv", text.as_ref()).unwrap_err().text();
    let lines: Vec<String> = report.lines().skip(2).map(str::to_owned).collect();
    lines[..lines.len() - 2].to_vec()
}

#[test]
fn a_payment_takes_from_the_balance_on_the_day_it_was_received() {
    let file = read("lockbox.csv", PAYMENTS.as_bytes()).unwrap();
    assert_eq!(file.kind, FileKind::Payments);
    let ImportRows::Entries(entries) = file.rows else { panic!() };
    assert_eq!(entries[0].amount, Cents::new(-15_400));
    assert_eq!(entries[1].amount, Cents::new(-130_840));
    assert_eq!(Some(entries[1].effective_on), day::parse("2026-05-20"));
    assert_eq!((entries[0].line, entries[0].memo.as_str()), (2, "Check 1187"));
    assert_eq!(entries[0].kind, EntryKind::Payment);
}

#[test]
fn a_control_record_raises_its_channels_watermark() {
    let file = read("lockbox.csv", PAYMENTS.as_bytes()).unwrap();
    assert_eq!(file.loaded_through, [(PaymentChannel::Lockbox, day::parse("2026-05-20").unwrap())]);
}

#[test]
fn a_day_without_payments_is_a_control_record_of_none() {
    let text = "account,amount,received_on,channel,source,reference\n#control,counter,2026-05-23,0,0.00,\n";
    let file = read("counter.csv", text.as_bytes()).unwrap();
    assert_eq!(file.loaded_through, [(PaymentChannel::Counter, day::parse("2026-05-23").unwrap())]);
    assert_eq!(file.rows, ImportRows::Entries(Vec::new()));
}

#[test]
fn a_control_record_that_does_not_agree_refuses_the_file() {
    assert_eq!(
        refusals(PAYMENTS.replace(",2,1462.40", ",3,1462.41")),
        [
            "line 4: the control record says 3 lockbox payments; the file has 2",
            "line 4: the control record says that the lockbox payments sum to $1,462.41; in the file they sum to $1,462.40",
        ]
    );
}

#[test]
fn control_records_are_checked_in_form_and_place() {
    let twice = format!("{PAYMENTS}#control,lockbox,2026-05-21,2,1462.40\n#control,lockbox\n");
    assert_eq!(
        refusals(twice),
        [
            "line 5: the channel lockbox has a control record on line 4 already",
            "line 6: expected a control record of five values, like #control,lockbox,2026-05-20,3,462.40",
        ]
    );
    let charges = "account,service,amount,billed_on,source,reference\n#control,lockbox,2026-05-20,0,0.00\n";
    assert_eq!(refusals(charges), ["line 2: a control record belongs in a payments file only"]);
}

#[test]
fn every_bad_value_is_reported_at_once_with_its_place_and_what_was_expected() {
    let text = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,watre,61.40,2026-05-01,2026-05-22,cis,B-1
10-000418,water,\"12,34\",2026-02-30,2026-05-22,cis,B-2
,water,-5.00,2026-05-01,2026-04-22,cis,B-3
10-000420,water,5.00
10-000421,water,5.00,2026-05-01,,cis,B-1
";
    assert_eq!(
        refusals(text),
        [
            "line 2, column service: \"watre\": expected one of water, sewer, refuse, electric, gas, stormwater, irrigation, general, like water; did you mean \"water\"?",
            "line 3, column amount: \"12,34\": expected an amount above zero with at most two digits for cents, like 61.40",
            "line 3, column billed_on: \"2026-02-30\": expected a date as YYYY-MM-DD or MM/DD/YYYY, from 1970 to 2199, like 2026-05-01",
            "line 4, column account: blank; expected an account number of up to 40 letters, digits and any of - . / _, like 10-000417",
            "line 4, column amount: \"-5.00\": expected an amount above zero with at most two digits for cents, like 61.40",
            "line 4, column due_on: \"2026-04-22\": the date lies before billed_on, 2026-05-01",
            "line 5: the row has 3 values and the header names 7 columns; is a comma missing, or a quote?",
        ]
    );
}

#[test]
fn a_header_is_checked_for_unknown_missing_and_repeated_columns() {
    let text = "account,sevice,amount,billed_on,amount,source\n10-000417,water,61.40,2026-05-01,61.40,cis\n";
    assert_eq!(
        refusals(text),
        [
            "line 1, column sevice: no charges file has this column; did you mean \"service\"?",
            "line 1, column amount: the column stands twice: as number 3 and as number 5",
            "line 1, column service: the required column is missing; expected one of water, sewer, refuse, electric, gas, stormwater, irrigation, general, like water",
            "line 1, column reference: the required column is missing; expected a reference of up to 100 characters, like B-88120-W",
        ]
    );
}

#[test]
fn a_fact_written_with_an_underscore_is_recognized_for_what_it_is() {
    let header = |name: &str| {
        refusals(ACCOUNT.replace("services", &format!("services,{name}")).replace("refuse\n", "refuse,7\n"))
    };
    assert!(header("customer_age")[0].ends_with("did you mean \"customer.age\"?"));
    assert!(header("custmer_name")[0].ends_with("did you mean \"customer_name\"?"));
}

#[test]
fn a_header_may_be_written_in_capitals_and_with_spaces() {
    let text =
        "Account,Amount,Received On,CHANNEL,Source,Reference\n10-000417,154.00,2026-05-20,Lockbox,lockbox,LB-1\n";
    assert_eq!(entries(text).len(), 1);
}

#[test]
fn a_file_of_no_known_kind_is_refused() {
    assert!(refusals("date,weather\n2026-05-20,sunny\n")[0].contains("the header fits no kind of file"));
    assert_eq!(refusals(""), ["file: the file is empty; expected a line that names the columns"]);
    assert_eq!(refusals("\u{feff}\r\n\r\n"), ["file: the file is empty; expected a line that names the columns"]);
    assert!(refusals("account;amount;received_on\n1;2;3\n")[0].contains("separated by semicolons; expected commas"));
    assert!(refusals(b"\xFF\xFEa\0,\0")[0].contains("UTF-16"));
}

#[test]
fn the_files_name_decides_only_where_the_header_does_not() {
    let header = b"account,source,reference,memo\n";
    assert_eq!(read("adjustments-05.csv", header).unwrap_err().kind, Some(FileKind::Adjustments));
    assert_eq!(read("payments-05.csv", b"account,billed_on,due_on\n").unwrap_err().kind, Some(FileKind::Charges));
}

#[test]
fn a_latin_1_file_is_refused_with_the_line_and_the_column() {
    let text = b"account,amount,received_on,channel,source,reference,memo\n\
        10-000417,154.00,2026-05-20,lockbox,lockbox,LB-1,Mu\xF1oz\n\
        10-000417,154.00,2026-05-20,lockbox,lockbox,LB-2,Pe\xF1a\n";
    assert_eq!(
        refusals(text),
        [
            "line 2, column memo: \"Mu\u{f1}oz\": not UTF-8 (shown as Latin-1); save the file as \"CSV UTF-8\"",
            "line 3, column memo: \"Pe\u{f1}a\": not UTF-8 (shown as Latin-1); save the file as \"CSV UTF-8\"",
        ]
    );
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let windows = format!("\u{feff}{}", PAYMENTS.replace('\n', "\r\n"));
    assert_eq!(entries(&windows), entries(PAYMENTS));
}

#[test]
fn one_reference_with_two_contents_names_both_lines() {
    let text = PAYMENTS.replace("LB-2", "LB-1");
    assert_eq!(
        refusals(text),
        [
            "line 3, column reference: \"LB-1\": stands on line 2 already with another content: there for account 10-000417, here for 10-000418",
        ]
    );
}

#[test]
fn the_same_row_twice_is_left_to_the_books_which_know_it_the_second_time() {
    let row = "10-000417,154.00,2026-05-20,lockbox,lockbox,LB-1,Check 1187\n";
    let text = format!("account,amount,received_on,channel,source,reference,memo\n{row}{row}");
    assert_eq!(entries(&text).iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn an_adjustment_is_signed_and_a_write_off_only_lowers_what_is_owed() {
    let text = "\
account,service,kind,amount,adjusted_on,due_on,source,reference
10-000417,water,,-25.00,2026-05-12,,cis,A-1
10-000417,,,12.50,2026-05-12,2026-06-12,cis,A-2
";
    let adjustments = entries(text);
    assert_eq!(adjustments[0].amount, Cents::new(-2_500));
    assert_eq!((adjustments[1].amount, adjustments[1].service), (Cents::new(1_250), Service::General));
    // A leak adjustment for water pays the water bill; one for no service follows the policy's order.
    assert_eq!(adjustments[0].designated_service, Some(Service::Water));
    assert_eq!(entries(&text.replace("417,water", "417,"))[0].designated_service, None);
    assert_eq!(entries(&text.replace("417,water", "417,general"))[0].designated_service, None);
    assert_eq!(
        refusals(text.replace("water,,-25.00", "water,write_off,25.00")),
        [
            "line 2, column amount: \"25.00\": a deposit or write-off takes from what is owed; expected an amount below zero, like -25.00"
        ]
    );
    assert_eq!(
        refusals(text.replace("-25.00,2026-05-12,", "-25.00,2026-05-12,2026-06-12")),
        ["line 2, column due_on: \"2026-06-12\": an amount below zero is never due; expected a blank"]
    );
}

#[test]
fn a_reversal_names_the_entry_that_it_undoes() {
    let text = "\
account,reversed_on,reverses_source,reverses_reference,source,reference,memo
10-000417,2026-06-03,lockbox,LB-1,bank,RET-1,Insufficient funds
";
    let reversal = &entries(text)[0];
    assert_eq!(reversal.reverses, Some(("lockbox".to_owned(), "LB-1".to_owned())));
    assert_eq!((reversal.kind, reversal.amount), (EntryKind::Reversal, Cents::ZERO));
    assert_eq!(
        refusals(text.replace("bank,RET-1", "lockbox,LB-1")),
        ["line 2, column reference: \"LB-1\": the row reverses itself; expected a reference of its own"]
    );
}

#[test]
fn a_charge_keeps_the_dates_printed_on_its_bill() {
    let text = "\
account,service,kind,amount,billed_on,due_on,source,reference,printed.shut_off_after
10-000417,water,,61.40,2026-05-01,2026-05-22,cis,B-1,06/30/2026
";
    let charge = &entries(text)[0];
    assert_eq!(charge.printed.get("shut_off_after").copied(), day::parse("2026-06-30"));
    assert_eq!(charge.kind, EntryKind::Charge);
}

const ACCOUNT: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,services
10-000417,Rosa Muñoz,418 Alder St,Riverbend,ca,95600,water;sewer;refuse
";

#[test]
fn what_an_account_file_leaves_out_protects_the_customer() {
    let (line, profile) = &accounts(ACCOUNT)[0];
    assert_eq!(*line, 2);
    assert_eq!(profile.class, CustomerClass::Residential);
    assert_eq!(profile.occupancy, Occupancy::Tenant);
    assert_eq!(profile.language, Language::English);
    assert_eq!(profile.mailing_address, profile.service_address);
    assert_eq!(profile.service_address.state, "CA");
    assert_eq!((&profile.owner, &profile.third_party, &profile.email), (&None, &None, &None));
}

#[test]
fn an_account_keeps_the_facts_that_policies_ask_for() {
    let text = "\
account,customer_name,service_address,service_city,service_state,service_zip,services,customer.age,premises.master_meter,parcel,opt_out_calls,phone,phone2
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,water,71,,041-220-017,Yes,(916) 555-0142,9165550142
";
    let profile = &accounts(text)[0].1;
    let attributes: Vec<_> = profile.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("customer.age", "71"), ("opt_out_calls", "yes"), ("parcel", "041-220-017")]);
    assert!(profile.refuses_calls());
    assert_eq!(profile.phones, ["9165550142"]);
}

#[test]
fn an_address_or_a_party_that_is_begun_must_be_whole() {
    let text = "\
account,customer_name,service_address,service_city,service_state,service_zip,services,mailing_city,mailing_zip,owner_name
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,water,Millbrook,95643,Delta Homes LLC
";
    let refusals = refusals(text);
    let columns: Vec<_> = refusals.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        columns,
        [
            "line 2, column mailing_address",
            "line 2, column mailing_state",
            "line 2, column owner_address",
            "line 2, column owner_city",
            "line 2, column owner_state",
            "line 2, column owner_zip",
        ]
    );
    assert!(refusals[0].ends_with("blank, though a part of the mailing address is given; expected text of up to 200 characters on one line, like PO Box 77"));
}

#[test]
fn an_account_twice_in_a_file_must_be_the_same_twice() {
    let row = ACCOUNT.lines().nth(1).unwrap();
    assert_eq!(accounts(&format!("{ACCOUNT}{row}\n")).len(), 2);
    let other = row.replace("Alder", "Birch");
    assert_eq!(
        refusals(format!("{ACCOUNT}{other}\n")),
        [
            "line 3, column account: \"10-000417\": stands on line 2 already with another content: the two rows do not say the same of the account"
        ]
    );
}

#[test]
fn the_manual_shows_every_column_as_the_code_reads_it() {
    let manual = include_str!("../../docs/IMPORT.md");
    for &kind in FileKind::ALL {
        let table = columns_table(kind);
        assert!(manual.contains(&table), "docs/IMPORT.md needs this table for {kind}:\n{table}");
    }
}

#[test]
fn every_example_of_the_manual_is_read_without_an_error() {
    let manual = include_str!("../../docs/IMPORT.md");
    let examples: Vec<&str> = manual.split("```csv\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let kinds: Vec<FileKind> = examples
        .iter()
        .map(|text| read("example.csv", text.as_bytes()).unwrap_or_else(|errors| panic!("{}", errors.text())).kind)
        .collect();
    assert_eq!(kinds, FileKind::ALL);
}

#[test]
fn the_manual_shows_an_error_report_as_it_is_written() {
    let text = "\
account,amount,received_on,channel,source,reference
10-000417,154.00,2026-05-20,lockbox,lockbox,LB-20260520-0031
10-000981,\"12,34\",2026-05-20,lockbox,lockbox,LB-20260520-0032
10-000123,88.10,20/05/2026,lokbox,lockbox,LB-20260520-0033
10-000555,61.40,2026-05-20,lockbox,lockbox,LB-20260520-0031
";
    let report = read("payments-lockbox-2026-05-20.csv", text.as_bytes()).unwrap_err().text();
    let manual = include_str!("../../docs/IMPORT.md");
    assert!(manual.contains(text), "docs/IMPORT.md needs this file:\n{text}");
    assert!(manual.contains(&report), "docs/IMPORT.md needs this report:\n{report}");
}

/// Texts that are mostly CSV: what a broken export or a slipped editor makes of a good file.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\"".to_vec()),
        Just(b",".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\xF1".to_vec()),
        Just(b"#control,lockbox,2026-05-20,1,9999999999999".to_vec()),
        Just(b"99999999999999999999".to_vec()),
        Just("\u{0}\u{fe0f}ñ".as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    let cut = (any::<prop::sample::Index>(), 0..12_usize, piece);
    let examples = include_str!("../../docs/IMPORT.md").split("```csv\n").skip(1);
    let bases: Vec<&str> = examples.filter_map(|rest| rest.split("```").next()).collect();
    let base = prop::sample::select(bases);
    (base, prop::collection::vec(cut, 1..6)).prop_map(|(text, cuts)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, piece) in cuts {
            let start = at.index(bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, piece);
        }
        bytes
    })
}

/// Either rows, or at least one error that can be shown.
fn is_answered(bytes: &[u8]) -> bool {
    match read("any.csv", bytes) {
        Ok(file) => file.hash == sha256(bytes),
        Err(errors) => errors.total > 0 && !errors.text().is_empty() && errors.json()["total"] == errors.total,
    }
}

proptest! {
    #[test]
    fn any_bytes_are_rows_or_named_errors(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(is_answered(&bytes));
    }

    #[test]
    fn any_damage_to_a_file_is_rows_or_named_errors(bytes in mutated()) {
        prop_assert!(is_answered(&bytes));
    }
}
