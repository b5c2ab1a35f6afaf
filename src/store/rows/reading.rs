//! What a reading of the whole record gives, besides the nouns themselves: rows as they are kept, not as they should be.

use chrono::{DateTime, Utc};

use crate::domain::document::Document;
use crate::domain::ledger::{IdleWriteOff, PlanSpan};
use crate::domain::{AccountId, AccountNumber, Cents, Day, Entry, EntryId, NoticeId, OpenItem, RunId};

use super::WorkKind;

/// A line of the log, to the byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLine {
    pub seq: i64,
    pub account: Option<AccountId>,
    pub run: Option<RunId>,
    pub recorded_at: DateTime<Utc>,
    /// JSON.
    pub actor: String,
    pub what: String,
    /// JSON.
    pub body: String,
    pub hash: String,
}

/// The books of one account: the ledger, and what was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBooks {
    pub account: AccountId,
    pub number: AccountNumber,
    /// In order of effective date.
    pub entries: Vec<Entry>,
    pub plans: Vec<PlanSpan>,
    pub items: Vec<OpenItem>,
    /// What petitions stay.
    pub stayed: Vec<OpenItem>,
    pub unapplied: Cents,
    /// What is kept as the sum of the open items.
    pub owed: Cents,
    /// What is left over of write-offs.
    pub idle: Vec<IdleWriteOff>,
    /// The first effective date that does not count yet.
    pub future_on: Option<Day>,
}

/// A kept document, and what it was kept for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDocument {
    /// With the hash under which it is kept.
    pub document: Document,
    pub account: Option<AccountId>,
    pub used_for: String,
}

/// A piece of work of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptWork {
    pub id: i64,
    pub account: AccountId,
    pub kind: WorkKind,
    pub notice: NoticeId,
    /// `ready`, `done`, `failed` or `canceled`.
    pub state: String,
    /// Seconds from the database's own now until the lease runs out; negative or zero when nobody holds it.
    pub leased_for: i64,
    pub attempts: i64,
    pub not_before: DateTime<Utc>,
}

/// A payment that came without a known account and was matched, and how often it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedMatch {
    pub source: String,
    pub reference: String,
    pub posted: i64,
}

/// A half of a transfer that Arrears posted, and the other half where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedTransfer {
    pub account: AccountId,
    pub entry: EntryId,
    pub amount: Cents,
    pub other_account: Option<AccountId>,
    pub other: Option<EntryId>,
    pub other_amount: Option<Cents>,
}

/// Money that pays nothing on an account from which debts went that are open on another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// The number of the account where the money lies.
    pub from: String,
    pub to: AccountId,
    pub left: Cents,
    pub open: Cents,
    /// Whether a line of the exceptions list says so, or a person cleared one that said as much.
    pub is_told: bool,
}

/// A deposit that Arrears applied, and what was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedDeposit {
    pub account: AccountId,
    pub entry: EntryId,
    pub amount: Cents,
    /// Of the deposit that became this credit: its account, and what it was with its interest.
    pub held: Option<(AccountId, Cents)>,
}
