//! What offsets are at the least, in days and in business days, whatever day they begin on: lower bounds for the check of a
//! policy against its guards.

use crate::domain::{Calendar, Day};

use super::policy::{Offset, Unit};

/// The days over which the fewest business days are sought; holidays come around alike after 28 years.
const FROM: (i32, u32, u32) = (2020, 1, 1);
const DAYS: usize = 28 * 366;

/// A lower bound of the time between two days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub days: i64,
    pub business: i64,
}

/// What offsets are at the least, on a calendar.
pub(super) struct Distances {
    /// Business days from the first day up to each day.
    passed: Vec<i64>,
}

impl Distances {
    pub(super) fn on(calendar: &Calendar) -> Self {
        let first = Day::from_ymd_opt(FROM.0, FROM.1, FROM.2).unwrap_or_default();
        let mut count = 0;
        let mut passed = vec![0];
        for day in first.iter_days().take(DAYS) {
            count += i64::from(calendar.is_business_day(day));
            passed.push(count);
        }
        Self { passed }
    }

    /// The fewest business days within `days` days, whichever day they begin on.
    fn fewest_business_days(&self, days: i64) -> i64 {
        let Some(days) = usize::try_from(days).ok().filter(|days| *days < DAYS) else { return 0 };
        self.passed.iter().zip(self.passed.iter().skip(days)).map(|(before, after)| after - before).min().unwrap_or(0)
    }

    /// The least that an offset is, in days and in business days.
    pub(super) fn gap(&self, offset: Offset) -> Gap {
        let n = i64::from(offset.n) + i64::from(offset.more_than);
        let days = match offset.unit {
            // Every five of them take a weekend along; holidays only add to it.
            Unit::BusinessDay => return Gap { days: n + 2 * ((n - 1).max(0) / 5), business: n },
            Unit::Day => n,
            Unit::Hour => i64::from(offset.n) / 24,
            Unit::Week => n * 7,
            Unit::Month => n * 28,
            Unit::Year => n * 365,
        };
        Gap { days, business: self.fewest_business_days(days) }
    }
}

/// The offset in words.
pub(super) fn words(offset: Offset) -> String {
    let unit = match offset.unit {
        Unit::Day => "day",
        Unit::BusinessDay => "business day",
        Unit::Hour => "hour",
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Year => "year",
    };
    let more = if offset.more_than { "more than " } else { "" };
    format!("{more}{} {unit}{}", offset.n, if offset.n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::{calendar, shipped};
    use super::*;
    use crate::domain::day::{days_between, parse, plus_days};

    #[test]
    fn fifteen_days_always_hold_seven_business_days() {
        let distances = Distances::on(&calendar::named(&shipped(), "riverbend").unwrap());
        assert!(distances.gap(Offset { n: 15, unit: Unit::Day, more_than: false }).business >= 7);
        assert!(distances.gap(Offset { n: 9, unit: Unit::Day, more_than: false }).business < 7);
    }

    /// Every day of ten years on the calendar with the most holidays that ships.
    #[test]
    fn the_bounds_are_never_too_high() {
        let calendar = calendar::named(&shipped(), "riverbend").unwrap();
        let distances = Distances::on(&calendar);
        let first = parse("2026-01-01").unwrap();
        for n in [1, 2, 5, 7, 10, 15, 20, 30, 45, 60] {
            let of_business = distances.gap(Offset { n, unit: Unit::BusinessDay, more_than: false });
            let of_days = distances.gap(Offset { n, unit: Unit::Day, more_than: false });
            for day in (0..3_650).map(|n| plus_days(first, n)) {
                let later = calendar.plus_business_days(day, n);
                assert!(days_between(day, later) >= of_business.days, "{n} business days after {day}");
                let passed = (1..=i64::from(n)).filter(|k| calendar.is_business_day(plus_days(day, *k))).count();
                assert!(i64::try_from(passed).unwrap() >= of_days.business, "{n} days after {day}");
            }
        }
    }
}
