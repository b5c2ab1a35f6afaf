//! Referrals: candidates for legal action, approved, placed, recalled.

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::given::{Carried, DebtReturn, Permitted, Stamp};
use super::kept;
use super::leave::{Leave, Named};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, placement, rows, sql, touch};
use crate::audit::Ordered;
use crate::domain::person::Override;
use crate::domain::placement::{Placement, PlacementEnd, ReturnReason};
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{AccountId, ActKey, Day, EventKind, ReferralId};

#[derive(Serialize)]
struct ReferralRow<'a> {
    id: i64,
    account: AccountId,
    act_key: &'a str,
    state: ReferralState,
    body: &'a Referral,
}

impl<'a> From<&'a Referral> for ReferralRow<'a> {
    fn from(body: &'a Referral) -> Self {
        let Referral { id, account, act_key, state, .. } = body;
        Self { id: id.0, account: *account, act_key, state: *state, body }
    }
}

fn to_rows(referrals: &[Referral]) -> Vec<ReferralRow<'_>> {
    referrals.iter().map(ReferralRow::from).collect()
}

/// Adds candidates; one that its act has already is left alone.
pub(super) async fn add(conn: &mut Conn, referrals: &[Referral]) -> Result<()> {
    let insert = format!(
        "INSERT INTO referral (account_id, act_key, state, body)
         SELECT r.account, r.act_key, r.state, r.body FROM {} WHERE true
         ON CONFLICT (act_key) DO NOTHING",
        rows(1, "account bigint, act_key text, state text, body jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(to_rows(referrals))).execute(conn).await?;
    Ok(())
}

/// Writes referrals back as they are now.
pub(super) async fn put(conn: &mut Conn, referrals: &[Referral]) -> Result<()> {
    if referrals.is_empty() {
        return Ok(());
    }
    let update = format!(
        "UPDATE referral SET state = r.state, body = r.body FROM {} WHERE referral.id = r.id",
        rows(1, "id bigint, state text, body jsonb")
    );
    sqlx::query(sql(update)).bind(Json(to_rows(referrals))).execute(conn).await?;
    Ok(())
}

/// Not placed yet, so that it can be canceled without telling anyone.
pub(super) const fn is_pending(referral: &Referral) -> bool {
    matches!(referral.state, ReferralState::Candidate | ReferralState::Approved)
}

impl Backend {
    pub async fn referrals(&self, state: Option<ReferralState>) -> Result<Vec<Referral>> {
        let mut tx = self.read().await?;
        let query = match state {
            None => kept::select("true ORDER BY id"),
            Some(state) => kept::select("state = $1 ORDER BY id").bind(state.word()),
        };
        kept::list(&mut tx, query).await
    }

    pub async fn referrals_of(&self, account: AccountId) -> Result<Vec<Referral>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn referral(&self, id: ReferralId) -> Result<Referral> {
        let mut tx = self.read().await?;
        Ok(kept::one(&mut tx, id.0).await?.1)
    }

    pub async fn approve_referral(
        &self,
        referral: &Permitted<ReferralId>,
        over_limitation: Option<&Override>,
        stamp: &Stamp,
    ) -> Result<Carried<ReferralId>> {
        let step = |referral: &mut Referral| {
            referral.limitation_override = over_limitation.cloned();
            referral.state = ReferralState::Approved;
            referral.approved_by = Some(stamp.by.to_string());
            referral.approved_on = Some(stamp.on);
        };
        let mut tx = self.write().await?;
        let leave = Leave::of(&mut tx, std::slice::from_ref(referral)).await?;
        let done = leave.ids();
        for id in &done {
            let found =
                advance(&mut tx, *id, &[ReferralState::Candidate], step, None, "referral approved", stamp).await?;
            let key: ActKey = found.act_key.parse().map_err(|_| StoreError::Corrupt(found.act_key.clone()))?;
            let ordered = Ordered::Referral(found.to);
            let named = Named { account: found.account, ordered, of: Some(&key.of), amount: None, on: Some(stamp.on) };
            leave.is_for(*id, &named)?;
        }
        tx.commit().await?;
        Ok(Carried { done, overtaken: leave.overtaken })
    }

    pub async fn decline_referral(&self, id: ReferralId, reason: &str, stamp: &Stamp) -> Result<()> {
        let step = |referral: &mut Referral| {
            referral.state = ReferralState::Declined;
            referral.cause = Some(reason.to_owned());
        };
        self.advance(id, &[ReferralState::Candidate], step, None, "referral declined", stamp).await
    }

    pub async fn recall_referral(&self, id: ReferralId, reason: &str, stamp: &Stamp) -> Result<()> {
        let step = |referral: &mut Referral| {
            referral.state = ReferralState::Recalled;
            referral.cause = Some(reason.to_owned());
            end(referral, None, stamp.on, stamp);
        };
        let from = [ReferralState::Approved, ReferralState::Placed];
        let mut tx = self.write().await?;
        let recalled = advance(&mut tx, id, &from, step, Some(EventKind::Recalled), "referral recalled", stamp).await?;
        placement::tell_recall(&mut tx, recalled.account, None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn reroute_referral(&self, id: ReferralId, cause: &str, stamp: &Stamp) -> Result<()> {
        let step = |referral: &mut Referral| {
            referral.state = ReferralState::Canceled;
            referral.cause = Some(cause.to_owned());
        };
        let mut tx = self.write().await?;
        let from = [ReferralState::Candidate, ReferralState::Approved];
        let withdrawn = advance(&mut tx, id, &from, step, None, "referral rerouted", stamp).await?;
        let key: ActKey = withdrawn.act_key.parse().map_err(|_| StoreError::Corrupt(withdrawn.act_key.clone()))?;
        let (account, kind) = (withdrawn.account, EventKind::Rerouted);
        event::record(&mut tx, &[NewEvent { account, kind, on_day: stamp.on, stage: Some(key.of) }], stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn return_referrals(&self, returns: &[DebtReturn], stamp: &Stamp) -> Result<Vec<Referral>> {
        let mut tx = self.write().await?;
        let mut done = Vec::with_capacity(returns.len());
        for back in returns {
            let step = |referral: &mut Referral| {
                referral.state = ReferralState::Returned;
                let note = back.note.trim();
                let reason = back.reason.word();
                referral.cause = Some(if note.is_empty() { reason.to_owned() } else { format!("{reason}: {note}") });
                end(referral, Some(back.reason), back.on, stamp);
            };
            let from = [ReferralState::Placed];
            let event = Some(EventKind::DebtReturned);
            let referral = advance(&mut tx, back.referral, &from, step, event, "referral returned", stamp).await?;
            placement::tell_recall(&mut tx, referral.account, None, stamp).await?;
            done.push(referral);
        }
        tx.commit().await?;
        Ok(done)
    }

    async fn advance(
        &self,
        id: ReferralId,
        from: &[ReferralState],
        step: impl FnOnce(&mut Referral) + Send,
        event: Option<EventKind>,
        what: &'static str,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        advance(&mut tx, id, from, step, event, what, stamp).await?;
        Ok(tx.commit().await?)
    }
}

/// It is no longer out.
fn end(referral: &mut Referral, returned: Option<ReturnReason>, on: Day, stamp: &Stamp) {
    if let Some(placement) = &mut referral.placement {
        placement.ended = Some(PlacementEnd { at: stamp.at, on, returned, recorded_on: Some(stamp.on) });
    }
}

/// The referral goes on the list to `to`: it is out with it.
pub(super) async fn place(
    conn: &mut Conn,
    id: ReferralId,
    to: Destination,
    placement: Option<Placement>,
    stamp: &Stamp,
) -> Result<Referral> {
    let step = |referral: &mut Referral| {
        referral.state = ReferralState::Placed;
        referral.placed_on = Some(stamp.on);
        referral.placement = placement;
    };
    let event = Some(EventKind::Placed);
    let referral = advance(conn, id, &[ReferralState::Approved], step, event, "referral placed", stamp).await?;
    if referral.to != to {
        return Err(StoreError::Conflict(format!("referral {id} goes to {}, and the list to {to}", referral.to)));
    }
    Ok(referral)
}

async fn advance(
    conn: &mut Conn,
    id: ReferralId,
    from: &[ReferralState],
    step: impl FnOnce(&mut Referral) + Send,
    event: Option<EventKind>,
    what: &'static str,
    stamp: &Stamp,
) -> Result<Referral> {
    let (account, mut referral) = kept::to_write::<Referral>(conn, id.0).await?;
    if !from.contains(&referral.state) {
        let wanted: Vec<&str> = from.iter().map(|state| state.word()).collect();
        return Err(StoreError::Conflict(format!(
            "referral {id} is {}, and it has to be {}",
            referral.state,
            wanted.join(" or ")
        )));
    }
    step(&mut referral);
    put(conn, std::slice::from_ref(&referral)).await?;
    if let Some(kind) = event {
        let event = NewEvent { account, kind, on_day: stamp.on, stage: None };
        event::record(conn, &[event], stamp).await?;
    }
    touch(conn, &[account], stamp.on).await?;
    log::write(conn, &[NewLine::of(account, what, json!(referral))], None, stamp).await?;
    Ok(referral)
}
