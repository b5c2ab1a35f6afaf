//! Counting back from a day, one day at a time.
//!
//! Slow on purpose, and apart from the arithmetic that decisions use: two ways that agree are worth more than one.

use crate::domain::day::{plus_days, plus_months};
use crate::domain::{Calendar, Day};
use crate::rulebook::policy::{Offset, Unit};

/// The last day on which an act may have happened so that it was at least `offset` before `day`.
#[must_use]
pub(super) fn last_day_before(day: Day, offset: Offset, calendar: &Calendar) -> Day {
    let more = u16::from(offset.more_than);
    match offset.unit {
        Unit::Day => steps_back(day, offset.n.saturating_add(more), |_| true),
        Unit::BusinessDay => steps_back(day, offset.n.saturating_add(more), |d| calendar.is_business_day(d)),
        Unit::Hour => hours_back(day, u32::from(offset.n) + 24 * u32::from(more)),
        Unit::Week => steps_back(day, offset.n.saturating_mul(7).saturating_add(more), |_| true),
        Unit::Month => months_back(day, i32::from(offset.n), more),
        Unit::Year => months_back(day, i32::from(offset.n) * 12, more),
    }
}

/// Goes back until `count` days that count lie behind; `day` itself is not counted.
fn steps_back(day: Day, count: u16, counts: impl Fn(Day) -> bool) -> Day {
    // A calendar without business days would never end; no year has more than 366 of them missing.
    let mut left = i64::from(count) * 400;
    let mut reached = day;
    let mut counted = 0;
    while counted < count && left > 0 {
        reached = plus_days(reached, -1);
        left -= 1;
        if counts(reached) {
            counted += 1;
        }
    }
    reached
}

/// Goes back until the days that lie wholly between make up the hours: the act may have been at the last minute of its
/// day, and `day` begins at midnight.
fn hours_back(day: Day, hours: u32) -> Day {
    let mut reached = plus_days(day, -1);
    let mut between = 0;
    while between < hours {
        reached = plus_days(reached, -1);
        between += 24;
    }
    reached
}

/// The last day that, moved forward by the months, still lies on or before `day`: the ends of months agree both ways.
fn months_back(day: Day, months: i32, more: u16) -> Day {
    let mut reached = plus_months(day, -months);
    while plus_months(reached, months) > day {
        reached = plus_days(reached, -1);
    }
    plus_days(reached, -i64::from(more))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::day::parse;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn offset(n: u16, unit: Unit, more_than: bool) -> Offset {
        Offset { n, unit, more_than }
    }

    #[test]
    fn seven_business_days_before_the_friday_of_memorial_week_skip_the_holiday() {
        let calendar = Calendar {
            holidays: BTreeMap::from([(day("2026-05-25"), "Memorial Day".to_owned())]),
            ..Calendar::default()
        };
        let back = |more| last_day_before(day("2026-05-29"), offset(7, Unit::BusinessDay, more), &calendar);
        assert_eq!(back(false), day("2026-05-19"));
        assert_eq!(back(true), day("2026-05-18"));
    }

    #[test]
    fn hours_lie_between_the_days_and_months_agree_at_their_ends() {
        let calendar = Calendar::default();
        assert_eq!(last_day_before(day("2026-05-21"), offset(24, Unit::Hour, false), &calendar), day("2026-05-19"));
        assert_eq!(last_day_before(day("2026-05-21"), offset(48, Unit::Hour, false), &calendar), day("2026-05-18"));
        assert_eq!(last_day_before(day("2026-05-21"), offset(49, Unit::Hour, false), &calendar), day("2026-05-17"));
        assert_eq!(last_day_before(day("2026-05-21"), offset(48, Unit::Hour, true), &calendar), day("2026-05-17"));
        assert_eq!(last_day_before(day("2026-03-31"), offset(1, Unit::Month, false), &calendar), day("2026-02-28"));
        assert_eq!(last_day_before(day("2026-05-21"), offset(2, Unit::Week, false), &calendar), day("2026-05-07"));
    }
}
