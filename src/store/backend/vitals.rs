//! Counts for a monitor.

use chrono::{DateTime, Utc};

use super::given::{ExceptionKind, Vitals, WorkKind};
use super::{Backend, DATABASE_BYTES, Result, count, word};

impl Backend {
    pub async fn vitals(&self) -> Result<Vitals> {
        let mut tx = self.read().await?;
        let work: Vec<(String, String, i64, Option<DateTime<Utc>>)> = sqlx::query_as(
            "SELECT kind, state, COUNT(*), MIN(not_before) FROM outbox GROUP BY kind, state ORDER BY kind, state",
        )
        .fetch_all(&mut *tx)
        .await?;
        let exceptions: Vec<(String, i64)> =
            sqlx::query_as("SELECT kind, COUNT(*) FROM exception WHERE cleared_on IS NULL GROUP BY kind ORDER BY kind")
                .fetch_all(&mut *tx)
                .await?;
        let bytes: i64 = sqlx::query_scalar(DATABASE_BYTES).fetch_one(&mut *tx).await?;
        let work = work
            .into_iter()
            .map(|(kind, state, many, oldest)| Ok((word(WorkKind::from_word, &kind)?, state, count(many)?, oldest)));
        let exceptions =
            exceptions.into_iter().map(|(kind, many)| Ok((word(ExceptionKind::from_word, &kind)?, count(many)?)));
        Ok(Vitals {
            outbox: work.collect::<Result<_>>()?,
            exceptions: exceptions.collect::<Result<_>>()?,
            database_bytes: count(bytes)?,
        })
    }
}
