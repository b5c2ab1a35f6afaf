//! The use cases on one database: compiled twice, once under `sqlite` and once under `postgres`.
//!
//! One file an aggregate. Statements over many rows bind them as one JSON array (`rows`, `ids`, `texts`), which both
//! databases unfold; a statement for each row would cost a hundred times as much.

mod account;
mod account_change;
mod arrangement;
mod balance;
mod batch;
mod bodies;
mod call;
mod chain;
mod commit;
mod correction;
mod dated;
mod deposit;
mod deposit_file;
mod digest;
mod dispute;
mod document;
mod doubtful;
mod email;
mod event;
mod exception;
mod export;
mod fee;
mod field_order;
mod field_result;
mod hindsight;
mod hold;
mod import;
mod import_accounts;
mod judge;
mod kept;
mod kinship;
mod known;
mod leave;
mod ledger;
mod left_behind;
mod log;
mod look;
mod marks;
mod notice;
mod outbox;
mod own_fee;
mod paid_after;
mod petition;
mod placement;
mod policy;
mod promise;
mod proof;
mod proposal;
mod reading;
mod rebill;
mod redispute;
mod referral;
mod restoration;
mod run;
mod seal;
mod settle;
mod snapshot;
mod staff;
mod suggest;
mod task;
mod transfer;
mod two_fees;
mod unmatched;
mod vitals;
mod wording;
mod write_off;

pub use reading::Reading;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Pool, Transaction};

use super::super::commit::Commit;
use super::super::error::{Result, StoreError};
use super::super::rows as given;
use super::{
    BEGIN_READ, BEGIN_WRITE, CLOCK_SECONDS, COMPACT, Conn, DATABASE_BYTES, Db, FOR_UPDATE, LOCK_EXPORT, LOCK_IMPORT,
    LOCK_MIGRATION, LOCK_NO_IMPORT, LOCK_RECORD, MATCHES, MIGRATIONS, SKIP_LOCKED, body, exact, exact_text, ids,
    pattern, rows, texts,
};
use crate::domain::{AccountId, Day};

/// An open database: who writes and who reads. On PostgreSQL both are one pool.
#[derive(Clone, Debug)]
pub struct Backend {
    writer: Pool<Db>,
    reader: Pool<Db>,
}

impl Backend {
    /// Brings the schema up to date.
    pub(in super::super) async fn start(writer: Pool<Db>, reader: Pool<Db>) -> Result<Self> {
        let backend = Self { writer, reader };
        backend.migrate().await?;
        Ok(backend)
    }

    /// Readers first, so that the last writer finds nobody else and leaves one whole file.
    pub(in super::super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    pub(in super::super) async fn compact(&self) -> Result<()> {
        sqlx::query(COMPACT).execute(&self.writer).await?;
        Ok(())
    }

    #[cfg(test)]
    pub async fn tampers(&self, statement: &str) -> Result<()> {
        sqlx::raw_sql(sql(statement.to_owned())).execute(&self.writer).await?;
        Ok(())
    }

    /// A transaction that may write.
    async fn write(&self) -> Result<Transaction<'static, Db>> {
        Ok(self.writer.begin_with(BEGIN_WRITE).await?)
    }

    /// A transaction that sees one state of the database.
    async fn read(&self) -> Result<Transaction<'static, Db>> {
        Ok(self.reader.begin_with(BEGIN_READ).await?)
    }

    async fn migrate(&self) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query(LOCK_MIGRATION).execute(&mut *tx).await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").execute(&mut *tx).await?;
        let found: Option<i64> =
            sqlx::query_scalar("SELECT MAX(version) FROM schema_version").fetch_one(&mut *tx).await?;
        let found = found.unwrap_or(0);
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        for (version, step) in (1_i64..).zip(MIGRATIONS) {
            if version > found {
                sqlx::raw_sql(*step).execute(&mut *tx).await?;
                sqlx::query("INSERT INTO schema_version (version) VALUES ($1)").bind(version).execute(&mut *tx).await?;
            }
        }
        Ok(tx.commit().await?)
    }
}

/// SQL put together from this module's own phrases; values are always bound.
fn sql(text: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(text)
}

/// A word of a closed enum as it was stored.
fn word<T>(read: impl Fn(&str) -> Option<T>, text: &str) -> Result<T> {
    read(text).ok_or_else(|| StoreError::Corrupt(format!("`{text}` is not a word that Arrears wrote")))
}

/// A number that is never negative.
fn count(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt(format!("{number} where a count belongs")))
}

/// A new fact of the accounts: their sequence rises and they are due on `on` at the latest.
async fn touch(conn: &mut Conn, accounts: &[AccountId], on: Day) -> Result<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    let touch = format!(
        "UPDATE review SET
            facts_seq = facts_seq + 1,
            next_review = CASE WHEN next_review < $2 THEN next_review ELSE $2 END
         WHERE account_id IN {}",
        ids(1)
    );
    sqlx::query(sql(touch)).bind(Json(accounts)).bind(on).execute(conn).await?;
    Ok(())
}
