//! A run guards its own size: what would touch far more accounts than ever before, or accounts that owe nothing,
//! stops for the lead before anything leaves the building.
//!
//! A wrong due date in an import or a policy adopted in haste shows here first.

use serde::{Deserialize, Serialize};

/// When a batch is too large.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRules {
    /// More than this many times the largest of earlier batches stops.
    pub times: u32,
    /// A batch of this size or less never stops for its size.
    pub always_allowed: u64,
    /// Fewer earlier batches than this say nothing about what is usual.
    pub least_history: usize,
    /// Until then, more accounts than this stop.
    pub first_most: u64,
}

impl Default for BatchRules {
    fn default() -> Self {
        Self { times: 3, always_allowed: 50, least_history: 5, first_most: u64::MAX }
    }
}

/// Why a batch waits for the lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    #[error(
        "{accounts} {what} in one run, when no earlier one had more than {largest}: look at a few (`arrears simulate` shows them), then release them or correct the cause"
    )]
    FarLarger { what: String, accounts: u64, largest: u64 },
    #[error(
        "{accounts} {what} in one run, and too few nights were run to say what is usual: look at a few (`arrears simulate` shows them), then release them or correct the cause"
    )]
    FirstNights { what: String, accounts: u64 },
    #[error("{what} of {accounts} accounts that owe nothing: correct the cause; these are not to be released")]
    OwesNothing { what: String, accounts: u64 },
}

/// Lets a batch pass, or stops it.
///
/// `what` names it (`notices`, `shut-off orders`); `accounts` is how many it would touch, `owing_nothing` how many of
/// those owe nothing; `history` are the sizes of earlier batches of the kind, days without any left out. The largest
/// is the measure, for a city that bills once a month has one large day and many small ones.
///
/// # Errors
/// The [`Stop`] that the lead reads.
pub fn batch_guard(
    what: &str,
    accounts: u64,
    owing_nothing: u64,
    history: &[u64],
    rules: BatchRules,
) -> Result<(), Stop> {
    if owing_nothing > 0 {
        return Err(Stop::OwesNothing { what: what.to_owned(), accounts: owing_nothing });
    }
    if accounts <= rules.always_allowed {
        return Ok(());
    }
    let Some(largest) = history.iter().copied().max().filter(|_| history.len() >= rules.least_history) else {
        return if accounts > rules.first_most {
            Err(Stop::FirstNights { what: what.to_owned(), accounts })
        } else {
            Ok(())
        };
    };
    if accounts > largest.saturating_mul(u64::from(rules.times)) {
        return Err(Stop::FarLarger { what: what.to_owned(), accounts, largest });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: [u64; 6] = [12, 40, 9, 310, 15, 22];

    fn guard(accounts: u64, owing_nothing: u64, history: &[u64]) -> Result<(), Stop> {
        batch_guard("notices", accounts, owing_nothing, history, BatchRules::default())
    }

    #[test]
    fn the_monthly_large_day_passes_and_three_times_as_many_stops() {
        assert_eq!(guard(400, 0, &HISTORY), Ok(()));
        assert_eq!(guard(930, 0, &HISTORY), Ok(()));
        let stop = guard(931, 0, &HISTORY).unwrap_err();
        assert_eq!(stop, Stop::FarLarger { what: "notices".into(), accounts: 931, largest: 310 });
        assert!(stop.to_string().starts_with("931 notices in one run, when no earlier one had more than 310"));
    }

    #[test]
    fn a_small_city_and_a_first_week_are_left_alone() {
        assert_eq!(guard(50, 0, &[1, 1, 1, 1, 1]), Ok(()));
        assert_eq!(guard(5_000, 0, &[1, 1, 1, 1]), Ok(()));
    }

    #[test]
    fn a_first_night_that_touches_more_than_a_share_of_the_city_stops() {
        let rules = BatchRules { first_most: 500, ..BatchRules::default() };
        assert_eq!(batch_guard("notices", 500, 0, &[], rules), Ok(()));
        let stop = batch_guard("notices", 501, 0, &[1, 1, 1, 1], rules).unwrap_err();
        assert_eq!(stop, Stop::FirstNights { what: "notices".into(), accounts: 501 });
        assert_eq!(batch_guard("notices", 50, 0, &[], BatchRules { first_most: 5, ..rules }), Ok(()), "a village");
    }

    #[test]
    fn one_account_that_owes_nothing_stops_the_batch() {
        assert!(matches!(guard(10, 1, &HISTORY), Err(Stop::OwesNothing { accounts: 1, .. })));
    }
}
