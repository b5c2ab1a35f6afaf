//! Date arithmetic of the policy language: offsets forward and back, and days of a rule.

use chrono::{Datelike, NaiveDate};

use crate::domain::day::{month_end, plus_days, plus_months};
use crate::domain::{Calendar, Day};
use crate::rulebook::policy::{DateRule, Offset, Unit};

/// How many days ahead a rule's next day is sought: a yearly date, with a leap day's margin.
const RULE_HORIZON_DAYS: i64 = 4 * 366 + 1;

/// The first day that is at least `offset` after `from`, which is not counted.
#[must_use]
pub fn forward(calendar: &Calendar, from: Day, offset: Offset) -> Day {
    let n = i64::from(offset.n);
    let extra = i64::from(offset.more_than);
    match offset.unit {
        Unit::Day => plus_days(from, n + extra),
        Unit::BusinessDay => calendar.plus_business_days(from, offset.n.saturating_add(u16::from(offset.more_than))),
        Unit::Hour => plus_days(from, (n + 23) / 24 + extra),
        Unit::Week => plus_days(from, n * 7 + extra),
        Unit::Month => plus_days(plus_months(from, i32::from(offset.n)), extra),
        Unit::Year => plus_days(plus_months(from, i32::from(offset.n) * 12), extra),
    }
}

/// The last day that is at least `offset` before `from`: what happens on it is in time for `from`.
#[must_use]
pub fn backward(calendar: &Calendar, from: Day, offset: Offset) -> Day {
    let n = i64::from(offset.n);
    let extra = i64::from(offset.more_than);
    match offset.unit {
        Unit::Day => plus_days(from, -(n + extra)),
        Unit::BusinessDay => calendar.minus_business_days(from, offset.n.saturating_add(u16::from(offset.more_than))),
        Unit::Hour => plus_days(from, -((n + 23) / 24 + extra)),
        Unit::Week => plus_days(from, -(n * 7 + extra)),
        Unit::Month => plus_days(plus_months(from, -i32::from(offset.n)), -extra),
        Unit::Year => plus_days(plus_months(from, -i32::from(offset.n) * 12), -extra),
    }
}

/// The first day D from `not_before` on such that `served` lies at least `offset` before D.
///
/// Not the same as [`forward`]: for business days it counts back from D, as statutes do, so that a service on a
/// Saturday is in time for the day that counts back to the Friday or later.
#[must_use]
pub fn first_with_lead(calendar: &Calendar, served: Day, offset: Offset, not_before: Day) -> Day {
    let mut day = not_before.max(served);
    // A lead never takes more than a few weeks longer than its own length; the forward count bounds the search.
    let bound = plus_days(forward(calendar, day, offset), 30);
    while day < bound && backward(calendar, day, offset) < served {
        day = plus_days(day, 1);
    }
    day
}

/// The first day of the rule from `from` on.
#[must_use]
pub fn next_of_rule(calendar: &Calendar, from: Day, rule: DateRule) -> Option<Day> {
    (0..RULE_HORIZON_DAYS).map(|n| plus_days(from, n)).find(|day| matches_rule(calendar, *day, rule))
}

fn matches_rule(calendar: &Calendar, day: Day, rule: DateRule) -> bool {
    match rule {
        DateRule::MonthDay(n) => month_day(day, n) == Some(day),
        DateRule::NthWeekday(n, weekday) => day.weekday() == weekday && nth_in_month(day, 7) == count(n, day, 7),
        DateRule::NthBusinessDay(n) => nth_business_day(calendar, day, n) == Some(day),
        DateRule::YearDay(month, of_month) => {
            day.month() == u32::from(month) && day.day() == u32::from(of_month).min(month_end(day).day())
        }
    }
}

/// Which occurrence of its weekday `day` is in its month, from 1.
fn nth_in_month(day: Day, step: u32) -> u32 {
    (day.day() - 1) / step + 1
}

/// The occurrence that `n` means in `day`'s month; negative counts from the end.
fn count(n: i8, day: Day, step: u32) -> u32 {
    if n >= 0 {
        return u32::from(n.unsigned_abs());
    }
    let left = (month_end(day).day() - day.day()) / step;
    let total = nth_in_month(day, step) + left;
    (total + 1).saturating_sub(u32::from(n.unsigned_abs()))
}

fn month_day(day: Day, n: i8) -> Option<Day> {
    let last = month_end(day).day();
    let wanted = if n >= 0 {
        u32::from(n.unsigned_abs()).min(last)
    } else {
        (last + 1).checked_sub(u32::from(n.unsigned_abs()))?
    };
    NaiveDate::from_ymd_opt(day.year(), day.month(), wanted)
}

fn nth_business_day(calendar: &Calendar, day: Day, n: i8) -> Option<Day> {
    let first = day.with_day(1)?;
    let mut days = (0..31)
        .map(|offset| plus_days(first, offset))
        .filter(|d| d.month() == day.month() && calendar.is_business_day(*d))
        .collect::<Vec<_>>();
    if n < 0 {
        days.reverse();
    }
    days.get(usize::from(n.unsigned_abs()).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use chrono::Weekday;

    use super::*;
    use crate::domain::day::parse;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn offset(n: u16, unit: Unit) -> Offset {
        Offset { n, unit, more_than: false }
    }

    #[test]
    fn the_trigger_day_is_not_counted_and_more_than_adds_a_day() {
        let calendar = Calendar::default();
        assert_eq!(forward(&calendar, day("2026-03-23"), offset(60, Unit::Day)), day("2026-05-22"));
        let more = Offset { n: 7, unit: Unit::Day, more_than: true };
        assert_eq!(forward(&calendar, day("2026-04-22"), more), day("2026-04-30"));
        assert_eq!(forward(&calendar, day("2026-05-19"), offset(48, Unit::Hour)), day("2026-05-21"));
    }

    #[test]
    fn seven_business_days_are_counted_back_from_the_later_act() {
        let calendar = Calendar::default();
        let seven = offset(7, Unit::BusinessDay);
        assert_eq!(backward(&calendar, day("2026-05-01"), seven), day("2026-04-22"));
        assert_eq!(first_with_lead(&calendar, day("2026-04-22"), seven, day("2026-01-01")), day("2026-05-01"));
    }

    #[test]
    fn the_last_wednesday_of_the_month() {
        let calendar = Calendar::default();
        let rule = DateRule::NthWeekday(-1, Weekday::Wed);
        assert_eq!(next_of_rule(&calendar, day("2026-04-25"), rule), Some(day("2026-04-29")));
        assert_eq!(next_of_rule(&calendar, day("2026-04-30"), rule), Some(day("2026-05-27")));
    }

    #[test]
    fn the_second_business_day_and_the_last_day_of_the_month() {
        let calendar = Calendar::default();
        assert_eq!(next_of_rule(&calendar, day("2026-05-01"), DateRule::NthBusinessDay(2)), Some(day("2026-05-04")));
        assert_eq!(next_of_rule(&calendar, day("2026-02-03"), DateRule::MonthDay(-1)), Some(day("2026-02-28")));
        assert_eq!(next_of_rule(&calendar, day("2026-02-03"), DateRule::YearDay(11, 1)), Some(day("2026-11-01")));
    }
}
