//! What is PostgreSQL's own: opening, and the few phrases of SQL that SQLite says differently.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use super::error::{Result, StoreError};

#[path = "backend/mod.rs"]
#[allow(clippy::duplicate_mod, reason = "one source, compiled for each database")]
pub(super) mod backend;

pub(super) type Db = sqlx::Postgres;
pub(super) type Conn = sqlx::PgConnection;

/// The schema's steps, in order. A step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_first.sql"),
    include_str!("../../migrations/postgres/0002_books.sql"),
    include_str!("../../migrations/postgres/0003_hard.sql"),
    include_str!("../../migrations/postgres/0004_debts.sql"),
    include_str!("../../migrations/postgres/0005_circle.sql"),
    include_str!("../../migrations/postgres/0006_law.sql"),
    include_str!("../../migrations/postgres/0007_mended.sql"),
    include_str!("../../migrations/postgres/0008_money.sql"),
    include_str!("../../migrations/postgres/0010_looks.sql"),
    include_str!("../../migrations/postgres/0011_served.sql"),
    include_str!("../../migrations/postgres/0014_left_behind.sql"),
    include_str!("../../migrations/postgres/0015_after.sql"),
    include_str!("../../migrations/postgres/0016_installments.sql"),
];
/// A reading transaction sees one state of the database.
pub(super) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
pub(super) const BEGIN_WRITE: &str = "BEGIN";
/// The database's clock in seconds, for leases.
pub(super) const CLOCK_SECONDS: &str = "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)";
pub(super) const FOR_UPDATE: &str = "FOR UPDATE";
pub(super) const SKIP_LOCKED: &str = "FOR UPDATE SKIP LOCKED";
/// Two daemons that start together migrate once. The numbers are Arrears' own and arbitrary.
pub(super) const LOCK_MIGRATION: &str = "SELECT pg_advisory_xact_lock(7246011)";
/// Files are taken one at a time, so that two of them cannot bring the same reference.
pub(super) const LOCK_IMPORT: &str = "SELECT pg_advisory_xact_lock(7246012)";
/// No file is being taken while what follows is done. Taken before anything else is locked, as an import does.
pub(super) const LOCK_NO_IMPORT: &str = "SELECT pg_advisory_xact_lock_shared(7246012)";
/// Lists of referrals are made one at a time, so that each has a number of its own.
pub(super) const LOCK_EXPORT: &str = "SELECT pg_advisory_xact_lock(7246013)";
/// Waits for whoever is writing to log and ledger: what is there then, is there for good, for numbers are given in order.
pub(super) const LOCK_RECORD: &str = "LOCK TABLE log, entry IN SHARE MODE";
/// It does so by itself.
/// How a text is held against a [`pattern`].
pub(super) const MATCHES: &str = "~";
pub(super) const COMPACT: &str = "SELECT 1";
pub(super) const DATABASE_BYTES: &str = "SELECT pg_database_size(current_database())";

/// A text somewhere in another, given by the letters that each of its own stands for.
pub(super) fn pattern(letters: &[String]) -> String {
    let one = |set: &String| match set.as_bytes() {
        [sign] if sign.is_ascii_punctuation() => format!("\\{set}"),
        _ => format!("[{set}]"),
    };
    letters.iter().map(one).collect()
}

/// The JSON array bound as `$n`, as rows `r` with the columns of a declaration like `account bigint, body jsonb`.
pub(super) fn rows(n: u8, columns: &str) -> String {
    format!("jsonb_to_recordset(${n}) AS r({columns})")
}

/// The row's part of the bodies bound as `$n`.
pub(super) fn body(n: u8) -> String {
    format!("CAST({} AS JSONB)", part(n))
}

/// The row's part of the bodies bound as `$n`, as JSON that stays as it was written.
pub(super) fn exact(n: u8) -> String {
    format!("CAST({} AS JSON)", part(n))
}

fn part(n: u8) -> String {
    format!("convert_from(substring(${n} FROM CAST(r.at AS INT) FOR CAST(r.len AS INT)), 'UTF8')")
}

/// The text bound as `$n`, as JSON that stays as it was written.
pub(super) fn exact_text(n: u8) -> String {
    format!("CAST(CAST(${n} AS TEXT) AS JSON)")
}

/// The JSON array of numbers bound as `$n`, as a subquery.
pub(super) fn ids(n: u8) -> String {
    format!("(SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(${n}))")
}

/// The JSON array of texts bound as `$n`, as a subquery.
pub(super) fn texts(n: u8) -> String {
    format!("(SELECT value FROM jsonb_array_elements_text(${n}))")
}

/// Connects. Statements are planned with their values each time: the batches of a night differ in size, and a plan
/// made for an empty table must not outlive it.
pub(super) async fn open(url: &str) -> Result<backend::Backend> {
    let options = options(url)?.application_name("arrears").options([("plan_cache_mode", "force_custom_plan")]);
    // A server that is stopped says so at once; a pool would try for half a minute and then say that it had no time.
    options.connect().await?.close().await?;
    let pool =
        PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(30)).connect_with(options).await?;
    backend::Backend::start(pool.clone(), pool).await
}

/// A table or view that somebody has made in the database.
pub(super) async fn holds_anything(url: &str) -> Result<Option<String>> {
    let mut connection = options(url)?.connect().await?;
    let found: Option<String> = sqlx::query_scalar(
        "SELECT CAST(relname AS TEXT) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg_toast%'
            AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname LIMIT 1",
    )
    .fetch_optional(&mut connection)
    .await?;
    connection.close().await?;
    Ok(found)
}

fn options(url: &str) -> Result<PgConnectOptions> {
    PgConnectOptions::from_str(url).map_err(|_| StoreError::Address(without_password(url)))
}

/// An address for messages: what stands before the `@` is left out.
fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, place)) => format!("postgres://…@{place}"),
        None => url.to_owned(),
    }
}
