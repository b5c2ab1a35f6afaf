//! The call list: calls that wait, the day's list, and the attempts.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::given::{CallNext, Carried, FollowUp, ListedCall, Permitted, Stamp};
use super::kept;
use super::leave::{Leave, Named};
use super::log::{self, NewLine};
use super::{Backend, Conn, LOCK_NO_IMPORT, Result, StoreError, account, hold, promise, rows, sql, touch};
use crate::audit::Ordered;
use crate::domain::call::{Call, CallAttempt, CallOutcome, CallState};
use crate::domain::{AccountId, CallId, Day, EventKind};

#[derive(Serialize)]
struct CallRow<'a> {
    id: i64,
    account: AccountId,
    act_key: &'a str,
    state: CallState,
    not_before: Day,
    listed_on: Option<Day>,
    body: &'a Call,
}

impl<'a> From<&'a Call> for CallRow<'a> {
    fn from(body: &'a Call) -> Self {
        let Call { id, account, act_key, state, not_before, listed_on, .. } = body;
        Self {
            id: id.0,
            account: *account,
            act_key,
            state: *state,
            not_before: *not_before,
            listed_on: *listed_on,
            body,
        }
    }
}

fn to_rows(calls: &[Call]) -> Vec<CallRow<'_>> {
    calls.iter().map(CallRow::from).collect()
}

