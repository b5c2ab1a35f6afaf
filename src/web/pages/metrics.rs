//! `/metrics`: the daemon's figures for Prometheus, in its text format. Without login, and without any name, account or
//! amount. `docs/OPERATIONS.md` lists them, with alerts.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

use crate::domain::day::days_between;
use crate::office::{NIGHT, Office};
use crate::store::{Result, RunRecord, WorkKind};
use crate::web::Web;

/// What a night's summary counts.
const COUNTED: [&str; 10] =
    ["examined", "changed", "notices", "calls", "fees", "orders", "referrals", "closed", "refused", "stale"];

/// Answers 200 while the database answers, 503 otherwise, and 404 where the configuration says so.
pub async fn show(State(web): State<Arc<Web>>) -> Response {
    let plain = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    if !web.office.config.metrics {
        return (StatusCode::NOT_FOUND, plain, "metrics are off in arrears.yaml\n".to_owned()).into_response();
    }
    match text(&web.office, web.office.now()).await {
        Ok(text) => (StatusCode::OK, plain, text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the figures could not be made");
            (StatusCode::SERVICE_UNAVAILABLE, plain, "the database does not answer\n".to_owned()).into_response()
        }
    }
}

/// The figures as text.
#[derive(Default)]
struct Figures(String);

impl Figures {
    /// A figure's name, and what it is.
    fn about(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    /// A value with its labels, as `state="ready"`. Labels are the program's own words and need no escaping.
    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn one(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.about(name, help);
        self.value(name, "", value);
    }
}

async fn text(office: &Office, now: DateTime<Utc>) -> Result<String> {
    let store = &office.store;
    let mut figures = Figures::default();
    figures.about("arrears_build_info", "The program that runs");
    figures.value("arrears_build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    nights(&mut figures, &store.runs(50).await?);

    let vitals = store.vitals().await?;
    figures.about("arrears_outbox", "Pieces of work by kind and state");
    for (kind, state, many, _) in &vitals.outbox {
        figures.value("arrears_outbox", &format!("kind=\"{kind}\",state=\"{state}\""), many);
    }
    let waits = |kind| vitals.outbox.iter().find(move |(of, state, ..)| *of == kind && state == "ready");
    figures.about("arrears_outbox_oldest_seconds", "How long the oldest work that is due has waited, 0 where none has");
    for kind in WorkKind::ALL {
        let oldest = waits(*kind).and_then(|(.., oldest)| *oldest).map_or(0, |at| (now - at).num_seconds().max(0));
        figures.value("arrears_outbox_oldest_seconds", &format!("kind=\"{kind}\""), oldest);
    }
    let emails = waits(WorkKind::SendEmail).map_or(0, |(_, _, many, _)| *many);
    figures.one("arrears_emails_waiting", "Emails that wait to be sent", emails);

    figures.about("arrears_exceptions_open", "Lines that stand on the exceptions list, by kind");
    for kind in crate::store::ExceptionKind::ALL {
        let many = vitals.exceptions.iter().find(|(of, _)| of == kind).map_or(0, |(_, many)| *many);
        figures.value("arrears_exceptions_open", &format!("kind=\"{kind}\""), many);
    }
    let today = office.today();
    figures.about("arrears_channel_loaded_days", "Days since the day through which a payment channel is loaded");
    for (channel, through) in store.watermarks().await? {
        let days = days_between(through, today);
        figures.value("arrears_channel_loaded_days", &format!("channel=\"{channel}\""), days);
    }
    figures.one("arrears_database_bytes", "Size of the database", vitals.database_bytes);
    if let Some(seal) = store.seals(1).await?.first() {
        let at = seal.made_at.timestamp();
        figures.one("arrears_last_seal_timestamp_seconds", "When the last seal was made", at);
    }
    let stands = u8::from(store.standstill().await?.is_some());
    figures.one("arrears_restored_standstill", "1 while a restored city sends nothing until it is released", stands);
    Ok(figures.0)
}

/// The last night that was run to its end.
fn nights(figures: &mut Figures, runs: &[RunRecord]) {
    let mut nights: Vec<&RunRecord> = runs.iter().filter(|run| run.kind == NIGHT).collect();
    nights.sort_by_key(|run| run.date);
    let unfinished = nights.iter().filter(|run| run.finished_at.is_none()).count();
    figures.one(
        "arrears_nights_unfinished",
        "Nights that were begun and not finished, of the last 50 runs",
        unfinished,
    );
    let Some(last) = nights.iter().rev().find(|run| run.finished_at.is_some()) else { return };
    let date = last.date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
    figures.one("arrears_last_night_date_seconds", "Business date of the last night, as midnight UTC", date);
    let Some(finished_at) = last.finished_at else { return };
    figures.one("arrears_last_night_finished_timestamp_seconds", "When it was finished", finished_at.timestamp());
    let took = (finished_at - last.started_at).num_milliseconds().max(0);
    let seconds = format!("{}.{:03}", took / 1000, took % 1000);
    figures.one(
        "arrears_last_night_duration_seconds",
        "From its beginning to its end, with what came between",
        seconds,
    );
    figures
        .about("arrears_last_night", "What it did: accounts examined, decisions that changed something, acts by kind");
    for what in COUNTED {
        let many = last.summary.as_ref().and_then(|summary| summary.get(what)).and_then(serde_json::Value::as_u64);
        figures.value("arrears_last_night", &format!("what=\"{what}\""), many.unwrap_or(0));
    }
}
