//! The outbox: work with an effect outside, claimed under a lease with a fencing token; and leases by name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::given::{ExceptionKind, Job, Stamp, Work, WorkKind};
use super::{
    Backend, CLOCK_SECONDS, Conn, FOR_UPDATE, Result, SKIP_LOCKED, StoreError, exception, ids, kept, notice, sql, texts,
};
use crate::domain::notice::Notice;
use crate::domain::{AccountId, NoticeId};

/// What is known of an attempt whose worker died.
const LOST: &str = "whoever sent it did not come back";

const INTO_OUTBOX: &str =
    "INSERT INTO outbox (account_id, kind, subject, state, not_before, lease_until, token, attempts)
     SELECT account_id, $2, id, 'ready', $3, 0, 0, 0 FROM notice";

/// Enqueues work on the notices; work that is there already is left alone.
pub(super) async fn enqueue(conn: &mut Conn, kind: WorkKind, notices: &[NoticeId], at: DateTime<Utc>) -> Result<()> {
    let insert = format!("{INTO_OUTBOX} WHERE id IN {} ORDER BY id ON CONFLICT (kind, subject) DO NOTHING", ids(1));
    sqlx::query(sql(insert)).bind(Json(notices)).bind(kind.word()).bind(at).execute(conn).await?;
    Ok(())
}

/// Enqueues the rendering of the released notices of the acts.
pub(super) async fn enqueue_rendering(conn: &mut Conn, act_keys: &[String], at: DateTime<Utc>) -> Result<()> {
    // Joined to nothing, the state keeps its index out of the way: SQLite would go through all that is released to spare
    // itself the sorting.
    let insert = format!(
        "{INTO_OUTBOX} WHERE act_key IN {} AND state || '' = 'released' ORDER BY id
         ON CONFLICT (kind, subject) DO NOTHING",
        texts(1)
    );
    sqlx::query(sql(insert)).bind(Json(act_keys)).bind(WorkKind::RenderNotice.word()).bind(at).execute(conn).await?;
    Ok(())
}

/// Nothing more is to be done for the notices. Gives the emails that may have left: an attempt had no answer, or whoever made
/// it did not come back. One that is under way now will say itself what came of it.
pub(super) async fn withdraw(conn: &mut Conn, notices: &[NoticeId]) -> Result<BTreeMap<NoticeId, String>> {
    let select = format!(
        "SELECT subject, unanswered FROM outbox
         WHERE kind = $2 AND subject IN {} AND state || '' = 'ready'
            AND (lease_until = 0 AND unanswered IS NOT NULL OR lease_until > 0 AND lease_until <= {CLOCK_SECONDS})",
        ids(1)
    );
    let found: Vec<(i64, Option<String>)> =
        sqlx::query_as(sql(select)).bind(Json(notices)).bind(WorkKind::SendEmail.word()).fetch_all(&mut *conn).await?;
    let words = |words: Option<String>| words.unwrap_or_else(|| LOST.to_owned());
    let unanswered = found.into_iter().map(|(id, said)| (NoticeId(id), words(said))).collect();
    // The kinds are named for the index, which begins with them.
    let update = format!(
        "UPDATE outbox SET state = 'canceled', lease_until = 0
         WHERE kind IN {} AND subject IN {} AND state || '' = 'ready'",
        texts(2),
        ids(1)
    );
    let kinds: Vec<&str> = WorkKind::ALL.iter().map(|kind| kind.word()).collect();
    sqlx::query(sql(update)).bind(Json(notices)).bind(Json(kinds)).execute(conn).await?;
    Ok(unanswered)
}

/// Puts an email back whose attempt had no answer.
pub(super) async fn unanswered(conn: &mut Conn, job: &Job, not_before: DateTime<Utc>, words: &str) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE outbox SET not_before = $4, lease_until = 0, error = $5, attempts = $6, unanswered = $5
         WHERE kind = $1 AND subject = $2 AND token = $3 AND state = 'ready'",
    )
    .bind(job.work.kind().word())
    .bind(job.work.notice().0)
    .bind(job.token)
    .bind(not_before)
    .bind(words)
    .bind(i64::from(job.attempts))
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

