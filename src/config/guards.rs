//! When a night, or a file, is so unusual that it waits for a person.

use serde::{Deserialize, Serialize};

use crate::domain::Cents;

/// The limits. Each can be lifted for once by a person, with a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// A night with more than this many times the notices, calls, fees, orders or referrals of the largest night of the last
    /// two months stops. A file with more than this many times the rows of the largest of its kind is asked about.
    pub times: u32,
    /// As many of a kind never stop a night, nor as many rows a file.
    pub always_allowed: u64,
    /// Fewer nights than this say nothing of what is usual.
    pub least_history: usize,
    /// Until then: a night stops that touches more than this share of all accounts.
    pub first_nights_percent: u64,
    /// A night stops where a channel that was loaded once is loaded through a day that lies further back than this; 0: never.
    pub data_days: u16,
    /// A charge, payment or adjustment above this amount is asked about, in cents.
    pub largest_row_cents: i64,
}

impl Guards {
    /// The amount above which a row of a file is asked about.
    #[must_use]
    pub const fn largest_row(&self) -> Cents {
        Cents::new(self.largest_row_cents)
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            times: 3,
            always_allowed: 50,
            least_history: 5,
            first_nights_percent: 25,
            data_days: 5,
            largest_row_cents: 10_000_000,
        }
    }
}
