//! Shut-offs and restorations: to approve, to finalize, and in the field.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, Redirect};
use serde::Serialize;

use super::{Line, lines};
use crate::domain::OrderId;
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::web::error::WebError;
use crate::web::form::Posted;
use crate::web::session::Person;
use crate::web::templates::Section;
use crate::web::{Web, words};

#[derive(Serialize)]
struct OrdersPage {
    prepared: Vec<Row>,
    /// Shut-offs that were approved and are to be finalized on their day.
    approved: Vec<Row>,
    /// What a crew may take now: restorations first, then finalized shut-offs, visits and tags.
    for_a_crew: Vec<Row>,
    in_the_field: Vec<Row>,
    /// Approved shut-offs for today.
    to_finalize: usize,
    watermarks: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Row {
    id: i64,
    account: Line,
    kind: String,
    service: String,
    state: String,
    for_day: String,
    is_today: bool,
    is_shut_off: bool,
    is_restoration: bool,
    amount: String,
    approved_by: String,
    crew: String,
    cause: String,
    instruction: String,
}

/// `/orders`
pub async fn show(State(web): State<Arc<Web>>, person: Person) -> Result<Html<String>, WebError> {
    let store = &web.office.store;
    let today = web.office.today();
    let mut pending = Vec::new();
    for state in [OrderState::Prepared, OrderState::Approved, OrderState::Finalized, OrderState::Dispatched] {
        pending.extend(store.field_orders(Some(state), None).await?);
    }
    let known = lines(store, pending.iter().map(|order| order.account)).await?;
    let rows = |states: &[OrderState]| -> Vec<Row> {
        pending
            .iter()
            .filter(|order| states.contains(&order.state))
            .map(|order| row(order, known.get(&order.account).cloned().unwrap_or_default(), order.for_day == today))
            .collect()
    };
    let (approved, others): (Vec<Row>, Vec<Row>) =
        rows(&[OrderState::Approved]).into_iter().partition(|row| row.is_shut_off);
    let mut for_a_crew = others;
    for_a_crew.extend(rows(&[OrderState::Finalized]));
    for_a_crew.sort_by_key(|row| (!row.is_restoration, !row.is_shut_off, row.id));
    let view = OrdersPage {
        prepared: rows(&[OrderState::Prepared]),
        to_finalize: approved.iter().filter(|order| order.is_today).count(),
        approved,
        for_a_crew,
        in_the_field: rows(&[OrderState::Dispatched]),
        watermarks: store
            .watermarks()
            .await?
            .into_iter()
            .map(|(channel, through)| (words::plain(channel.word()), words::day(through)))
            .collect(),
    };
    web.page(&person, "orders.html", Section::Orders, "Shut-offs and restorations", &view)
}

/// Approves the ticked ones.
pub async fn approve(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_approve()?;
    let ids: Vec<OrderId> = posted.fields.keys("order")?.into_iter().map(OrderId).collect();
    if ids.is_empty() {
        return Err(WebError::Input("No order is ticked: tick those that are meant.".to_owned()));
    }
    let approved = web.office.approve_orders(&ids, posted.person.name()).await?;
    let text = format!("{} approved.", words::count(approved.done.len() as u64, "order", "orders"));
    let refused: Vec<String> = approved.refused.iter().map(|(id, why)| format!("Order {id}: {why}")).collect();
    web.say(&posted.person.session, text, &refused);
    Ok(Redirect::to("/orders"))
}

/// Checks today's approved shut-offs once more and finalizes those that pass.
pub async fn finalize(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_approve()?;
    let result = web.office.finalize_orders(web.office.today(), posted.person.name()).await?;
    let text = format!(
        "{} finalized, {} refused.",
        words::count(result.finalized.len() as u64, "order", "orders"),
        result.refused.len()
    );
    let refused: Vec<String> = result.refused.iter().map(|(id, why)| format!("Order {id}: {why}")).collect();
    web.say(&posted.person.session, text, &refused);
    Ok(Redirect::to("/orders"))
}

/// Gives the ticked ones to a crew, each looked at once more.
pub async fn dispatch(State(web): State<Arc<Web>>, posted: Posted) -> Result<Redirect, WebError> {
    posted.person.must_write()?;
    let ids: Vec<OrderId> = posted.fields.keys("order")?.into_iter().map(OrderId).collect();
    if ids.is_empty() {
        return Err(WebError::Input("No order is ticked: tick those that the crew takes.".to_owned()));
    }
    let crew = posted.fields.text("crew", "The crew")?;
    let dispatched = web.office.dispatch_orders(&ids, crew, posted.person.name()).await?;
    let text = format!("{} given to {crew}.", words::count(dispatched.done.len() as u64, "order", "orders"));
    let refused: Vec<String> = dispatched.refused.iter().map(|(id, why)| format!("Order {id}: {why}")).collect();
    web.say(&posted.person.session, text, &refused);
    Ok(Redirect::to("/orders"))
}

fn row(order: &FieldOrder, account: Line, is_today: bool) -> Row {
    Row {
        id: order.id.0,
        account,
        kind: words::plain(order.kind.word()),
        service: words::plain(order.service.word()),
        state: words::plain(order.state.word()),
        for_day: words::day(order.for_day),
        is_today,
        is_shut_off: matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit),
        is_restoration: order.kind == OrderKind::Restore,
        amount: order.amount.to_string(),
        approved_by: order.approved_by.clone().unwrap_or_default(),
        crew: order.crew.clone().unwrap_or_default(),
        cause: order.cause.clone().unwrap_or_default(),
        instruction: order.instruction.clone().unwrap_or_default(),
    }
}
