//! Limitation: the last day on which each debt can be sued upon.
//!
//! A debt accrues on the day after its due date, each item for itself. Nothing that happens later moves its day: not a
//! payment on account, not a fee that the city adds (a fee is an item of its own, with its own due date).

use crate::domain::day::{Day, days_between, plus_days, plus_months};
use crate::domain::{ItemId, OpenItem};

/// Within this many days of the last day, people are warned.
pub const WARN_DAYS: i64 = 90;

/// When one debt accrued, and the last day for an action upon it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limitation {
    pub item: ItemId,
    /// The day after the due date.
    pub accrued_on: Day,
    /// The last day to file, inclusive. Its roll to the next court day, where a court grants one, is not counted on.
    pub last_day: Day,
}

/// How a debt stands against its last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Not yet due: nothing runs.
    NotAccrued,
    /// Days left, more than [`WARN_DAYS`].
    Runs(i64),
    /// Days left, [`WARN_DAYS`] or fewer; 0 on the last day itself.
    Near(i64),
    /// Days since the last day.
    Passed(i64),
}

/// The limitation of one item under a period of `years`.
#[must_use]
pub fn of_item(item: &OpenItem, years: u16) -> Limitation {
    of_due(item.id, item.due_on, years)
}

/// The limitation of a debt that was due on the day.
#[must_use]
pub fn of_due(item: ItemId, due_on: Day, years: u16) -> Limitation {
    Limitation { item, accrued_on: plus_days(due_on, 1), last_day: plus_months(due_on, i32::from(years) * 12) }
}

/// The limitation that ends first among `items`: the one that the packet's reader must act before.
#[must_use]
pub fn earliest(items: &[OpenItem], years: u16) -> Option<Limitation> {
    items.iter().map(|item| of_item(item, years)).min_by_key(|limitation| (limitation.last_day, limitation.item))
}

impl Limitation {
    /// How it stands on `day`.
    #[must_use]
    pub fn on(&self, day: Day) -> Clock {
        let left = days_between(day, self.last_day);
        if day < self.accrued_on {
            Clock::NotAccrued
        } else if left < 0 {
            Clock::Passed(-left)
        } else if left <= WARN_DAYS {
            Clock::Near(left)
        } else {
            Clock::Runs(left)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::parse;
    use crate::domain::ledger::{ApplicationOrder, settle};
    use crate::domain::{Cents, Entry, EntryId, EntryKind, testing};

    fn day(text: &str) -> Day {
        parse(text).unwrap()
    }

    fn entry(id: i64, kind: EntryKind, cents: i64, on: &str, due: Option<&str>) -> Entry {
        testing::entry(id, kind, cents, day(on), due.map(day))
    }

    fn items(entries: &[Entry]) -> Vec<OpenItem> {
        settle(entries, &ApplicationOrder::default(), &[], day("2026-09-30")).items
    }

    #[test]
    fn a_tenants_bill_due_october_3_2022_can_be_sued_upon_through_october_3_2026_under_four_years() {
        let items = items(&[entry(1, EntryKind::Charge, 18_000, "2022-09-12", Some("2022-10-03"))]);
        let limitation = of_item(&items[0], 4);
        assert_eq!(limitation.accrued_on, day("2022-10-04"));
        assert_eq!(limitation.last_day, day("2026-10-03"));
        assert_eq!(limitation.on(day("2026-10-03")), Clock::Near(0));
        assert_eq!(limitation.on(day("2026-10-04")), Clock::Passed(1));
    }

    #[test]
    fn neither_a_later_fee_nor_a_payment_on_account_extends_the_old_bill() {
        let items = items(&[
            entry(1, EntryKind::Charge, 18_000, "2022-09-12", Some("2022-10-03")),
            entry(2, EntryKind::Payment, -5_000, "2024-05-01", None),
            entry(3, EntryKind::Fee, 1_800, "2026-09-01", Some("2026-09-15")),
        ]);
        assert_eq!(items[0].open, Cents::new(13_000));
        assert_eq!(of_item(&items[0], 4).last_day, day("2026-10-03"));
        assert_eq!(of_item(&items[1], 4).last_day, day("2030-09-15"));
        assert_eq!(earliest(&items, 4).unwrap().item, EntryId(1));
    }

    #[test]
    fn the_warning_begins_ninety_days_ahead() {
        let items = items(&[entry(1, EntryKind::Charge, 18_000, "2022-09-12", Some("2022-10-03"))]);
        let limitation = of_item(&items[0], 4);
        assert_eq!(limitation.on(day("2026-07-04")), Clock::Runs(91));
        assert_eq!(limitation.on(day("2026-07-05")), Clock::Near(90));
    }

    #[test]
    fn a_bill_due_on_a_leap_day_ends_on_the_last_of_february() {
        let items = items(&[entry(1, EntryKind::Charge, 18_000, "2024-02-08", Some("2024-02-29"))]);
        assert_eq!(of_item(&items[0], 2).last_day, day("2026-02-28"));
    }

    #[test]
    fn a_bill_not_yet_due_has_not_accrued() {
        let items = items(&[entry(1, EntryKind::Charge, 18_000, "2026-09-12", Some("2026-10-03"))]);
        assert_eq!(of_item(&items[0], 4).on(day("2026-10-03")), Clock::NotAccrued);
        assert_eq!(of_item(&items[0], 4).on(day("2026-10-04")), Clock::Runs(1460));
    }
}
