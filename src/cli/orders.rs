//! `orders`: shut-offs, restorations and tags, from prepared to the crew's result.

use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;

use super::args::{By, Json, date, word};
use super::exit::counted;
use super::show::{Numbered, maybe, maybe_day, numbered};
use super::table::{Column, Table};
use super::{Answer, Desk, Failure, Result};
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::domain::spoken::spoken;
use crate::domain::{AccountNumber, Day, OrderId, Service, day};
use crate::office::{Duty, Handled, Office};
use crate::store::CrewResult;

#[derive(Debug, Subcommand)]
pub enum Orders {
    /// Field orders that are not over, or those in one state
    List {
        #[arg(long, value_parser = word!(OrderState))]
        state: Option<OrderState>,
        /// Those for this day
        #[arg(long, value_name = "DATE", value_parser = date)]
        date: Option<Day>,
        #[command(flatten)]
        json: Json,
    },
    /// What is shut off now
    Off {
        #[command(flatten)]
        json: Json,
    },
    /// Approve prepared shut-offs
    Approve {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
        #[command(flatten)]
        by: By,
    },
    /// Check the approved shut-offs of today again, and finalize those against which nothing stands
    Finalize {
        /// The day; it must be today
        #[arg(long, value_name = "DATE", value_parser = date)]
        date: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// Give orders to a crew: finalized shut-offs, approved restorations and tags
    Dispatch {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
        #[arg(long)]
        crew: String,
        #[command(flatten)]
        by: By,
    },
    /// Record what the crew brings back
    Result(OrderResult),
    /// Order a service that is off to be turned on, whatever is owed: a lead decides it
    Restore {
        #[arg(value_name = "ACCOUNT")]
        account: String,
        #[arg(long, value_parser = word!(Service))]
        service: Service,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
    /// Cancel an order that the crew has not done
    Cancel {
        id: i64,
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("outcome").required(true))]
pub struct OrderResult {
    id: i64,
    #[arg(long, group = "outcome")]
    done: bool,
    /// The crew could not do it; the note says why
    #[arg(long, group = "outcome", requires = "note")]
    not_done: bool,
    /// The day; today where absent
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Option<Day>,
    /// Local time, HH:MM
    #[arg(long, value_name = "HH:MM")]
    at: Option<String>,
    /// Who did it; the crew that has the order where absent
    #[arg(long)]
    crew: Option<String>,
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, Serialize)]
struct Off {
    account_number: AccountNumber,
    service: Service,
    since: Day,
}

/// What is shut off now, in order of accounts.
async fn shut_off(office: &Office, json: Json) -> Result {
    let mut lines = Vec::new();
    for off in office.store.shut_offs().await? {
        let account_number = office.store.account(off.account).await?.profile.number;
        lines.push(Off { account_number, service: off.service, since: off.since });
    }
    json.or(&lines, || {
        let mut table = Table::new(&[Column::Left("Account"), Column::Left("Service"), Column::Left("Since")]);
        for off in &lines {
            table.row([off.account_number.to_string(), off.service.to_string(), day::short(off.since)]);
        }
        table.show("Nothing is shut off.")
    })
}

impl Orders {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::List { state, date, json } => {
                let mut orders = office.store.field_orders(state, date).await?;
                if state.is_none() {
                    orders.retain(|order| order.state.is_pending());
                }
                let rows = numbered(&office, orders, |order| order.account).await?;
                json.or(&rows, || table(&rows))
            }
            Self::Approve { ids, by } => {
                let ids = existing(&office, ids).await?;
                let approved = office.approve_orders(&ids, by.may(&office, Duty::Approve).await?).await?;
                Ok(done(&approved, "approved"))
            }
            Self::Finalize { date, by } => {
                let outcome = office
                    .finalize_orders(date.unwrap_or_else(|| office.today()), by.may(&office, Duty::Approve).await?)
                    .await?;
                let count = counted(outcome.finalized.len(), "shut-off is", "shut-offs are");
                Ok(Answer::done(format!("{count} finalized"))
                    .with_refusals(outcome.refused.iter().map(|(id, why)| format!("order {id}: not finalized: {why}"))))
            }
            Self::Dispatch { ids, crew, by } => {
                let ids = existing(&office, ids).await?;
                let dispatched = office.dispatch_orders(&ids, &crew, by.may(&office, Duty::Write).await?).await?;
                Ok(done(&dispatched, "dispatched"))
            }
            Self::Off { json } => shut_off(&office, json).await,
            Self::Result(args) => args.run(&office).await,
            Self::Restore { account, service, reason, by } => {
                let by = by.may(&office, Duty::Release).await?;
                let account = office.account(&account).await?;
                let order = office.order_restoration(account.id, service, &reason, by).await?;
                Ok(Answer::done(format!(
                    "Order {order} turns {service} of account {} on: `arrears orders dispatch {order} --crew NAME`",
                    account.profile.number
                )))
            }
            Self::Cancel { id, reason, by } => {
                office.cancel_order(OrderId(id), &reason, by.may(&office, Duty::Approve).await?).await?;
                Ok(Answer::done(format!("Order {id} is canceled")))
            }
        }
    }
}

