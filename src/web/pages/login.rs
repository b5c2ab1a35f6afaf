//! Logging in and out.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::web::error::WebError;
use crate::web::form::{Fields, Posted};
use crate::web::{Web, password, session, templates, throttle};

/// A check of a password takes 19 MiB for a moment: so many at once, and the others wait.
static CHECKS: Semaphore = Semaphore::const_new(4);

#[derive(Serialize)]
struct LoginPage<'a> {
    city: &'a str,
    then: &'a str,
    name: &'a str,
    error: Option<&'a str>,
}

/// The form.
pub async fn show(State(web): State<Arc<Web>>, asked: Fields) -> Result<Html<String>, WebError> {
    page(&web, session::safe_path(asked.get("then")), "", None)
}

/// Checks name and password, and opens a session.
pub async fn enter(State(web): State<Arc<Web>>, headers: HeaderMap, request: Request) -> Result<Response, WebError> {
    if session::is_foreign(&headers) {
        return Err(WebError::Unsigned);
    }
    let peer = request.extensions().get::<throttle::Peer>().map(|peer| peer.0);
    let fields = Fields::read(request).await?;
    let name = fields.get("name").to_owned();
    let then = session::safe_path(fields.get("then")).to_owned();
    let now = web.office.now();
    let from = throttle::address(peer, &headers);
    if let Some(seconds) = web.throttle.waits(&name, from, now) {
        let error = format!(
            "Several wrong passwords were given here for this name. Try again in {seconds} seconds, or ask the administrator for a \
             new password."
        );
        let page = page(&web, &then, &name, Some(&error))?;
        return Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response());
    }
    tokio::time::sleep(web.throttle.attempt(&name, from, now)).await;
    let found = web.office.store.staff_login(&name).await?;
    let kept = found.as_ref().and_then(|(_, hash)| hash.clone());
    // Not trimmed: a space may belong to a password.
    let typed = fields.0.into_iter().find(|(key, _)| key == "password").map(|(_, value)| value).unwrap_or_default();
    let right = check(typed, kept).await?;
    let Some((member, _)) = found.filter(|_| right) else {
        let error = "The name or the password is wrong. Check both and try again.";
        let page = page(&web, &then, &name, Some(error))?;
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    web.throttle.forgive(&name, from);
    let cookie = session::open(&web, &member, &headers).await?;
    tracing::info!(person = %member.name, "logged in");
    Ok((CookieJar::new().add(cookie), Redirect::to(&then)).into_response())
}

/// Ends the session.
pub async fn leave(
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    Posted { person, .. }: Posted,
) -> Result<Response, WebError> {
    web.office.store.close_session(&person.session).await?;
    Ok((CookieJar::new().add(session::ended(&headers)), Redirect::to("/login")).into_response())
}

async fn check(typed: String, kept: Option<String>) -> Result<bool, WebError> {
    let failed = |error: &dyn std::fmt::Display| WebError::Internal(format!("checking a password: {error}"));
    let _turn = CHECKS.acquire().await.map_err(|error| failed(&error))?;
    tokio::task::spawn_blocking(move || password::verify(&typed, kept.as_deref())).await.map_err(|error| failed(&error))
}

fn page(web: &Web, then: &str, name: &str, error: Option<&str>) -> Result<Html<String>, WebError> {
    let view = LoginPage { city: &web.office.city().name, then, name, error };
    templates::render_bare("login.html", &view).map(Html)
}
