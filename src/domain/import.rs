//! What a file brings in, between its text (`ingest`) and the books (`store`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::account::{Profile, Service, words};
use super::balance::{BalanceCounts, NewBalance};
use super::day::Day;
use super::deposit::NewDeposit;
use super::ids::{AccountNumber, DocumentHash, EntryId, ReferralId};
use super::ledger::{EntryKind, PaymentChannel};
use super::money::Cents;
use super::placement::NewReturn;
use super::referral::ReferralState;

words! {
    /// The kinds of files.
    FileKind {
        Accounts = "accounts",
        Charges = "charges",
        Payments = "payments",
        Adjustments = "adjustments",
        Reversals = "reversals",
        /// What the billing system says that each account owes.
        Balances = "balances",
        /// What the city holds until service ends.
        Deposits = "deposits",
        /// Debts that a destination gives back.
        Returns = "returns",
    }
}

/// A file that was read without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFile {
    /// The file's name without its folder.
    pub name: String,
    /// Of the file's bytes, and of the mapping by which they were read.
    pub hash: DocumentHash,
    /// Of its bytes alone.
    pub content: DocumentHash,
    pub kind: FileKind,
    /// Our columns that it has.
    pub columns: BTreeSet<String>,
    pub rows: ImportRows,
    /// Control records: payments of the channel are complete through the day.
    pub loaded_through: Vec<(PaymentChannel, Day)>,
}

/// The rows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportRows {
    /// With their line numbers, from 1.
    Accounts(Vec<(u32, Profile)>),
    Entries(Vec<NewEntry>),
    Balances(Vec<NewBalance>),
    Deposits(Vec<NewDeposit>),
    Returns(Vec<NewReturn>),
}

impl ImportRows {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Accounts(rows) => rows.len(),
            Self::Entries(rows) => rows.len(),
            Self::Balances(rows) => rows.len(),
            Self::Deposits(rows) => rows.len(),
            Self::Returns(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A ledger entry as a file gives it: accounts and other entries by number and reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEntry {
    /// The line in its file, from 1.
    pub line: u32,
    pub account: AccountNumber,
    pub service: Service,
    pub kind: EntryKind,
    /// The signed effect on the balance; a reversal's is filled in from the entry that it undoes.
    pub amount: Cents,
    pub effective_on: Day,
    /// Charges: given, or left to the policy's ledger rule.
    pub due_on: Option<Day>,
    pub printed: BTreeMap<String, Day>,
    pub channel: Option<PaymentChannel>,
    /// A designated payment: the reference of the debt.
    pub designated_reference: Option<String>,
    pub designated_service: Option<Service>,
    /// A reversal: the source and reference of the entry that it undoes.
    pub reverses: Option<(String, String)>,
    pub source: String,
    pub reference: String,
    /// The reference of an entry of Arrears' own which this row brings back under the billing system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrears_reference: Option<String>,
    pub memo: String,
}

/// What an import did. Nothing is lost: every row is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOutcome {
    pub file: String,
    pub rows: u32,
    /// Rows that were new.
    pub added: u32,
    /// Accounts whose record differs from before.
    pub updated: u32,
    /// Whether the log has what the file changed of the accounts' records; older ones were taken before it kept that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes_kept: bool,
    /// Rows that were known already.
    pub unchanged: u32,
    /// Payments that match no account; they are on the unmatched list.
    pub unmatched: u32,
    /// Returns of payments that were on the unmatched list; they are off it.
    #[serde(default)]
    pub returned: u32,
    /// Reversed bills under an arrangement that goes on with the bill which came in their place.
    #[serde(default)]
    pub carried: u32,
    /// Reversed bills under an arrangement in whose place nothing has come: each is on the exceptions list.
    #[serde(default)]
    pub awaited: u32,
    /// Entries of Arrears' own that came back under the billing system's reference: they are not counted again.
    #[serde(default)]
    pub taken_over: u32,
    /// The sum of the amounts that were added.
    pub added_amount: Cents,
    /// The hash of the file's bytes alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<DocumentHash>,
    /// Our columns that it had.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// Rows that were taken, or known already, and that somebody is to look at: sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// What a file of balances showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balances: Option<BalanceCounts>,
}

/// Why the books refuse a file that could be read. The whole file is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RowRefusal {
    #[error("account {account} is not known: import its record first")]
    UnknownAccount { account: AccountNumber },
    #[error(
        "{reference} of {source_id} was imported before as {before}, and this file says {now}: correct the file, or reverse the first one"
    )]
    Conflict { source_id: String, reference: String, before: String, now: String },
    #[error("{reference} of {source_id}, which this row reverses, is not known: import it first")]
    UnknownOriginal { source_id: String, reference: String },
    #[error("{reference} of {source_id} is reversed already")]
    AlreadyReversed { source_id: String, reference: String },
    #[error("{reference} of {source_id}, which this row reverses, is of {on}: expected that day or a later one")]
    ReversedBefore { source_id: String, reference: String, on: Day, reversed_on: Day },
    #[error(
        "this payment was posted here, at the counter: where the bank returned it, leave its file in inbox/; where it was \
         posted by mistake, take the row out, and undo it with `arrears payments void {reference}`"
    )]
    CounterPayment { reference: String },
    #[error(
        "{reference} is no entry of Arrears' own: expected a reference as `arrears fee export` wrote it, like ARR-1042. One that was \
         given between a backup and its restoration is not known here: put the one in that `arrears fee waiting` shows"
    )]
    UnknownOwn { reference: String },
    #[error(
        "{reference} of Arrears is {ours}, and this row brings it back as {theirs}: correct it in the billing system"
    )]
    OwnDiffers { reference: String, ours: String, theirs: String },
    #[error(
        "{reference} of Arrears came back before as {before}, and this row brings it back again: take one of the two out"
    )]
    OwnTwice { reference: String, before: String },
    #[error(
        "{reference} of {source_id} stands in the books as a debt of its own, and this row says that it is {own} of Arrears: it is \
         counted twice. Import a reversal of {reference} first, then this file again"
    )]
    CountedTwice { source_id: String, reference: String, own: String },
    #[error("this is a fee of Arrears' own: take the row out, and undo it with `arrears fee waive {account} {entry}`")]
    OwnFee { reference: String, account: AccountNumber, entry: EntryId },
    #[error("there is no referral {referral}: expected the number that the list gives it")]
    UnknownReferral { referral: ReferralId },
    #[error("referral {referral} is {state}, and only a debt that is out comes back")]
    NotOut { referral: ReferralId, state: ReferralState },
    #[error("referral {referral} was placed on {placed}, later than it came back")]
    BackBefore { referral: ReferralId, placed: Day },
    #[error("{reference}, to which this payment is designated, is not a debt of account {account}")]
    UnknownDesignation { reference: String, account: AccountNumber },
}

