//! Events: what happened to an account besides money.

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::given::Stamp;
use super::log::{self, NewLine};
use super::{Backend, Conn, Result, rows, sql, touch};
use crate::domain::case::StageRef;
use crate::domain::{AccountId, Day, Event, EventKind};

/// An event about to be recorded.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NewEvent {
    pub account: AccountId,
    pub kind: EventKind,
    pub on_day: Day,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageRef>,
}

/// Records events in their order. The caller touches the accounts.
pub(super) async fn record(conn: &mut Conn, events: &[NewEvent], stamp: &Stamp) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO event (account_id, kind, on_day, stage, recorded_at)
         SELECT r.account, r.kind, r.on_day, r.stage, $2 FROM {}",
        rows(1, "account bigint, kind text, on_day date, stage jsonb")
    );
    sqlx::query(sql(insert)).bind(Json(events)).bind(stamp.at).execute(conn).await?;
    Ok(())
}

impl Backend {
    pub async fn record_event(&self, account: AccountId, event: &Event, note: &str, stamp: &Stamp) -> Result<()> {
        let mut tx = self.write().await?;
        let new = NewEvent { account, kind: event.kind, on_day: event.on, stage: event.of.clone() };
        record(&mut tx, &[new], stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        let line = NewLine::of(account, event.kind.word(), json!({ "event": event, "note": note }));
        log::write(&mut tx, &[line], None, stamp).await?;
        Ok(tx.commit().await?)
    }
}
