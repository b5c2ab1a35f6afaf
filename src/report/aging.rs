//! The aging summary: who owes how much, how old. Its buckets sum to the ledger, by service and by account.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::domain::arrears::{BucketLimits, oldest_days_past_due};
use crate::domain::spreadsheet::guarded;
use crate::domain::{AccountNumber, Cents, CustomerClass, Day, OpenItem, Service};

/// One account's open debts at the cut-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgedAccount {
    pub number: AccountNumber,
    pub name: String,
    pub class: CustomerClass,
    pub items: Vec<OpenItem>,
    /// Credit that no debt has taken; zero or more.
    pub unapplied: Cents,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aging {
    pub as_of: Day,
    /// `Not due`, `1-30`, …, `Credit`.
    pub headings: Vec<String>,
    /// Accounts that owe anything or have credit.
    pub accounts: u64,
    pub total: Line,
    /// The debts by service; with `credit` they sum to `total`.
    pub services: BTreeMap<Service, Line>,
    /// Credit that no debt has taken, which belongs to no service.
    pub credit: Line,
    pub classes: BTreeMap<CustomerClass, Line>,
    /// In the order of the accounts' numbers; empty where only the summary was asked for.
    pub rows: Vec<Row>,
}

/// Amounts under the headings, and their sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub buckets_cents: Vec<Cents>,
    pub balance_cents: Cents,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub number: AccountNumber,
    pub name: String,
    pub class: CustomerClass,
    /// Of the oldest open item; zero when none is past due.
    pub days_past_due: i64,
    #[serde(flatten)]
    pub line: Line,
}

/// How much of the report is kept: rows cost memory for each account.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    Summary,
    Accounts,
}

impl Line {
    fn empty(buckets: usize) -> Self {
        Self { buckets_cents: vec![Cents::ZERO; buckets], balance_cents: Cents::ZERO }
    }

    fn of(buckets_cents: Vec<Cents>) -> Self {
        let balance_cents = buckets_cents.iter().sum();
        Self { buckets_cents, balance_cents }
    }

    fn add(&mut self, other: &Self) {
        for (sum, amount) in self.buckets_cents.iter_mut().zip(&other.buckets_cents) {
            *sum += *amount;
        }
        self.balance_cents += other.balance_cents;
    }
}

impl Aging {
    /// Ages the accounts as of a day: their items are those that were open at its end.
    #[must_use]
    pub fn of(
        accounts: impl IntoIterator<Item = AgedAccount>,
        limits: &BucketLimits,
        as_of: Day,
        detail: Detail,
    ) -> Self {
        let headings = limits.headings();
        let empty = Line::empty(headings.len());
        let mut report = Self {
            as_of,
            headings,
            accounts: 0,
            total: empty.clone(),
            services: BTreeMap::new(),
            credit: empty.clone(),
            classes: BTreeMap::new(),
            rows: Vec::new(),
        };
        for account in accounts {
            if account.items.is_empty() && account.unapplied.is_zero() {
                continue;
            }
            report.accounts += 1;
            let line = Line::of(limits.fill(&account.items, account.unapplied, as_of));
            report.total.add(&line);
            report.credit.add(&Line::of(limits.fill(&[], account.unapplied, as_of)));
            report.classes.entry(account.class).or_insert_with(|| empty.clone()).add(&line);
            for item in &account.items {
                let of_item = Line::of(limits.fill(std::slice::from_ref(item), Cents::ZERO, as_of));
                report.services.entry(item.service).or_insert_with(|| empty.clone()).add(&of_item);
            }
            if detail == Detail::Accounts {
                report.rows.push(Row {
                    days_past_due: oldest_days_past_due(&account.items, as_of, Cents::ZERO),
                    number: account.number,
                    name: account.name,
                    class: account.class,
                    line,
                });
            }
        }
        report.rows.sort_by(|a, b| a.number.cmp(&b.number));
        report
    }

