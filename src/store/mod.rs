//! The store: everything that is recorded, on SQLite or on PostgreSQL.
//!
//! [`Store`] is the facade. Each of its methods is one whole use case in one transaction; the list below is the table of
//! contents. One source serves both databases: `backend` is compiled twice, with `Db` as the one or the other, and only
//! the schema and a few phrases of SQL (in `sqlite` and `postgres`) differ.
//!
//! Every date and instant comes in with the call; only leases use the database's clock, so that two machines whose
//! clocks differ agree about them. Deliberately absent: any choice. The store does not decide what follows from a fact; it
//! raises the account's `facts_seq`, makes the account due today, and lets `decide` look.

#[macro_use]
mod use_cases;

mod approvals;
mod books;
mod commit;
mod debts;
mod error;
mod placements;
mod postgres;
mod proceedings;
mod reading;
mod record;
mod rows;
mod search_text;
mod sqlite;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use commit::Commit;
pub use error::{Result, StoreError};
pub use reading::Reading;
pub use rows::*;

use crate::domain::arrangement::{Arrangement, Reinstatement};
use crate::domain::call::{Call, CallAttempt};
use crate::domain::document::Document;
use crate::domain::field_order::{FieldOrder, FinalizeRefusal, OrderState};
use crate::domain::hold::Hold;
use crate::domain::notice::{NewNotice, Notice, NoticeFacts, NoticeState, PrintBatch};
use crate::domain::person::Override;
use crate::domain::promise::Promise;
use crate::domain::proof::Proof;
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{
    AccountId, ArrangementId, BatchId, CallId, Day, DocumentHash, Event, HoldId, NoticeId, OrderId, PolicyHash,
    PromiseId, ProofId, ReferralId, RunId, Snapshot, UnmatchedId,
};
use crate::rulebook::policy::LedgerRules;

/// The database, opened and migrated. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Store {
    Sqlite(sqlite::backend::Backend),
    Postgres(postgres::backend::Backend),
}

impl Store {
    /// Opens `sqlite:path/arrears.db` (made when missing) or `postgres://…`, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a newer Arrears wrote it; [`StoreError::Address`] for any other address.
    pub async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(postgres::open(url).await?))
        } else {
            Ok(Self::Sqlite(sqlite::open(url).await?))
        }
    }

    /// A table or view that stands in a PostgreSQL database already; `None`: it is empty.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn holds_anything(url: &str) -> Result<Option<String>> {
        postgres::holds_anything(url).await
    }

    /// Writes an SQLite file anew, without what was left behind in it (old leases bear the machine's clock), so that the same
    /// history gives the same bytes. Takes a second for 200 MB, and as much room beside it.
    ///
    /// # Errors
    /// When there is no room; the file stays as it was.
    pub async fn compact(&self) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.compact().await,
            Self::Postgres(db) => db.compact().await,
        }
    }

    /// Closes the database when everything under way is done. On SQLite the log of changes is folded into the file,
    /// which then is all there is to copy.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(db) => db.close().await,
        }
    }
}

// Accounts and what is known of them.
use_cases! {
    /// The accounts due for review by `day`, by (next review, account), after the last of the previous page.
    fn due_accounts(&self, day: Day, after: Option<(Day, AccountId)>, limit: u32) -> Vec<(Day, AccountId)>;
    /// Of those due by `day` the ones that have a service shut off, in order of their ids.
    fn due_and_shut_off(&self, day: Day) -> Vec<AccountId>;
    /// All accounts in order of their ids, after the last of the previous page.
    fn account_ids(&self, after: Option<AccountId>, limit: u32) -> Vec<AccountId>;
    /// All that is known of the accounts, in order of their ids. Unknown ids are left out.
    fn snapshots(&self, accounts: &[AccountId]) -> Vec<Snapshot>;
    /// The account as it was known at the instant `known_by`, settled as of `day`.
    fn snapshot_as_of(&self, account: AccountId, day: Day, known_by: DateTime<Utc>, rules: &LedgerRules) -> Snapshot;
    /// What became of the account's record behind the instant, as far as the log has it.
    fn record_since(&self, account: AccountId, known_by: DateTime<Utc>) -> RecordSince;
    /// The account.
    fn account(&self, account: AccountId) -> Account;
    /// The account of that number.
    fn account_by_number(&self, number: &str) -> Option<Account>;
    /// Accounts whose number, name or service address contains the text, by number.
    fn search(&self, text: &str, limit: u32) -> Vec<Account>;
    /// How many accounts there are.
    fn account_count(&self) -> u64;
    /// How much waits for people on `day`.
    fn waiting(&self, day: Day) -> Waiting;
}

