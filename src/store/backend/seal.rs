//! Seals: one root over what came into log and ledger since the seal before.

use chrono::{DateTime, Utc};

use super::given::{Seal, Stamp};
use super::ledger::{ENTRY_COLUMNS, EntryColumns, entry};
use super::{Backend, Conn, LOCK_IMPORT, LOCK_RECORD, Result, StoreError, count, sql};
use crate::domain::evidence::{NOTHING_BEFORE, Sealing, Span, entry_hash};
use crate::domain::{AccountId, Entry};

/// How many lines or entries are read at a time.
const PAGE: i64 = 10_000;

impl Backend {
    /// The record is only locked to learn how far it goes; what is sealed is read beside whoever writes on. Two seals
    /// at once would be a fork, which the unique `previous` refuses: the second one takes its place behind the first.
    pub async fn seal(&self, why: &str, stamp: &Stamp) -> Result<Option<Seal>> {
        let through = self.record_through().await?;
        let last = last(&mut *self.reader.acquire().await?).await?;
        let after = last.as_ref().map(|seal| seal.through).unwrap_or_default();
        if through.log <= after.log && through.entry <= after.entry {
            return Ok(None);
        }
        let previous = last.map_or_else(|| NOTHING_BEFORE.into(), |seal| seal.root);
        let mut tx = self.read().await?;
        let sealing = read_span(&mut tx, &previous, after, through).await?;
        tx.commit().await?;
        let (lines, entries) = (sealing.lines, sealing.entries);
        let seal = Seal {
            id: 0,
            why: why.to_owned(),
            made_at: stamp.at,
            through,
            lines,
            entries,
            previous,
            root: sealing.root(),
        };
        self.keep_seal(seal).await.map(Some)
    }

    async fn record_through(&self) -> Result<Span> {
        let mut tx = self.write().await?;
        // An import holds entries for long: it is waited for without keeping anybody else waiting.
        sqlx::query(LOCK_IMPORT).execute(&mut *tx).await?;
        sqlx::query(LOCK_RECORD).execute(&mut *tx).await?;
        let (log, entry): (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT (SELECT MAX(seq) FROM log), (SELECT MAX(id) FROM entry)")
                .fetch_one(&mut *tx)
                .await?;
        tx.commit().await?;
        Ok(Span { log: log.unwrap_or(0), entry: entry.unwrap_or(0) })
    }

    async fn keep_seal(&self, seal: Seal) -> Result<Seal> {
        let mut tx = self.write().await?;
        let id: Option<i64> = sqlx::query_scalar(
            "INSERT INTO seal (why, made_at, log_seq, entry_id, lines, entries, previous, root)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (previous) DO NOTHING RETURNING id",
        )
        .bind(&seal.why)
        .bind(seal.made_at)
        .bind(seal.through.log)
        .bind(seal.through.entry)
        .bind(i64::try_from(seal.lines).unwrap_or(i64::MAX))
        .bind(i64::try_from(seal.entries).unwrap_or(i64::MAX))
        .bind(&seal.previous)
        .bind(&seal.root)
        .fetch_optional(&mut *tx)
        .await?;
        let id = id.ok_or_else(|| StoreError::Busy("another seal was made meanwhile".into()))?;
        tx.commit().await?;
        Ok(Seal { id, ..seal })
    }

    pub async fn seals(&self, limit: u32) -> Result<Vec<Seal>> {
        let select = format!("{SELECT} ORDER BY id DESC LIMIT $1");
        let found: Vec<Row> = sqlx::query_as(sql(select)).bind(i64::from(limit)).fetch_all(&self.reader).await?;
        found.into_iter().map(seal).collect()
    }
}

const SELECT: &str = "SELECT id, why, made_at, log_seq, entry_id, lines, entries, previous, root FROM seal";

type Row = (i64, String, DateTime<Utc>, i64, i64, i64, i64, String, String);

fn seal((id, why, made_at, log, entry, lines, entries, previous, root): Row) -> Result<Seal> {
    let (lines, entries) = (count(lines)?, count(entries)?);
    Ok(Seal { id, why, made_at, through: Span { log, entry }, lines, entries, previous, root })
}

/// All seals, oldest first.
pub(super) async fn all(conn: &mut Conn) -> Result<Vec<Seal>> {
    let found: Vec<Row> = sqlx::query_as(sql(format!("{SELECT} ORDER BY id"))).fetch_all(conn).await?;
    found.into_iter().map(seal).collect()
}

async fn last(conn: &mut Conn) -> Result<Option<Seal>> {
    let found: Option<Row> =
        sqlx::query_as(sql(format!("{SELECT} ORDER BY id DESC LIMIT 1"))).fetch_optional(conn).await?;
    found.map(seal).transpose()
}

/// Reads what a seal covers: behind `after`, through `through`.
async fn read_span(conn: &mut Conn, previous: &str, after: Span, through: Span) -> Result<Sealing> {
    let mut sealing = Sealing::new(previous, through);
    let mut from = after.log;
    loop {
        let page: Vec<(i64, Option<i64>, String)> =
            sqlx::query_as("SELECT seq, account_id, hash FROM log WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3")
                .bind(from)
                .bind(through.log)
                .bind(PAGE)
                .fetch_all(&mut *conn)
                .await?;
        let Some((last, ..)) = page.last() else { break };
        from = *last;
        for (seq, account, hash) in &page {
            sealing.line(*seq, account.map(AccountId), hash);
        }
    }
    let mut from = after.entry;
    loop {
        let select = format!("SELECT {ENTRY_COLUMNS} FROM entry WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3");
        let page: Vec<EntryColumns> =
            sqlx::query_as(sql(select)).bind(from).bind(through.entry).bind(PAGE).fetch_all(&mut *conn).await?;
        let page = page.into_iter().map(entry).collect::<Result<Vec<Entry>>>()?;
        let Some(last) = page.last() else { break };
        from = last.id.0;
        for entry in &page {
            sealing.entry(entry.id.0, &hash_of(entry)?);
        }
    }
    Ok(sealing)
}

pub(super) fn hash_of(entry: &Entry) -> Result<String> {
    entry_hash(entry)
        .map_err(|error| StoreError::Corrupt(format!("entry {} cannot be written as JSON: {error}", entry.id)))
}
