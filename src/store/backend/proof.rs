//! What a household has shown: recorded and ended by people.

use serde_json::json;
use sqlx::types::Json;

use super::given::{NewProof, Stamp};
use super::kept;
use super::log::{self, NewLine};
use super::{Backend, Result, StoreError, touch};
use crate::domain::proof::Proof;
use crate::domain::{AccountId, ProofId};

impl Backend {
    pub async fn add_proof(&self, account: AccountId, new: &NewProof, stamp: &Stamp) -> Result<ProofId> {
        if new.through.is_some_and(|through| through < new.from) {
            return Err(StoreError::Conflict("what is shown cannot end before it begins".to_owned()));
        }
        let proof = Proof {
            id: ProofId(0),
            kind: new.kind,
            evidence: new.evidence.clone(),
            from: new.from,
            through: new.through,
            ended_on: None,
            recorded_by: stamp.by.to_string(),
            recorded_on: stamp.on,
        };
        let mut tx = self.write().await?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO proof (account_id, from_on, body, recorded_at) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(account.0)
        .bind(proof.from)
        .bind(Json(&proof))
        .bind(stamp.at)
        .fetch_one(&mut *tx)
        .await?;
        let proof = Proof { id: ProofId(id), ..proof };
        log::write(&mut tx, &[NewLine::of(account, "protection shown", json!(proof))], None, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        tx.commit().await?;
        Ok(proof.id)
    }

    pub async fn end_proof(&self, id: ProofId, reason: &str, stamp: &Stamp) -> Result<AccountId> {
        let mut tx = self.write().await?;
        let (account, mut proof) = kept::to_write::<Proof>(&mut tx, id.0).await?;
        if let Some(ended) = proof.ended_on {
            return Err(StoreError::Conflict(format!("proof {id} was ended on {ended}")));
        }
        proof.ended_on = Some(stamp.on);
        sqlx::query("UPDATE proof SET body = $2, ended_at = $3 WHERE id = $1")
            .bind(id.0)
            .bind(Json(&proof))
            .bind(stamp.at)
            .execute(&mut *tx)
            .await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let body = json!({ "proof": id, "kind": proof.kind, "reason": reason });
        log::write(&mut tx, &[NewLine::of(account, "protection no longer shown", body)], None, stamp).await?;
        tx.commit().await?;
        Ok(account)
    }

    pub async fn proofs_of(&self, account: AccountId) -> Result<Vec<Proof>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }
}
