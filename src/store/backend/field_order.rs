//! Field orders: shut-off, restoration and tags, from prepared to the crew's result.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::event::{self, NewEvent};
use super::given::{Carried, ExceptionKind, Permitted, ShutOff, Stamp};
use super::kept::{self, Kept};
use super::leave::{Leave, Named};
use super::log::{self, NewLine};
use super::marks::Marks;
use super::{
    Backend, Conn, LOCK_NO_IMPORT, Result, StoreError, exception, field_result, rows, sql, touch, unmatched, word,
};
use crate::audit::Ordered;
use crate::domain::field_order::{FieldOrder, FinalizeRefusal, OrderKind, OrderState};
use crate::domain::spoken::spoken;
use crate::domain::{AccountId, Day, EventKind, OrderId, Service, UnmatchedId};

#[derive(Serialize)]
struct OrderRow<'a> {
    id: i64,
    account: AccountId,
    act_key: &'a str,
    service: Service,
    state: OrderState,
    for_day: Day,
    body: &'a FieldOrder,
}

impl<'a> From<&'a FieldOrder> for OrderRow<'a> {
    fn from(body: &'a FieldOrder) -> Self {
        let FieldOrder { id, account, act_key, service, state, for_day, .. } = body;
        Self { id: id.0, account: *account, act_key, service: *service, state: *state, for_day: *for_day, body }
    }
}

fn to_rows(orders: &[FieldOrder]) -> Vec<OrderRow<'_>> {
    orders.iter().map(OrderRow::from).collect()
}

/// Adds orders; one that its act has already is left alone.
pub(super) async fn add(conn: &mut Conn, orders: &[FieldOrder]) -> Result<()> {
    let insert = format!(
        "INSERT INTO field_order (account_id, act_key, service, state, for_day, body)
         SELECT r.account, r.act_key, r.service, r.state, r.for_day, r.body FROM {} WHERE true
         ON CONFLICT (act_key, service) DO NOTHING",
        rows(1, "account bigint, act_key text, service text, state text, for_day date, body jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(to_rows(orders))).execute(conn).await?;
    Ok(())
}

/// Writes orders back as they are now.
pub(super) async fn put(conn: &mut Conn, orders: &[FieldOrder]) -> Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let update = format!(
        "UPDATE field_order SET state = r.state, for_day = r.for_day, body = r.body
         FROM {} WHERE field_order.id = r.id",
        rows(1, "id bigint, state text, for_day date, body jsonb")
    );
    sqlx::query(sql(update)).bind(Json(to_rows(orders))).execute(conn).await?;
    Ok(())
}

/// Cancels pending orders. One that the crew has already goes on the exceptions list, so that the crew is called back.
pub(super) async fn cancel(
    conn: &mut Conn,
    mut orders: Vec<FieldOrder>,
    cause: impl Fn(&FieldOrder) -> String,
    stamp: &Stamp,
) -> Result<()> {
    let mut events = Vec::new();
    for order in &mut orders {
        let cause = cause(order);
        if order.state == OrderState::Dispatched {
            let crew = order.crew.as_deref().unwrap_or("a crew");
            let errand = spoken(order.kind.word());
            let text = format!(
                "order {}: call the crew back from the {errand} of {} ({crew}): {cause}",
                order.id, order.service
            );
            exception::open(conn, Some(order.account), ExceptionKind::RecallCrew, &text, stamp).await?;
            field_result::heard(conn, order, stamp).await?;
        }
        order.state = OrderState::Canceled;
        order.cause = Some(cause);
        events.push(event_of(order, EventKind::OrderCanceled, stamp.on));
    }
    event::record(conn, &events, stamp).await?;
    put(conn, &orders).await
}

/// Cancels those that are still pending, each with its line in the log.
pub(super) async fn withdraw(
    conn: &mut Conn,
    mut orders: Vec<FieldOrder>,
    cause: &str,
    stamp: &Stamp,
) -> Result<Vec<FieldOrder>> {
    orders.retain(|order| order.state.is_pending());
    cancel(conn, orders.clone(), |_| cause.to_owned(), stamp).await?;
    for order in &mut orders {
        order.cause = Some(cause.to_owned());
    }
    log::write(conn, &lines(&orders, "order canceled"), None, stamp).await?;
    Ok(orders)
}

pub(super) fn event_of(order: &FieldOrder, kind: EventKind, on_day: Day) -> NewEvent {
    NewEvent { account: order.account, kind, on_day, stage: order.of.clone() }
}

fn ids_of(orders: &[FieldOrder]) -> Vec<OrderId> {
    orders.iter().map(|order| order.id).collect()
}

fn lines(orders: &[FieldOrder], what: &'static str) -> Vec<NewLine> {
    let line = |order: &FieldOrder| {
        let body = json!({
            "order": order.id, "kind": order.kind, "service": order.service, "for_day": order.for_day,
            "cause": order.cause,
        });
        NewLine::of(order.account, what, body)
    };
    orders.iter().map(line).collect()
}

/// The orders with the ids; an id that names none is an error, for a person typed it.
async fn chosen(conn: &mut Conn, ids: impl Iterator<Item = OrderId>) -> Result<Vec<FieldOrder>> {
    let wanted: BTreeSet<i64> = ids.map(|id| id.0).collect();
    let wanted: Vec<i64> = wanted.into_iter().collect();
    let found = kept::many_to_write::<FieldOrder>(conn, &wanted).await?;
    match wanted.iter().find(|id| found.iter().all(|order| order.id.0 != **id)) {
        Some(missing) => Err(StoreError::not_found(FieldOrder::WHAT, missing)),
        None => Ok(found),
    }
}

/// What leave for the order has to name.
fn named(order: &FieldOrder, on: Option<Day>) -> Named<'_> {
    let ordered = match order.kind {
        OrderKind::ShutOff | OrderKind::Limit => Ordered::ShutOff,
        OrderKind::Restore => Ordered::Restore,
        OrderKind::Tag => Ordered::Tag,
        OrderKind::Visit => Ordered::Call,
    };
    Named { account: order.account, ordered, of: order.of.as_ref(), amount: None, on }
}

