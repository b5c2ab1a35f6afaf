//! Referrals: candidates for legal action, approved, placed, recalled.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::exception;
use super::given::{Carried, DebtReturn, ExceptionKind, HeldWithTask, Permitted, Stamp};
use super::hold;
use super::import::Taking;
use super::kept;
use super::leave::{Leave, Named};
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, placement, rows, sql, task, touch};
use crate::audit::Ordered;
use crate::domain::hold::{Hold, HoldKind};
use crate::domain::import::{RefusedRow, RowRefusal};
use crate::domain::person::Override;
use crate::domain::placement::{NewReturn, Placement, PlacementEnd, ReturnReason};
use crate::domain::referral::{Destination, Referral, ReferralState};
use crate::domain::{AccountId, ActKey, Day, EventKind, HoldId, ItemId, ReferralId};

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
            end(referral, None, stamp.on, None, stamp);
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
            done.push(come_back(&mut tx, back, stamp).await?);
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

/// A debt that is out comes back.
async fn come_back(conn: &mut Conn, back: &DebtReturn, stamp: &Stamp) -> Result<Referral> {
    let (account, _) = kept::to_write::<Referral>(conn, back.referral.0).await?;
    let hold = match &back.hold {
        Some(reason) => Some(hold::add(conn, account, &hold::reported(reason, stamp.on), stamp).await?),
        None => None,
    };
    if let Some(text) = &back.tell {
        exception::open(conn, Some(account), ExceptionKind::DebtReturned, text, stamp).await?;
    }
    let step = |referral: &mut Referral| {
        referral.state = ReferralState::Returned;
        referral.cause = Some(cause_of(back));
        end(referral, Some(back.reason), back.on, hold, stamp);
    };
    let event = Some(EventKind::DebtReturned);
    let from = [ReferralState::Placed];
    let referral = advance(conn, back.referral, &from, step, event, "referral returned", stamp).await?;
    placement::tell_recall(conn, referral.account, None, stamp).await?;
    Ok(referral)
}

/// What is said of the debtor of a debt that had been called back meanwhile: it is back already, and the account is held all
/// the same. Said once.
async fn hear(conn: &mut Conn, mut referral: Referral, back: &DebtReturn, stamp: &Stamp) -> Result<()> {
    let account = referral.account;
    let Some(ended) = referral.placement.as_mut().and_then(|placement| placement.ended.as_mut()) else { return Ok(()) };
    if ended.said == Some(back.reason) {
        return Ok(());
    }
    ended.said = Some(back.reason);
    if let Some(reason) = &back.hold {
        ended.hold = Some(hold::add(conn, account, &hold::reported(reason, stamp.on), stamp).await?);
    }
    if let Some(text) = &back.tell {
        exception::open(conn, Some(account), ExceptionKind::DebtReturned, text, stamp).await?;
    }
    put(conn, std::slice::from_ref(&referral)).await?;
    touch(conn, &[account], stamp.on).await?;
    let body = json!({ "referral": referral.id, "said": cause_of(back) });
    log::write(conn, &[NewLine::of(account, "heard of a recalled debt", body)], None, stamp).await
}

fn cause_of(back: &DebtReturn) -> String {
    let (reason, note) = (back.reason.word(), back.note.trim());
    if note.is_empty() { reason.to_owned() } else { format!("{reason}: {note}") }
}

impl Taking<'_> {
    /// Debts of a file that come back. One that came back so before is known.
    pub(super) async fn returns(&mut self, conn: &mut Conn, returns: &[NewReturn], stamp: &Stamp) -> Result<()> {
        for row in returns {
            self.outcome.rows += 1;
            let NewReturn { line, referral: id, on, reason, note, hold, tell } = row.clone();
            let back = DebtReturn { referral: id, on, reason, note, hold, tell };
            let refusal = match kept::one::<Referral>(conn, id.0).await {
                Ok((_, known)) if is_back(&known, &back) => {
                    self.outcome.unchanged += 1;
                    continue;
                }
                Ok((_, known)) if known.state == ReferralState::Recalled && known.placement.is_some() => {
                    hear(conn, known, &back, stamp).await?;
                    self.outcome.unchanged += 1;
                    continue;
                }
                Ok((_, known)) if known.state != ReferralState::Placed => {
                    RowRefusal::NotOut { referral: id, state: known.state }
                }
                Ok((_, known)) => match known.placed_on.filter(|placed| on < *placed) {
                    Some(placed) => RowRefusal::BackBefore { referral: id, placed },
                    None => {
                        come_back(conn, &back, stamp).await?;
                        self.outcome.added += 1;
                        continue;
                    }
                },
                Err(StoreError::NotFound { .. }) => RowRefusal::UnknownReferral { referral: id },
                Err(error) => return Err(error),
            };
            self.refused.push(RefusedRow { line, refusal });
        }
        Ok(())
    }
}

/// Whether it came back before as the row says.
fn is_back(known: &Referral, back: &DebtReturn) -> bool {
    let end = known.placement.as_ref().and_then(|placement| placement.ended.as_ref());
    known.state == ReferralState::Returned
        && end.is_some_and(|end| end.on == back.on && end.returned == Some(back.reason))
}

/// What a destination said of the debtor is recorded, of these debts or of the whole account: the hold that stood for it ends.
/// That a debt is disputed is recorded where all of what was referred is.
pub(super) async fn answer(
    conn: &mut Conn,
    account: AccountId,
    (said, of): (ReturnReason, &BTreeSet<ItemId>),
    words: &str,
    stamp: &Stamp,
) -> Result<()> {
    let mut referrals: Vec<Referral> = kept::of_account(conn, account).await?;
    let is_whole = |referral: &Referral| {
        let placed = referral.placement.iter().flat_map(|placement| &placement.debts).map(|debt| debt.item);
        referral.items.iter().copied().chain(placed).all(|item| of.contains(&item))
    };
    referrals.retain(|referral| said != ReturnReason::Disputed || of.is_empty() || is_whole(referral));
    let ends = referrals.iter().filter_map(|referral| referral.placement.as_ref()?.ended.as_ref());
    for id in ends.filter(|end| end.returned.or(end.said) == Some(said)).filter_map(|end| end.hold) {
        let (_, standing) = kept::one::<Hold>(conn, id.0).await?;
        if standing.ended_on.is_none() {
            hold::end(conn, id, words, stamp).await?;
        }
    }
    // What was learned on another account of the customer's is recorded here too.
    let holds: Vec<Hold> = kept::of_account(conn, account).await?;
    for held in holds.iter().filter(|held| held.kind == HoldKind::Reported && held.ended_on.is_none()) {
        let key = format!("hold {}, {}", held.id, HeldWithTask::of_customer(said));
        if matches!(said, ReturnReason::Bankrupt | ReturnReason::Deceased) && task::answered(conn, &key, stamp).await? {
            hold::end(conn, held.id, words, stamp).await?;
        }
    }
    Ok(())
}

/// It is no longer out.
fn end(referral: &mut Referral, returned: Option<ReturnReason>, on: Day, hold: Option<HoldId>, stamp: &Stamp) {
    if let Some(placement) = &mut referral.placement {
        placement.ended =
            Some(PlacementEnd { at: stamp.at, on, returned, recorded_on: Some(stamp.on), said: None, hold });
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
