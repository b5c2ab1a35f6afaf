//! Adopted policies: the only ones that act.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;

use super::account::wake_all;
use super::given::{AdoptedPolicy, PolicySource, Stamp};
use super::log::{self, NewLine};
use super::{Backend, Result};
use crate::domain::{Day, PolicyHash};

type Row = (String, String, Json<Vec<PolicySource>>, String, DateTime<Utc>, Day);

fn policy((hash, name, Json(sources), adopted_by, adopted_at, effective_on): Row) -> AdoptedPolicy {
    AdoptedPolicy { hash: PolicyHash::from(hash), name, sources, adopted_by, adopted_at, effective_on }
}

impl Backend {
    pub async fn adopt_policy(&self, policy: &AdoptedPolicy, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let known: Option<String> = sqlx::query_scalar("SELECT hash FROM policy WHERE hash = $1")
            .bind(policy.hash.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO policy (hash, name, sources, adopted_by, adopted_at, effective_on, chosen_at, chosen_no)
             VALUES ($1, $2, $3, $4, $5, $6, $5, (SELECT COALESCE(MAX(chosen_no), 0) + 1 FROM policy))
             ON CONFLICT (hash) DO UPDATE SET effective_on = excluded.effective_on, chosen_at = excluded.chosen_at,
                chosen_no = excluded.chosen_no",
        )
        .bind(policy.hash.as_str())
        .bind(&policy.name)
        .bind(Json(&policy.sources))
        .bind(&policy.adopted_by)
        .bind(policy.adopted_at)
        .bind(policy.effective_on)
        .execute(&mut *tx)
        .await?;
        wake_all(&mut tx, policy.effective_on.max(stamp.on)).await?;
        let body = json!({ "policy": policy.name, "hash": policy.hash, "effective_on": policy.effective_on });
        let what = if known.is_some() { "policy adopted again" } else { "policy adopted" };
        log::write(&mut tx, &[NewLine { account: None, what, body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn policy_on(&self, day: Day) -> Result<Option<AdoptedPolicy>> {
        match self.policy_in_force(day).await? {
            Some(hash) => self.policy(&hash).await,
            None => Ok(None),
        }
    }

    pub async fn policy_in_force(&self, day: Day) -> Result<Option<PolicyHash>> {
        let found: Option<String> = sqlx::query_scalar(
            "SELECT hash FROM policy
             WHERE effective_on <= $1 ORDER BY effective_on DESC, chosen_no DESC LIMIT 1",
        )
        .bind(day)
        .fetch_optional(&self.reader)
        .await?;
        Ok(found.map(PolicyHash::from))
    }

    pub async fn policy(&self, hash: &PolicyHash) -> Result<Option<AdoptedPolicy>> {
        let found: Option<Row> = sqlx::query_as(
            "SELECT hash, name, sources, adopted_by, adopted_at, effective_on FROM policy WHERE hash = $1",
        )
        .bind(hash.as_str())
        .fetch_optional(&self.reader)
        .await?;
        Ok(found.map(policy))
    }

    pub async fn policies(&self) -> Result<Vec<AdoptedPolicy>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT hash, name, sources, adopted_by, adopted_at, effective_on FROM policy
             ORDER BY effective_on, adopted_at, chosen_no",
        )
        .fetch_all(&self.reader)
        .await?;
        Ok(found.into_iter().map(policy).collect())
    }
}