/// A shut-off or limit needs approval and finalization; what helps or informs goes from approved to the crew.
const fn needs_finalizing(kind: OrderKind) -> bool {
    match kind {
        OrderKind::ShutOff | OrderKind::Limit => true,
        OrderKind::Restore | OrderKind::Tag | OrderKind::Visit => false,
    }
}

impl Backend {
    pub async fn field_orders(&self, state: Option<OrderState>, for_day: Option<Day>) -> Result<Vec<FieldOrder>> {
        let mut tx = self.read().await?;
        let order = "ORDER BY for_day, id";
        let query = match (state, for_day) {
            (None, None) => kept::select(&format!("true {order}")),
            (Some(state), None) => kept::select(&format!("state = $1 {order}")).bind(state.word()),
            (None, Some(day)) => kept::select(&format!("for_day = $1 {order}")).bind(day),
            (Some(state), Some(day)) => {
                kept::select(&format!("state = $1 AND for_day = $2 {order}")).bind(state.word()).bind(day)
            }
        };
        kept::list(&mut tx, query).await
    }

    pub async fn orders_of(&self, account: AccountId) -> Result<Vec<FieldOrder>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn order(&self, id: OrderId) -> Result<FieldOrder> {
        let mut tx = self.read().await?;
        Ok(kept::one(&mut tx, id.0).await?.1)
    }

    pub async fn approve_orders(&self, orders: &[Permitted<OrderId>], stamp: &Stamp) -> Result<Carried<OrderId>> {
        let mut tx = self.write().await?;
        let leave = Leave::of(&mut tx, orders).await?;
        let mut orders = chosen(&mut tx, leave.ids().into_iter()).await?;
        orders.retain(|order| order.state == OrderState::Prepared);
        for order in &mut orders {
            // It is looked at as of its own day, which may lie ahead.
            leave.is_for(order.id, &named(order, None))?;
            order.state = OrderState::Approved;
            order.approved_by = Some(stamp.by.to_string());
            order.approved_on = Some(stamp.on);
        }
        put(&mut tx, &orders).await?;
        log::write(&mut tx, &lines(&orders, "order approved"), None, stamp).await?;
        tx.commit().await?;
        Ok(Carried { done: ids_of(&orders), overtaken: leave.overtaken })
    }

    pub async fn finalize_orders(
        &self,
        passed: &[Permitted<OrderId>],
        refused: &[(OrderId, FinalizeRefusal)],
        unmatched: UnmatchedId,
        stamp: &Stamp,
    ) -> Result<Carried<OrderId>> {
        let mut tx = self.write().await?;
        // Money that nobody could place belongs to no account whose facts could move: the whole list is looked at again.
        sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        let is_news = unmatched::has_come_since(&mut tx, unmatched).await?;
        let (passed, waiting) = if is_news { (&[][..], passed) } else { (passed, &[][..]) };
        let mut leave = Leave::of(&mut tx, passed).await?;
        leave.overtaken.extend(waiting.iter().map(|order| order.id));
        let mut orders = chosen(&mut tx, leave.ids().into_iter()).await?;
        orders.retain(|order| order.state == OrderState::Approved);
        for order in &mut orders {
            leave.is_for(order.id, &named(order, Some(stamp.on)))?;
            order.state = OrderState::Finalized;
            order.finalized_by = Some(stamp.by.to_string());
            order.finalized_on = Some(stamp.on);
        }
        put(&mut tx, &orders).await?;
        log::write(&mut tx, &lines(&orders, "order finalized"), None, stamp).await?;

        let mut withheld = chosen(&mut tx, refused.iter().map(|(id, _)| *id)).await?;
        withheld.retain(|order| matches!(order.state, OrderState::Prepared | OrderState::Approved));
        for order in &mut withheld {
            let why = refused.iter().find(|(id, _)| *id == order.id).map(|(_, why)| why.to_string());
            order.cause = why;
        }
        log::write(&mut tx, &lines(&withheld, "order refused at finalization"), None, stamp).await?;
        let accounts: BTreeSet<AccountId> = withheld.iter().map(|order| order.account).collect();
        let accounts: Vec<AccountId> = accounts.into_iter().collect();
        cancel(&mut tx, withheld, |order| order.cause.clone().unwrap_or_default(), stamp).await?;
        touch(&mut tx, &accounts, stamp.on).await?;
        tx.commit().await?;
        Ok(Carried { done: ids_of(&orders), overtaken: leave.overtaken })
    }

