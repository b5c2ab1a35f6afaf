//! Referral: the decision to send a debt out, its placement, and what comes back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::words;
use super::day::Day;
use super::ids::{AccountId, ItemId, ReferralId};
use super::money::Cents;
use super::person::Override;
use super::placement::Placement;

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

    /// Whether a debt that time bars goes there only for a reason that a person gives: it is sued upon there, or collected as if
    /// it could be, which the law on collection does not let an agency say (15 USC 1692e; California Civil Code 1788.14(d)).
    /// A lien, the tax roll and setoff have times of their own.
    #[must_use]
    pub const fn asks_whether_time_bars(self) -> bool {
        match self {
            Self::Attorney | Self::SmallClaims | Self::Agency => true,
            Self::Lien | Self::TaxRoll | Self::Setoff => false,
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
        /// The city took it back.
        Recalled = "recalled",
        /// The destination gave it back.
        Returned = "returned",
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
    /// The debts that it is about; empty in what was proposed before this was kept.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub items: BTreeSet<ItemId>,
    pub approved_by: Option<String>,
    pub approved_on: Option<Day>,
    pub placed_on: Option<Day>,
    pub cause: Option<String>,
    /// A person's decision to send debts whose limitation has passed to a court.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limitation_override: Option<Override>,
    /// What is out, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}
