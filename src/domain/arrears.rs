//! Arrears: how old the debt is. Days past due, aging buckets, and what counts as past due.
//!
//! Raw days only, from the original due dates. The clock of policy days, which holds may stop, is `decide`'s.

use serde::{Deserialize, Serialize};

use super::day::{Day, days_between};
use super::ledger::OpenItem;
use super::money::Cents;

/// Days past due of one item on `on`: 0 on its due date, negative before.
#[must_use]
pub fn days_past_due(item: &OpenItem, on: Day) -> i64 {
    days_between(item.due_on, on)
}

/// Whether the item is past due on `on` and above the amount below which an item is let be.
#[must_use]
pub fn is_past_due(item: &OpenItem, on: Day, de_minimis: Cents) -> bool {
    item.due_on < on && item.open >= de_minimis && item.open.is_positive()
}

/// The sum of what is past due.
#[must_use]
pub fn past_due(items: &[OpenItem], on: Day, de_minimis: Cents) -> Cents {
    items.iter().filter(|item| is_past_due(item, on, de_minimis)).map(|item| item.open).sum()
}

/// The sum of the items that are each at least `days` past due. A crumb of an old bill does not age a new one.
#[must_use]
pub fn aged_at_least(items: &[OpenItem], on: Day, days: i64, de_minimis: Cents) -> Cents {
    items
        .iter()
        .filter(|item| is_past_due(item, on, de_minimis) && days_past_due(item, on) >= days)
        .map(|item| item.open)
        .sum()
}

/// Days past due of the oldest item that counts; zero when none does.
#[must_use]
pub fn oldest_days_past_due(items: &[OpenItem], on: Day, de_minimis: Cents) -> i64 {
    items.iter().filter(|item| is_past_due(item, on, de_minimis)).map(|item| days_past_due(item, on)).max().unwrap_or(0)
}

/// The upper limits of the aging buckets in days past due, ascending: `30, 60, 90` gives 1-30, 31-60, 61-90, over 90.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLimits(pub Vec<u16>);

impl Default for BucketLimits {
    fn default() -> Self {
        Self(vec![30, 60, 90, 120])
    }
}

impl BucketLimits {
    /// The headings: `Not due`, `1-30`, …, `Over 120`, `Credit`.
    #[must_use]
    pub fn headings(&self) -> Vec<String> {
        let mut headings = vec!["Not due".to_owned()];
        let mut from = 1;
        for limit in &self.0 {
            headings.push(format!("{from}-{limit}"));
            from = limit + 1;
        }
        headings.push(format!("Over {}", from - 1));
        headings.push("Credit".to_owned());
        headings
    }

    /// The amounts under [`Self::headings`]; they sum to the balance. Credit that no debt has taken is negative.
    #[must_use]
    pub fn fill(&self, items: &[OpenItem], unapplied: Cents, on: Day) -> Vec<Cents> {
        let mut amounts = vec![Cents::ZERO; self.0.len() + 3];
        for item in items {
            let days = days_past_due(item, on);
            let bucket = if days <= 0 {
                0
            } else {
                1 + self.0.iter().position(|limit| days <= i64::from(*limit)).unwrap_or(self.0.len())
            };
            amounts[bucket] += item.open;
        }
        let last = amounts.len() - 1;
        amounts[last] = -unapplied;
        amounts
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::account::Service;
    use super::super::day::parse;
    use super::super::ids::EntryId;
    use super::super::ledger::EntryKind;
    use super::*;

    fn item(cents: i64, due: &str) -> OpenItem {
        let due_on = parse(due).unwrap();
        OpenItem {
            id: EntryId(1),
            service: Service::Water,
            kind: EntryKind::Charge,
            amount: Cents::new(cents),
            open: Cents::new(cents),
            billed_on: due_on,
            due_on,
            printed: BTreeMap::new(),
        }
    }

    #[test]
    fn a_crumb_of_an_old_bill_does_not_make_a_new_one_old() {
        let items = [item(2_600, "2026-03-23"), item(21_240, "2026-05-22")];
        let aged = |on| aged_at_least(&items, parse(on).unwrap(), 60, Cents::ZERO);
        assert_eq!(aged("2026-05-29"), Cents::new(2_600));
        assert_eq!(aged("2026-07-20"), Cents::new(2_600));
        assert_eq!(aged("2026-07-21"), Cents::new(23_840));
    }

    #[test]
    fn buckets_begin_the_day_after_the_due_date_and_end_on_their_limit() {
        let limits = BucketLimits(vec![30, 60]);
        let on = parse("2026-05-22").unwrap();
        let items = [
            item(1, "2026-05-22"),
            item(10, "2026-05-21"),
            item(100, "2026-04-22"),
            item(1_000, "2026-04-21"),
            item(10_000, "2026-03-22"),
        ];
        let filled: Vec<i64> = limits.fill(&items, Cents::new(7), on).iter().map(|c| c.get()).collect();
        assert_eq!(filled, [1, 110, 1_000, 10_000, -7]);
        assert_eq!(limits.headings(), ["Not due", "1-30", "31-60", "Over 60", "Credit"]);
    }
}
