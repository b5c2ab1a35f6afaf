//! Digests: made once for a business date, and sent as they were made.

use chrono::{DateTime, Utc};

use super::given::{Stamp, WaitingDigest};
use super::{Backend, Result, StoreError, document};
use crate::domain::Day;
use crate::domain::document::Document;

impl Backend {
    pub async fn has_digest(&self, date: Day) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT attempts FROM digest WHERE business_date = $1")
            .bind(date)
            .fetch_optional(&self.reader)
            .await?;
        Ok(found.is_some())
    }

    pub async fn add_digest(&self, date: Day, to: &str, message: &Document, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        document::keep(&mut tx, message, None, &format!("digest {date}"), stamp).await?;
        sqlx::query(
            "INSERT INTO digest (business_date, sent_to, hash, not_before, attempts) VALUES ($1, $2, $3, $4, 0)
             ON CONFLICT (business_date) DO NOTHING",
        )
        .bind(date)
        .bind(to)
        .bind(message.hash.as_str())
        .bind(stamp.at)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    pub async fn waiting_digests(&self, now: DateTime<Utc>) -> Result<Vec<WaitingDigest>> {
        let found: Vec<(Day, String, String, i64)> = sqlx::query_as(
            "SELECT business_date, sent_to, hash, attempts FROM digest
             WHERE sent_at IS NULL AND not_before <= $1 ORDER BY business_date",
        )
        .bind(now)
        .fetch_all(&self.reader)
        .await?;
        found
            .into_iter()
            .map(|(date, to, hash, attempts)| {
                let attempts = u32::try_from(attempts)
                    .map_err(|_| StoreError::Corrupt(format!("{attempts} attempts at the digest of {date}")))?;
                Ok(WaitingDigest { date, to, document: hash.into(), attempts })
            })
            .collect()
    }

    pub async fn digest_sent(&self, date: Day, stamp: &Stamp) -> Result<()> {
        sqlx::query("UPDATE digest SET sent_at = $2, error = NULL WHERE business_date = $1 AND sent_at IS NULL")
            .bind(date)
            .bind(stamp.at)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    pub async fn digest_waits(&self, date: Day, not_before: DateTime<Utc>, error: &str) -> Result<()> {
        sqlx::query("UPDATE digest SET not_before = $2, attempts = attempts + 1, error = $3 WHERE business_date = $1")
            .bind(date)
            .bind(not_before)
            .bind(error)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