    /// As a table for a screen or a printer: the summary by service and class, then the accounts.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut lines: Vec<Vec<String>> = Vec::new();
        let mut head = vec![String::new()];
        head.extend(self.headings.iter().cloned());
        head.push("Balance".to_owned());
        lines.push(head.clone());
        for (service, line) in &self.services {
            lines.push(cells(service.word(), line));
        }
        lines.push(cells("unapplied credit", &self.credit));
        lines.push(cells("All", &self.total));
        lines.push(Vec::new());
        for (class, line) in &self.classes {
            lines.push(cells(class.word(), line));
        }
        if !self.rows.is_empty() {
            lines.push(Vec::new());
            "Account".clone_into(&mut head[0]);
            lines.push(head);
            for row in &self.rows {
                lines.push(cells(&format!("{}  {}", row.number, row.name), &row.line));
            }
        }
        let mut text = format!("Aging as of {}, {} accounts\n\n", self.as_of, self.accounts);
        text.push_str(&aligned(&lines));
        text
    }

    /// As CSV, one line an account, the total last: columns `account,name,class,days_past_due`, the headings, `balance`.
    ///
    /// # Errors
    /// When the CSV writer fails, which memory alone can cause.
    pub fn to_csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let fixed = ["account", "name", "class", "days_past_due"];
        let headings = self.headings.iter().map(|heading| heading.to_lowercase().replace([' ', '-'], "_"));
        writer
            .write_record(fixed.iter().map(|name| (*name).to_owned()).chain(headings).chain(["balance".to_owned()]))?;
        for row in &self.rows {
            let (number, name) = (guarded(row.number.as_str()), guarded(&row.name));
            let fixed = [number, name, row.class.to_string(), row.days_past_due.to_string()];
            writer.write_record(fixed.into_iter().chain(plain(&row.line)))?;
        }
        let fixed = ["total".to_owned(), String::new(), String::new(), String::new()];
        writer.write_record(fixed.into_iter().chain(plain(&self.total)))?;
        let bytes = writer.into_inner().map_err(|failed| csv::Error::from(failed.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// As JSON; amounts are integer cents.
    ///
    /// # Errors
    /// When the JSON writer fails, which memory alone can cause.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

fn plain(line: &Line) -> impl Iterator<Item = String> {
    line.buckets_cents.iter().chain([&line.balance_cents]).map(|amount| amount.to_plain())
}

fn cells(label: &str, line: &Line) -> Vec<String> {
    let amounts = line.buckets_cents.iter().chain([&line.balance_cents]).map(ToString::to_string);
    std::iter::once(label.to_owned()).chain(amounts).collect()
}

/// The first column to the left, the others to the right, two spaces between.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (column, cell) in line.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = if column == 0 {
                write!(row, "{cell:<0$}", widths[column])
            } else {
                write!(row, "  {cell:>0$}", widths[column])
            };
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::day::plus_days;
    use crate::domain::testing::{bill, day};

    fn account(number: &str, items: Vec<OpenItem>, unapplied: i64) -> AgedAccount {
        AgedAccount {
            number: number.into(),
            name: "Pat Rivera".into(),
            class: CustomerClass::Residential,
            items,
            unapplied: Cents::new(unapplied),
        }
    }

    fn report() -> Aging {
        let accounts = [
            account("10-0002", vec![bill(2, Service::Sewer, 4_000, day("2026-05-22"))], 0),
            account(
                "10-0001",
                vec![
                    bill(1, Service::Water, 123_456, day("2026-03-23")),
                    bill(3, Service::Sewer, 4_100, day("2026-05-01")),
                ],
                0,
            ),
            account("10-0003", Vec::new(), 500),
            account("10-0004", Vec::new(), 0),
        ];
        Aging::of(accounts, &BucketLimits(vec![30, 60]), day("2026-05-23"), Detail::Accounts)
    }

    #[test]
    fn the_table_has_services_classes_and_accounts_in_columns() {
        let expected = "\
Aging as of 2026-05-23, 3 accounts

                     Not due    1-30  31-60    Over 60  Credit    Balance
water                  $0.00   $0.00  $0.00  $1,234.56   $0.00  $1,234.56
sewer                  $0.00  $81.00  $0.00      $0.00   $0.00     $81.00
unapplied credit       $0.00   $0.00  $0.00      $0.00  -$5.00     -$5.00
All                    $0.00  $81.00  $0.00  $1,234.56  -$5.00  $1,310.56

residential            $0.00  $81.00  $0.00  $1,234.56  -$5.00  $1,310.56

Account              Not due    1-30  31-60    Over 60  Credit    Balance
10-0001  Pat Rivera    $0.00  $41.00  $0.00  $1,234.56   $0.00  $1,275.56
10-0002  Pat Rivera    $0.00  $40.00  $0.00      $0.00   $0.00     $40.00
10-0003  Pat Rivera    $0.00   $0.00  $0.00      $0.00  -$5.00     -$5.00
";
        assert_eq!(report().to_table(), expected);
    }

    #[test]
    fn the_csv_has_a_line_an_account_and_the_total_and_no_cell_is_a_formula() {
        let mut report = report();
        report.rows[0].name = "=HYPERLINK(\"x\")".into();
        let expected = "\
account,name,class,days_past_due,not_due,1_30,31_60,over_60,credit,balance
10-0001,\"'=HYPERLINK(\"\"x\"\")\",residential,61,0.00,41.00,0.00,1234.56,0.00,1275.56
10-0002,Pat Rivera,residential,1,0.00,40.00,0.00,0.00,0.00,40.00
10-0003,Pat Rivera,residential,0,0.00,0.00,0.00,0.00,-5.00,-5.00
total,,,,0.00,81.00,0.00,1234.56,-5.00,1310.56
";
        assert_eq!(report.to_csv().unwrap(), expected);
    }

    #[test]
    fn json_reads_back_as_the_same_report() {
        let report = report();
        assert_eq!(serde_json::from_str::<Aging>(&report.to_json().unwrap()).unwrap(), report);
    }

    proptest! {
        #[test]
        fn buckets_services_classes_and_accounts_each_sum_to_the_ledger(
            accounts in prop::collection::vec(
                (prop::collection::vec((0_usize..8, 1_i64..1_000_000, -200_i64..400), 0..6), 0_i64..50_000, 0_usize..6),
                0..20,
            ),
        ) {
            let as_of = day("2026-05-22");
            let mut ledger = Cents::ZERO;
            let mut aged = Vec::new();
            for (id, (debts, unapplied, class)) in (1_i64..).zip(accounts) {
                let items: Vec<OpenItem> = debts
                    .iter()
                    .map(|(service, cents, age)| bill(id, Service::ALL[*service], *cents, plus_days(as_of, -age)))
                    .collect();
                ledger += items.iter().map(|item| item.open).sum::<Cents>() - Cents::new(unapplied);
                let class = CustomerClass::ALL[class];
                aged.push(AgedAccount { class, ..account(&format!("{id:04}"), items, unapplied) });
            }
            let report = Aging::of(aged, &BucketLimits::default(), as_of, Detail::Accounts);
            let sum = |lines: &mut dyn Iterator<Item = &Line>| {
                lines.fold(Line::empty(report.headings.len()), |mut sum, line| { sum.add(line); sum })
            };
            prop_assert_eq!(report.total.balance_cents, ledger);
            prop_assert_eq!(report.total.buckets_cents.iter().sum::<Cents>(), ledger);
            prop_assert_eq!(&sum(&mut report.services.values().chain([&report.credit])), &report.total);
            prop_assert_eq!(&sum(&mut report.classes.values()), &report.total);
            prop_assert_eq!(&sum(&mut report.rows.iter().map(|row| &row.line)), &report.total);
        }
    }
}
