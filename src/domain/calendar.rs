//! The city's calendar: which days count as business days, when the office is open, when cutting is allowed.
//!
//! The three are different facts. A Friday on which city hall is closed every other week may still be a business
//! day by statute, and a day before a holiday may be open for the cashier and closed for shut-offs.
//! How a calendar file is written and read is `rulebook::calendar`; this is the arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Weekday};
use serde::{Deserialize, Serialize};

use super::day::{Day, plus_days};

/// The most days that a search for an open day goes before it gives up: a calendar without any would loop.
const SEARCH_LIMIT: i64 = 400;

/// The days of one city.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Calendar {
    /// The calendar's name, for example `us-federal`.
    pub name: String,
    /// Legal holidays as observed, with their names. Not business days.
    pub holidays: BTreeMap<Day, String>,
    /// Further days on which the office is closed (alternate Fridays, furloughs). Business days by statute all the same.
    pub closures: BTreeSet<Day>,
    /// The first and last day for which holidays are known, where the calendar says so.
    pub known: Option<(Day, Day)>,
}

/// Kinds of days on which an act may not happen, as a policy's `never:` names them.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
    /// A legal holiday as observed.
    Holiday,
    /// Any day on which the office is closed: weekend, holiday or closure.
    OfficeClosed,
    /// The day before a Saturday.
    WeekendEve,
    /// The day before a legal holiday.
    HolidayEve,
    /// The day before any day on which the office is closed.
    ClosedEve,
}

impl Calendar {
    /// The holiday on `day`, if there is one.
    #[must_use]
    pub fn holiday(&self, day: Day) -> Option<&str> {
        self.holidays.get(&day).map(String::as_str)
    }

    /// Monday to Friday without legal holidays: the day that statutes count.
    #[must_use]
    pub fn is_business_day(&self, day: Day) -> bool {
        !is_weekend(day) && !self.holidays.contains_key(&day)
    }

    /// A business day on which the office and its cashier are open.
    #[must_use]
    pub fn is_office_open(&self, day: Day) -> bool {
        self.is_business_day(day) && !self.closures.contains(&day)
    }

    /// Whether `day` is of the kind.
    #[must_use]
    pub fn is(&self, day: Day, kind: DayKind) -> bool {
        let next = plus_days(day, 1);
        match kind {
            DayKind::Monday => day.weekday() == Weekday::Mon,
            DayKind::Tuesday => day.weekday() == Weekday::Tue,
            DayKind::Wednesday => day.weekday() == Weekday::Wed,
            DayKind::Thursday => day.weekday() == Weekday::Thu,
            DayKind::Friday => day.weekday() == Weekday::Fri,
            DayKind::Saturday => day.weekday() == Weekday::Sat,
            DayKind::Sunday => day.weekday() == Weekday::Sun,
            DayKind::Holiday => self.holidays.contains_key(&day),
            DayKind::OfficeClosed => !self.is_office_open(day),
            DayKind::WeekendEve => next.weekday() == Weekday::Sat,
            DayKind::HolidayEve => self.holidays.contains_key(&next),
            DayKind::ClosedEve => !self.is_office_open(next),
        }
    }

    /// The first of `bans` that strikes `day`.
    #[must_use]
    pub fn ban_on(&self, day: Day, bans: &BTreeSet<DayKind>) -> Option<DayKind> {
        bans.iter().copied().find(|kind| self.is(day, *kind))
    }

    /// The first day from `day` on that no ban strikes; `None` when there is none within 400 days.
    #[must_use]
    pub fn first_allowed(&self, day: Day, bans: &BTreeSet<DayKind>) -> Option<Day> {
        (0..SEARCH_LIMIT).map(|n| plus_days(day, n)).find(|candidate| self.ban_on(*candidate, bans).is_none())
    }

    /// The `count`th business day after `day`, which is not counted itself. Zero gives `day`.
    #[must_use]
    pub fn plus_business_days(&self, day: Day, count: u16) -> Day {
        self.count_business_days(day, count, 1)
    }

    /// The `count`th business day before `day`, which is not counted itself. Zero gives `day`.
    #[must_use]
    pub fn minus_business_days(&self, day: Day, count: u16) -> Day {
        self.count_business_days(day, count, -1)
    }

    /// The first day from `day` on when the office is open.
    #[must_use]
    pub fn next_office_day(&self, day: Day) -> Day {
        (0..SEARCH_LIMIT).map(|n| plus_days(day, n)).find(|d| self.is_office_open(*d)).unwrap_or(day)
    }

    fn count_business_days(&self, day: Day, count: u16, step: i64) -> Day {
        let mut reached = day;
        for _ in 0..count {
            let mut searched = 0;
            loop {
                reached = plus_days(reached, step);
                searched += 1;
                if self.is_business_day(reached) || searched > SEARCH_LIMIT {
                    break;
                }
            }
        }
        reached
    }
}

/// Saturday or Sunday.
#[must_use]
pub fn is_weekend(day: Day) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use super::super::day::parse;
    use super::*;

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn with_memorial_day() -> Calendar {
        let holidays = BTreeMap::from([(day("2026-05-25"), "Memorial Day".to_owned())]);
        Calendar { name: "test".into(), holidays, ..Calendar::default() }
    }

    #[test]
    fn five_business_days_over_memorial_day() {
        assert_eq!(with_memorial_day().plus_business_days(day("2026-05-19"), 5), day("2026-05-27"));
    }

    #[test]
    fn seven_business_days_back_from_a_friday() {
        assert_eq!(Calendar::default().minus_business_days(day("2026-05-22"), 7), day("2026-05-13"));
    }

    #[test]
    fn a_closed_friday_is_a_business_day_but_not_an_office_day() {
        let calendar = Calendar { closures: BTreeSet::from([day("2026-05-22")]), ..with_memorial_day() };
        assert!(calendar.is_business_day(day("2026-05-22")));
        assert!(!calendar.is_office_open(day("2026-05-22")));
        assert_eq!(calendar.next_office_day(day("2026-05-22")), day("2026-05-26"));
    }

    #[test]
    fn a_calendar_without_an_allowed_day_gives_none_instead_of_looping() {
        let everything = BTreeSet::from([
            DayKind::Monday,
            DayKind::Tuesday,
            DayKind::Wednesday,
            DayKind::Thursday,
            DayKind::Friday,
            DayKind::OfficeClosed,
        ]);
        assert_eq!(Calendar::default().first_allowed(day("2026-05-22"), &everything), None);
    }
}