// Decisions.
use_cases! {
    /// Writes decisions in one transaction: case, next review, fees, and what the acts order. Those whose account has
    /// learned something since are left out as stale. Outcomes are in the order of `commits`.
    fn commit_decisions(&self, run: Option<RunId>, commits: &[Commit], rules: &LedgerRules, stamp: &Stamp) -> Vec<CommitOutcome>;
    /// Records something that happened to the account, with a note for the log.
    fn record_event(&self, account: AccountId, event: &Event, note: &str, stamp: &Stamp) -> ();
    /// Tasks for people: the open ones, or all.
    fn tasks(&self, open_only: bool) -> Vec<Task>;
    /// Closes a task; gives its account.
    fn close_task(&self, id: i64, stamp: &Stamp) -> AccountId;
}

// Notices.
use_cases! {
    /// Notices in the state, in the order in which they were planned.
    fn notices_in(&self, state: NoticeState, limit: u32) -> Vec<Notice>;
    /// Emails that were sent, and those that came back, newest first: the next `limit` of those planned before that one.
    fn emails_before(&self, notice: Option<NoticeId>, limit: u32) -> Vec<Notice>;
    /// Emails that were sent to one of the addresses, in any case, and have not come back.
    fn emails_to(&self, addresses: &[String]) -> Vec<Notice>;
    /// The account's notices, oldest first.
    fn notices_of(&self, account: AccountId) -> Vec<Notice>;
    /// The pieces of a batch.
    fn notices_of_batch(&self, batch: BatchId) -> Vec<Notice>;
    /// The notice.
    fn notice(&self, id: NoticeId) -> Notice;
    /// The notices with the ids, in the order of their ids; one that there is not is an error.
    fn notices(&self, ids: &[NoticeId]) -> Vec<Notice>;
    /// Releases those of the notices that are planned, and enqueues their rendering. One whose account has learned
    /// something since the second look is left as it is.
    fn release_notices(&self, pieces: &[Permitted<NoticeId>], stamp: &Stamp) -> Carried<NoticeId>;
    /// Restates what planned notices say: their dates and amounts as of the day on which they are released.
    fn restate_notices(&self, restated: &[(NoticeId, NoticeFacts)], stamp: &Stamp) -> ();
    /// Cancels those of the notices that nobody was told of yet. Gives the canceled.
    fn cancel_notices(&self, ids: &[NoticeId], cause: &str, stamp: &Stamp) -> Vec<NoticeId>;
    /// Voids those of the notices that were not mailed: their dates have become too early. The stage is decided anew.
    fn void_notices(&self, ids: &[NoticeId], cause: &str, stamp: &Stamp) -> Vec<NoticeId>;
    /// Keeps the bytes of those of the notices that are still released, with the date that they bear; their work is done.
    /// Emails are enqueued for sending. Gives the kept; a piece whose lease was lost is left to who holds it.
    fn notices_rendered(&self, pieces: &[RenderedPiece], stamp: &Stamp) -> Vec<NoticeId>;
    /// Records a print batch of rendered letters, if none of their accounts has learned anything since the second look.
    fn make_batch(&self, pieces: &[Permitted<NoticeId>], batch: &NewBatch, stamp: &Stamp) -> Whole<BatchId, NoticeId>;
    /// Print batches, newest first.
    fn batches(&self, limit: u32) -> Vec<PrintBatch>;
    /// The print batch.
    fn batch(&self, id: BatchId) -> PrintBatch;
    /// The carrier accepted the pieces on `on`, with proof. Each is served its deemed days later. Gives the mailed.
    fn mark_mailed(&self, pieces: &Pieces, on: Day, proof: &str, stamp: &Stamp) -> Vec<NoticeId>;
    /// A piece came back: its service is void.
    fn mark_returned(&self, id: NoticeId, on: Day, reason: &str, stamp: &Stamp) -> ();
    /// Records that emails go to the mail server now, each with its work still held under this claim and nothing learned
    /// of its account since the second look. Outcomes are in the order of `emails`.
    fn emails_leave(&self, emails: &[(Job, Permitted<NoticeId>)], stamp: &Stamp) -> Vec<Leaving>;
    /// The mail server accepted an email: its work is done, whoever holds it. One that was canceled or voided on its way was sent all the same: it serves
    /// nothing, and stands on the exceptions list.
    fn email_sent(&self, id: NoticeId, on: Day, proof: &str, stamp: &Stamp) -> ();
    /// An email bounced; the letter in its place is planned or released, and the address marked, where it says so.
    fn email_bounced(&self, id: NoticeId, on: Day, bounced: &Bounced, stamp: &Stamp) -> ();
    /// No server takes an email: it failed, its work is over, and what [`Bounced`] says follows. `false`, and nothing, where the
    /// work is no longer this claim's.
    fn email_refused(&self, job: &Job, refused: &Bounced, stamp: &Stamp) -> bool;
    /// An attempt to send an email had no answer: it is tried again, and where it is canceled before it has one the lead is told
    /// that it may have left. False when the lease was lost.
    fn email_unanswered(&self, job: &Job, not_before: DateTime<Utc>, words: &str, stamp: &Stamp) -> bool;
    /// A mail system reported something of an email that changes nothing: it stands in the log alone.
    fn email_reported(&self, id: NoticeId, words: &str, stamp: &Stamp) -> ();
}

