//! What a night looks at beyond the accounts that are due: those with facts since the last look, and debts that reached a day.

use serde::Serialize;
use sqlx::types::Json;

use super::given::{ToLook, Watched};
use super::{Backend, Result, ids, rows, sql};
use crate::domain::{AccountId, Day, PolicyHash};

#[derive(Serialize)]
struct LookedRow {
    account: AccountId,
    seq: i64,
}

impl Backend {
    pub async fn to_look(&self, all: bool, after: Option<AccountId>, limit: u32) -> Result<Vec<ToLook>> {
        // With the words of the index, and not of a greater condition that it would not serve.
        let select = if all {
            "SELECT account_id, facts_seq FROM review WHERE account_id > $1 ORDER BY account_id LIMIT $2"
        } else {
            "SELECT account_id, facts_seq FROM review
             WHERE looked_seq < facts_seq AND account_id > $1 ORDER BY account_id LIMIT $2"
        };
        let found: Vec<(i64, i64)> = sqlx::query_as(select)
            .bind(after.map_or(i64::MIN, |after| after.0))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await?;
        Ok(found.into_iter().map(|(account, facts_seq)| ToLook { account: AccountId(account), facts_seq }).collect())
    }

    pub async fn looked(&self, at: &[ToLook], again: &[AccountId]) -> Result<()> {
        let mut tx = self.write().await?;
        // A fact that came meanwhile has a higher number, and is looked at with the next night.
        let update = format!(
            "UPDATE review SET looked_seq = r.seq FROM {} WHERE review.account_id = r.account AND review.looked_seq <> r.seq",
            rows(1, "account bigint, seq bigint")
        );
        let seen: Vec<LookedRow> =
            at.iter().map(|look| LookedRow { account: look.account, seq: look.facts_seq }).collect();
        sqlx::query(sql(update)).bind(Json(seen)).execute(&mut *tx).await?;
        if !again.is_empty() {
            let update = format!("UPDATE review SET looked_seq = -1 WHERE account_id IN {}", ids(1));
            sqlx::query(sql(update)).bind(Json(again)).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    pub async fn watched(&self) -> Result<Option<Watched>> {
        let found: Option<(Day, String)> =
            sqlx::query_as("SELECT through, policy FROM watched WHERE id = 1").fetch_optional(&self.reader).await?;
        Ok(found.map(|(through, policy)| Watched { through, policy: PolicyHash::from(policy) }))
    }

    pub async fn put_watched(&self, watched: &Watched) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO watched (id, through, policy) VALUES (1, $1, $2)
             ON CONFLICT (id) DO UPDATE SET through = excluded.through, policy = excluded.policy",
        )
        .bind(watched.through)
        .bind(watched.policy.as_str())
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    pub async fn left_owing(&self, from: Day, through: Day) -> Result<Vec<AccountId>> {
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT DISTINCT account.id FROM open_item JOIN account ON account.id = open_item.account_id
             WHERE open_item.due_on BETWEEN $1 AND $2 AND account.ended_on IS NOT NULL ORDER BY account.id",
        )
        .bind(from)
        .bind(through)
        .fetch_all(&self.reader)
        .await?;
        Ok(found.into_iter().map(AccountId).collect())
    }
}
