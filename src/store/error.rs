//! What can go wrong with the database, and what the caller should do about it.

use std::fmt;

/// The store's result.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store did not do what it was asked. A variant is a decision of the caller's: wait, give up, or tell a person.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer was in the way: the same call may be made again.
    #[error("the database is busy; the work is tried again ({0})")]
    Busy(String),
    /// No connection was free in time: of a file's one writer, somebody holds it.
    #[error("the database is busy; the work is tried again ({0})")]
    NoConnection(String),
    /// The database's server does not answer: the same call may be made again when it does.
    #[error(
        "cannot reach the database ({0}): see that PostgreSQL runs there and that the address is right (`--database`, \
         ARREARS_DATABASE or `database:` in arrears.yaml); nothing was done, and a daemon goes on by itself when it answers"
    )]
    Unreachable(String),
    /// What was asked contradicts what is recorded. Trying again does not help.
    #[error("{0}")]
    Conflict(String),
    /// A fact came in between the look and the act that rests on it.
    #[error("something came in meanwhile: look at the account and propose again")]
    Stale,
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: String },
    /// A row cannot be read back: someone edited the database by hand, or a disk failed.
    #[error("the database is damaged: {0}; restore the last backup")]
    Corrupt(String),
    /// A newer Arrears wrote this database.
    #[error(
        "the database has version {found} and this Arrears knows versions up to {known}: install the newer Arrears"
    )]
    Newer { found: i64, known: i64 },
    /// The address names no database that Arrears knows.
    #[error("{0} is no database address; write sqlite:path/to/arrears.db or postgres://user@host/name")]
    Address(String),
    /// Anything else that the database said.
    #[error("the database refused: {0}")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    pub(super) fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// Whether the same call may succeed if it is made again in a moment.
    #[must_use]
    pub const fn is_retry(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::NoConnection(_) | Self::Unreachable(_))
    }

    /// An error of a server's database. A pool hides why it could not connect, and says only that no connection came in time;
    /// a server that answers gives one long before.
    pub(super) fn of_server(self) -> Self {
        match self {
            Self::NoConnection(said) => Self::Unreachable(said),
            other => other,
        }
    }
}

/// SQLite: 5 busy, 6 locked. PostgreSQL: class 40 (serialization, deadlock), 55P03 lock not available.
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::NoConnection(error.to_string()),
            sqlx::Error::Io(inner) => Self::Unreachable(inner.to_string()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            sqlx::Error::Database(inner) => {
                let code = inner.code().unwrap_or_default();
                // Class 08: the connection broke; 57P01 to 57P03: the server is being stopped, or starts.
                if code.starts_with("08") || code.starts_with("57P0") && code != "57P04" {
                    return Self::Unreachable(inner.message().to_owned());
                }
                let busy = ["5", "6", "261", "262", "517", "518", "55P03"].contains(&&*code) || code.starts_with("40");
                if busy { Self::Busy(inner.message().to_owned()) } else { Self::Database(error) }
            }
            _ => Self::Database(error),
        }
    }
}