impl OrderResult {
    async fn run(self, office: &Office) -> Result {
        let order = office.store.order(OrderId(self.id)).await?;
        let is_cut = matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit);
        if self.done && self.on.is_none() && is_cut && order.for_day < office.today() {
            let (id, for_day) = (order.id, day::short(order.for_day));
            return Err(Failure::refused(format!(
                "order {id} is for {for_day}: say on which day the crew was there, with `--on DATE`"
            )));
        }
        let result = CrewResult {
            done: self.done,
            on: self.on.unwrap_or_else(|| office.today()),
            at: self.at,
            crew: self.crew.or(order.crew).unwrap_or_default(),
            note: self.note.unwrap_or_default(),
        };
        let on = day::short(result.on);
        office.record_order_result(order.id, result, self.by.may(office, Duty::Write).await?).await?;
        let said = if self.done { "done" } else { "not done" };
        let is_off = office.off_without_leave(order.id).await?;
        Ok(Answer::done(format!("Order {} ({}) was {said} {on}", order.id, spoken(order.kind.word()))).urgent(is_off))
    }
}

/// The ids, each of an order that exists: nothing is done for some while others are mistyped.
async fn existing(office: &Office, ids: Vec<i64>) -> Result<Vec<OrderId>> {
    let mut orders = Vec::with_capacity(ids.len());
    for id in ids {
        orders.push(office.store.order(OrderId(id)).await?.id);
    }
    Ok(orders)
}

/// What was done, and for each other order what stands against it.
fn done(handled: &Handled, verb: &str) -> Answer {
    Answer::done(format!("{} {verb}", counted(handled.done.len(), "order is", "orders are")))
        .with_refusals(handled.refused.iter().map(|(id, why)| format!("order {id}: not {verb}: {why}")))
}

/// Field orders as a table.
pub fn table(rows: &[Numbered<FieldOrder>]) -> String {
    use Column::{Left, Right};
    let mut table = Table::new(&[
        Right("ID"),
        Left("For"),
        Left("Account"),
        Left("Order"),
        Left("Service"),
        Right("Amount"),
        Left("State"),
        Left("Approved by"),
        Left("Crew"),
        Left("Done"),
        Left("Why"),
    ]);
    for Numbered { account_number, row: order } in rows {
        let why = [
            order.instruction.clone().unwrap_or_default(),
            order.cause.clone().unwrap_or_default(),
            order.note.clone(),
        ];
        table.row([
            order.id.to_string(),
            day::short(order.for_day),
            account_number.to_string(),
            spoken(order.kind.word()),
            order.service.to_string(),
            order.amount.to_string(),
            order.state.to_string(),
            maybe(order.approved_by.as_ref()),
            maybe(order.crew.as_ref()),
            format!("{} {}", maybe_day(order.done_on), maybe(order.done_at.as_ref())).trim().to_owned(),
            why.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; "),
        ]);
    }
    table.show("No field orders.")
}
