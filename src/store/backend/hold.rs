//! Holds: placed and ended by people, or placed by a policy.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::types::Json;

use super::given::{HeldWithTask, NewHold, Stamp};
use super::kept;
use super::log::{self, NewLine};
use super::task::{self, NewTask};
use super::{Backend, Conn, Result, StoreError, dispute, referral, touch};
use crate::domain::hold::{Estate, Hold, HoldKind};
use crate::domain::placement::ReturnReason;
use crate::domain::{AccountId, Day, HoldId, Role};

/// Places a hold and logs it. The caller touches the account.
pub(super) async fn add(conn: &mut Conn, account: AccountId, new: &NewHold, stamp: &Stamp) -> Result<HoldId> {
    if new.through.is_some_and(|through| through < new.from) {
        return Err(StoreError::Conflict("a hold cannot end before it begins".to_owned()));
    }
    let hold = Hold {
        id: HoldId(0),
        kind: new.kind,
        from: new.from,
        through: new.through,
        ended_on: None,
        items: new.items.iter().copied().collect::<BTreeSet<_>>(),
        stops_clock: new.stops_clock,
        reason: new.reason.clone(),
        placed_by: stamp.by.to_string(),
        placed_on: stamp.on,
        estate: new.estate.clone(),
    };
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO hold (account_id, from_on, body, recorded_at) VALUES ($1, $2, $3, $4) RETURNING id",
    )
    .bind(account.0)
    .bind(hold.from)
    .bind(Json(&hold))
    .bind(stamp.at)
    .fetch_one(&mut *conn)
    .await?;
    let hold = Hold { id: HoldId(id), ..hold };
    log::write(conn, &[NewLine::of(account, "hold placed", json!(hold))], None, stamp).await?;
    let answers = match hold.kind {
        HoldKind::Dispute => Some(ReturnReason::Disputed),
        HoldKind::Bankruptcy => Some(ReturnReason::Bankrupt),
        HoldKind::Deceased => Some(ReturnReason::Deceased),
        HoldKind::Appeal
        | HoldKind::Investigation
        | HoldKind::Extension
        | HoldKind::Medical
        | HoldKind::Assistance
        | HoldKind::Tenants
        | HoldKind::Review
        | HoldKind::Reported => None,
    };
    if let Some(said) = answers {
        let words = format!("recorded: a {} hold stands, number {}", hold.kind, hold.id);
        Box::pin(referral::answer(conn, account, (said, &hold.items), &words, stamp)).await?;
    }
    Ok(hold.id)
}

/// Places holds, each with the task of the lead that belongs to it.
pub(super) async fn add_with_tasks(conn: &mut Conn, held: &[HeldWithTask], stamp: &Stamp) -> Result<Vec<HoldId>> {
    let mut placed = Vec::with_capacity(held.len());
    for HeldWithTask { account, hold, about, task } in held {
        let id = add(conn, *account, hold, stamp).await?;
        touch(conn, &[*account], stamp.on).await?;
        let text = task.replace(HeldWithTask::NUMBER, &id.to_string());
        let new = NewTask { account: *account, act_key: format!("hold {id}, {about}"), text, role: Role::Lead };
        task::add(conn, &[new], stamp.on).await?;
        placed.push(id);
    }
    Ok(placed)
}

/// The hold for what somebody outside has said of the customer.
pub(super) fn reported(reason: &str, on: Day) -> NewHold {
    NewHold {
        kind: HoldKind::Reported,
        from: on,
        through: None,
        items: Vec::new(),
        stops_clock: false,
        reason: reason.to_owned(),
        estate: None,
    }
}

/// Writes down of which debts a hold is; whoever calls it logs why.
pub(super) async fn put_items(conn: &mut Conn, hold: &Hold) -> Result<()> {
    sqlx::query("UPDATE hold SET body = $2 WHERE id = $1").bind(hold.id.0).bind(Json(hold)).execute(conn).await?;
    Ok(())
}

/// Ends a hold and logs it. The caller touches the account.
pub(super) async fn end(conn: &mut Conn, id: HoldId, reason: &str, stamp: &Stamp) -> Result<()> {
    let (account, mut hold) = kept::one::<Hold>(conn, id.0).await?;
    if let Some(ended) = hold.ended_on {
        return Err(StoreError::Conflict(format!("hold {id} was ended on {ended}")));
    }
    hold.ended_on = Some(stamp.on);
    sqlx::query("UPDATE hold SET body = $2, ended_at = $3 WHERE id = $1")
        .bind(id.0)
        .bind(Json(&hold))
        .bind(stamp.at)
        .execute(&mut *conn)
        .await?;
    let line = NewLine::of(account, "hold ended", json!({ "hold": id, "kind": hold.kind, "reason": reason }));
    log::write(conn, &[line], None, stamp).await
}

impl Backend {
    pub async fn place_hold(&self, account: AccountId, hold: &NewHold, stamp: &Stamp) -> Result<HoldId> {
        let mut tx = self.write().await?;
        let id = add(&mut tx, account, hold, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn place_holds_with_tasks(&self, held: &[HeldWithTask], stamp: &Stamp) -> Result<Vec<HoldId>> {
        let mut tx = self.write().await?;
        let placed = add_with_tasks(&mut tx, held, stamp).await?;
        tx.commit().await?;
        Ok(placed)
    }

    pub async fn end_hold(&self, id: HoldId, reason: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, _) = kept::to_write::<Hold>(&mut tx, id.0).await?;
        if let Some(dispute) = dispute::standing_behind(&mut tx, account, id).await? {
            return Err(StoreError::Conflict(format!(
                "hold {id} stands for dispute {dispute}: decide that with `arrears dispute decide {dispute}`"
            )));
        }
        end(&mut tx, id, reason, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        Ok(tx.commit().await?)
    }

    pub async fn put_estate(&self, id: HoldId, estate: &Estate, what: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut hold) = kept::to_write::<Hold>(&mut tx, id.0).await?;
        if hold.kind != HoldKind::Deceased || hold.ended_on.is_some() {
            return Err(StoreError::Conflict(format!("hold {id} is not one for a customer who died, or has ended")));
        }
        hold.estate = Some(estate.clone());
        sqlx::query("UPDATE hold SET body = $2 WHERE id = $1").bind(id.0).bind(Json(&hold)).execute(&mut *tx).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let body = json!({ "hold": id, "what": what, "estate": estate });
        log::write(&mut tx, &[NewLine::of(account, "estate", body)], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn hold(&self, id: HoldId) -> Result<(AccountId, Hold)> {
        let mut tx = self.read().await?;
        kept::one(&mut tx, id.0).await
    }

    pub async fn holds_of(&self, account: AccountId) -> Result<Vec<Hold>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn estates(&self) -> Result<Vec<(AccountId, Hold)>> {
        let mut tx = self.read().await?;
        kept::with_accounts(&mut tx, kept::select::<Hold>("(body ->> 'estate') IS NOT NULL ORDER BY id")).await
    }

    pub async fn holds_on(&self, day: Day) -> Result<Vec<(AccountId, Hold)>> {
        let mut tx = self.read().await?;
        let mut holds =
            kept::with_accounts(&mut tx, kept::select::<Hold>("from_on <= $1 ORDER BY id").bind(day)).await?;
        holds.retain(|(_, hold)| hold.holds_on(day));
        Ok(holds)
    }
}
