//! A database that was restored from a backup.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// A restoration, and who said that work may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restoration {
    pub id: i64,
    pub backup_made_at: DateTime<Utc>,
    pub restored_at: DateTime<Utc>,
    pub released_by: Option<String>,
    pub reason: Option<String>,
}
