//! Days: business dates and the dates printed on bills.
//!
//! A [`Day`] is a local calendar date of the city. Policy runs on days; instants are kept only on records.

use chrono::{Datelike, Days, Months, NaiveDate};

/// A local calendar date of the city.
pub type Day = NaiveDate;

/// The first day that is read from outside.
pub const FIRST_DAY: Day = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");
/// The last day that is read from outside.
pub const LAST_DAY: Day = NaiveDate::from_ymd_opt(2199, 12, 31).expect("a date");

/// `day` moved by `days` (negative: earlier), held within [`FIRST_DAY`] and [`LAST_DAY`] plus a margin of years.
#[must_use]
pub fn plus_days(day: Day, days: i64) -> Day {
    let moved = if days >= 0 {
        day.checked_add_days(Days::new(days.unsigned_abs()))
    } else {
        day.checked_sub_days(Days::new(days.unsigned_abs()))
    };
    moved.unwrap_or(if days >= 0 { LAST_DAY } else { FIRST_DAY })
}

/// `day` moved by whole months; the last day of a shorter month stands for a day it does not have.
#[must_use]
pub fn plus_months(day: Day, months: i32) -> Day {
    let moved = if months >= 0 {
        day.checked_add_months(Months::new(months.unsigned_abs()))
    } else {
        day.checked_sub_months(Months::new(months.unsigned_abs()))
    };
    moved.unwrap_or(if months >= 0 { LAST_DAY } else { FIRST_DAY })
}

/// Whole days from `from` to `to`; negative when `to` is earlier.
#[must_use]
pub fn days_between(from: Day, to: Day) -> i64 {
    to.signed_duration_since(from).num_days()
}

/// Reads `2026-05-22`, within [`FIRST_DAY`] to [`LAST_DAY`].
#[must_use]
pub fn parse(text: &str) -> Option<Day> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
    (FIRST_DAY..=LAST_DAY).contains(&day).then_some(day)
}

/// Reads a day as a person gives it, `2026-05-22` or `05/22/2026`, within the same bounds.
#[must_use]
pub fn given(text: &str) -> Option<Day> {
    let american = |text: &str| NaiveDate::parse_from_str(text.trim(), "%m/%d/%Y").ok();
    parse(text).or_else(|| american(text).filter(|day| (FIRST_DAY..=LAST_DAY).contains(day)))
}

/// As people read it: `Friday, May 22, 2026`.
#[must_use]
pub fn long(day: Day) -> String {
    day.format("%A, %B %-d, %Y").to_string()
}

/// As a table shows it: `Fri 2026-05-22`.
#[must_use]
pub fn short(day: Day) -> String {
    day.format("%a %Y-%m-%d").to_string()
}

/// The last day of `day`'s month.
#[must_use]
pub fn month_end(day: Day) -> Day {
    plus_days(plus_months(plus_days(day, 1 - i64::from(day.day())), 1), -1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_due_date_is_day_zero() {
        let due = parse("2026-03-23").unwrap();
        assert_eq!(plus_days(due, 60), parse("2026-05-22").unwrap());
        assert_eq!(days_between(due, parse("2026-05-22").unwrap()), 60);
    }

    #[test]
    fn a_month_after_the_31st_is_the_last_day_of_a_shorter_month() {
        assert_eq!(plus_months(parse("2026-01-31").unwrap(), 1), parse("2026-02-28").unwrap());
    }

    #[test]
    fn a_date_that_no_calendar_has_is_not_a_day() {
        assert_eq!(parse("2026-02-30"), None);
        assert_eq!(parse("0026-02-01"), None);
    }
}