impl Backend {
    pub async fn claim_work(
        &self,
        kind: WorkKind,
        limit: u32,
        now: DateTime<Utc>,
        lease_seconds: u32,
    ) -> Result<Vec<Job>> {
        let claim = format!(
            "UPDATE outbox SET lease_until = {CLOCK_SECONDS} + $4, token = token + 1, attempts = attempts + 1,
                unanswered = CASE WHEN lease_until > 0 THEN COALESCE(unanswered, '{LOST}') ELSE unanswered END
             WHERE id IN (
                SELECT id FROM outbox
                WHERE kind = $1 AND state = 'ready' AND not_before <= $2 AND lease_until <= {CLOCK_SECONDS}
                ORDER BY id LIMIT $3 {SKIP_LOCKED})
             RETURNING id, account_id, subject, token, attempts"
        );
        let mut tx = self.write().await?;
        let mut found: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(sql(claim))
            .bind(kind.word())
            .bind(now)
            .bind(i64::from(limit))
            .bind(i64::from(lease_seconds))
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        found.sort_unstable();
        found
            .into_iter()
            .map(|(_, account, subject, token, attempts)| {
                let notice = NoticeId(subject);
                let work = match kind {
                    WorkKind::RenderNotice => Work::RenderNotice(notice),
                    WorkKind::SendEmail => Work::SendEmail(notice),
                };
                let attempts = u32::try_from(attempts)
                    .map_err(|_| StoreError::Corrupt(format!("{attempts} attempts at {}", work.key())))?;
                Ok(Job { account: AccountId(account), work, token, attempts })
            })
            .collect()
    }

    pub async fn complete_work(&self, job: &Job) -> Result<bool> {
        let mut tx = self.write().await?;
        let held = settle_work(&mut tx, job, "done", None).await?;
        tx.commit().await?;
        Ok(held)
    }

    pub async fn retry_work(&self, job: &Job, not_before: DateTime<Utc>, error: &str) -> Result<bool> {
        self.put_back(job, job.attempts, not_before, error).await
    }

    pub async fn wait_with_work(&self, job: &Job, not_before: DateTime<Utc>, why: &str) -> Result<bool> {
        self.put_back(job, job.attempts.saturating_sub(1), not_before, why).await
    }

    async fn put_back(&self, job: &Job, attempts: u32, not_before: DateTime<Utc>, why: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE outbox SET not_before = $4, lease_until = 0, error = $5, attempts = $6
             WHERE kind = $1 AND subject = $2 AND token = $3 AND state = 'ready'",
        )
        .bind(job.work.kind().word())
        .bind(job.work.notice().0)
        .bind(job.token)
        .bind(not_before)
        .bind(why)
        .bind(i64::from(attempts))
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    pub async fn fail_work(&self, job: &Job, error: &str, stamp: &Stamp) -> Result<bool> {
        let mut tx = self.write().await?;
        kept::lock_accounts::<Notice>(&mut tx, &[job.work.notice().0]).await?;
        let held = settle_work(&mut tx, job, "failed", Some(error)).await?;
        if held {
            notice::fail(&mut tx, job.work.notice(), error, stamp).await?;
            exception::open(&mut tx, Some(job.account), ExceptionKind::WorkFailed, error, stamp).await?;
        }
        tx.commit().await?;
        Ok(held)
    }

    pub async fn take_lease(&self, name: &str, owner: &str, seconds: u32) -> Result<bool> {
        let take = format!(
            "INSERT INTO lease (name, owner, lease_until) VALUES ($1, $2, {CLOCK_SECONDS} + $3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
             WHERE lease.owner = excluded.owner OR lease.lease_until <= {CLOCK_SECONDS}"
        );
        let done = sqlx::query(sql(take)).bind(name).bind(owner).bind(i64::from(seconds)).execute(&self.writer).await?;
        Ok(done.rows_affected() == 1)
    }

    pub async fn drop_lease(&self, name: &str, owner: &str) -> Result<()> {
        sqlx::query("DELETE FROM lease WHERE name = $1 AND owner = $2")
            .bind(name)
            .bind(owner)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

/// Whether the work is still this claim's. It is, until the transaction ends.
pub(super) async fn is_held(conn: &mut Conn, job: &Job) -> Result<bool> {
    let select = format!(
        "SELECT id FROM outbox WHERE kind = $1 AND subject = $2 AND token = $3 AND state = 'ready' {FOR_UPDATE}"
    );
    let held: Option<i64> = sqlx::query_scalar(sql(select))
        .bind(job.work.kind().word())
        .bind(job.work.notice().0)
        .bind(job.token)
        .fetch_optional(conn)
        .await?;
    Ok(held.is_some())
}

/// An email has left: nobody shall send it again, whoever holds its work by now.
pub(super) async fn sent(conn: &mut Conn, notice: NoticeId) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET state = 'done', lease_until = 0 WHERE kind = $1 AND subject = $2 AND state = 'ready'",
    )
    .bind(WorkKind::SendEmail.word())
    .bind(notice.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends work that this claim still holds.
pub(super) async fn settle_work(conn: &mut Conn, job: &Job, state: &str, error: Option<&str>) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE outbox SET state = $4, error = $5, lease_until = 0
         WHERE kind = $1 AND subject = $2 AND token = $3 AND state = 'ready'",
    )
    .bind(job.work.kind().word())
    .bind(job.work.notice().0)
    .bind(job.token)
    .bind(state)
    .bind(error)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
