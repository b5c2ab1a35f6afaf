//! Copies of the database, and what stands still after one was restored.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::given::{Restoration, Stamp};
use super::log::{self, NewLine};
use super::{Backend, Result, StoreError};

type Row = (i64, DateTime<Utc>, DateTime<Utc>, Option<String>, Option<String>);

fn restoration((id, backup_made_at, restored_at, released_by, reason): Row) -> Restoration {
    Restoration { id, backup_made_at, restored_at, released_by, reason }
}

impl Backend {
    /// SQLite alone knows the statement.
    pub async fn copy_into(&self, path: &Path) -> Result<()> {
        let path = path.to_str().ok_or_else(|| StoreError::Address(path.display().to_string()))?;
        sqlx::query("VACUUM INTO $1").bind(path).execute(&self.reader).await?;
        Ok(())
    }

    pub async fn mark_restored(&self, backup_made_at: DateTime<Utc>, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        // What is recorded from now on has numbers that may have been given, and goes to the billing system under other names.
        sqlx::query(
            "INSERT INTO restoration (backup_made_at, restored_at, last_entry)
             SELECT $1, $2, COALESCE(MAX(id), 0) FROM entry",
        )
        .bind(backup_made_at)
        .bind(stamp.at)
        .execute(&mut *tx)
        .await?;
        // Whoever held work or a lease when the copy was made holds it no longer.
        sqlx::query("UPDATE outbox SET lease_until = 0").execute(&mut *tx).await?;
        sqlx::query("DELETE FROM lease").execute(&mut *tx).await?;
        let body = json!({ "backup_made_at": backup_made_at });
        log::write(&mut tx, &[NewLine { account: None, what: "restored", body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn standstill(&self) -> Result<Option<Restoration>> {
        let found: Option<Row> = sqlx::query_as(
            "SELECT id, backup_made_at, restored_at, released_by, reason FROM restoration
             WHERE released_at IS NULL ORDER BY id LIMIT 1",
        )
        .fetch_optional(&self.reader)
        .await?;
        Ok(found.map(restoration))
    }

    pub async fn end_standstill(&self, reason: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let ended = sqlx::query(
            "UPDATE restoration SET released_by = $1, reason = $2, released_at = $3 WHERE released_at IS NULL",
        )
        .bind(stamp.by.to_string())
        .bind(reason)
        .bind(stamp.at)
        .execute(&mut *tx)
        .await?;
        if ended.rows_affected() == 0 {
            return Err(StoreError::Conflict("nothing stands still: work goes on".into()));
        }
        let body = json!({ "reason": reason });
        log::write(&mut tx, &[NewLine { account: None, what: "restoration released", body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }
}