// For tests of what finds it.
#[cfg(test)]
use_cases! {
    /// Changes the database behind the program's back.
    fn tampers(&self, statement: &str) -> ();
}

// The outbox.
use_cases! {
    /// Claims up to `limit` pieces of work whose time has come by `now`, for `lease_seconds` of the database's clock.
    fn claim_work(&self, kind: WorkKind, limit: u32, now: DateTime<Utc>, lease_seconds: u32) -> Vec<Job>;
    /// The work is done. False when the lease was lost and another holds it.
    fn complete_work(&self, job: &Job) -> bool;
    /// It shall be tried again. False when the lease was lost.
    fn retry_work(&self, job: &Job, not_before: DateTime<Utc>, error: &str) -> bool;
    /// It waits until then and was not tried: this claim does not count as an attempt. False when the lease was lost.
    fn wait_with_work(&self, job: &Job, not_before: DateTime<Utc>, why: &str) -> bool;
    /// It cannot be done: the notice has failed, and stands with this error on the exceptions list. False when the lease was lost.
    fn fail_work(&self, job: &Job, error: &str, stamp: &Stamp) -> bool;
    /// Takes or renews a lease by name (one daemon runs the day). False while another holds it.
    fn take_lease(&self, name: &str, owner: &str, seconds: u32) -> bool;
    /// Gives a lease back.
    fn drop_lease(&self, name: &str, owner: &str) -> ();
}

// The call list.
use_cases! {
    /// Calls that may stand on the list of `day`: waiting since then or earlier, or left over from an earlier list.
    fn calls_waiting(&self, day: Day) -> Vec<Call>;
    /// The list of `day` in its order.
    fn call_list(&self, day: Day) -> Vec<Call>;
    /// The account's calls, oldest first.
    fn calls_of(&self, account: AccountId) -> Vec<Call>;
    /// The call.
    fn call(&self, id: CallId) -> Call;
    /// Sets the list of `day`: what earlier lists left over and what is not on this one waits again.
    fn set_call_list(&self, day: Day, lines: &[ListedCall], stamp: &Stamp) -> ();
    /// Moves a call to another rank of its list; the others close up.
    fn move_call(&self, id: CallId, rank: u32, stamp: &Stamp) -> ();
    /// Assigns a call to another person, or to nobody.
    fn assign_call(&self, id: CallId, to: Option<&str>, stamp: &Stamp) -> ();
    /// Drops a call with a reason.
    fn drop_call(&self, id: CallId, reason: &str, stamp: &Stamp) -> ();
    /// Releases those calls of the list of `day` whose accounts have learned nothing since the second look. Those withheld
    /// wait again, each with its reason.
    fn release_call_list(&self, day: Day, calls: &[Permitted<CallId>], withheld: &[(CallId, String)], stamp: &Stamp) -> Carried<CallId>;
    /// Records an attempt with what follows it: events, a promise, a hold, an opt-out, another day.
    fn record_attempt(&self, attempt: &CallAttempt, follow: &FollowUp, stamp: &Stamp) -> ();
    /// The account's attempts, oldest first.
    fn attempts_of(&self, account: AccountId) -> Vec<CallAttempt>;
    /// All attempts of the days, both inclusive, for the limits.
    fn attempts_between(&self, from: Day, through: Day) -> Vec<CallAttempt>;
}

