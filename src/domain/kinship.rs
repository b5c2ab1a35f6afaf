//! Two accounts that may be the same customer's: a debtor who has come back under another number.
//!
//! Nothing follows from a likeness by itself. A person says whether it is the same customer, once for each pair.

use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::Day;
use super::ids::{AccountId, KinshipId};

words! {
    /// What a person said of a pair.
    KinshipState {
        /// Nobody has said anything yet.
        Open = "open",
        /// The same customer.
        Confirmed = "confirmed",
        /// Two customers; nobody is asked again.
        Rejected = "rejected",
    }
}

/// Who says that a pair is one customer's where its own number of the customer is on both.
pub const BILLING_SYSTEM: &str = "the billing system";

/// A pair of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinship {
    pub id: KinshipId,
    /// The account that a file brought.
    pub account: AccountId,
    /// The account on which something is owed, was written off, or was referred.
    pub debtor: AccountId,
    /// What both have in common: `customer C-20417`, `telephone 9165550142`.
    pub matches: Vec<String>,
    pub opened_on: Day,
    pub state: KinshipState,
    pub decided_by: Option<String>,
    pub decided_on: Option<Day>,
    pub reason: Option<String>,
    /// The line of the exceptions list that asks for it.
    pub exception: Option<i64>,
}

impl Kinship {
    /// Whether nobody has to say anything: the billing system's number of the customer says it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.state == KinshipState::Confirmed && self.decided_by.as_deref() == Some(BILLING_SYSTEM)
    }

    /// The other account of the pair.
    #[must_use]
    pub fn other(&self, account: AccountId) -> AccountId {
        if self.account == account { self.debtor } else { self.account }
    }
}
