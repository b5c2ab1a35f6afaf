//! Referral: the decision to send a debt out, its placement, and what comes back.

use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::Day;
use super::ids::{AccountId, ReferralId};
use super::money::Cents;

words! {
    /// Where a debt is sent.
    Destination {
        Attorney = "attorney",
        SmallClaims = "small_claims",
        Agency = "agency",
        Lien = "lien",
        TaxRoll = "tax_roll",
        Setoff = "setoff",
    }
}

impl Destination {
    /// Whether it reaches the premises, and so nobody but their owner.
    #[must_use]
    pub const fn reaches_property(self) -> bool {
        match self {
            Self::Lien | Self::TaxRoll => true,
            Self::Attorney | Self::SmallClaims | Self::Agency | Self::Setoff => false,
        }
    }
}

words! {
    /// How far a referral has come.
    ReferralState {
        /// The policy proposes it.
        Candidate = "candidate",
        Approved = "approved",
        /// Its packet or line is out.
        Placed = "placed",
        Recalled = "recalled",
        Canceled = "canceled",
        Declined = "declined",
    }
}

/// One referral of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    pub id: ReferralId,
    pub account: AccountId,
    pub act_key: String,
    pub to: Destination,
    pub state: ReferralState,
    pub proposed_on: Day,
    /// The debt at proposal.
    pub amount: Cents,
    pub approved_by: Option<String>,
    pub approved_on: Option<Day>,
    pub placed_on: Option<Day>,
    pub cause: Option<String>,
}
