//! What an account owes on a day: figures, aging and open items, as the account and the call show them.

use serde::Serialize;

use crate::domain::arrears::{self, BucketLimits};
use crate::domain::{Cents, Day, Snapshot};
use crate::web::words;

/// The part of a page that says what is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owing {
    pub as_of: String,
    pub balance: String,
    pub past_due: String,
    pub is_past_due: bool,
    pub days_past_due: i64,
    pub buckets: Vec<Bucket>,
    pub items: Vec<Item>,
}

/// A column of the aging, and its part of the bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    pub heading: String,
    pub amount: String,
    pub is_zero: bool,
    /// Where the bar's part begins and how wide it is, in thousandths.
    pub x: i64,
    pub width: i64,
    /// The how manieth color, darker with age.
    pub shade: usize,
}

/// An open item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    pub service: String,
    pub kind: String,
    pub billed_on: String,
    pub due_on: String,
    /// Zero or less while it is not past due.
    pub days: i64,
    pub amount: String,
    pub open: String,
}

impl Owing {
    /// Of a snapshot, on a day, by the policy's buckets.
    pub fn of(snapshot: &Snapshot, on: Day, limits: &BucketLimits, de_minimis: Cents) -> Self {
        let amounts = limits.fill(&snapshot.items, snapshot.unapplied, on);
        let past_due = arrears::past_due(&snapshot.items, on, de_minimis);
        Self {
            as_of: words::day(on),
            balance: snapshot.balance().to_string(),
            past_due: past_due.to_string(),
            is_past_due: past_due.is_positive(),
            days_past_due: arrears::oldest_days_past_due(&snapshot.items, on, de_minimis),
            buckets: buckets(&limits.headings(), &amounts),
            items: snapshot
                .items
                .iter()
                .map(|item| Item {
                    service: words::plain(item.service.word()),
                    kind: words::plain(item.kind.word()),
                    billed_on: words::day(item.billed_on),
                    due_on: words::day(item.due_on),
                    days: arrears::days_past_due(item, on),
                    amount: item.amount.to_string(),
                    open: item.open.to_string(),
                })
                .collect(),
        }
    }
}

/// The bar shows debts only; credit stands in the table. Widths are cut off below, so that they never exceed the whole.
fn buckets(headings: &[String], amounts: &[Cents]) -> Vec<Bucket> {
    let whole: i64 = amounts.iter().filter(|amount| amount.is_positive()).map(|amount| amount.get()).sum();
    let mut from = 0;
    headings
        .iter()
        .zip(amounts)
        .enumerate()
        .map(|(shade, (heading, amount))| {
            let upto = from + amount.get().max(0);
            let thousandth =
                |cents: i64| i64::try_from(i128::from(cents) * 1_000 / i128::from(whole.max(1))).unwrap_or(0);
            let x = thousandth(from);
            let width = thousandth(upto) - x;
            from = upto;
            let heading = heading.replace('-', "–");
            Bucket { heading, amount: amount.to_string(), is_zero: amount.is_zero(), x, width, shade }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_filled_by_debts_in_their_proportion_and_credit_is_left_to_the_table() {
        let headings = BucketLimits(vec![30]).headings();
        let amounts = [Cents::new(25_00), Cents::new(50_00), Cents::new(25_00), Cents::new(-10_00)];
        let bar = buckets(&headings, &amounts);
        let parts: Vec<(i64, i64)> = bar.iter().map(|bucket| (bucket.x, bucket.width)).collect();
        assert_eq!(parts, [(0, 250), (250, 500), (750, 250), (1_000, 0)]);
        assert_eq!(bar[1].heading, "1–30");
        assert_eq!(bar[3].amount, "-$10.00");
    }

    #[test]
    fn an_account_that_owes_nothing_has_an_empty_bar() {
        let bar = buckets(&["Not due".to_owned()], &[Cents::ZERO]);
        assert_eq!((bar[0].x, bar[0].width, bar[0].is_zero), (0, 0, true));
    }
}
