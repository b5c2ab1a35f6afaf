//! Seals as they are kept.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::evidence::Span;

/// A seal over what came into log and ledger since the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seal {
    pub id: i64,
    /// What it was made after: `night of 2026-05-20`, `import`, `backup`.
    pub why: String,
    pub made_at: DateTime<Utc>,
    /// The last line and the last entry that it covers.
    pub through: Span,
    pub lines: u64,
    pub entries: u64,
    /// The root of the seal before.
    pub previous: String,
    /// What a city keeps elsewhere.
    pub root: String,
}
