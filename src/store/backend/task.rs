//! Tasks: something for a person to do, by role.

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{Stamp, Task};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, rows, sql, word};
use crate::domain::{AccountId, Day, Role};

/// A task about to be opened.
#[derive(Serialize)]
pub(super) struct NewTask {
    pub account: AccountId,
    pub act_key: String,
    pub text: String,
    pub role: Role,
}

/// Opens tasks; one that its act has already is left alone.
pub(super) async fn add(conn: &mut Conn, tasks: &[NewTask], on: Day) -> Result<()> {
    let insert = format!(
        "INSERT INTO task (account_id, act_key, text, role, opened_on)
         SELECT r.account, r.act_key, r.text, r.role, $2 FROM {} WHERE true
         ON CONFLICT (act_key) DO NOTHING",
        rows(1, "account bigint, act_key text, text text, role text")
    );
    sqlx::query(sql(insert)).bind(Json(tasks)).bind(on).execute(conn).await?;
    Ok(())
}

/// Closes the task of that key where it stands: what it asked about has come.
pub(super) async fn settle(conn: &mut Conn, act_key: &str, stamp: &Stamp) -> Result<()> {
    let closed: Vec<(i64, i64, String)> = sqlx::query_as(
        "UPDATE task SET closed_by = $2, closed_on = $3 WHERE act_key = $1 AND closed_on IS NULL
         RETURNING id, account_id, text",
    )
    .bind(act_key)
    .bind(stamp.by.to_string())
    .bind(stamp.on)
    .fetch_all(&mut *conn)
    .await?;
    let line = |(id, account, text): (i64, i64, String)| {
        NewLine::of(AccountId(account), "task closed", json!({ "task": id, "text": text }))
    };
    let lines: Vec<NewLine> = closed.into_iter().map(line).collect();
    log::write(conn, &lines, None, stamp).await
}

/// Closes the task of that key where it stands; false where there never was one.
pub(super) async fn answered(conn: &mut Conn, key: &str, stamp: &Stamp) -> Result<bool> {
    let known: Option<(i64, i64, String, bool)> =
        sqlx::query_as("SELECT id, account_id, text, closed_on IS NULL FROM task WHERE act_key = $1")
            .bind(key)
            .fetch_optional(&mut *conn)
            .await?;
    let Some((id, account, text, stands)) = known else { return Ok(false) };
    if stands {
        sqlx::query("UPDATE task SET closed_by = $2, closed_on = $3 WHERE id = $1")
            .bind(id)
            .bind(stamp.by.to_string())
            .bind(stamp.on)
            .execute(&mut *conn)
            .await?;
        let line = NewLine::of(AccountId(account), "task closed", json!({ "task": id, "text": text }));
        log::write(conn, &[line], None, stamp).await?;
    }
    Ok(true)
}

type Row = (i64, i64, String, String, Day, Option<String>, Option<Day>);

fn task((id, account, text, role, opened_on, closed_by, closed_on): Row) -> Result<Task> {
    let role = word(Role::from_word, &role)?;
    Ok(Task { id, account: AccountId(account), text, role, opened_on, closed_by, closed_on })
}

impl Backend {
    pub async fn open_task(&self, account: AccountId, key: &str, text: &str, role: Role, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        add(&mut tx, &[NewTask { account, act_key: key.to_owned(), text: text.to_owned(), role }], stamp.on).await?;
        Ok(tx.commit().await?)
    }

    pub async fn tasks(&self, open_only: bool) -> Result<Vec<Task>> {
        let found: Vec<Row> =
            sqlx::query_as("SELECT id, account_id, text, role, opened_on, closed_by, closed_on FROM task ORDER BY id")
                .fetch_all(&self.reader)
                .await?;
        let tasks: Result<Vec<Task>> = found.into_iter().map(task).collect();
        Ok(tasks?.into_iter().filter(|task| !open_only || task.closed_on.is_none()).collect())
    }

    pub async fn close_task(&self, id: i64, stamp: &Stamp) -> Result<AccountId> {
        let mut tx = self.write().await?;
        let closed: Option<(i64, String)> = sqlx::query_as(
            "UPDATE task SET closed_by = $2, closed_on = $3 WHERE id = $1 AND closed_on IS NULL
             RETURNING account_id, text",
        )
        .bind(id)
        .bind(stamp.by.to_string())
        .bind(stamp.on)
        .fetch_optional(&mut *tx)
        .await?;
        let (account, text) = closed.ok_or_else(|| StoreError::not_found("open task", id))?;
        let line = NewLine::of(AccountId(account), "task closed", json!({ "task": id, "text": text }));
        log::write(&mut tx, &[line], None, stamp).await?;
        tx.commit().await?;
        Ok(AccountId(account))
    }
}