/// Adds calls; one that its act has already is left alone.
pub(super) async fn add(conn: &mut Conn, calls: &[Call]) -> Result<()> {
    let insert = format!(
        "INSERT INTO call (account_id, act_key, state, not_before, listed_on, body)
         SELECT r.account, r.act_key, r.state, r.not_before, r.listed_on, r.body FROM {} WHERE true
         ON CONFLICT (act_key) DO NOTHING",
        rows(1, "account bigint, act_key text, state text, not_before date, listed_on date, body jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(to_rows(calls))).execute(conn).await?;
    Ok(())
}

/// Writes calls back as they are now.
pub(super) async fn put(conn: &mut Conn, calls: &[Call]) -> Result<()> {
    if calls.is_empty() {
        return Ok(());
    }
    let update = format!(
        "UPDATE call SET state = r.state, not_before = r.not_before, listed_on = r.listed_on, body = r.body
         FROM {} WHERE call.id = r.id",
        rows(1, "id bigint, state text, not_before date, listed_on date, body jsonb")
    );
    sqlx::query(sql(update)).bind(Json(to_rows(calls))).execute(conn).await?;
    Ok(())
}

/// A call that is neither made nor given up.
pub(super) const fn is_pending(call: &Call) -> bool {
    matches!(call.state, CallState::Waiting | CallState::Listed | CallState::Released)
}

/// Takes a call off its list; it waits again.
fn unlist(call: &mut Call) {
    call.state = CallState::Waiting;
    call.listed_on = None;
    call.rank = None;
    call.assigned_to = None;
}

fn unless_pending(call: &Call) -> Result<()> {
    if is_pending(call) {
        return Ok(());
    }
    Err(StoreError::Conflict(format!("call {} is {}: nothing more is to be done about it", call.id, call.state)))
}

async fn list_of(conn: &mut Conn, day: Day) -> Result<Vec<Call>> {
    let mut calls: Vec<Call> = kept::list(conn, kept::select("listed_on = $1 ORDER BY id").bind(day)).await?;
    calls.sort_by_key(|call| (call.rank.unwrap_or(u32::MAX), call.id));
    Ok(calls)
}

/// Calls of the day's list that are the person's and still to be made are nobody's from now on; gives their number.
pub(super) async fn free(conn: &mut Conn, person: &str, stamp: &Stamp) -> Result<usize> {
    let mut calls = list_of(conn, stamp.on).await?;
    calls.retain(|call| {
        call.assigned_to.as_deref() == Some(person) && matches!(call.state, CallState::Listed | CallState::Released)
    });
    for call in &mut calls {
        call.assigned_to = None;
    }
    put(conn, &calls).await?;
    let line = |call: &Call| {
        NewLine::of(call.account, "call assigned", json!({ "call": call.id, "to": Option::<&str>::None }))
    };
    log::write(conn, &calls.iter().map(line).collect::<Vec<_>>(), None, stamp).await?;
    Ok(calls.len())
}

impl Backend {
    pub async fn calls_waiting(&self, day: Day) -> Result<Vec<Call>> {
        let mut tx = self.read().await?;
        let condition = "(state = 'waiting' AND not_before <= $1)
            OR (state IN ('listed', 'released') AND listed_on < $1) ORDER BY id";
        kept::list(&mut tx, kept::select(condition).bind(day)).await
    }

    pub async fn call_list(&self, day: Day) -> Result<Vec<Call>> {
        let mut tx = self.read().await?;
        list_of(&mut tx, day).await
    }

    pub async fn calls_of(&self, account: AccountId) -> Result<Vec<Call>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn call(&self, id: CallId) -> Result<Call> {
        let mut tx = self.read().await?;
        Ok(kept::one(&mut tx, id.0).await?.1)
    }

    pub async fn set_call_list(&self, day: Day, lines: &[ListedCall], stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let standing = kept::select("state IN ('listed', 'released') AND listed_on <= $1 ORDER BY id").bind(day);
        let mut before: Vec<Call> = kept::list(&mut tx, standing).await?;
        let wanted: BTreeSet<i64> = lines.iter().map(|line| line.call.0).collect();
        before.retain(|call| !wanted.contains(&call.id.0));
        before.iter_mut().for_each(unlist);
        put(&mut tx, &before).await?;

        let wanted: Vec<i64> = wanted.into_iter().collect();
        let mut calls: Vec<Call> = kept::many_to_write(&mut tx, &wanted).await?;
        for call in &mut calls {
            unless_pending(call)?;
            let Some(line) = lines.iter().find(|line| line.call == call.id) else { continue };
            call.state = CallState::Listed;
            call.listed_on = Some(day);
            call.cause = None;
            call.rank = Some(line.rank);
            call.score_milli = line.score_milli;
            call.score.clone_from(&line.score);
            call.assigned_to.clone_from(&line.assigned_to);
            call.amount = line.amount;
            call.days_past_due = line.days_past_due;
        }
        put(&mut tx, &calls).await?;
        let body = json!({ "day": day, "calls": calls.len() });
        log::write(&mut tx, &[NewLine { account: None, what: "call list set", body }], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn move_call(&self, id: CallId, rank: u32, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, call) = kept::to_write::<Call>(&mut tx, id.0).await?;
        let Some(day) = call.listed_on else {
            return Err(StoreError::Conflict(format!("call {id} stands on no list")));
        };
        let mut list = list_of(&mut tx, day).await?;
        list.retain(|other| other.id != id);
        let place = usize::try_from(rank.max(1) - 1).unwrap_or(usize::MAX).min(list.len());
        list.insert(place, call);
        for (rank, call) in (1_u32..).zip(&mut list) {
            call.rank = Some(rank);
        }
        put(&mut tx, &list).await?;
        let line = NewLine::of(account, "call moved", json!({ "call": id, "rank": rank }));
        log::write(&mut tx, &[line], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn assign_call(&self, id: CallId, to: Option<&str>, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut call) = kept::to_write::<Call>(&mut tx, id.0).await?;
        unless_pending(&call)?;
        call.assigned_to = to.map(str::to_owned);
        put(&mut tx, &[call]).await?;
        let line = NewLine::of(account, "call assigned", json!({ "call": id, "to": to }));
        log::write(&mut tx, &[line], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn drop_call(&self, id: CallId, reason: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut call) = kept::to_write::<Call>(&mut tx, id.0).await?;
        unless_pending(&call)?;
        if call.required {
            return Err(StoreError::Conflict(format!(
                "call {id} is a contact that the policy requires, and is not dropped: record what came of it, or skip its \
                 stage with a reason"
            )));
        }
        call.state = CallState::Dropped;
        call.cause = Some(reason.to_owned());
        put(&mut tx, &[call]).await?;
        let line = NewLine::of(account, "call dropped", json!({ "call": id, "reason": reason }));
        log::write(&mut tx, &[line], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn release_call_list(
        &self,
        day: Day,
        calls: &[Permitted<CallId>],
        withheld: &[(CallId, String)],
        stamp: &Stamp,
    ) -> Result<Carried<CallId>> {
        let mut tx = self.write().await?;
        let leave = Leave::of(&mut tx, calls).await?;
        let allowed = leave.ids();
        let mut list = list_of(&mut tx, day).await?;
        list.retain(|call| call.state == CallState::Listed);
        let (mut released, mut waiting): (Vec<Call>, Vec<Call>) =
            list.into_iter().partition(|call| allowed.contains(&call.id));
        for call in &mut released {
            let of = call.of.as_ref();
            leave.is_for(
                call.id,
                &Named { account: call.account, ordered: Ordered::Call, of, amount: None, on: None },
            )?;
            call.state = CallState::Released;
        }
        put(&mut tx, &released).await?;
        waiting.retain(|call| withheld.iter().any(|(id, _)| *id == call.id));
        for call in &mut waiting {
            unlist(call);
            call.cause = withheld.iter().find(|(id, _)| *id == call.id).map(|(_, why)| why.clone());
        }
        put(&mut tx, &waiting).await?;
        let of_call = |call: &Call| {
            NewLine::of(call.account, "call withheld", json!({ "call": call.id, "day": day, "cause": call.cause }))
        };
        let mut lines: Vec<NewLine> = waiting.iter().map(of_call).collect();
        let body = json!({ "day": day, "calls": released.len() });
        lines.push(NewLine { account: None, what: "call list released", body });
        log::write(&mut tx, &lines, None, stamp).await?;
        tx.commit().await?;
        Ok(Carried { done: released.iter().map(|call| call.id).collect(), overtaken: leave.overtaken })
    }

    pub async fn record_attempt(&self, attempt: &CallAttempt, follow: &FollowUp, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        if follow.promise.is_some() {
            // A promise asks what is known of the account: a file under way is waited for before anything is locked.
            sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        }
        let (account, mut call) = kept::to_write::<Call>(&mut tx, attempt.call.0).await?;
        unless_pending(&call)?;
        if attempt.account != account {
            return Err(StoreError::Conflict(format!("call {} is one to another account", call.id)));
        }
        sqlx::query(
            "INSERT INTO call_attempt (account_id, call_id, made_on, body, recorded_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(account.0)
        .bind(call.id.0)
        .bind(attempt.made_on)
        .bind(Json(attempt))
        .bind(stamp.at)
        .execute(&mut *tx)
        .await?;
        call.attempts_made = call.attempts_made.saturating_add(1);
        let events = events_of(&call, attempt, follow);
        match follow.next {
            // Whoever asked not to be called is not called again, whatever was planned.
            CallNext::Again(_) if attempt.outcome == CallOutcome::OptOut => call.state = CallState::Done,
            CallNext::Done => call.state = CallState::Done,
            CallNext::Again(day) => {
                unlist(&mut call);
                call.not_before = day;
            }
        }
        put(&mut tx, std::slice::from_ref(&call)).await?;
        event::record(&mut tx, &events, stamp).await?;
        if let Some(new) = &follow.promise {
            promise::add(&mut tx, account, new, stamp).await?;
        }
        if let Some(new) = &follow.hold {
            hold::add(&mut tx, account, new, stamp).await?;
        }
        if attempt.outcome == CallOutcome::OptOut {
            account::set_flag(&mut tx, account, "opt_out_calls", "yes", stamp).await?;
        }
        touch(&mut tx, &[account], stamp.on).await?;
        log::write(&mut tx, &[NewLine::of(account, "call attempt", json!(attempt))], None, stamp).await?;
        Ok(tx.commit().await?)
    }

    pub async fn attempts_of(&self, account: AccountId) -> Result<Vec<CallAttempt>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn attempts_between(&self, from: Day, through: Day) -> Result<Vec<CallAttempt>> {
        let mut tx = self.read().await?;
        let query = kept::select("made_on BETWEEN $1 AND $2 ORDER BY id").bind(from).bind(through);
        kept::list(&mut tx, query).await
    }
}

/// A conversation is contact. Anything else is an attempt; and when the call is over without a conversation, after all
/// the attempts that were asked for, contact has failed.
fn events_of(call: &Call, attempt: &CallAttempt, follow: &FollowUp) -> Vec<NewEvent> {
    let event = |kind| NewEvent { account: call.account, kind, on_day: attempt.made_on, stage: call.of.clone() };
    if attempt.outcome.is_contact() {
        return vec![event(EventKind::ContactMade)];
    }
    let mut events = vec![event(EventKind::CallAttempted)];
    // A contact that the policy requires is not over with an opt-out: it becomes a visit.
    if attempt.outcome == CallOutcome::OptOut {
        if !call.required {
            events.push(event(EventKind::ContactFailed));
        }
        return events;
    }
    if follow.next == CallNext::Done && call.attempts_made >= call.attempts_wanted {
        events.push(event(EventKind::ContactFailed));
    }
    events
}
