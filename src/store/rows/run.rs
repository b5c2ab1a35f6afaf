//! Runs of business dates, and what a night looks for beyond the accounts that are due.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{AccountId, Cents, Day, PolicyHash, RunId};

/// How a run begins. A business date is run once, whole or resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStart {
    New(RunId),
    /// It was begun and not finished.
    Resumed(RunId),
    AlreadyDone(RunId),
}

/// A run as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    pub id: RunId,
    pub date: Day,
    pub kind: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub summary: Option<Value>,
}

/// An account with facts that nobody has looked at since, and how many it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToLook {
    pub account: AccountId,
    pub facts_seq: i64,
}

/// The last look: through which day, and under which policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub through: Day,
    pub policy: PolicyHash,
}

/// Of which limitations the lead is told: of so many years, so many days ahead, of debts of so much at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitationTerms {
    pub years: u16,
    pub ahead_days: u16,
    pub least: Cents,
}

/// Whose limitations are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among<'a> {
    /// All debts of these accounts.
    Accounts(&'a [AccountId]),
    /// Debts of all accounts that have come near, or passed, since a day on which that was looked at.
    Since(Day),
}
