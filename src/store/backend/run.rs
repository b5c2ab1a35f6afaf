//! Runs: a business date is run once for each kind, whole or resumed.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;

use super::given::{RunRecord, RunStart, Stamp};
use super::log::{self, NewLine};
use super::{Backend, Result, StoreError, sql, texts};
use crate::domain::{ActKey, Day, NoticeId, RunId};

type Row = (i64, Day, String, DateTime<Utc>, Option<DateTime<Utc>>, Option<Json<Value>>);

impl Backend {
    pub async fn begin_run(&self, date: Day, kind: &str, stamp: &Stamp) -> Result<RunStart> {
        let mut tx = self.write().await?;
        let new: Option<i64> = sqlx::query_scalar(
            "INSERT INTO run (business_date, kind, started_at) VALUES ($1, $2, $3)
             ON CONFLICT (business_date, kind) DO NOTHING RETURNING id",
        )
        .bind(date)
        .bind(kind)
        .bind(stamp.at)
        .fetch_optional(&mut *tx)
        .await?;
        let start = if let Some(id) = new {
            let body = json!({ "run": id, "date": date, "kind": kind });
            log::write(&mut tx, &[NewLine { account: None, what: "run begun", body }], None, stamp).await?;
            RunStart::New(RunId(id))
        } else {
            let (id, finished): (i64, Option<DateTime<Utc>>) =
                sqlx::query_as("SELECT id, finished_at FROM run WHERE business_date = $1 AND kind = $2")
                    .bind(date)
                    .bind(kind)
                    .fetch_one(&mut *tx)
                    .await?;
            if finished.is_some() { RunStart::AlreadyDone(RunId(id)) } else { RunStart::Resumed(RunId(id)) }
        };
        tx.commit().await?;
        Ok(start)
    }

    pub async fn finish_run(&self, id: RunId, summary: &Value, stamp: &Stamp) -> Result<()> {
        self.step_run(id, Some(stamp.at), summary, "run finished", stamp).await
    }

    pub async fn release_run(&self, id: RunId, released: &Value, stamp: &Stamp) -> Result<()> {
        self.step_run(id, None, released, "run released", stamp).await
    }

    async fn step_run(
        &self,
        id: RunId,
        finished_at: Option<DateTime<Utc>>,
        summary: &Value,
        what: &'static str,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        let done = sqlx::query("UPDATE run SET finished_at = $2, summary = $3 WHERE id = $1 AND finished_at IS NULL")
            .bind(id.0)
            .bind(finished_at)
            .bind(Json(summary))
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found("unfinished run", id));
        }
        let line = NewLine { account: None, what, body: json!({ "run": id, "summary": summary }) };
        log::write(&mut tx, &[line], Some(id), stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn last_finished(&self, kind: &str) -> Result<Option<Day>> {
        let last: Option<Day> =
            sqlx::query_scalar("SELECT MAX(business_date) FROM run WHERE kind = $1 AND finished_at IS NOT NULL")
                .bind(kind)
                .fetch_one(&self.reader)
                .await?;
        Ok(last)
    }

    pub async fn notices_of_run(&self, run: RunId) -> Result<Vec<NoticeId>> {
        let mut tx = self.read().await?;
        let decisions: Vec<Json<Value>> =
            sqlx::query_scalar("SELECT body FROM log WHERE run_id = $1 AND what = 'decision' ORDER BY seq")
                .bind(run.0)
                .fetch_all(&mut *tx)
                .await?;
        let mut keys: Vec<String> = Vec::new();
        for Json(body) in &decisions {
            let acts = body.get("decision").and_then(|decision| decision.get("acts")).and_then(Value::as_array);
            for act in acts.into_iter().flatten() {
                let key: ActKey = serde_json::from_value(act.get("key").cloned().unwrap_or_default())
                    .map_err(|error| StoreError::Corrupt(format!("an act of run {run}: {error}")))?;
                keys.push(key.to_string());
            }
        }
        let select = format!(
            "SELECT id FROM notice WHERE act_key IN {} AND state IN ('planned', 'released', 'rendered') ORDER BY id",
            texts(1)
        );
        let found: Vec<i64> = sqlx::query_scalar(sql(select)).bind(Json(keys)).fetch_all(&mut *tx).await?;
        Ok(found.into_iter().map(NoticeId).collect())
    }

    pub async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT id, business_date, kind, started_at, finished_at, summary FROM run ORDER BY id DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        Ok(found
            .into_iter()
            .map(|(id, date, kind, started_at, finished_at, summary)| RunRecord {
                id: RunId(id),
                date,
                kind,
                started_at,
                finished_at,
                summary: summary.map(|Json(summary)| summary),
            })
            .collect())
    }
}