// Holds, promises and arrangements.
use_cases! {
    /// Places a hold.
    fn place_hold(&self, account: AccountId, hold: &NewHold, stamp: &Stamp) -> HoldId;
    /// Ends a hold on the stamp's day; from then on it does not hold.
    fn end_hold(&self, id: HoldId, reason: &str, stamp: &Stamp) -> ();
    /// The account's holds, oldest first.
    fn holds_of(&self, account: AccountId) -> Vec<Hold>;
    /// A hold, with its account.
    fn hold(&self, id: HoldId) -> (AccountId, Hold);
    /// The holds of customers who died, also those that have ended.
    fn estates(&self) -> Vec<(AccountId, Hold)>;
    /// The holds in force on `day`.
    fn holds_on(&self, day: Day) -> Vec<(AccountId, Hold)>;
    /// Records what a household has shown.
    fn add_proof(&self, account: AccountId, proof: &NewProof, stamp: &Stamp) -> ProofId;
    /// From the stamp's day on it shows nothing; gives its account.
    fn end_proof(&self, id: ProofId, reason: &str, stamp: &Stamp) -> AccountId;
    /// What the account's household has shown, oldest first.
    fn proofs_of(&self, account: AccountId) -> Vec<Proof>;
    /// Records a promise to pay; it replaces one that is still open. Stale, where a fact came in since it was looked at.
    fn add_promise(&self, account: AccountId, promise: &NewPromise, stamp: &Stamp) -> PromiseId;
    /// Cancels a promise; gives its account.
    fn cancel_promise(&self, id: PromiseId, reason: &str, stamp: &Stamp) -> AccountId;
    /// The account's promises, oldest first.
    fn promises_of(&self, account: AccountId) -> Vec<Promise>;
    /// A promise, with its account.
    fn promise(&self, id: PromiseId) -> (AccountId, Promise);
    /// All promises to be paid between the days, both inclusive.
    fn promises_due(&self, from: Day, through: Day) -> Vec<(AccountId, Promise)>;
    /// Makes an arrangement; money is applied by it from today on. Stale, where a fact came in since it was proposed.
    fn add_arrangement(&self, account: AccountId, plan: &NewArrangement, rules: &LedgerRules, stamp: &Stamp) -> ArrangementId;
    /// Cancels an arrangement from today on.
    fn cancel_arrangement(&self, id: ArrangementId, reason: &str, rules: &LedgerRules, stamp: &Stamp) -> ();
    /// Takes a missed arrangement up again, with a letter of its new dates; notices and tags of its debts that have not left are
    /// withdrawn. Stale, where a fact came in
    /// since it was looked at.
    fn reinstate_arrangement(&self, id: ArrangementId, again: &Reinstatement, letter: &[NewNotice], seen_seq: i64, stamp: &Stamp) -> Withdrawn;
    /// The account's arrangements, oldest first.
    fn arrangements_of(&self, account: AccountId) -> Vec<Arrangement>;
    /// The arrangement and its account.
    fn arrangement(&self, id: ArrangementId) -> (AccountId, Arrangement);
    /// All arrangements that are not canceled.
    fn arrangements(&self) -> Vec<(AccountId, Arrangement)>;
}

// Field orders.
use_cases! {
    /// Field orders, all or in one state, for all days or one, in order of day and id.
    fn field_orders(&self, state: Option<OrderState>, for_day: Option<Day>) -> Vec<FieldOrder>;
    /// The account's orders, oldest first.
    fn orders_of(&self, account: AccountId) -> Vec<FieldOrder>;
    /// The order.
    fn order(&self, id: OrderId) -> FieldOrder;
    /// Approves those of the orders that are prepared. One whose account has learned something since the second look is
    /// left as it is, here and in the two steps that follow.
    fn approve_orders(&self, orders: &[Permitted<OrderId>], stamp: &Stamp) -> Carried<OrderId>;
    /// Finalizes the orders that passed all checks again, and cancels those refused with the reason. A refusal of the
    /// whole list (a channel is not loaded) is not for here: the orders stay approved until it is loaded. `unmatched` is the
    /// last open payment without an account that the checks knew of: where another has come in, none is finalized.
    fn finalize_orders(&self, passed: &[Permitted<OrderId>], refused: &[(OrderId, FinalizeRefusal)], unmatched: UnmatchedId, stamp: &Stamp) -> Carried<OrderId>;
    /// Gives finalized shut-offs and approved restorations and tags to a crew; no shut-off where another open payment
    /// without an account has come in than those that the checks knew of.
    fn dispatch_orders(&self, orders: &[Permitted<OrderId>], unmatched: UnmatchedId, crew: &str, stamp: &Stamp) -> Carried<OrderId>;
    /// Puts the orders of days before `day` that a crew has, and of which it has not said what came of them, on the
    /// exceptions list, each once; gives their number. The line is cleared with the result.
    fn report_missing_results(&self, day: Day, stamp: &Stamp) -> u64;
    /// Records what the crew brings back.
    fn record_order_result(&self, id: OrderId, result: &CrewResult, rules: &LedgerRules, stamp: &Stamp) -> ();
    /// Cancels an order that the crew has not done.
    fn cancel_order(&self, id: OrderId, cause: &str, stamp: &Stamp) -> ();
    /// Orders a service that is off to be turned on; refused where it is not off or the order stands.
    fn order_restoration(&self, order: &FieldOrder, reason: &str, stamp: &Stamp) -> OrderId;
    /// What is shut off now, in order of accounts.
    fn shut_offs(&self) -> Vec<ShutOff>;
}

