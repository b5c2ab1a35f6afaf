//! What a monitor wants to know of the database.

use chrono::{DateTime, Utc};

use super::{ExceptionKind, WorkKind};

/// Counts over the whole database, without any name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Work by kind and state, and since when the oldest of it has been waiting.
    pub outbox: Vec<(WorkKind, String, u64, Option<DateTime<Utc>>)>,
    /// What stands on the exceptions list, by kind.
    pub exceptions: Vec<(ExceptionKind, u64)>,
    pub database_bytes: u64,
}
