//! A call's score, part by part, in whole thousandths of a point: the lead sees why one stands before another.

use super::Candidate;
use crate::domain::Day;
use crate::domain::call::ScorePart;
use crate::domain::day::days_between;
use crate::rulebook::policy::CallRules;

/// A shut-off within this many days is soon.
const SOON_DAYS: i64 = 10;

/// The parts that are not zero, in a fixed order; their sum is the score.
pub(super) fn parts(candidate: &Candidate, rules: &CallRules, today: Day) -> Vec<ScorePart> {
    let soon = candidate.shut_off_on.is_some_and(|day| (0..=SOON_DAYS).contains(&days_between(today, day)));
    let thousand = |holds: bool| (if holds { 1_000 } else { 0 }, 1);
    // Each part is its weight times a fraction: thousandths of a point a cent, or a day, or all or nothing.
    let fractions: [(&str, (i64, i64)); 5] = [
        // Points for each $100.00.
        ("amount", (candidate.amount.get().max(0).saturating_mul(1_000), 10_000)),
        // Points for each 30 days.
        ("age", (candidate.days_past_due.max(0).saturating_mul(1_000), 30)),
        ("broken_promise", thousand(candidate.broken_promise)),
        ("shut_off_soon", thousand(soon)),
        ("no_contact", thousand(candidate.no_contact)),
    ];
    fractions
        .into_iter()
        .map(|(name, (times, per))| {
            let weight = rules.weights.get(name).copied().unwrap_or(0);
            ScorePart { name: name.to_owned(), milli: weight.saturating_mul(times) / per }
        })
        .filter(|part| part.milli != 0)
        .collect()
}
