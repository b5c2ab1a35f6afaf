//! What an account's state of an earlier instant must not know: what became of freezes and arrangements behind it. Their rows
//! have days, and the log has instants, under its chain.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::given::{ExceptionKind, RecordChange};
use super::marks::Moment;
use super::{Conn, Result, StoreError, account_change};
use crate::domain::arrangement::Arrangement;
use crate::domain::{AccountId, ArrangementId, EntryId, Profile};

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

/// What files changed of the account's record behind that instant, newest first: the day, and each field as it was and as it
/// became.
pub(super) async fn record_changes(conn: &mut Conn, account: AccountId, by: &Moment) -> Result<Vec<RecordChange>> {
    let told: Vec<(DateTime<Utc>, Json<Value>)> = sqlx::query_as(
        "SELECT recorded_at, body FROM log
         WHERE account_id = $1 AND what = 'account changed' AND (recorded_at > $2 OR recorded_at = $2 AND seq > $3)
         ORDER BY seq DESC",
    )
    .bind(account.0)
    .bind(by.at)
    .bind(by.line)
    .fetch_all(conn)
    .await?;
    told.into_iter()
        .map(|(at, Json(body))| {
            let fields = body.get("changes").cloned().unwrap_or_default();
            let fields = serde_json::from_value(fields).map_err(|error| {
                StoreError::Corrupt(format!("a logged change of the record of account {account}: {error}"))
            })?;
            Ok(RecordChange { at, fields })
        })
        .collect()
}

/// Takes back what files changed of the account's record later. What is never written into the log stays as it is today.
pub(super) async fn record(conn: &mut Conn, account: AccountId, profile: &mut Profile, by: &Moment) -> Result<()> {
    let changes = record_changes(conn, account, by).await?;
    if changes.is_empty() {
        return Ok(());
    }
    let damaged = |error: serde_json::Error| StoreError::Corrupt(format!("the record of account {account}: {error}"));
    let Value::Object(mut then) = serde_json::to_value(&*profile).map_err(damaged)? else { return Ok(()) };
    let mut attributes = then.remove("attributes").and_then(|value| value.as_object().cloned()).unwrap_or_default();
    for (name, [before, _]) in changes.into_iter().flat_map(|change| change.fields) {
        let fields = if RECORD.contains(&name.as_str()) { &mut then } else { &mut attributes };
        match before {
            Value::Null => _ = fields.remove(&name),
            Value::String(secret) if secret == account_change::NOT_SHOWN => {}
            before => _ = fields.insert(name, before),
        }
    }
    then.insert("attributes".to_owned(), Value::Object(attributes));
    *profile = serde_json::from_value(Value::Object(then)).map_err(damaged)?;
    Ok(())
}

/// The fields of a record that are no further attributes of it.
const RECORD: [&str; 14] = [
    "number",
    "customer_name",
    "service_address",
    "mailing_address",
    "email",
    "phones",
    "language",
    "class",
    "services",
    "owner",
    "occupancy",
    "third_party",
    "since",
    "ended",
];

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