    pub async fn dispatch_orders(
        &self,
        orders: &[Permitted<OrderId>],
        unmatched: UnmatchedId,
        crew: &str,
        stamp: &Stamp,
    ) -> Result<Carried<OrderId>> {
        let mut tx = self.write().await?;
        sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        let is_news = unmatched::has_come_since(&mut tx, unmatched).await?;
        let mut leave = Leave::of(&mut tx, orders).await?;
        let mut orders = chosen(&mut tx, leave.ids().into_iter()).await?;
        if is_news {
            let waiting = orders.extract_if(.., |order| needs_finalizing(order.kind));
            leave.overtaken.extend(waiting.map(|order| order.id));
        }
        orders.retain(|order| match order.state {
            // What was looked at for one day is not carried out on another.
            OrderState::Finalized => order.for_day == stamp.on,
            OrderState::Approved => !needs_finalizing(order.kind),
            OrderState::Prepared
            | OrderState::Dispatched
            | OrderState::Done
            | OrderState::NotDone
            | OrderState::Canceled => false,
        });
        for order in &mut orders {
            leave.is_for(order.id, &named(order, Some(stamp.on)))?;
            order.state = OrderState::Dispatched;
            order.dispatched_on = Some(stamp.on);
            order.crew = Some(crew.to_owned());
        }
        put(&mut tx, &orders).await?;
        let mut told = lines(&orders, "order dispatched");
        let marks = json!(Marks::now(&mut tx).await?);
        for body in told.iter_mut().filter_map(|line| line.body.as_object_mut()) {
            body.insert("known".to_owned(), marks.clone());
        }
        log::write(&mut tx, &told, None, stamp).await?;
        tx.commit().await?;
        Ok(Carried { done: ids_of(&orders), overtaken: leave.overtaken })
    }

    pub async fn cancel_order(&self, id: OrderId, cause: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let (account, mut order) = kept::to_write::<FieldOrder>(&mut tx, id.0).await?;
        if !order.state.is_pending() {
            return Err(StoreError::Conflict(format!("order {id} is {} and cannot be canceled", order.state)));
        }
        order.cause = Some(cause.to_owned());
        log::write(&mut tx, &lines(std::slice::from_ref(&order), "order canceled"), None, stamp).await?;
        cancel(&mut tx, vec![order], |_| cause.to_owned(), stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        Ok(tx.commit().await?)
    }

    pub async fn order_restoration(&self, order: &FieldOrder, reason: &str, stamp: &Stamp) -> Result<OrderId> {
        let mut tx = self.write().await?;
        touch(&mut tx, &[order.account], stamp.on).await?;
        let is_off: Option<i64> = sqlx::query_scalar(
            "SELECT account_id FROM shut_off WHERE account_id = $1 AND service = $2 AND restored_at IS NULL",
        )
        .bind(order.account.0)
        .bind(order.service.word())
        .fetch_optional(&mut *tx)
        .await?;
        if is_off.is_none() {
            return Err(StoreError::Conflict(format!("{} is not shut off", order.service)));
        }
        let standing: Vec<FieldOrder> = kept::of_account(&mut tx, order.account).await?;
        let is_same = |other: &&FieldOrder| {
            other.kind == OrderKind::Restore
                && other.service == order.service
                && (other.state.is_pending() || other.act_key == order.act_key)
        };
        if let Some(other) = standing.iter().find(is_same) {
            return Err(StoreError::Conflict(format!("order {} turns {} on already", other.id, order.service)));
        }
        add(&mut tx, std::slice::from_ref(order)).await?;
        let mut added: Vec<FieldOrder> = kept::of_account(&mut tx, order.account).await?;
        added.retain(|other| other.act_key == order.act_key && other.service == order.service);
        let Some(added) = added.pop() else {
            return Err(StoreError::Conflict(format!("{} could not be ordered on: look again", order.service)));
        };
        let body = json!({ "order": added.id, "service": added.service, "reason": reason });
        log::write(&mut tx, &[NewLine::of(added.account, "restoration ordered", body)], None, stamp).await?;
        tx.commit().await?;
        Ok(added.id)
    }

    pub async fn shut_offs(&self) -> Result<Vec<ShutOff>> {
        let found: Vec<(i64, String, Day)> = sqlx::query_as(
            "SELECT account_id, service, since FROM shut_off WHERE restored_at IS NULL ORDER BY account_id, service",
        )
        .fetch_all(&self.reader)
        .await?;
        found
            .into_iter()
            .map(|(account, service, since)| {
                Ok(ShutOff { account: AccountId(account), service: word(Service::from_word, &service)?, since })
            })
            .collect()
    }
}
