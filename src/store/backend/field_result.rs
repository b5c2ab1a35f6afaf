//! What crews bring back, and what is said of those that say nothing.

use std::collections::BTreeSet;

use serde_json::json;

use super::event::{self, NewEvent};
use super::field_order::{event_of, put};
use super::given::{CrewResult, ExceptionKind, Stamp};
use super::kept;
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, StoreError, exception, notice, settle, touch};
use crate::domain::day::short;
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::domain::notice::Notice;
use crate::domain::spoken::spoken;
use crate::domain::{AccountId, Day, EventKind, OrderId};
use crate::rulebook::policy::LedgerRules;

/// What the exceptions list says of an order of which the crew says nothing.
pub(super) fn silence(order: &FieldOrder) -> String {
    said_of(order, &spoken(order.kind.word()))
}

/// Clears what the list says of the crew's silence, also as it was written before.
pub(super) async fn heard(conn: &mut Conn, order: &FieldOrder, stamp: &Stamp) -> Result<()> {
    for text in BTreeSet::from([silence(order), said_of(order, order.kind.word())]) {
        exception::settle(conn, order.account, ExceptionKind::NoResult, &text, stamp).await?;
    }
    Ok(())
}

fn said_of(order: &FieldOrder, kind: &str) -> String {
    let FieldOrder { id, service, for_day, .. } = order;
    let crew = order.crew.as_deref().unwrap_or("a crew");
    format!(
        "order {id}: {crew} has the {kind} of {service} for {for_day} and has not said what came of it: ask, and record it \
         with `arrears orders result {id} --done --on DATE --by NAME`, or `--not-done --note WHY`"
    )
}

impl Backend {
    pub async fn report_missing_results(&self, day: Day, stamp: &Stamp) -> Result<u64> {
        let mut tx = self.write().await?;
        let query = kept::select("state = $1 AND for_day < $2 ORDER BY id");
        let mut silent: Vec<FieldOrder> =
            kept::list(&mut tx, query.bind(OrderState::Dispatched.word()).bind(day)).await?;
        // What was given to a crew today, for whatever day, cannot have come back yet.
        silent.retain(|order| order.dispatched_on.is_none_or(|given| given < day));
        for order in &silent {
            exception::open(&mut tx, Some(order.account), ExceptionKind::NoResult, &silence(order), stamp).await?;
        }
        tx.commit().await?;
        Ok(u64::try_from(silent.len()).unwrap_or(u64::MAX))
    }

    pub async fn record_order_result(
        &self,
        id: OrderId,
        result: &CrewResult,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut order) = kept::to_write::<FieldOrder>(&mut tx, id.0).await?;
        // A canceled order may have been done before the crew heard of it: what happened is recorded, and is an incident.
        let late = order.state == OrderState::Canceled && result.done;
        let taken = order.state == OrderState::Dispatched || late;
        if !taken {
            return Err(StoreError::Conflict(format!(
                "order {id} is {}, and only a dispatched one has a result",
                order.state
            )));
        }
        // A visit stands in for a conversation: somebody must have been spoken to.
        if order.kind == OrderKind::Visit && result.done && result.note.trim().is_empty() {
            return Err(StoreError::Conflict(format!(
                "visit {id} counts as a conversation only when its note says with whom the crew spoke; where nobody was \
                 met it is not done, with the hour of the visit"
            )));
        }
        if let Some(instruction) = order.instruction.as_ref().filter(|_| result.done && result.note.trim().is_empty()) {
            return Err(StoreError::Conflict(format!(
                "order {id} was to be left {instruction}: its note says where it was left, and on how many doors"
            )));
        }
        heard(&mut tx, &order, stamp).await?;
        // The crew is back, or the service is on again: nobody is to be called back any more.
        if result.done {
            exception::settle_recalls(&mut tx, &order, stamp).await?;
        }
        order.crew = Some(result.crew.clone());
        order.note.clone_from(&result.note);
        let cuts = matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit);
        let other_day = result.done && cuts && !late && result.on != order.for_day;
        if other_day {
            // What was looked at again was the one day. On another nobody gave leave, and it may be one on which nobody may be shut off.
            let (on, for_day) = (short(result.on), short(order.for_day));
            order.cause = Some(format!("it was for {for_day}, and the crew did it on {on}"));
        }
        if result.done {
            order.state = OrderState::Done;
            order.done_on = Some(result.on);
            order.done_at.clone_from(&result.at);
            carry_out(&mut tx, &order, result.on, rules, stamp).await?;
        } else {
            order.state = OrderState::NotDone;
            order.done_at.clone_from(&result.at);
            let events = not_done(&order, result.on);
            event::record(&mut tx, &events, stamp).await?;
        }
        if late {
            let text = format!(
                "order {id} was canceled, and the crew did the {} of {}",
                spoken(order.kind.word()),
                order.service
            );
            exception::open(&mut tx, Some(account), ExceptionKind::Incident, &text, stamp).await?;
        }
        if other_day {
            let (on, for_day) = (short(result.on), short(order.for_day));
            let text = format!(
                "order {id} was for {for_day}, and the crew did the {} of {} on {on}, for which nobody had looked",
                order.kind, order.service
            );
            exception::open(&mut tx, Some(account), ExceptionKind::Incident, &text, stamp).await?;
        }
        put(&mut tx, std::slice::from_ref(&order)).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let what = if result.done { "order done" } else { "order not done" };
        let body = json!({
            "order": id, "kind": order.kind, "service": order.service, "on": result.on, "at": result.at,
            "crew": result.crew, "note": result.note,
        });
        log::write(&mut tx, &[NewLine::of(account, what, body)], None, stamp).await?;
        Ok(tx.commit().await?)
    }
}

