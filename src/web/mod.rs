//! The console: server-rendered pages behind a login; `/healthz` and `/metrics`.
//!
//! It works without script, asks no other host for anything, and keeps no state but the list of failed logins and the
//! message that a page owes a person after a form. Deliberately absent: every rule. A page shows what `store` has and
//! hands what a person does to `office`, which may refuse it.

mod crews;
mod error;
mod form;
mod headers;
mod pages;
pub mod password;
mod serve;
mod session;
mod templates;
mod throttle;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use tower_http::trace::TraceLayer;

use crate::office::Office;
pub use serve::serve;
use throttle::Throttle;

/// What every page is given.
struct Web {
    office: Arc<Office>,
    throttle: Throttle,
    /// What the next page says to the person, by the hash of the session's token.
    said: Mutex<BTreeMap<String, Said>>,
}

/// The result of a form, shown once on the page that follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
struct Said {
    text: String,
    /// What was refused, a line each.
    refused: Vec<String>,
}

/// Messages that wait for a page that is never asked for are forgotten beyond this number.
const MOST_SAID: usize = 1_000;

impl Web {
    fn new(office: Arc<Office>) -> Self {
        Self { office, throttle: Throttle::default(), said: Mutex::default() }
    }

    fn say(&self, session: &str, text: impl Into<String>, refused: &[String]) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() >= MOST_SAID {
            said.clear();
        }
        let refused = refused.iter().map(|line| words::us_dates(line)).collect();
        said.insert(session.to_owned(), Said { text: text.into(), refused });
    }

    /// Adds what cannot wait to what the next page says.
    fn adds(&self, session: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let of_session = said.entry(session.to_owned()).or_default();
        of_session.refused.extend(lines.iter().map(|line| format!("At once: {}", words::us_dates(line))));
    }

    fn said(&self, session: &str) -> Option<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).remove(session)
    }
}

/// The console's routes over an office.
pub fn router(office: Arc<Office>) -> Router {
    let web = Arc::new(Web::new(office));
    Router::new()
        .route("/", get(pages::today::show))
        .route("/login", get(pages::login::show).post(pages::login::enter))
        .route("/logout", post(pages::login::leave))
        .route("/calls", get(pages::calls::show))
        .route("/calls/release", post(pages::calls::release))
        .route("/calls/list.csv", get(pages::calls::csv))
        .route("/calls/list.pdf", get(pages::calls::pdf))
        .route("/calls/{id}", get(pages::call::show))
        .route("/calls/{id}/record", post(pages::call::record))
        .route("/calls/{id}/move", post(pages::call::reorder))
        .route("/calls/{id}/assign", post(pages::call::assign))
        .route("/calls/{id}/drop", post(pages::call::drop_it))
        .route("/accounts", get(pages::accounts::show))
        .route("/accounts/{number}", get(pages::account::show))
        .route("/accounts/{number}/hold", post(pages::account::place_hold))
        .route("/holds/{id}/end", post(pages::account::end_hold))
        .route("/notices", get(pages::notices::show))
        .route("/notices/release", post(pages::notices::release))
        .route("/notices/release-all", post(pages::notices::release_all))
        .route("/notices/cancel", post(pages::notices::cancel))
        .route("/notices/{id}/pdf", get(pages::notices::piece))
        .route("/orders", get(pages::orders::show))
        .route("/orders/approve", post(pages::orders::approve))
        .route("/orders/finalize", post(pages::orders::finalize))
        .route("/orders/dispatch", post(pages::orders::dispatch))
        .route("/referrals", get(pages::referrals::show))
        .route("/referrals/{id}/approve", post(pages::referrals::approve))
        .route("/referrals/{id}/decline", post(pages::referrals::decline))
        .route("/approvals", get(pages::approvals::show))
        .route("/approvals/{id}/approve", post(pages::approvals::approve))
        .route("/approvals/{id}/decline", post(pages::approvals::decline))
        .route("/night/release", post(pages::today::release_night))
        .route("/night/drop", post(pages::today::drop_night))
        .route("/exceptions", get(pages::exceptions::show))
        .route("/assets/console.css", get(pages::assets::style))
        .route("/assets/icon.svg", get(pages::assets::icon))
        .route("/healthz", get(pages::health::show))
        .route("/metrics", get(pages::metrics::show))
        .fallback(pages::missing)
        .method_not_allowed_fallback(pages::missing)
        .layer(middleware::from_fn_with_state(Arc::clone(&web), crews::tell))
        .layer(middleware::from_fn(headers::secure))
        .layer(TraceLayer::new_for_http())
        .with_state(web)
}
