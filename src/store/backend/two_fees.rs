//! Fees of which a person said that they are two, although they look like one that is counted twice.

use serde_json::json;
use sqlx::types::Json;

use super::given::Stamp;
use super::log::{self, NewLine};
use super::snapshot::By;
use super::{Backend, Conn, Result, ids, sql, touch};
use crate::domain::AccountId;
use crate::domain::fee::TwoFees;

/// What was said, by account.
pub(super) async fn said(conn: &mut Conn, accounts: &[AccountId]) -> Result<By<TwoFees>> {
    let select = format!(
        "SELECT account_id, body FROM two_fees WHERE account_id IN {} ORDER BY account_id, own_id, other_id",
        ids(1)
    );
    let found: Vec<(i64, Json<TwoFees>)> = sqlx::query_as(sql(select)).bind(Json(accounts)).fetch_all(conn).await?;
    let mut said: By<TwoFees> = By::new();
    for (account, Json(two)) in found {
        said.entry(AccountId(account)).or_default().push(two);
    }
    Ok(said)
}

impl Backend {
    pub async fn two_fees_of(&self, account: AccountId) -> Result<Vec<TwoFees>> {
        let mut tx = self.read().await?;
        Ok(said(&mut tx, &[account]).await?.remove(&account).unwrap_or_default())
    }

    pub async fn say_two_fees(&self, account: AccountId, two: &TwoFees, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO two_fees (account_id, own_id, other_id, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (account_id, own_id, other_id) DO UPDATE SET body = excluded.body",
        )
        .bind(account.0)
        .bind(two.own.0)
        .bind(two.other.0)
        .bind(Json(two))
        .execute(&mut *tx)
        .await?;
        let body = json!({ "own": two.own, "other": two.other, "reason": two.said.reason });
        log::write(&mut tx, &[NewLine::of(account, "two fees", body)], None, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        Ok(tx.commit().await?)
    }
}