/// What follows when the crew comes back without having done it. A visit at an hour of the day was made and met nobody: the
/// contact was attempted and failed. Anything else did not take place, and is ordered anew.
fn not_done(order: &FieldOrder, on: Day) -> Vec<NewEvent> {
    let kinds: &[EventKind] = match order.kind {
        OrderKind::Visit if order.done_at.is_some() => &[EventKind::CallAttempted, EventKind::ContactFailed],
        OrderKind::ShutOff | OrderKind::Limit | OrderKind::Restore | OrderKind::Tag | OrderKind::Visit => {
            &[EventKind::OrderCanceled]
        }
    };
    kinds.iter().map(|kind| event_of(order, *kind, on)).collect()
}

/// What a done order changes: services that are off or on again, or a tag that serves its notice.
async fn carry_out(conn: &mut Conn, order: &FieldOrder, on: Day, rules: &LedgerRules, stamp: &Stamp) -> Result<()> {
    let kinds: &[EventKind] = match order.kind {
        OrderKind::ShutOff | OrderKind::Limit => {
            sqlx::query("INSERT INTO shut_off (account_id, service, since, recorded_at) VALUES ($1, $2, $3, $4)")
                .bind(order.account.0)
                .bind(order.service.word())
                .bind(on)
                .bind(stamp.at)
                .execute(&mut *conn)
                .await?;
            // From now on it is followed what the account's money pays.
            settle::resettle(conn, &[order.account], rules, stamp).await?;
            if order.is_done_without_leave() { &[EventKind::ShutOffWithoutLeave] } else { &[EventKind::ShutOff] }
        }
        OrderKind::Restore => {
            sqlx::query(
                "UPDATE shut_off SET restored_at = $3 WHERE account_id = $1 AND service = $2 AND restored_at IS NULL",
            )
            .bind(order.account.0)
            .bind(order.service.word())
            .bind(stamp.at)
            .execute(&mut *conn)
            .await?;
            no_longer_off(conn, order.account, stamp).await?;
            &[EventKind::Restored]
        }
        OrderKind::Tag => {
            let crew = order.crew.as_deref().unwrap_or("a crew");
            let at = order.done_at.as_deref().map(|at| format!(" at {at}")).unwrap_or_default();
            let proof = format!("left by {crew}{at}, order {}", order.id);
            notice::posted(conn, order.account, &order.act_key, on, &proof, stamp).await?;
            &[EventKind::NoticePosted, EventKind::NoticeServed]
        }
        OrderKind::Visit => &[EventKind::ContactMade],
    };
    let events: Vec<NewEvent> = kinds.iter().map(|kind| event_of(order, *kind, on)).collect();
    event::record(conn, &events, stamp).await
}

/// Service is on again: no letter that says it is off leaves any more. Where another service is still off, it is made anew.
async fn no_longer_off(conn: &mut Conn, account: AccountId, stamp: &Stamp) -> Result<()> {
    let mut notices: Vec<Notice> = kept::of_account(conn, account).await?;
    notices.retain(|notice| notice.facts.restores.is_some() && notice.state.is_pending());
    if !notices.is_empty() {
        notice::void(conn, notices, "service is on again", stamp).await?;
    }
    Ok(())
}
