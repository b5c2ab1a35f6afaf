//! Promises to pay. Whether one is kept is never stored: it is computed from the ledger.

use serde_json::json;
use sqlx::types::Json;

use super::given::{NewPromise, Stamp};
use super::kept;
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, ledger, touch};
use crate::domain::promise::{Promise, PromiseState};
use crate::domain::{AccountId, Day, PromiseId};

/// Records a promise and logs it; one that is still open is replaced by it, so that one promise at a time extends the
/// time to pay. The caller touches the account.
pub(super) async fn add(conn: &mut Conn, account: AccountId, new: &NewPromise, stamp: &Stamp) -> Result<PromiseId> {
    if !new.amount.is_positive() {
        return Err(StoreError::Conflict(format!("a promise of {} is none: give an amount above zero", new.amount)));
    }
    let promise = Promise {
        id: PromiseId(0),
        made_on: stamp.on,
        known_through: ledger::known_through(conn, account, new.seen_seq).await?,
        amount: new.amount,
        pay_by: new.pay_by,
        grace_days: new.grace_days,
        canceled_on: None,
        taken_by: stamp.by.to_string(),
    };
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO promise (account_id, pay_by, body, recorded_at) VALUES ($1, $2, $3, $4) RETURNING id",
    )
    .bind(account.0)
    .bind(promise.pay_by)
    .bind(Json(&promise))
    .bind(stamp.at)
    .fetch_one(&mut *conn)
    .await?;
    let promise = Promise { id: PromiseId(id), ..promise };
    for earlier in open_before(conn, account, promise.id, stamp.on).await? {
        end(conn, account, earlier, &format!("replaced by promise {id}"), stamp).await?;
    }
    log::write(conn, &[NewLine::of(account, "promise", json!(promise))], None, stamp).await?;
    Ok(promise.id)
}

/// The promises made before `id` that are neither kept nor broken nor canceled on `on`.
async fn open_before(conn: &mut Conn, account: AccountId, id: PromiseId, on: Day) -> Result<Vec<Promise>> {
    let mut earlier: Vec<Promise> = kept::of_account(conn, account).await?;
    earlier.retain(|promise| promise.id < id && promise.canceled_on.is_none() && promise.last_day() >= on);
    if !earlier.is_empty() {
        let entries = ledger::entries_known(conn, account, None).await?;
        earlier.retain(|promise| promise.state(&entries, on) == PromiseState::Open);
    }
    Ok(earlier)
}

async fn end(conn: &mut Conn, account: AccountId, mut promise: Promise, reason: &str, stamp: &Stamp) -> Result<()> {
    promise.canceled_on = Some(stamp.on);
    sqlx::query("UPDATE promise SET body = $2, ended_at = $3 WHERE id = $1")
        .bind(promise.id.0)
        .bind(Json(&promise))
        .bind(stamp.at)
        .execute(&mut *conn)
        .await?;
    let line = NewLine::of(account, "promise canceled", json!({ "promise": promise.id, "reason": reason }));
    log::write(conn, &[line], None, stamp).await
}

impl Backend {
    pub async fn add_promise(&self, account: AccountId, promise: &NewPromise, stamp: &Stamp) -> Result<PromiseId> {
        let mut tx = self.write().await?;
        let id = add(&mut tx, account, promise, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn cancel_promise(&self, id: PromiseId, reason: &str, stamp: &Stamp) -> Result<AccountId> {
        let mut tx = self.write().await?;
        let (account, promise) = kept::to_write::<Promise>(&mut tx, id.0).await?;
        if let Some(canceled) = promise.canceled_on {
            return Err(StoreError::Conflict(format!("promise {id} was canceled on {canceled}")));
        }
        end(&mut tx, account, promise, reason, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        tx.commit().await?;
        Ok(account)
    }

    pub async fn promise(&self, id: PromiseId) -> Result<(AccountId, Promise)> {
        let mut tx = self.read().await?;
        kept::one(&mut tx, id.0).await
    }

    pub async fn promises_of(&self, account: AccountId) -> Result<Vec<Promise>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn promises_due(&self, from: Day, through: Day) -> Result<Vec<(AccountId, Promise)>> {
        let mut tx = self.read().await?;
        let query = kept::select("pay_by BETWEEN $1 AND $2 ORDER BY pay_by, id").bind(from).bind(through);
        kept::with_accounts(&mut tx, query).await
    }
}
