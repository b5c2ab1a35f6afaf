//! How far the numbers of facts had gone when something was done: what tells before from behind within one instant.
//!
//! A clock that stands still, as in a trial, or that is coarse, gives a payment and the shut-off before it the same instant. Their
//! numbers are in the order in which they were learned; so a line of the log bears the last ones of its moment.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Conn, Result, sql};

/// Whose rows are facts that a look at an account rests on.
const FACTS: [&str; 8] = ["entry", "event", "hold", "promise", "arrangement", "proof", "dispute", "petition"];

/// The last number of each kind of fact. One that is not told of tells nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Marks(BTreeMap<String, i64>);

impl Marks {
    /// As they are now.
    pub(super) async fn now(conn: &mut Conn) -> Result<Self> {
        let mut marks = BTreeMap::new();
        for fact in FACTS {
            let last: Option<i64> =
                sqlx::query_scalar(sql(format!("SELECT MAX(id) FROM {fact}"))).fetch_one(&mut *conn).await?;
            marks.insert(fact.to_owned(), last.unwrap_or(0));
        }
        Ok(Self(marks))
    }
}

/// When something had to be known: an instant, and within it what a line of the log says of its moment.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub at: DateTime<Utc>,
    /// The line; the last of the instant where none is meant.
    pub line: i64,
    pub marks: Marks,
}

impl Moment {
    /// All of the instant.
    pub(super) fn of(at: DateTime<Utc>) -> Self {
        Self { at, line: i64::MAX, marks: Marks::default() }
    }

    /// Whether the fact was known.
    pub(super) fn has(&self, fact: &str, id: i64, recorded_at: DateTime<Utc>) -> bool {
        let was_there = || self.marks.0.get(fact).is_none_or(|last| id <= *last);
        recorded_at < self.at || recorded_at == self.at && was_there()
    }
}
