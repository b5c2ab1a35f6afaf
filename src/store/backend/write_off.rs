//! What is left over of write-offs: kept beside the open items, and told to a person.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, Stamp};
use super::log::{self, NewLine};
use super::snapshot::By;
use super::{Conn, Result, StoreError, exception, ids, rows, sql, touch};
use crate::domain::ledger::{IdleWriteOff, OWN_SOURCE};
use crate::domain::proposal::LeftOver as Proposed;
use crate::domain::{AccountId, Cents, Entry, EntryId, EntryKind};

/// What is left over of the accounts' write-offs, by account, in the order of their entries.
pub(super) async fn idle(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<IdleWriteOff>> {
    let select = format!(
        "SELECT idle.account_id, idle.entry_id, idle.left_cents, entry.designated_item, entry.source
         FROM idle_write_off AS idle JOIN entry ON entry.id = idle.entry_id
         WHERE idle.account_id IN {} ORDER BY idle.account_id, idle.entry_id",
        ids(1)
    );
    let found: Vec<(i64, i64, i64, Option<i64>, String)> =
        sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut idle: By<IdleWriteOff> = By::new();
    for (account, write_off, left, item, source) in found {
        idle.entry(AccountId(account)).or_default().push(IdleWriteOff {
            write_off: EntryId(write_off),
            item: item.map(EntryId),
            left: Cents::new(left),
            is_own: source == OWN_SOURCE,
        });
    }
    Ok(idle)
}

/// The account's write-offs that stand, and how much each writes off.
pub(super) async fn standing_of<'a>(
    conn: &mut Conn,
    account: AccountId,
    entries: &'a [Entry],
) -> Result<Vec<(&'a Entry, Cents)>> {
    let idle = idle(conn, &[account]).await?.remove(&account).unwrap_or_default();
    let is_undone = |entry: &Entry| entries.iter().any(|other| other.reverses == Some(entry.id));
    let left =
        |entry: &Entry| idle.iter().find(|idle| idle.write_off == entry.id).map_or(Cents::ZERO, |idle| idle.left);
    let standing = entries.iter().filter(|entry| entry.kind == EntryKind::WriteOff && !is_undone(entry));
    Ok(standing.map(|entry| (entry, -entry.amount - left(entry))).filter(|(_, gone)| gone.is_positive()).collect())
}

/// What is left over now of an account's write-offs, and what a person is told of it.
pub(super) struct LeftOver {
    pub account: AccountId,
    pub idle: Vec<IdleWriteOff>,
    pub text: String,
}

/// What a proposal would take back is left over as it was when it was made. The account is held still.
pub(super) async fn still_left(conn: &mut Conn, account: AccountId, proposed: &[Proposed]) -> Result<()> {
    let now = idle(conn, &[account]).await?.remove(&account).unwrap_or_default();
    for then in proposed {
        let left = now.iter().find(|idle| idle.write_off == then.write_off).map_or(Cents::ZERO, |idle| idle.left);
        if left != then.left {
            return Err(StoreError::Conflict(format!(
                "what is left over of write-off {} has changed since the proposal, from {} to {left}: decline it, and propose anew",
                then.write_off, then.left
            )));
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Row {
    account: AccountId,
    entry: EntryId,
    left_over: Cents,
}

/// Writes what has changed of the accounts named: the line that stood is cleared, and where something is left over, one that says
/// so freezes the account.
pub(super) async fn keep(conn: &mut Conn, changed: &[LeftOver], stamp: &Stamp) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let accounts: Vec<AccountId> = changed.iter().map(|now| now.account).collect();
    let delete = format!("DELETE FROM idle_write_off WHERE account_id IN {}", ids(1));
    sqlx::query(sql(delete)).bind(Json(&accounts)).execute(&mut *conn).await?;
    let kept: Vec<Row> = changed
        .iter()
        .flat_map(|now| {
            now.idle.iter().map(|idle| Row { account: now.account, entry: idle.write_off, left_over: idle.left })
        })
        .collect();
    let insert = format!(
        "INSERT INTO idle_write_off (account_id, entry_id, left_cents) SELECT r.account, r.entry, r.left_over FROM {}",
        rows(1, "account bigint, entry bigint, left_over bigint")
    );
    sqlx::query(sql(insert)).bind(Json(kept)).execute(&mut *conn).await?;
    let standing = standing(conn, &accounts).await?;
    let says = |account: &AccountId, text: &str| {
        changed.iter().any(|now| now.account == *account && !now.idle.is_empty() && now.text == text)
    };
    let (same, gone): (Vec<_>, Vec<_>) = standing.into_iter().partition(|(_, account, text)| says(account, text));
    let gone: Vec<i64> = gone.into_iter().map(|(id, ..)| id).collect();
    exception::settle_lines(conn, &gone, stamp).await?;
    let told: BTreeSet<AccountId> = same.into_iter().map(|(_, account, _)| account).collect();
    let mut lines = Vec::new();
    for now in changed.iter().filter(|now| !now.idle.is_empty() && !told.contains(&now.account)) {
        let kind = ExceptionKind::WriteOffLeftOver;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO exception (account_id, kind, text, opened_on) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(now.account.0)
        .bind(kind.word())
        .bind(&now.text)
        .bind(stamp.on)
        .fetch_one(&mut *conn)
        .await?;
        let body = json!({ "exception": id, "kind": kind, "text": now.text });
        lines.push(NewLine::of(now.account, "exception", body));
    }
    log::write(conn, &lines, None, stamp).await?;
    // It is looked at again today: what is pending is withdrawn, and what a payment allows is done.
    touch(conn, &accounts, stamp.on).await
}

async fn standing(conn: &mut Conn, accounts: &[AccountId]) -> Result<Vec<(i64, AccountId, String)>> {
    let select = format!(
        "SELECT id, account_id, text FROM exception
         WHERE account_id IN {} AND kind = $2 AND cleared_on IS NULL ORDER BY id",
        ids(1)
    );
    let found: Vec<(i64, i64, String)> = sqlx::query_as(sql(select))
        .bind(Json(accounts))
        .bind(ExceptionKind::WriteOffLeftOver.word())
        .fetch_all(conn)
        .await?;
    Ok(found.into_iter().map(|(id, account, text)| (id, AccountId(account), text)).collect())
}
