//! What the store takes and gives besides the domain's own nouns.

mod bounced;
mod digest;
mod exception;
mod export;
mod permitted;
mod placement;
mod proceeding;
mod reading;
mod restoration;
mod run;
mod seal;
mod signature;
mod vitals;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use bounced::*;
pub use digest::*;
pub use exception::*;
pub use export::*;
pub use permitted::*;
pub use placement::*;
pub use proceeding::*;
pub use reading::*;
pub use restoration::*;
pub use run::*;
pub use seal::*;
pub use signature::*;
pub use vitals::*;

use crate::domain::account::words;
use crate::domain::arrangement::{Installment, Overridden, Taken};
use crate::domain::call::ScorePart;
use crate::domain::document::Document;
use crate::domain::hold::{Estate, HoldKind};
use crate::domain::import::{FileKind, ImportOutcome, RefusedRow};
use crate::domain::notice::NewNotice;
use crate::domain::proof::ProofKind;
use crate::domain::{
    AccountId, AccountNumber, Actor, BatchId, CallId, Cents, Day, DocumentHash, ItemId, Language, NoticeId, OpenItem,
    PolicyHash, Profile, Role, RunId, Service,
};

/// Who acts, on which business date and at which instant: every change bears it into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub by: Actor,
    /// The business date.
    pub on: Day,
    pub at: DateTime<Utc>,
}

/// What became of a file. It is taken whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportResult {
    Done(ImportOutcome),
    /// These very bytes were taken before; nothing was changed. The outcome is that of the first time.
    AlreadyImported(ImportOutcome),
    /// Nothing was changed; every row that stands against it, in the order of the lines.
    Refused(Vec<RefusedRow>),
}

/// A file that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRecord {
    pub hash: DocumentHash,
    pub name: String,
    pub kind: FileKind,
    pub outcome: ImportOutcome,
    pub imported_at: DateTime<Utc>,
}

/// An account without its money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub profile: Profile,
}

/// An account's open items, for reports over all accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountItems {
    pub account: AccountId,
    pub number: AccountNumber,
    pub customer_name: String,
    /// Oldest due first.
    pub items: Vec<OpenItem>,
    pub unapplied: Cents,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    Committed,
    /// A new fact came between; nothing of the decision was written and the account is due again.
    Stale,
}

/// A print batch about to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBatch {
    pub sheets: u32,
    /// Relative to the data directory.
    pub path: String,
    /// Of the batch's file.
    pub document: DocumentHash,
}

/// What the carrier accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pieces {
    Batch(BatchId),
    Single(Vec<NoticeId>),
}

/// Work that waits in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    RenderNotice(NoticeId),
    SendEmail(NoticeId),
}

words! {
    /// The kinds of work, so that a worker can ask for its own.
    WorkKind {
        RenderNotice = "render_notice",
        SendEmail = "send_email",
    }
}

impl Work {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> WorkKind {
        match self {
            Self::RenderNotice(_) => WorkKind::RenderNotice,
            Self::SendEmail(_) => WorkKind::SendEmail,
        }
    }

    /// The notice on which it is done.
    #[must_use]
    pub const fn notice(&self) -> NoticeId {
        match self {
            Self::RenderNotice(notice) | Self::SendEmail(notice) => *notice,
        }
    }

    /// Unique among all work: the same work enqueued twice stands once.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::RenderNotice(notice) => format!("render_notice/{notice}"),
            Self::SendEmail(notice) => format!("send_email/{notice}"),
        }
    }
}

/// Work that is claimed. Who claims it once the lease has run out holds a higher token, and this claim completes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub account: AccountId,
    pub work: Work,
    pub token: i64,
    /// This one included.
    pub attempts: u32,
}

/// A rendered notice: the work that it was, the bytes, and the date that they bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedPiece {
    pub job: Job,
    pub document: Document,
    pub dated: Day,
}

/// One line of a call list about to be set.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedCall {
    pub call: CallId,
    /// From 1.
    pub rank: u32,
    pub score_milli: i64,
    pub score: Vec<ScorePart>,
    pub assigned_to: Option<String>,
    pub amount: Cents,
    pub days_past_due: i64,
}

