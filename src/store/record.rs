//! The facade's last part: what was done, what keeps it true, and who did it.

use super::{
    AccountId, DateTime, Day, Document, DocumentHash, Exception, ExceptionKind, LogLine, Restoration, Result, Seal,
    StaffMember, Stamp, Store, Utc, Vitals, WaitingDigest,
};

impl Store {
    /// Copies an SQLite database, as it is at one moment, into a new file while others go on working. False on PostgreSQL,
    /// which has programs of its own for that.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub async fn copy_into(&self, path: &std::path::Path) -> Result<bool> {
        match self {
            Self::Sqlite(db) => db.copy_into(path).await.map(|()| true),
            Self::Postgres(_) => Ok(false),
        }
    }
}

// Log, exceptions, people, documents.
use_cases! {
    /// Seals what has come into log and ledger since the last seal; none where nothing has.
    fn seal(&self, why: &str, stamp: &Stamp) -> Option<Seal>;
    /// Seals, newest first.
    fn seals(&self, limit: u32) -> Vec<Seal>;
    /// Marks the database as restored from a backup: from now on nothing goes out until that is released.
    fn mark_restored(&self, backup_made_at: DateTime<Utc>, stamp: &Stamp) -> ();
    /// The restoration that nobody has released yet.
    fn standstill(&self) -> Option<Restoration>;
    /// Work may go on.
    fn end_standstill(&self, reason: &str, stamp: &Stamp) -> ();
    /// Whether the digest of a business date was made.
    fn has_digest(&self, date: Day) -> bool;
    /// Keeps the digest of a business date, to be sent; one that was made before stays.
    fn add_digest(&self, date: Day, to: &str, message: &Document, stamp: &Stamp) -> ();
    /// Digests that are to be sent by now.
    fn waiting_digests(&self, now: DateTime<Utc>) -> Vec<WaitingDigest>;
    /// The mail server took it.
    fn digest_sent(&self, date: Day, stamp: &Stamp) -> ();
    /// It is tried again then.
    fn digest_waits(&self, date: Day, not_before: DateTime<Utc>, error: &str) -> ();
    /// Counts for a monitor.
    fn vitals(&self) -> Vitals;
    /// The account's log, newest first.
    fn log_of(&self, account: AccountId, limit: u32) -> Vec<LogLine>;
    /// The whole log in its order, after the last of the previous page.
    fn log(&self, after: i64, limit: u32) -> Vec<LogLine>;
    /// Puts something on the exceptions list; the same text that still stands there is not repeated.
    fn open_exception(&self, account: Option<AccountId>, kind: ExceptionKind, text: &str, stamp: &Stamp) -> i64;
    /// Clears a line of the exceptions list; a frozen account is due today. The reason goes into the log.
    fn clear_exception(&self, id: i64, reason: Option<&str>, stamp: &Stamp) -> ();
    /// Clears an account's line where it stands: its cause is gone.
    fn settle_exception(&self, account: AccountId, kind: ExceptionKind, text: &str, stamp: &Stamp) -> ();
    /// Clears all lines of a kind that belong to no account: what they told of is over.
    fn clear_exceptions_of(&self, kind: ExceptionKind, stamp: &Stamp) -> ();
    /// The lines of a kind that stand and belong to no account.
    fn standing_exceptions(&self, kind: ExceptionKind) -> Vec<Exception>;
    /// The lines of a kind that stand, of whatever account.
    fn exceptions_of_kind(&self, kind: ExceptionKind) -> Vec<Exception>;
    /// The exceptions list: what stands, or all.
    fn exceptions(&self, open_only: bool) -> Vec<Exception>;
    /// Adds a person, or changes one; the password's hash only where one is given, and
    /// then the person's sessions end.
    fn put_staff(&self, member: &StaffMember, password_hash: Option<&str>, stamp: &Stamp) -> ();
    /// All people, by name.
    fn staff(&self) -> Vec<StaffMember>;
    /// A person with the password's hash, for logging in.
    fn staff_login(&self, name: &str) -> Option<(StaffMember, Option<String>)>;
    /// Takes a person off the staff, unless nobody would be left who may add people. Gives how many calls are nobody's now.
    fn remove_staff(&self, name: &str, stamp: &Stamp) -> usize;
    /// Opens a session under the hash of its token, and removes those that have expired.
    fn open_session(&self, token_hash: &str, staff: &str, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> ();
    /// Whose session it is, unless it has expired.
    fn session(&self, token_hash: &str, now: DateTime<Utc>) -> Option<StaffMember>;
    /// Ends a session.
    fn close_session(&self, token_hash: &str) -> ();
    /// A kept document.
    fn document(&self, hash: &DocumentHash) -> Option<Document>;
}
