//! Identifiers: one type each, so that an account's id cannot be taken for an entry's.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}

number_id! {
    /// An account's key in the database, given in the order of import.
    AccountId,
    /// A ledger entry's key; a debt's open item carries the same number.
    EntryId,
    /// A hold's key.
    HoldId,
    /// A promise to pay's key.
    PromiseId,
    /// An arrangement's key.
    ArrangementId,
    /// A notice's key: one piece to one recipient by one channel.
    NoticeId,
    /// A print batch's key.
    BatchId,
    /// A line of the call list.
    CallId,
    /// A field order's key.
    OrderId,
    /// A referral's key.
    ReferralId,
    /// A payment that matched no account.
    UnmatchedId,
    /// A proposal that waits for a second person.
    ProposalId,
    /// A dispute's key.
    DisputeId,
    /// A petition in bankruptcy's key.
    PetitionId,
    /// A deposit that the city holds.
    DepositId,
    /// Two accounts that may be the same customer's.
    KinshipId,
    /// What a household has shown: its key.
    ProofId,
    /// A run of the daemon for one business date.
    RunId,
}

name_id! {
    /// The account number that the customer and the billing system know.
    AccountNumber,
    /// A track's name in its policy.
    TrackId,
    /// A stage's name in its track; stable across versions of the policy.
    StageId,
    /// The name of a notice's wording: a folder under `templates/notices`.
    NoticeName,
    /// The SHA-256 of a policy's text with the packs it extends, in lower-case hex.
    PolicyHash,
    /// The SHA-256 of a document's bytes, in lower-case hex.
    DocumentHash,
}

/// An open item is the debt entry that made it.
pub type ItemId = EntryId;

/// A rule's place in its policy: an index into the policy's origins, which give file, line and citation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub u32);
