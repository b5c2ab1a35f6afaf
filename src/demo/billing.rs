//! The billing system of the demonstration: books of its own, kept from what it hands over and from what it is told.
//!
//! It reads its own files and Arrears' lists of fees, and nothing else; each Monday its balances go out, so that the two ledgers are
//! held against one another all the way. Deliberately absent: any look into Arrears' ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{Datelike, Weekday};
use csv::StringRecord;

use super::city::{CityFile, Misread};
use crate::domain::day::{parse, plus_days};
use crate::domain::{AccountNumber, Cents, Day};

const TOLD_CHARGES: &str = "account,service,kind,amount,billed_on,due_on,source,reference,arrears_reference,memo\n";
const TOLD_ADJUSTMENTS: &str =
    "account,service,kind,amount,adjusted_on,due_on,source,reference,arrears_reference,memo\n";
/// A correction that its clerk forgets to hand over: the balances show it.
const FORGOTTEN: Cents = Cents::new(-1_500);

/// The books.
#[derive(Default)]
pub struct Billing {
    ledgers: BTreeMap<AccountNumber, BTreeMap<Day, Cents>>,
    /// By source and reference: for the returns that name them.
    payments: BTreeMap<(String, String), Cents>,
    /// Rows for the next morning: what Arrears told, under references of the billing system's own.
    charges: String,
    adjustments: String,
    numbered: u64,
    read: BTreeSet<String>,
}

impl Billing {
    /// Posts what a file says that it hands over.
    pub fn hand_over(&mut self, file: &CityFile) {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file.text.as_bytes());
        let Ok(headers) = reader.headers().cloned() else { return };
        for record in reader.records().filter_map(Result::ok) {
            let row = Row { headers: &headers, record: &record };
            match file.name.split('-').next().unwrap_or_default() {
                "accounts" => {
                    self.ledgers.entry(row.account()).or_default();
                }
                "charges" => self.post(&row.account(), row.day("billed_on"), row.cents("amount")),
                "adjustments" => self.post(&row.account(), row.day("adjusted_on"), row.cents("amount")),
                "payments" => {
                    let amount = row.cents("amount");
                    let name = (row.text("source").to_owned(), row.text("reference").to_owned());
                    self.payments.insert(name, amount);
                    self.post(&row.account(), row.day("received_on"), -amount);
                }
                "reversals" => {
                    let name = (row.text("reverses_source").to_owned(), row.text("reverses_reference").to_owned());
                    let amount = self.payments.get(&name).copied().unwrap_or_default();
                    self.post(&row.account(), row.day("reversed_on"), amount);
                }
                _ => {}
            }
        }
    }

    /// A payment that the bank misread was found to be this account's.
    pub fn matched(&mut self, misread: &Misread, received_on: Day) {
        let name = (misread.source.clone(), misread.reference.clone());
        let amount = self.payments.get(&name).copied().unwrap_or_default();
        self.post(&misread.right_account, Some(received_on), -amount);
    }

    /// The counter's receipts of the day are keyed in the evening.
    pub fn received(&mut self, account: &AccountNumber, amount: Cents, on: Day) {
        self.post(account, Some(on), -amount);
    }

    /// Posts a list of fees and of whatever else Arrears tells; a list that was read is passed over.
    pub fn told(&mut self, name: &str, list: &str) {
        if !self.read.insert(name.to_owned()) {
            return;
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(list.as_bytes());
        let Ok(headers) = reader.headers().cloned() else { return };
        for record in reader.records().filter_map(Result::ok) {
            let row = Row { headers: &headers, record: &record };
            let Some(on) = row.day("posted_on") else { continue };
            self.numbered += 1;
            let number = self.numbered;
            let (account, amount) = (row.account(), row.cents("amount"));
            self.post(&account, Some(on), amount);
            let [ours, kind, service, due_on, memo] =
                ["arrears_reference", "kind", "service", "due_on", "name"].map(|name| row.text(name));
            let (amount, memo) = (amount.to_plain(), quoted(memo));
            let (rows, kind) = match kind {
                "fee" | "interest" => (&mut self.charges, kind),
                "reversal" => (&mut self.adjustments, "adjustment"),
                other => (&mut self.adjustments, other),
            };
            // Writing to a string cannot fail.
            let _ =
                writeln!(rows, "{account},{service},{kind},{amount},{on},{due_on},cis,ARR-IN-{number},{ours},{memo}");
        }
    }

    /// What it hands over on a morning beside its bills: what it was told, and on Mondays the balances of the evening before.
    pub fn morning(&mut self, day: Day) -> Vec<CityFile> {
        let mut files = Vec::new();
        for (kind, header, rows) in
            [("charges", TOLD_CHARGES, &mut self.charges), ("adjustments", TOLD_ADJUSTMENTS, &mut self.adjustments)]
        {
            if !rows.is_empty() {
                files.push(CityFile {
                    name: format!("{kind}-told-{day}.csv"),
                    text: [header, &std::mem::take(rows)].concat(),
                });
            }
        }
        if day.weekday() == Weekday::Mon {
            files.push(self.balances(plus_days(day, -1)));
        }
        files
    }

    /// Credits an account, and forgets to hand that over.
    pub fn forget(&mut self, account: &AccountNumber, on: Day) {
        self.post(account, Some(on), FORGOTTEN);
    }

    fn balances(&self, as_of: Day) -> CityFile {
        let mut text = String::from("account,balance,as_of\n");
        for (account, ledger) in &self.ledgers {
            let balance: Cents = ledger.range(..=as_of).map(|(_, amount)| *amount).sum();
            let _ = writeln!(text, "{account},{},{as_of}", balance.to_plain());
        }
        CityFile { name: format!("balances-{as_of}.csv"), text }
    }

    /// On a known account alone: what the bank misread waits until it is matched.
    fn post(&mut self, account: &AccountNumber, on: Option<Day>, amount: Cents) {
        if let (Some(ledger), Some(on)) = (self.ledgers.get_mut(account), on) {
            *ledger.entry(on).or_default() += amount;
        }
    }
}

