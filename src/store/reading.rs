//! One state of the whole record, read page by page beside whoever writes on: what `arrears doctor` looks at.
//!
//! Pages follow one another by the last number of the page before; the first is behind 0.

use chrono::{DateTime, Utc};

use super::{
    FeeExport, KeptBooks, KeptDocument, KeptLine, KeptWork, LedgerRules, LeftBehind, PostedDeposit, PostedMatch,
    PostedTransfer, ReferralExport, Result, Seal, Snapshot, Store, postgres, sqlite,
};
use crate::domain::call::CallAttempt;
use crate::domain::evidence::Span;
use crate::domain::field_order::FieldOrder;
use crate::domain::notice::{Notice, PrintBatch};
use crate::domain::placement::ReportLine;
use crate::domain::referral::Referral;
use crate::domain::{AccountId, Day, Entry};

/// A reading, for as long as it is held. On SQLite the log of changes grows until then.
pub enum Reading {
    Sqlite(sqlite::backend::Reading),
    Postgres(postgres::backend::Reading),
}

impl Store {
    /// Begins a reading.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reading(&self) -> Result<Reading> {
        Ok(match self {
            Self::Sqlite(db) => Reading::Sqlite(db.reading().await?),
            Self::Postgres(db) => Reading::Postgres(db.reading().await?),
        })
    }
}

macro_rules! read_cases {
    ($($(#[$doc:meta])* fn $name:ident(&mut self $(, $arg:ident: $ty:ty)* $(,)?) -> $ret:ty;)+) => {
        impl Reading {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// When the database does not answer, or something in it cannot be read back.
            pub async fn $name(&mut self $(, $arg: $ty)*) -> Result<$ret> {
                match self {
                    Self::Sqlite(db) => db.$name($($arg),*).await,
                    Self::Postgres(db) => db.$name($($arg),*).await,
                }
            }
        )+}
    };
}

read_cases! {
    /// The last line of the log and the last entry of the ledger.
    fn through(&mut self) -> Span;
    /// The log.
    fn lines(&mut self, after: i64, limit: u32) -> Vec<KeptLine>;
    /// Those of them with one of these words.
    fn lines_with(&mut self, words: &[&str], after: i64, limit: u32) -> Vec<KeptLine>;
    /// The hash with which each chain ends, by its account; the city's without one.
    fn chain_heads(&mut self) -> Vec<(Option<AccountId>, String)>;
    /// Seals, oldest first.
    fn all_seals(&mut self) -> Vec<Seal>;
    /// The ledger in the order in which it was posted.
    fn entries_after(&mut self, after: i64, limit: u32) -> Vec<Entry>;
    /// The books, by account.
    fn books(&mut self, after: AccountId, limit: u32) -> Vec<KeptBooks>;
    /// Source and reference of what stands in the ledger more than once, and how often.
    fn doubles(&mut self) -> Vec<(String, String, i64)>;
    /// Unmatched payments that were matched.
    fn posted_matches(&mut self) -> Vec<PostedMatch>;
    /// Every half of a transfer that Arrears posted, with the other.
    fn transfers(&mut self) -> Vec<PostedTransfer>;
    /// All money that lies where debts came from that are open elsewhere.
    fn left_behind(&mut self) -> Vec<LeftBehind>;
    /// Every deposit that Arrears applied, with what was held.
    fn applied_deposits(&mut self) -> Vec<PostedDeposit>;
    /// Kept documents by the number of their use, which comes with each.
    fn documents(&mut self, after: i64, limit: u32) -> Vec<(i64, KeptDocument)>;
    /// Notices.
    fn notices(&mut self, after: i64, limit: u32) -> Vec<Notice>;
    /// An account's notices.
    fn notices_of(&mut self, account: AccountId) -> Vec<Notice>;
    /// Field orders.
    fn orders(&mut self, after: i64, limit: u32) -> Vec<FieldOrder>;
    /// Referrals.
    fn referrals(&mut self, after: i64, limit: u32) -> Vec<Referral>;
    /// All attempts at calls, by account and day.
    fn attempts(&mut self) -> Vec<CallAttempt>;
    /// Print batches.
    fn batches(&mut self) -> Vec<PrintBatch>;
    /// Lists of referrals that went out.
    fn exports(&mut self) -> Vec<ReferralExport>;
    /// Every line that destinations were told, by referral and number.
    fn report_lines(&mut self) -> Vec<ReportLine>;
    /// Lists of fees that went out, oldest first.
    fn fee_exports(&mut self) -> Vec<FeeExport>;
    /// The outbox.
    fn work(&mut self, after: i64, limit: u32) -> Vec<KeptWork>;
    /// Number and instant of the last line with these words in the account's log whose body has `id` under `key`.
    fn line_on(&mut self, account: AccountId, what: &str, key: &str, id: i64) -> Option<(i64, DateTime<Utc>)>;
    /// The account as it was known when a line of the log was written, settled as of a day.
    fn snapshot_at_line(&mut self, account: AccountId, day: Day, line: i64, rules: &LedgerRules) -> Snapshot;
}
