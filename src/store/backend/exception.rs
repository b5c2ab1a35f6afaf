//! The exceptions list: what a person must look at.

use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::given::{Exception, ExceptionKind, Stamp};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, balance, ids, notice, rebill, sql, touch, word};
use crate::domain::day::plus_days;
use crate::domain::field_order::{FieldOrder, OrderKind};
use crate::domain::{AccountId, Day, EventKind};

/// Puts a line on the list, or finds the one that stands there. A line that freezes its account is a fact; the account
/// is looked at again tomorrow.
pub(super) async fn open(
    conn: &mut Conn,
    account: Option<AccountId>,
    kind: ExceptionKind,
    text: &str,
    stamp: &Stamp,
) -> Result<i64> {
    let standing: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM exception
         WHERE kind = $2 AND text = $3 AND cleared_on IS NULL
            AND (account_id = $1 OR (account_id IS NULL AND $1 IS NULL)) ORDER BY id LIMIT 1",
    )
    .bind(account.map(|account| account.0))
    .bind(kind.word())
    .bind(text)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = standing {
        if let Some(account) = account.filter(|_| kind.freezes()) {
            look_again(conn, account, stamp.on).await?;
        }
        return Ok(id);
    }
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO exception (account_id, kind, text, opened_on) VALUES ($1, $2, $3, $4) RETURNING id",
    )
    .bind(account.map(|account| account.0))
    .bind(kind.word())
    .bind(text)
    .bind(stamp.on)
    .fetch_one(&mut *conn)
    .await?;
    let body = json!({ "exception": id, "kind": kind, "text": text });
    log::write(conn, &[NewLine { account, what: "exception", body }], None, stamp).await?;
    if let Some(account) = account.filter(|_| kind.freezes()) {
        touch(conn, &[account], stamp.on).await?;
        look_again(conn, account, stamp.on).await?;
    }
    Ok(id)
}

/// Clears the lines that ask to call a crew back: from the order that is done; from every one of the service once it is on again.
pub(super) async fn settle_recalls(conn: &mut Conn, done: &FieldOrder, stamp: &Stamp) -> Result<()> {
    let standing: Vec<String> = sqlx::query_scalar(
        "SELECT text FROM exception WHERE account_id = $1 AND kind = $2 AND cleared_on IS NULL ORDER BY id",
    )
    .bind(done.account.0)
    .bind(ExceptionKind::RecallCrew.word())
    .fetch_all(&mut *conn)
    .await?;
    let of_order = |text: &&String| text.starts_with(&format!("order {}: ", done.id));
    let of_service =
        |text: &&String| done.kind == OrderKind::Restore && text.contains(&format!(" of {} (", done.service));
    for text in standing.iter().filter(|text| of_order(text) || of_service(text)) {
        settle(conn, done.account, ExceptionKind::RecallCrew, text, stamp).await?;
    }
    Ok(())
}

/// Clears the line where it stands: what it asked for was done.
pub(super) async fn settle(
    conn: &mut Conn,
    account: AccountId,
    kind: ExceptionKind,
    text: &str,
    stamp: &Stamp,
) -> Result<()> {
    let cleared: Vec<i64> = sqlx::query_scalar(
        "UPDATE exception SET cleared_by = $4, cleared_on = $5
         WHERE account_id = $1 AND kind = $2 AND text = $3 AND cleared_on IS NULL RETURNING id",
    )
    .bind(account.0)
    .bind(kind.word())
    .bind(text)
    .bind(stamp.by.to_string())
    .bind(stamp.on)
    .fetch_all(&mut *conn)
    .await?;
    let lines: Vec<NewLine> = cleared
        .into_iter()
        .map(|id| NewLine::of(account, "exception cleared", json!({ "exception": id, "text": text })))
        .collect();
    log::write(conn, &lines, None, stamp).await
}

/// Clears the account's lines of the kind: what they asked for was done.
pub(super) async fn settle_of(conn: &mut Conn, account: AccountId, kind: ExceptionKind, stamp: &Stamp) -> Result<()> {
    let standing: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM exception WHERE account_id = $1 AND kind = $2 AND cleared_on IS NULL ORDER BY id",
    )
    .bind(account.0)
    .bind(kind.word())
    .fetch_all(&mut *conn)
    .await?;
    settle_lines(conn, &standing, stamp).await
}

/// Whether the account had a line of these very words, cleared or not.
pub(super) async fn was_told(conn: &mut Conn, account: AccountId, kind: ExceptionKind, text: &str) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM exception WHERE account_id = $1 AND kind = $2 AND text = $3 ORDER BY id LIMIT 1",
    )
    .bind(account.0)
    .bind(kind.word())
    .bind(text)
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Clears those of the lines that still stand: a file brought what they waited for.
pub(super) async fn settle_lines(conn: &mut Conn, lines: &[i64], stamp: &Stamp) -> Result<()> {
    let update = format!(
        "UPDATE exception SET cleared_by = $2, cleared_on = $3 WHERE id IN {} AND cleared_on IS NULL
         RETURNING id, account_id, text",
        ids(1)
    );
    let mut cleared: Vec<(i64, Option<i64>, String)> = sqlx::query_as(sql(update))
        .bind(Json(lines))
        .bind(stamp.by.to_string())
        .bind(stamp.on)
        .fetch_all(&mut *conn)
        .await?;
    cleared.sort_unstable();
    let lines: Vec<NewLine> = cleared
        .into_iter()
        .map(|(id, account, text)| NewLine {
            account: account.map(AccountId),
            what: "exception cleared",
            body: json!({ "exception": id, "text": text }),
        })
        .collect();
    log::write(conn, &lines, None, stamp).await
}