/// A value as it stands in a row.
fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A row of a file, by the names of its columns. The files are the demonstration's own.
struct Row<'a> {
    headers: &'a StringRecord,
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    fn text(&self, name: &str) -> &'a str {
        self.headers.iter().position(|header| header == name).and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    fn account(&self) -> AccountNumber {
        self.text("account").into()
    }

    fn cents(&self, name: &str) -> Cents {
        self.text(name).parse().unwrap_or_default()
    }

    fn day(&self, name: &str) -> Option<Day> {
        parse(self.text(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::day;

    fn file(name: &str, text: &str) -> CityFile {
        CityFile { name: name.to_owned(), text: text.to_owned() }
    }

    fn books() -> Billing {
        let mut books = Billing::default();
        books.hand_over(&file("accounts-opening.csv", "account\n10-1\n"));
        books.hand_over(&file("charges-1.csv", "account,amount,billed_on\n10-1,100.00,2026-05-01\n"));
        books.hand_over(&file(
            "payments-1.csv",
            "account,amount,received_on,source,reference\n10-1,40.00,2026-05-04,lockbox,A\n0-1,5.00,2026-05-04,lockbox,B\n",
        ));
        books
    }

    #[test]
    fn its_balances_are_of_the_evening_before_and_without_what_the_bank_misread() {
        let mut books = books();
        let monday = books.morning(day("2026-05-11"));
        assert_eq!(monday, [file("balances-2026-05-10.csv", "account,balance,as_of\n10-1,60.00,2026-05-10\n")]);
        let misread = Misread {
            arrives_on: day("2026-05-05"),
            source: "lockbox".into(),
            reference: "B".into(),
            right_account: "10-1".into(),
        };
        books.matched(&misread, day("2026-05-04"));
        assert_eq!(books.morning(day("2026-05-18"))[0].text, "account,balance,as_of\n10-1,55.00,2026-05-17\n");
    }

    #[test]
    fn a_fee_that_it_was_told_comes_back_under_a_reference_of_its_own_and_once() {
        let mut books = books();
        let list = "arrears_reference,kind,account,service,amount,posted_on,due_on,name,reverses\n\
                    ARR-7,fee,10-1,general,10.00,2026-05-12,2026-05-12,\"late, and said so\",\n#control,fees,1,10.00\n";
        books.told("fees-2026-05-12-1", list);
        books.told("fees-2026-05-12-1", list);
        let row = "10-1,general,fee,10.00,2026-05-12,2026-05-12,cis,ARR-IN-1,ARR-7,\"late, and said so\"\n";
        let files = books.morning(day("2026-05-13"));
        assert_eq!(files, [file("charges-told-2026-05-13.csv", &[TOLD_CHARGES, row].concat())]);
        assert_eq!(books.morning(day("2026-05-18"))[0].text, "account,balance,as_of\n10-1,70.00,2026-05-17\n");
    }
}
