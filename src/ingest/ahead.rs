//! Dates ahead: a mistyped year must not hide a payment or a debt, and a post-dated row shall not pass unseen.
//!
//! Reading a file needs no clock; this is asked afterwards, with the business date on which the file is taken.

use super::errors::{FileErrors, Problem};
use crate::domain::Day;
use crate::domain::day::{plus_days, short};
use crate::domain::import::{FileKind, ImportFile, ImportRows};

/// How many days ahead a row of a file may be dated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AheadLimits {
    /// For charges and adjustments.
    pub charges: u16,
    /// For payments and reversals.
    pub payments: u16,
}

/// Rows that are dated ahead, within the limits: taken, and told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedAhead {
    pub file: String,
    pub rows: u32,
    /// The last date among them, and the first line that bears it.
    pub latest: (Day, u32),
}

/// One sentence, for the summary of an import and the exceptions list.
impl std::fmt::Display for DatedAhead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, rows, latest: (day, line) } = self;
        let (rows, are, count) = if *rows == 1 {
            ("1 row".to_owned(), "is", "it counts from its day")
        } else {
            (format!("{rows} rows"), "are", "they count from their days")
        };
        write!(f, "{file}: {rows} {are} dated ahead, as far as {} (line {line}); {count}", short(*day))
    }
}

/// The rows that are dated after `today`.
///
/// # Errors
/// When one is dated further ahead than the limits allow: all such rows, with line, column and value.
pub fn dated_ahead(file: &ImportFile, limits: AheadLimits, today: Day) -> Result<Option<DatedAhead>, FileErrors> {
    let entries = match &file.rows {
        ImportRows::Accounts(_) => return Ok(None),
        ImportRows::Entries(entries) => entries,
        ImportRows::Balances(balances) => {
            let days = balances.iter().map(|row| (row.line, row.as_of));
            return none_of_days_to_come(file, "as_of", days, today);
        }
        ImportRows::Deposits(deposits) => {
            let days = deposits.iter().map(|row| (row.line, row.received_on));
            return none_of_days_to_come(file, "received_on", days, today);
        }
        ImportRows::Returns(returns) => {
            let days = returns.iter().map(|row| (row.line, row.on));
            return none_of_days_to_come(file, "returned_on", days, today);
        }
    };
    let (column, days) = match file.kind {
        FileKind::Accounts | FileKind::Balances | FileKind::Deposits | FileKind::Returns => return Ok(None),
        FileKind::Charges => ("billed_on", limits.charges),
        FileKind::Adjustments => ("adjusted_on", limits.charges),
        FileKind::Payments => ("received_on", limits.payments),
        FileKind::Reversals => ("reversed_on", limits.payments),
    };
    let latest_allowed = plus_days(today, i64::from(days));
    let mut errors = FileErrors { kind: Some(file.kind), ..FileErrors::none(&file.name) };
    let mut ahead: Option<DatedAhead> = None;
    for row in entries.iter().filter(|row| row.effective_on > today) {
        if row.effective_on > latest_allowed {
            let problem = Problem::TooFarAhead { latest: latest_allowed.to_string(), days };
            errors.add(row.line, Some(column), Some(&row.effective_on.to_string()), problem);
        }
        let found = (row.effective_on, row.line);
        let told = ahead.get_or_insert_with(|| DatedAhead { file: file.name.clone(), rows: 0, latest: found });
        told.rows += 1;
        if found.0 > told.latest.0 {
            told.latest = found;
        }
    }
    if errors.is_empty() { Ok(ahead) } else { Err(errors) }
}

/// A balance, or a deposit that is held, is of a day that has begun, or nobody can know it.
fn none_of_days_to_come(
    file: &ImportFile,
    column: &'static str,
    days: impl Iterator<Item = (u32, Day)>,
    today: Day,
) -> Result<Option<DatedAhead>, FileErrors> {
    let mut errors = FileErrors { kind: Some(file.kind), ..FileErrors::none(&file.name) };
    for (line, day) in days.filter(|(_, day)| *day > today) {
        let problem = Problem::TooFarAhead { latest: today.to_string(), days: 0 };
        errors.add(line, Some(column), Some(&day.to_string()), problem);
    }
    if errors.is_empty() { Ok(None) } else { Err(errors) }
}

