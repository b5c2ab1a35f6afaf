//! Payment arrangements. How one stands is never stored; it is computed from what was applied to its debts.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::types::Json;

use super::given::{NewArrangement, Stamp};
use super::kept;
use super::log::{self, NewLine};
use super::settle::resettle;
use super::{Backend, Result, StoreError, ledger, touch};
use crate::domain::arrangement::{Arrangement, HadPaid, Reversed};
use crate::domain::ledger::{PlanSpan, settle};
use crate::domain::{AccountId, ArrangementId, ItemId};
use crate::rulebook::policy::LedgerRules;

impl Backend {
    pub async fn add_arrangement(
        &self,
        account: AccountId,
        new: &NewArrangement,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<ArrangementId> {
        let mut tx = self.write().await?;
        let known_through = ledger::known_through(&mut tx, account, new.seen_seq).await?;
        let standing: Vec<Arrangement> = kept::of_account(&mut tx, account).await?;
        if let Some(other) = standing.iter().find(|plan| plan.canceled_on.is_none() && overlap(plan, new)) {
            return Err(StoreError::Conflict(format!(
                "arrangement {} of {} covers the same debt: cancel it first",
                other.id, other.made_on
            )));
        }
        let covers: BTreeSet<ItemId> = new.covers.iter().copied().collect();
        let entries = ledger::entries_known(&mut tx, account, None).await?;
        let spans: Vec<PlanSpan> = standing.iter().map(Arrangement::span).collect();
        let books = settle(&entries, &rules.order, &spans, stamp.on);
        let plan = Arrangement {
            id: ArrangementId(0),
            made_on: stamp.on,
            known_through,
            made_by: stamp.by.to_string(),
            had_paid: Some(HadPaid::of(&covers, &books.applications, stamp.on)),
            covers,
            installments: new.installments.clone(),
            grace_days: new.grace_days,
            canceled_on: None,
            note: new.note.clone(),
            reversed: Reversed::default(),
        };
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO arrangement (account_id, body, recorded_at) VALUES ($1, $2, $3) RETURNING id",
        )
        .bind(account.0)
        .bind(Json(&plan))
        .bind(stamp.at)
        .fetch_one(&mut *tx)
        .await?;
        let plan = Arrangement { id: ArrangementId(id), ..plan };
        resettle(&mut tx, &[account], rules, stamp.on).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        log::write(&mut tx, &[NewLine::of(account, "arrangement", json!(plan))], None, stamp).await?;
        tx.commit().await?;
        Ok(plan.id)
    }

    pub async fn cancel_arrangement(
        &self,
        id: ArrangementId,
        reason: &str,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        // What a file under way brings is settled first: settled beside it, its post-dated checks would be forgotten.
        let account: Option<i64> = sqlx::query_scalar("SELECT account_id FROM arrangement WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&mut *tx)
            .await?;
        let account = account.ok_or_else(|| StoreError::not_found("arrangement", id))?;
        ledger::hold_still(&mut tx, AccountId(account)).await?;
        let (account, mut plan) = kept::one::<Arrangement>(&mut tx, id.0).await?;
        if let Some(canceled) = plan.canceled_on {
            return Err(StoreError::Conflict(format!("arrangement {id} was canceled on {canceled}")));
        }
        plan.canceled_on = Some(stamp.on);
        sqlx::query("UPDATE arrangement SET body = $2, ended_at = $3 WHERE id = $1")
            .bind(id.0)
            .bind(Json(&plan))
            .bind(stamp.at)
            .execute(&mut *tx)
            .await?;
        resettle(&mut tx, &[account], rules, stamp.on).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let line = NewLine::of(account, "arrangement canceled", json!({ "arrangement": id, "reason": reason }));
        log::write(&mut tx, &[line], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn arrangements_of(&self, account: AccountId) -> Result<Vec<Arrangement>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn arrangements(&self) -> Result<Vec<(AccountId, Arrangement)>> {
        let mut tx = self.read().await?;
        kept::with_accounts(&mut tx, kept::select("ended_at IS NULL ORDER BY id")).await
    }
}

fn overlap(standing: &Arrangement, new: &NewArrangement) -> bool {
    new.covers.iter().any(|item| standing.covers.contains(item))
}
