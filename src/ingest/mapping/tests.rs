//! A city's own files, as they come.

use super::*;
use crate::domain::Cents;
use crate::domain::day::parse;
use crate::domain::import::{ImportFile, ImportRows, NewEntry};
use crate::ingest::{FileErrors, read_mapped};

const LOCKBOX: &str = r#"
mapping: lockbox-elm
files: "LBX*.txt"
kind: payments
encoding: latin-1
layout: semicolons
dates: MM/DD/YY
amounts: {in: cents}
columns:
  account: ACCT NO
  amount: AMT
  received_on: PAID
  channel: {is: lockbox}
  source: {is: bank}
  reference: {join: [BATCH, SEQ], with: "-"}
  memo: PAYER
control: {record: TRL, count: 2, total: 3, through: 4}
"#;

const FILE: &[u8] = b"ACCT NO;PAID;AMT;BATCH;SEQ;PAYER\r\n\
    10-000417;05/20/26;15400;B7;1;Mu\xF1oz\r\n\
    10-000418;05/20/26;0000130840;B7;2;\r\n\
    TRL;2;146240;05/20/26\r\n";

fn mapping(text: &str) -> Mapping {
    Mapping::read("mappings/m.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn taken(text: &str, bytes: &[u8]) -> Result<ImportFile, FileErrors> {
    read_mapped("LBX0520.txt", bytes, &mapping(text))
}

fn entries(file: ImportFile) -> Vec<NewEntry> {
    let ImportRows::Entries(entries) = file.rows else { panic!("no entries") };
    entries
}

/// The lines of the report that name errors.
fn refusals(text: &str, bytes: &[u8]) -> Vec<String> {
    let report = taken(text, bytes).unwrap_err().text();
    let lines: Vec<String> = report.lines().skip(2).map(str::to_owned).collect();
    lines[..lines.len() - 2].to_vec()
}

#[test]
fn a_city_s_lockbox_file_is_read_as_its_mapping_says() {
    let file = taken(LOCKBOX, FILE).unwrap();
    assert_eq!(file.kind, FileKind::Payments);
    assert_eq!(file.loaded_through, [(PaymentChannel::Lockbox, parse("2026-05-20").unwrap())]);
    let entries = entries(file);
    assert_eq!(
        entries.iter().map(|entry| entry.amount).collect::<Vec<_>>(),
        [Cents::new(-15_400), Cents::new(-130_840)]
    );
    let first = &entries[0];
    assert_eq!((first.line, first.account.as_str(), first.reference.as_str()), (2, "10-000417", "B7-1"));
    assert_eq!((first.source.as_str(), first.memo.as_str()), ("bank", "Muñoz"));
    assert_eq!(Some(first.effective_on), parse("2026-05-20"));
}

#[test]
fn a_file_whose_control_record_does_not_agree_is_refused_whole() {
    let text = String::from_utf8_lossy(FILE).replace('\u{fffd}', "n");
    assert_eq!(
        refusals(LOCKBOX, text.replace("TRL;2;146240", "TRL;3;146241").as_bytes()),
        [
            "line 4, column count of the control record: \"3\": the file has 2 rows",
            "line 4, column total of the control record: \"146241\": the rows sum to $1,462.40",
        ]
    );
    let without = &text[..text.find("TRL").unwrap()];
    let missing = "file: \"TRL\": the mapping says that one control record begins so, and the file has 0";
    assert_eq!(refusals(LOCKBOX, without.as_bytes()), [missing]);
}

#[test]
fn an_error_names_the_column_as_the_city_does_and_the_value_as_it_stands() {
    let text = String::from_utf8_lossy(FILE).replace('\u{fffd}', "n");
    let wrong = text.replace("05/20/26;15400", "20.05.26;154.00").replace("10-000418", "acct 418");
    let found = refusals(LOCKBOX, wrong.as_bytes());
    assert_eq!(
        found,
        [
            "line 2, column AMT (amount): \"154.00\": expected an amount in cents like 130840 or -2500, as the mapping says",
            "line 2, column PAID (received_on): \"20.05.26\": expected a date as MM/DD/YY, as the mapping says",
            "line 3, column ACCT NO (account): \"acct 418\": expected an account number of up to 40 letters, digits and any \
             of - . / _, like 10-000417",
        ]
    );
    let renamed = text.replace("ACCT NO", "CUSTOMER");
    let missing = "line 1, column ACCT NO: the mapping takes account from this column, and the header has it 0 times";
    assert_eq!(refusals(LOCKBOX, renamed.as_bytes()), [missing]);
}

/// A lockbox file of the bank's, of fixed width: the day stands in the batch's record, ahead of its checks.
const BAI: &str = r#"
mapping: lockbox-bai
files: "*.bai"
kind: payments
layout: fixed
records: "6"
other_records: ["1", "2", "4", "5", "7", "9"]
amounts: {in: cents}
columns:
  account: {at: [18, 10]}
  amount: {at: [8, 10]}
  received_on: {record: "5", at: [5, 6], dates: YYMMDD}
  channel: {is: lockbox}
  source: {is: bank}
  reference: {at: [2, 6]}
control: {record: "8", count: [2, 4], total: [6, 10]}
"#;

const BAI_FILE: &str = "\
100ELMBANK
5001260520
6001001000007000010-000417 ROSA MUNOZ
6001002000001255010-000418 CURTIS HARTLEY
7001
800020000082550
9000007
";

#[test]
fn a_bank_s_file_of_fixed_width_is_read_with_its_batch_s_day() {
    let read = |text: &str| read_mapped("may20.bai", text.as_bytes(), &mapping(BAI));
    let entries = entries(read(BAI_FILE).unwrap_or_else(|errors| panic!("{}", errors.text())));
    let amounts: Vec<Cents> = entries.iter().map(|entry| entry.amount).collect();
    assert_eq!(amounts, [Cents::new(-70_000), Cents::new(-12_550)]);
    assert!(entries.iter().all(|entry| Some(entry.effective_on) == parse("2026-05-20")));
    assert_eq!((entries[1].account.as_str(), entries[1].reference.as_str()), ("10-000418", "001002"));
    // A record that nobody described is not passed over, nor is a check ahead of its batch.
    let report = read(&BAI_FILE.replace("\n9000007", "\nX000007")).unwrap_err().text();
    assert!(report.contains("line 7: \"X000007\": the mapping names no record that begins so"), "{report}");
    let report = read(&BAI_FILE.replace("5001260520\n", "")).unwrap_err().text();
    assert!(
        report.contains("the value stands in a record that begins with \"5\", and there is none ahead"),
        "{report}"
    );
}

#[test]
fn batch_and_item_repeat_each_day_so_that_a_reference_is_joined_with_the_day_of_their_batch() {
    let text = BAI.replace(
        "reference: {at: [2, 6]}",
        "reference: {join: [{record: \"5\", at: [5, 6]}, [2, 3], [5, 3]], with: \"-\"}",
    );
    assert_ne!(text, BAI);
    let file = read_mapped("may20.bai", BAI_FILE.as_bytes(), &mapping(&text));
    let references: Vec<String> =
        entries(file.unwrap_or_else(|errors| panic!("{}", errors.text()))).into_iter().map(|e| e.reference).collect();
    assert_eq!(references, ["260520-001-001", "260520-001-002"]);
    let why = Mapping::read("mappings/m.yaml", &BAI.replace("reference: {at: [2, 6]}", "reference: {join: [{at: 2}]}"));
    assert!(why.unwrap_err().to_string().contains("a place like [2, 3]"));
}

#[test]
fn an_amount_that_was_cut_off_with_its_line_is_no_smaller_amount() {
    let text = BAI
        .replace("control: {record: \"8\", count: [2, 4], total: [6, 10]}\n", "")
        .replace("\"7\", \"9\"]", "\"7\", \"8\", \"9\"]");
    let cut = BAI_FILE.replace("6001002000001255010-000418 CURTIS HARTLEY", "60010020000012");
    let report = read_mapped("may20.bai", cut.as_bytes(), &mapping(&text)).unwrap_err().text();
    assert!(report.contains("line 4, column letters 8 to 17 (amount)"), "{report}");
}

#[track_caller]
fn wrong(from: &str, to: &str) -> String {
    assert!(LOCKBOX.contains(from), "{from}");
    Mapping::read("mappings/m.yaml", &LOCKBOX.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn a_mapping_that_is_wrong_is_refused_with_its_line_and_column() {
    for (from, to, says) in [
        (
            "  account: ACCT NO",
            "  acount: ACCT NO",
            "mappings/m.yaml:10:11: no payments file has a column acount; did you mean account?",
        ),
        ("dates: MM/DD/YY", "dates: month first", "mappings/m.yaml:7:8: \"month first\" is no way to write a date"),
        ("  source: {is: bank}\n", "", "mappings/m.yaml:4:7: columns: source is missing; a payments file needs it"),
        ("files: \"LBX*.txt\"", "files: \"*\"", "mappings/m.yaml:3:8: the pattern fits every file"),
        ("  amount: AMT", "  amount: {from: AMT, is: \"5\"}", "amount: expected one of from, at, is and join"),
        ("  amount: AMT", "  amount: {at: [3, 4]}", "is for a fixed layout"),
        ("channel: {is: lockbox}", "channel: CH", "through: is for payments of one channel"),
    ] {
        let error = wrong(from, to);
        assert!(error.contains(says), "{error}");
    }
    let error = wrong("layout: semicolons", "layot: semicolons");
    assert!(error.contains("layot") && error.contains("line 6"), "{error}");
}

#[test]
fn a_separator_within_a_value_refuses_the_row_and_moves_nothing_into_other_columns() {
    let torn = FILE.to_vec();
    let torn = String::from_utf8_lossy(&torn).replace("B7;2;", "B7;2;paid; thanks").into_bytes();
    assert_eq!(
        refusals(LOCKBOX, &torn),
        [
            "line 3: the row has 7 values and there are 6 columns; a separator within a value moves what follows into other columns"
        ]
    );
    // Also where the last column is blank, so that the row seems only to end with a separator.
    let shifted = String::from_utf8_lossy(FILE).replace("0000130840;B7;2;", "0000130840;B7;;2;").into_bytes();
    assert_eq!(refusals(LOCKBOX, &shifted).len(), 1);
    // Where every row ends with one it is their way of writing.
    let ending =
        String::from_utf8_lossy(FILE).replace("Mu\u{fffd}oz\r\n", "Munoz;\r\n").replace("B7;2;\r\n", "B7;2;;\r\n");
    assert_eq!(entries(taken(LOCKBOX, ending.as_bytes()).unwrap()).len(), 2);
}
