//! What cannot wait while a crew is out: whoever does what stops its errand is told at once, whatever they did it by.

use std::collections::BTreeSet;

use super::{Office, Result};
use crate::domain::OrderId;
use crate::domain::field_order::{FieldOrder, OrderKind};
use crate::store::{Exception, ExceptionKind, Store};

/// The lines of the exceptions list that ask to call a crew back, as they stood when somebody began to do something.
#[derive(Clone, Debug)]
pub struct CrewsOut {
    store: Store,
    stood: BTreeSet<i64>,
}

impl CrewsOut {
    /// What has come since: each crew to be called back, with account and order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn to_call_back(&self) -> Result<Vec<String>> {
        let lines = self.store.exceptions_of_kind(ExceptionKind::RecallCrew).await?;
        let mut told = Vec::new();
        for line in lines.into_iter().filter(|line| !self.stood.contains(&line.id)) {
            told.push(self.of_account(line).await?);
        }
        Ok(told)
    }

    async fn of_account(&self, line: Exception) -> Result<String> {
        let Some(account) = line.account else { return Ok(line.text) };
        Ok(format!("{} (account {})", line.text, self.store.account(account).await?.profile.number))
    }
}

impl Office {
    /// What is asked of crews that are out, before somebody does something.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn crews_out(&self) -> Result<CrewsOut> {
        let lines = self.store.exceptions_of_kind(ExceptionKind::RecallCrew).await?;
        Ok(CrewsOut { store: self.store.clone(), stood: lines.into_iter().map(|line| line.id).collect() })
    }

    /// What cannot wait where a crew did a shut-off that had been canceled: who is without service, and the restoration that
    /// waits for a crew. None where the order was no such one.
    ///
    /// # Errors
    /// When there is no such order, or the database fails.
    pub async fn off_without_leave(&self, id: OrderId) -> Result<Option<String>> {
        let order = self.store.order(id).await?;
        if !order.is_done_without_leave() || !matches!(order.kind, OrderKind::ShutOff | OrderKind::Limit) {
            return Ok(None);
        }
        let number = self.store.account(order.account).await?.profile.number;
        let restores = |other: &FieldOrder| {
            other.kind == OrderKind::Restore && other.service == order.service && other.state.is_pending()
        };
        let restoration = self.store.orders_of(order.account).await?.into_iter().find(restores);
        let next = restoration.map_or_else(
            || "no restoration is ordered: `arrears exceptions list` has the incident, see the lead".to_owned(),
            |restoration| {
                format!(
                    "restoration order {0} waits to be dispatched: `arrears orders dispatch {0} --crew NAME --by NAME`",
                    restoration.id
                )
            },
        );
        let cause = order.cause.unwrap_or_default();
        Ok(Some(format!(
            "{} is off at account {number}, and should not be: order {id} had no leave ({cause}); {next}",
            order.service
        )))
    }
}