/// The account is looked at again on the day after `on`, not over and over on the same day.
async fn look_again(conn: &mut Conn, account: AccountId, on: Day) -> Result<()> {
    sqlx::query("UPDATE review SET next_review = $2 WHERE account_id = $1")
        .bind(account.0)
        .bind(plus_days(on, 1))
        .execute(conn)
        .await?;
    Ok(())
}

type Row = (i64, Option<i64>, String, String, Day, Option<String>, Option<Day>);

fn exception((id, account, kind, text, opened_on, cleared_by, cleared_on): Row) -> Result<Exception> {
    let kind = word(ExceptionKind::from_word, &kind)?;
    Ok(Exception { id, account: account.map(AccountId), kind, text, opened_on, cleared_by, cleared_on })
}

impl Backend {
    pub async fn open_exception(
        &self,
        account: Option<AccountId>,
        kind: ExceptionKind,
        text: &str,
        stamp: &Stamp,
    ) -> Result<i64> {
        let mut tx = self.write().await?;
        let id = open(&mut tx, account, kind, text, stamp).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn clear_exception(&self, id: i64, reason: Option<&str>, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let found: Option<Row> = sqlx::query_as(
            "SELECT id, account_id, kind, text, opened_on, cleared_by, cleared_on FROM exception WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        let found = exception(found.ok_or_else(|| StoreError::not_found("exception", id))?)?;
        if let Some(by) = found.cleared_by {
            return Err(StoreError::Conflict(format!("exception {id} was cleared by {by}")));
        }
        sqlx::query("UPDATE exception SET cleared_by = $2, cleared_on = $3 WHERE id = $1")
            .bind(id)
            .bind(stamp.by.to_string())
            .bind(stamp.on)
            .execute(&mut *tx)
            .await?;
        if let Some(account) = found.account {
            touch(&mut tx, &[account], stamp.on).await?;
            if found.kind == ExceptionKind::WorkFailed {
                notice::make_failed_anew(&mut tx, account, stamp).await?;
            }
            // Whatever was found: what was served before is served anew.
            if found.kind == ExceptionKind::CustomerChanged {
                let follows = NewEvent { account, kind: EventKind::CustomerFollows, on_day: stamp.on, stage: None };
                event::record(&mut tx, &[follows], stamp).await?;
            }
            if found.kind == ExceptionKind::BalanceDiffers {
                balance::accept(&mut tx, account).await?;
            }
            if found.kind == ExceptionKind::ArrangedBillReversed {
                rebill::give_up(&mut tx, account, id).await?;
            }
        }
        let body = match reason {
            Some(reason) => json!({ "exception": id, "text": found.text, "reason": reason }),
            None => json!({ "exception": id, "text": found.text }),
        };
        let line = NewLine { account: found.account, what: "exception cleared", body };
        log::write(&mut tx, &[line], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn clear_exceptions_of(&self, kind: ExceptionKind, stamp: &Stamp) -> Result<()> {
        // Mostly there is none, and nothing is written.
        let standing: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM exception WHERE account_id IS NULL AND kind = $1 AND cleared_on IS NULL ORDER BY id",
        )
        .bind(kind.word())
        .fetch_all(&self.reader)
        .await?;
        for id in standing {
            match self.clear_exception(id, None, stamp).await {
                // Another daemon, or a person, was first.
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub async fn settle_exception(
        &self,
        account: AccountId,
        kind: ExceptionKind,
        text: &str,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        settle(&mut tx, account, kind, text, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn standing_exceptions(&self, kind: ExceptionKind) -> Result<Vec<Exception>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT id, account_id, kind, text, opened_on, cleared_by, cleared_on FROM exception
             WHERE account_id IS NULL AND kind = $1 AND cleared_on IS NULL ORDER BY id",
        )
        .bind(kind.word())
        .fetch_all(&self.reader)
        .await?;
        found.into_iter().map(exception).collect()
    }

    pub async fn exceptions_of_kind(&self, kind: ExceptionKind) -> Result<Vec<Exception>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT id, account_id, kind, text, opened_on, cleared_by, cleared_on FROM exception
             WHERE kind = $1 AND cleared_on IS NULL ORDER BY id",
        )
        .bind(kind.word())
        .fetch_all(&self.reader)
        .await?;
        found.into_iter().map(exception).collect()
    }

    pub async fn exceptions(&self, open_only: bool) -> Result<Vec<Exception>> {
        let select = if open_only {
            "SELECT id, account_id, kind, text, opened_on, cleared_by, cleared_on FROM exception
             WHERE cleared_on IS NULL ORDER BY id"
        } else {
            "SELECT id, account_id, kind, text, opened_on, cleared_by, cleared_on FROM exception ORDER BY id"
        };
        let found: Vec<Row> = sqlx::query_as(select).fetch_all(&self.reader).await?;
        found.into_iter().map(exception).collect()
    }
}
