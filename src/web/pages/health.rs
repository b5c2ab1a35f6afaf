//! `/healthz`: whether the database answers and how far the runs have come. Without login, and without names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::domain::Day;
use crate::web::Web;

/// What a monitor reads.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    status: &'static str,
    database: &'static str,
    business_date: Day,
    /// The last business date that was run to its end.
    last_run: Option<Day>,
    /// A run that was begun and has not finished: under way, or stopped.
    unfinished_run: Option<Day>,
    version: &'static str,
}

/// Answers 200 while the database answers, else 503.
pub async fn show(State(web): State<Arc<Web>>) -> (StatusCode, Json<Health>) {
    let runs = web.office.store.runs(50).await;
    let (status, health, database) = match &runs {
        Ok(_) => (StatusCode::OK, "ok", "reachable"),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "failing", "unreachable")
        }
    };
    let runs = runs.unwrap_or_default();
    let answer = Health {
        status: health,
        database,
        business_date: web.office.today(),
        last_run: runs.iter().filter(|run| run.finished_at.is_some()).map(|run| run.date).max(),
        unfinished_run: runs.iter().filter(|run| run.finished_at.is_none()).map(|run| run.date).max(),
        version: env!("CARGO_PKG_VERSION"),
    };
    (status, Json(answer))
}
