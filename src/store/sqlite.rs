//! What is SQLite's own: opening, and the few phrases of SQL that PostgreSQL says differently.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::error::{Result, StoreError};

#[path = "backend/mod.rs"]
#[allow(clippy::duplicate_mod, reason = "one source, compiled for each database")]
pub(super) mod backend;

pub(super) type Db = sqlx::Sqlite;
pub(super) type Conn = sqlx::SqliteConnection;

/// The schema's steps, in order. A step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_first.sql"),
    include_str!("../../migrations/sqlite/0002_books.sql"),
    include_str!("../../migrations/sqlite/0003_hard.sql"),
    include_str!("../../migrations/sqlite/0004_debts.sql"),
    include_str!("../../migrations/sqlite/0005_circle.sql"),
    include_str!("../../migrations/sqlite/0006_law.sql"),
    include_str!("../../migrations/sqlite/0007_mended.sql"),
    include_str!("../../migrations/sqlite/0008_money.sql"),
    include_str!("../../migrations/sqlite/0010_looks.sql"),
    include_str!("../../migrations/sqlite/0011_served.sql"),
    include_str!("../../migrations/sqlite/0014_left_behind.sql"),
    include_str!("../../migrations/sqlite/0015_after.sql"),
    include_str!("../../migrations/sqlite/0016_installments.sql"),
];
/// A reading transaction sees one state of the database.
pub(super) const BEGIN_READ: &str = "BEGIN";
/// A writing transaction takes its place at once, so that it cannot fail half-way for want of the lock.
pub(super) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// The database's clock in seconds, for leases.
pub(super) const CLOCK_SECONDS: &str = "CAST(unixepoch('now') AS INTEGER)";
/// One writer: there is nobody to lock against.
pub(super) const FOR_UPDATE: &str = "";
pub(super) const SKIP_LOCKED: &str = "";
pub(super) const LOCK_MIGRATION: &str = "SELECT 1";
pub(super) const LOCK_IMPORT: &str = "SELECT 1";
pub(super) const LOCK_NO_IMPORT: &str = "SELECT 1";
pub(super) const LOCK_EXPORT: &str = "SELECT 1";
pub(super) const LOCK_RECORD: &str = "SELECT 1";
/// How a text is held against a [`pattern`].
pub(super) const MATCHES: &str = "GLOB";
pub(super) const COMPACT: &str = "VACUUM";
pub(super) const DATABASE_BYTES: &str = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";

/// Of a database that is new; one that is there keeps its own.
const PAGE_KIB: u32 = 8;

/// A text somewhere in another, given by the letters that each of its own stands for.
pub(super) fn pattern(letters: &[String]) -> String {
    let one = |set: &String| match set.as_str() {
        // Neither may stand in a set of its own, and neither means anything outside of one.
        "]" | "^" => set.clone(),
        _ => format!("[{set}]"),
    };
    format!("*{}*", letters.iter().map(one).collect::<String>())
}

/// The JSON array bound as `$n`, as rows `r` with the columns of a declaration like `account bigint, body jsonb`.
pub(super) fn rows(n: u8, columns: &str) -> String {
    let columns: Vec<String> = columns
        .split(',')
        .filter_map(|column| column.trim().split_once(' '))
        .map(|(name, kind)| {
            let arrow = if kind.trim() == "jsonb" { "->" } else { "->>" };
            format!("value{arrow}'$.{name}' AS {name}")
        })
        .collect();
    format!("(SELECT {} FROM json_each(${n})) AS r", columns.join(", "))
}

/// The row's part of the bodies bound as `$n`.
pub(super) fn body(n: u8) -> String {
    format!("CAST(substr(${n}, r.at, r.len) AS TEXT)")
}

/// The row's part of the bodies bound as `$n`, as JSON that stays as it was written.
pub(super) fn exact(n: u8) -> String {
    body(n)
}

/// The text bound as `$n`, as JSON that stays as it was written.
pub(super) fn exact_text(n: u8) -> String {
    format!("${n}")
}

/// The JSON array of numbers bound as `$n`, as a subquery.
pub(super) fn ids(n: u8) -> String {
    format!("(SELECT value FROM json_each(${n}))")
}

/// The JSON array of texts bound as `$n`, as a subquery.
pub(super) fn texts(n: u8) -> String {
    ids(n)
}

/// Opens the file, and makes it when it is missing: one writer, and readers beside it. WAL with `synchronous=FULL`,
/// because a commit forgotten at power loss would mail twice.
pub(super) async fn open(url: &str) -> Result<backend::Backend> {
    let path = url
        .strip_prefix("sqlite:")
        .map(|path| path.strip_prefix("//").unwrap_or(path))
        .filter(|path| !path.is_empty() && !path.starts_with(":memory:"))
        .ok_or_else(|| StoreError::Address(url.to_owned()))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        // Pages of 8 KiB: a line of the log takes some 2.5 KiB, of which a page of 4 KiB would hold one.
        .page_size(PAGE_KIB * 1024)
        // Rows cross from SQLite's thread in batches; with a small buffer the two threads wake each other for each few.
        .row_buffer_size(1024)
        .pragma("temp_store", "MEMORY");
    // The log of changes is folded into the file every 128 MiB, so that a page that a night touches often is written into
    // the file once.
    let fold_at = (128 * 1024 / PAGE_KIB).to_string();
    let writing = options.clone().pragma("cache_size", "-65536").pragma("wal_autocheckpoint", fold_at);
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
    let reading = options.pragma("cache_size", "-16384").read_only(true);
    let reader = SqlitePoolOptions::new().max_connections(4).connect_lazy_with(reading);
    backend::Backend::start(writer, reader).await
}