/// What follows an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    pub next: CallNext,
    pub promise: Option<NewPromise>,
    pub hold: Option<NewHold>,
}

/// Whether the call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallNext {
    Done,
    /// It waits again, from the day on.
    Again(Day),
}

/// What a household shows; who recorded it and when come with the stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProof {
    pub kind: ProofKind,
    pub evidence: String,
    pub from: Day,
    pub through: Option<Day>,
}

/// A hold about to be placed; who and when come with the stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    pub kind: HoldKind,
    pub from: Day,
    /// Inclusive; `None` until decided.
    pub through: Option<Day>,
    /// Empty for the whole account.
    pub items: Vec<ItemId>,
    pub stops_clock: bool,
    pub reason: String,
    /// Of a customer who died.
    pub estate: Option<Estate>,
}

/// A promise about to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPromise {
    /// The `facts_seq` of the snapshot by which it was taken.
    pub seen_seq: i64,
    pub amount: Cents,
    pub pay_by: Day,
    pub grace_days: u16,
}

/// An arrangement about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewArrangement {
    /// The `facts_seq` of the snapshot from which it was proposed.
    pub seen_seq: i64,
    pub covers: Vec<ItemId>,
    /// In order of their due dates.
    pub installments: Vec<Installment>,
    pub grace_days: u16,
    pub note: String,
    /// What has been taken of the down payment.
    pub taken: Option<Taken>,
    /// Limits of the policy that do not stand against it, for a person said so.
    pub overridden: Option<Overridden>,
    /// The pieces of the letter that confirms it.
    pub letter: Vec<NewNotice>,
}

/// What a crew brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrewResult {
    pub done: bool,
    pub on: Day,
    /// Local time, `HH:MM`.
    pub at: Option<String>,
    pub crew: String,
    pub note: String,
}

/// Money taken at the counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterPayment {
    /// Above zero.
    pub amount: Cents,
    pub received_on: Day,
    /// The receipt's number; unique at the counter.
    pub reference: String,
    pub memo: String,
}

/// A counter payment that was undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidedPayment {
    pub account: AccountId,
    /// Above zero.
    pub amount: Cents,
    /// False when it was voided before.
    pub is_new: bool,
}

/// One file of a policy: the policy itself or a pack that it extends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySource {
    pub path: String,
    pub text: String,
}

/// An adopted policy. Only these act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedPolicy {
    pub hash: PolicyHash,
    pub name: String,
    pub sources: Vec<PolicySource>,
    pub adopted_by: String,
    pub adopted_at: DateTime<Utc>,
    pub effective_on: Day,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub seq: i64,
    pub account: Option<AccountId>,
    pub run: Option<RunId>,
    pub recorded_at: DateTime<Utc>,
    pub actor: Actor,
    /// What was done, in words: `decision`, `notice released`.
    pub what: String,
    pub body: serde_json::Value,
}

/// A person of the division.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    pub name: String,
    pub role: Role,
    pub languages: Vec<Language>,
    /// Calls a day; zero for who makes none.
    pub capacity: u32,
}

/// Something for a person to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: i64,
    pub account: AccountId,
    pub text: String,
    pub role: Role,
    pub opened_on: Day,
    pub closed_by: Option<String>,
    pub closed_on: Option<Day>,
}

/// How much waits for people, for the Today page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub accounts: u64,
    pub open_cases: u64,
    pub notices_to_release: u64,
    pub letters_to_batch: u64,
    pub batches_to_mail: u64,
    pub calls_to_release: u64,
    pub calls_to_make: u64,
    pub orders_to_approve: u64,
    /// Restorations that no crew has yet.
    pub restorations: u64,
    pub orders_to_finalize: u64,
    /// Visits and tags that no crew has yet.
    pub visits_and_tags: u64,
    /// Shut-offs that were finalized and no crew has yet.
    pub orders_to_dispatch: u64,
    pub orders_in_the_field: u64,
    pub referrals_to_approve: u64,
    pub unmatched_payments: u64,
    pub exceptions: u64,
    pub tasks: u64,
    /// Proposals that wait for a second person.
    pub proposals: u64,
    pub work: u64,
}

/// Services that are shut off at an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutOff {
    pub account: AccountId,
    pub service: Service,
    pub since: Day,
}
