//! What an account's state of an earlier instant must not know: what became of freezes and arrangements behind it. Their rows
//! have days, and the log has instants, under its chain.

use serde_json::Value;
use sqlx::types::Json;

use super::given::ExceptionKind;
use super::marks::Moment;
use super::{Conn, Result};
use crate::domain::arrangement::Arrangement;
use crate::domain::{AccountId, ArrangementId, EntryId};

type Told = (String, Json<Value>);

/// What froze the account at that instant.
pub(super) async fn frozen(conn: &mut Conn, account: AccountId, by: &Moment) -> Result<Option<String>> {
    let told: Vec<Told> = sqlx::query_as(
        "SELECT what, body FROM log
         WHERE account_id = $1 AND what IN ('exception', 'exception cleared') AND recorded_at <= $2
            AND (recorded_at < $2 OR seq <= $3) ORDER BY seq",
    )
    .bind(account.0)
    .bind(by.at)
    .bind(by.line)
    .fetch_all(conn)
    .await?;
    let mut standing: Vec<String> = Vec::new();
    for (what, Json(body)) in told {
        let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
        if what == "exception" {
            let kind = body.get("kind").and_then(Value::as_str).and_then(ExceptionKind::from_word);
            if kind.is_some_and(ExceptionKind::freezes) {
                standing.push(text.to_owned());
            }
        } else {
            standing.retain(|line| line != text);
        }
    }
    Ok(standing.into_iter().next())
}

/// Takes back what became of the arrangements later: that one was taken up again, that a bill was carried over to another,
/// or reversed and not billed anew.
pub(super) async fn unlearn(conn: &mut Conn, account: AccountId, plans: &mut [Arrangement], by: &Moment) -> Result<()> {
    if plans.is_empty() {
        return Ok(());
    }
    let told: Vec<Told> = sqlx::query_as(
        "SELECT what, body FROM log
         WHERE account_id = $1 AND what IN ('arrangement reinstated', 'arrangement carried over', 'exception')
            AND (recorded_at > $2 OR recorded_at = $2 AND seq > $3) ORDER BY seq",
    )
    .bind(account.0)
    .bind(by.at)
    .bind(by.line)
    .fetch_all(conn)
    .await?;
    for (what, Json(body)) in told {
        let number = |name: &str| body.get(name).and_then(Value::as_i64);
        let of = number("arrangement").map(ArrangementId);
        for plan in plans.iter_mut().filter(|plan| of.is_none_or(|id| plan.id == id)) {
            match what.as_str() {
                // There is a line for each time, in their order.
                "arrangement reinstated" => _ = plan.reinstated.pop(),
                "arrangement carried over" => {
                    if let Some(anew) = number("billed_anew").map(EntryId) {
                        plan.covers.remove(&anew);
                        plan.reversed.carried.retain(|carried| carried.to != anew);
                    }
                }
                _ => plan.reversed.unreplaced.retain(|awaited| Some(awaited.exception) != number("exception")),
            }
        }
    }
    Ok(())
}