impl RowRefusal {
    /// The column and the value that the books refuse, where it is one alone.
    #[must_use]
    pub fn place(&self) -> Option<(&'static str, String)> {
        match self {
            Self::ReversedBefore { reversed_on, .. } => Some(("reversed_on", reversed_on.to_string())),
            Self::CounterPayment { reference } | Self::OwnFee { reference, .. } => {
                Some(("reverses_reference", reference.clone()))
            }
            Self::UnknownOwn { reference } | Self::OwnDiffers { reference, .. } | Self::OwnTwice { reference, .. } => {
                Some(("arrears_reference", reference.clone()))
            }
            Self::CountedTwice { reference, .. } => Some(("reference", reference.clone())),
            Self::UnknownReferral { referral } | Self::NotOut { referral, .. } => {
                Some(("referral", referral.to_string()))
            }
            Self::UnknownAccount { .. }
            | Self::Conflict { .. }
            | Self::UnknownOriginal { .. }
            | Self::AlreadyReversed { .. }
            | Self::BackBefore { .. }
            | Self::UnknownDesignation { .. } => None,
        }
    }
}

/// A refused row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    pub line: u32,
    pub refusal: RowRefusal,
}

/// A payment that matched no account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedPayment {
    pub id: super::ids::UnmatchedId,
    pub file: String,
    pub row: NewEntry,
    pub state: UnmatchedState,
    pub decided_by: Option<String>,
    /// Set once it came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnedBy>,
}

/// The reversal that took an unmatched payment back. It is posted with the payment, should its account be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnedBy {
    pub on: Day,
    pub source: String,
    pub reference: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub memo: String,
}

impl ReturnedBy {
    /// As the reversal's row says it.
    #[must_use]
    pub fn of(row: &NewEntry) -> Self {
        let (source, reference) = (row.source.clone(), row.reference.clone());
        Self { on: row.effective_on, source, reference, memo: row.memo.clone() }
    }

    /// Whether the row is that reversal.
    #[must_use]
    pub fn is(&self, row: &NewEntry) -> bool {
        (self.on, &self.source, &self.reference) == (row.effective_on, &row.source, &row.reference)
    }
}

words! {
    /// What has become of an unmatched payment.
    UnmatchedState {
        Open = "open",
        Matched = "matched",
        /// A person says that it is nobody's here.
        Rejected = "rejected",
        /// It came back before its account was found.
        Returned = "returned",
    }
}
