//! How far ahead the rows of a file may be dated.

use serde::{Deserialize, Serialize};

/// Days after the business date on which a file is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Imports {
    /// Charges and adjustments: a bill may be sent before its date.
    pub charges_ahead_days: u16,
    /// Payments and reversals: a post-dated check waits for its day.
    pub payments_ahead_days: u16,
}

impl Default for Imports {
    fn default() -> Self {
        Self { charges_ahead_days: 60, payments_ahead_days: 30 }
    }
}