// Referrals.
use_cases! {
    /// Referrals, all or in one state, in the order of their proposal.
    fn referrals(&self, state: Option<ReferralState>) -> Vec<Referral>;
    /// The account's referrals, oldest first.
    fn referrals_of(&self, account: AccountId) -> Vec<Referral>;
    /// The referral.
    fn referral(&self, id: ReferralId) -> Referral;
    /// Approves a candidate, unless its account has learned something since the second look. Where debts are barred by
    /// time, somebody has said why they are sued upon nevertheless.
    fn approve_referral(&self, referral: &Permitted<ReferralId>, over_limitation: Option<&Override>, stamp: &Stamp) -> Carried<ReferralId>;
    /// Declines a candidate with a reason.
    fn decline_referral(&self, id: ReferralId, reason: &str, stamp: &Stamp) -> ();
    /// Records a list that goes out with its files, and places the approved referrals that stand on it, in one. It gets
    /// the next number of its destination and day. Its files can be written from now on, and written again. Nothing is
    /// recorded where one of the accounts has learned something since the second look.
    fn make_export(&self, export: &NewExport, referrals: &[Permitted<ReferralId>], stamp: &Stamp) -> Whole<ReferralExport, ReferralId>;
    /// Lists that went out, newest first.
    fn exports(&self, limit: u32) -> Vec<ReferralExport>;
    /// Lists whose files were not written yet, oldest first.
    fn unwritten_exports(&self) -> Vec<ReferralExport>;
    /// All files of a list are written.
    fn export_written(&self, name: &str, stamp: &Stamp) -> ();
    /// Calls a placed or approved referral back with a reason.
    fn recall_referral(&self, id: ReferralId, reason: &str, stamp: &Stamp) -> ();
}

// Policies and runs.
use_cases! {
    /// Adopts a policy from its effective date on; the same text again changes only that date, and the log says who did.
    /// Wakes all accounts then.
    fn adopt_policy(&self, policy: &AdoptedPolicy, stamp: &Stamp) -> ();
    /// The policy in force on `day`: the one effective last, of those the one adopted last.
    fn policy_on(&self, day: Day) -> Option<AdoptedPolicy>;
    /// The hash of that policy, for those who have read its text already.
    fn policy_in_force(&self, day: Day) -> Option<PolicyHash>;
    /// An adopted policy by its hash.
    fn policy(&self, hash: &PolicyHash) -> Option<AdoptedPolicy>;
    /// All adopted policies, by effective date.
    fn policies(&self) -> Vec<AdoptedPolicy>;
    /// Begins, resumes or refuses the run of a business date.
    fn begin_run(&self, date: Day, kind: &str, stamp: &Stamp) -> RunStart;
    /// Marks a run as done.
    fn finish_run(&self, id: RunId, summary: &Value, stamp: &Stamp) -> ();
    /// Records why an unfinished run goes on although it was held; it bears that as its summary until it is finished.
    fn release_run(&self, id: RunId, released: &Value, stamp: &Stamp) -> ();
    /// Accounts with facts since they were looked at last, or all; in order of their ids, after the last of the previous page.
    fn to_look(&self, all: bool, after: Option<AccountId>, limit: u32) -> Vec<ToLook>;
    /// Marks accounts as looked at, with what was known of them; `again`: to be looked at with the next night all the same.
    fn looked(&self, at: &[ToLook], again: &[AccountId]) -> ();
    /// The last look of a night; `None` before the first.
    fn watched(&self) -> Option<Watched>;
    /// Records a night's look.
    fn put_watched(&self, watched: &Watched) -> ();
    /// Accounts that have ended, or will, with an open debt that was due within these days.
    fn left_owing(&self, from: Day, through: Day) -> Vec<AccountId>;
    /// The last business date whose run of the kind was finished.
    fn last_finished(&self, kind: &str) -> Option<Day>;
    /// The notices that a run has planned and of which nobody was told yet.
    fn notices_of_run(&self, run: RunId) -> Vec<NoticeId>;
    /// Runs, newest first.
    fn runs(&self, limit: u32) -> Vec<RunRecord>;
}