/// Control records for a day that is not over, a sentence each, for the summary of an import and the exceptions list.
///
/// No file can know that such a day is complete, so that each counts through the day before.
#[must_use]
pub fn not_over(file: &ImportFile, today: Day) -> Vec<String> {
    let records = file.loaded_through.iter().filter(|(_, through)| *through >= today);
    let told = records.map(|(channel, through)| {
        let (name, through, counts) = (&file.name, short(*through), short(plus_days(today, -1)));
        format!(
            "{name}: its control record says that {channel} is complete through {through}, which is not over; it counts \
             through {counts}. Bring the file again when that day is over"
        )
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;
    use crate::ingest::read;

    /// Taken on Wednesday, May 20, 2026.
    fn taken(name: &str, text: &str) -> Result<Option<DatedAhead>, FileErrors> {
        let limits = AheadLimits { charges: 60, payments: 30 };
        dated_ahead(&read(name, text.as_bytes()).unwrap(), limits, parse("2026-05-20").unwrap())
    }

    fn payments(days: &[&str]) -> String {
        let rows = days.iter().enumerate().map(|(n, day)| format!("10-000417,20.00,{day},lockbox,lockbox,LB-{n}\n"));
        format!("account,amount,received_on,channel,source,reference\n{}", rows.collect::<String>())
    }

    #[test]
    fn a_payment_of_next_year_is_refused_with_its_place_and_the_last_day_that_is_taken() {
        let report = taken("payments.csv", &payments(&["2026-05-20", "2027-05-19", "2026-06-20"])).unwrap_err().text();
        assert!(
            report.contains(
                "line 3, column received_on: \"2027-05-19\": the date lies too far ahead; expected 2026-06-19 (30 days \
                 ahead) at the latest\n"
            ),
            "{report}"
        );
        assert!(report.contains("line 4, column received_on: \"2026-06-20\""), "{report}");
    }

    #[test]
    fn a_post_dated_payment_is_taken_and_told() {
        let told = taken("payments.csv", &payments(&["2026-05-20", "2026-06-01", "2026-06-19"])).unwrap().unwrap();
        assert_eq!(
            told.to_string(),
            "payments.csv: 2 rows are dated ahead, as far as Fri 2026-06-19 (line 4); they count from their days"
        );
        assert_eq!(taken("payments.csv", &payments(&["2026-05-20"])).unwrap(), None);
    }

    #[test]
    fn a_control_record_of_the_evening_is_told_and_one_of_the_day_before_is_not() {
        let file = |day: &str| {
            let text = format!(
                "account,amount,received_on,channel,source,reference\n\
                 10-000417,20.00,{day},lockbox,lockbox,LB-1\n#control,lockbox,{day},1,20.00\n"
            );
            read("payments.csv", text.as_bytes()).unwrap()
        };
        let wednesday = parse("2026-05-20").unwrap();
        assert_eq!(
            not_over(&file("2026-05-20"), wednesday),
            [
                "payments.csv: its control record says that lockbox is complete through Wed 2026-05-20, which is not over; it \
              counts through Tue 2026-05-19. Bring the file again when that day is over"
            ]
        );
        assert!(not_over(&file("2026-05-19"), wednesday).is_empty());
    }

    #[test]
    fn a_bill_may_be_dated_sixty_days_ahead_and_not_a_day_more() {
        let charges = |day: &str| {
            format!("account,service,amount,billed_on,source,reference\n10-000417,water,61.40,{day},cis,B-1\n")
        };
        assert!(taken("charges.csv", &charges("2026-07-19")).unwrap().is_some());
        let report = taken("charges.csv", &charges("2026-07-20")).unwrap_err().text();
        assert!(report.contains("column billed_on: \"2026-07-20\""), "{report}");
    }
}
