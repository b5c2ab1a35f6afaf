//! The log: who did what, when. Nothing is ever changed or removed here, and each line's hash covers the account's line
//! before it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::bodies::{Bodies, PART, Part};
use super::chain::{self, Chain, Heads};
use super::given::{LogLine, Stamp};
use super::{Backend, Commit, Conn, Result, StoreError, exact, exact_text, rows, sql};
use crate::domain::evidence::Line;
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
    /// Given when the line takes its place in the chain.
    hash: String,
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
        .map(|line| {
            let part = bodies.add(&line.body)?;
            Ok(LineRow { account: line.account, what: line.what, part, hash: String::new() })
        })
        .collect::<Result<_>>()?;
    let heads = write_rows(conn, lines, bodies, run, stamp).await?;
    chain::keep(conn, &heads).await
}

/// Writes the decisions of a batch, each with its line as it was made. Gives the heads of the accounts' chains, which the
/// caller writes together with their reviews.
pub(super) async fn write_decisions(
    conn: &mut Conn,
    run: Option<RunId>,
    standing: &[&Commit],
    stamp: &Stamp,
) -> Result<BTreeMap<AccountId, String>> {
    let mut bodies = Bodies::default();
    let lines: Vec<LineRow> = standing
        .iter()
        .filter_map(|commit| {
            let part = bodies.add_text(commit.log.as_deref()?);
            Some(LineRow { account: Some(commit.decision.account), what: "decision", part, hash: String::new() })
        })
        .collect();
    let heads = write_rows(conn, lines, bodies, run, stamp).await?;
    Ok(heads.into_iter().filter_map(|(chain, head)| Some((chain?, head))).collect())
}

/// Writes the lines behind the heads of their chains, and gives the new heads.
async fn write_rows(
    conn: &mut Conn,
    mut lines: Vec<LineRow>,
    bodies: Bodies,
    run: Option<RunId>,
    stamp: &Stamp,
) -> Result<Heads> {
    if lines.is_empty() {
        return Ok(Heads::new());
    }
    let actor = serde_json::to_string(&stamp.by)
        .map_err(|error| StoreError::Corrupt(format!("a name that cannot be written as JSON: {error}")))?;
    let chains: Vec<Chain> = lines.iter().map(|line| line.account).collect();
    let mut heads = chain::heads(conn, &chains).await?;
    for line in &mut lines {
        let LineRow { account, what, .. } = *line;
        let body = bodies.text(line.part)?;
        let written = Line { account, run, recorded_at: stamp.at, actor: &actor, what, body };
        line.hash = chain::extend(&mut heads, &written);
    }
    let insert = format!(
        "INSERT INTO log (account_id, run_id, recorded_at, actor, what, body, hash)
         SELECT r.account, $3, $4, {}, r.what, {}, r.hash FROM {}",
        exact_text(5),
        exact(2),
        rows(1, &format!("account bigint, what text, hash text, {PART}"))
    );
    sqlx::query(sql(insert))
        .bind(Json(lines))
        .bind(bodies.into_blob())
        .bind(run.map(|run| run.0))
        .bind(stamp.at)
        .bind(actor)
        .execute(conn)
        .await?;
    Ok(heads)
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
