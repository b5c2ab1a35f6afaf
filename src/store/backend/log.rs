//! The log: who did what, when. Nothing is ever changed or removed here.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::bodies::{Bodies, PART, Part};
use super::given::{LogLine, Stamp};
use super::{Backend, Commit, Conn, Result, body, rows, sql};
use crate::domain::{AccountId, Actor, RunId};

/// A line about to be written.
#[derive(Clone, Debug)]
pub(super) struct NewLine<B = Value> {
    pub account: Option<AccountId>,
    pub what: &'static str,
    pub body: B,
}

impl<B> NewLine<B> {
    pub(super) const fn of(account: AccountId, what: &'static str, body: B) -> Self {
        Self { account: Some(account), what, body }
    }
}

#[derive(Serialize)]
struct LineRow {
    account: Option<AccountId>,
    what: &'static str,
    #[serde(flatten)]
    part: Part,
}

/// Writes lines in their order.
pub(super) async fn write<B: Serialize + Sync>(
    conn: &mut Conn,
    lines: &[NewLine<B>],
    run: Option<RunId>,
    stamp: &Stamp,
) -> Result<()> {
    let mut bodies = Bodies::default();
    let lines: Vec<LineRow> = lines
        .iter()
        .map(|line| Ok(LineRow { account: line.account, what: line.what, part: bodies.add(&line.body)? }))
        .collect::<Result<_>>()?;
    write_rows(conn, &lines, bodies, run, stamp).await
}

/// Writes the decisions of a batch, each with its line as it was made.
pub(super) async fn write_decisions(
    conn: &mut Conn,
    run: Option<RunId>,
    standing: &[&Commit],
    stamp: &Stamp,
) -> Result<()> {
    let mut bodies = Bodies::default();
    let lines: Vec<LineRow> = standing
        .iter()
        .filter_map(|commit| {
            let part = bodies.add_text(commit.log.as_deref()?);
            Some(LineRow { account: Some(commit.decision.account), what: "decision", part })
        })
        .collect();
    write_rows(conn, &lines, bodies, run, stamp).await
}

async fn write_rows(
    conn: &mut Conn,
    lines: &[LineRow],
    bodies: Bodies,
    run: Option<RunId>,
    stamp: &Stamp,
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO log (account_id, run_id, recorded_at, actor, what, body)
         SELECT r.account, $3, $4, $5, r.what, {} FROM {}",
        body(2),
        rows(1, &format!("account bigint, what text, {PART}"))
    );
    sqlx::query(sql(insert))
        .bind(Json(lines))
        .bind(bodies.into_blob())
        .bind(run.map(|run| run.0))
        .bind(stamp.at)
        .bind(Json(&stamp.by))
        .execute(conn)
        .await?;
    Ok(())
}

type Row = (i64, Option<i64>, Option<i64>, DateTime<Utc>, Json<Actor>, String, Json<Value>);

fn line((seq, account, run, recorded_at, Json(actor), what, Json(body)): Row) -> LogLine {
    LogLine { seq, account: account.map(AccountId), run: run.map(RunId), recorded_at, actor, what, body }
}

impl Backend {
    pub async fn log_of(&self, account: AccountId, limit: u32) -> Result<Vec<LogLine>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT seq, account_id, run_id, recorded_at, actor, what, body FROM log
             WHERE account_id = $1 ORDER BY seq DESC LIMIT $2",
        )
        .bind(account.0)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        Ok(found.into_iter().map(line).collect())
    }

    pub async fn log(&self, after: i64, limit: u32) -> Result<Vec<LogLine>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT seq, account_id, run_id, recorded_at, actor, what, body FROM log
             WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        Ok(found.into_iter().map(line).collect())
    }
}
