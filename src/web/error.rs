//! What a page says when it cannot do what was asked: what happened and what to do.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Serialize;

use super::{templates, words};
use crate::domain::Role;
use crate::office::{ErrorKind, OfficeError};
use crate::store::StoreError;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Log in first; then one is led to `then`.
    #[error("log in first")]
    LoginNeeded { then: String },
    #[error("There is no {0}.")]
    NotFound(String),
    #[error("Your role, {role}, may not {what}.")]
    Forbidden { what: &'static str, role: Role },
    /// The form's token is not this session's.
    #[error("This form belongs to an earlier login, or did not come from this console. Nothing was changed.")]
    Unsigned,
    #[error("{0}")]
    Input(String),
    /// The office or the books refuse, and say why.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Busy(String),
    /// For the log; the page says little of it.
    #[error("{0}")]
    Internal(String),
}

#[derive(Serialize)]
struct ErrorPage {
    title: &'static str,
    status: u16,
    what: String,
    to_do: &'static str,
}

impl WebError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::LoginNeeded { .. } => StatusCode::SEE_OTHER,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Forbidden { .. } | Self::Unsigned => StatusCode::FORBIDDEN,
            Self::Input(_) => StatusCode::BAD_REQUEST,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::LoginNeeded { .. } => "Log in",
            Self::NotFound(_) => "Not found",
            Self::Forbidden { .. } => "Not allowed",
            Self::Unsigned => "The form was not accepted",
            Self::Input(_) => "Something in the form is wrong",
            Self::Refused(_) => "Refused",
            Self::Busy(_) => "Busy",
            Self::Internal(_) => "Something went wrong",
        }
    }

    const fn to_do(&self) -> &'static str {
        match self {
            Self::LoginNeeded { .. } => "Log in.",
            Self::NotFound(_) => "Check the address, or search for the account above.",
            Self::Forbidden { .. } => "Ask the lead or an administrator to do it, or to change your role.",
            Self::Unsigned => "Go back, reload the page, and send the form again.",
            Self::Input(_) => "Nothing was changed. Go back, correct it, and send the form again.",
            Self::Refused(_) => "Nothing was changed. Reload the page to see how things stand now.",
            Self::Busy(_) => "Nothing was changed. Try again in a minute.",
            Self::Internal(_) => {
                "Try again. If it happens again, tell the administrator the time: the log of the daemon says more."
            }
        }
    }
}

impl From<StoreError> for WebError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(_) | StoreError::NoConnection(_) => Self::Busy("The database is busy.".to_owned()),
            StoreError::Unreachable(said) => {
                tracing::error!(said, "the database cannot be reached");
                Self::Busy("The database cannot be reached: see that PostgreSQL runs.".to_owned())
            }
            StoreError::Conflict(what) => Self::Refused(sentence(&what)),
            StoreError::Stale => Self::Refused(sentence(&StoreError::Stale.to_string())),
            StoreError::NotFound { what, id } => Self::NotFound(format!("{what} {id}")),
            StoreError::Corrupt(_) | StoreError::Newer { .. } | StoreError::Address(_) | StoreError::Database(_) => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl From<OfficeError> for WebError {
    fn from(error: OfficeError) -> Self {
        let text = sentence(&error.to_string());
        match error.kind() {
            ErrorKind::NotFound => {
                Self::NotFound(text.trim_start_matches("There is no ").trim_end_matches('.').to_owned())
            }
            ErrorKind::Refused | ErrorKind::Conflict => Self::Refused(text),
            ErrorKind::Input => Self::Input(text),
            ErrorKind::Internal => Self::Internal(text),
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        if let Self::LoginNeeded { then } = &self {
            let query = if then == "/" { String::new() } else { format!("?then={}", templates::encoded(then)) };
            return Redirect::to(&format!("/login{query}")).into_response();
        }
        let what = if let Self::Internal(cause) = &self {
            tracing::error!(%cause, "a page failed");
            "The page could not be made.".to_owned()
        } else {
            words::us_dates(&self.to_string())
        };
        let page = ErrorPage { title: self.title(), status: self.status().as_u16(), what, to_do: self.to_do() };
        let html = templates::render_bare("error.html", &page)
            .unwrap_or_else(|_| "<!doctype html><title>Error</title><p>Something went wrong.</p>".to_owned());
        (self.status(), Html(html)).into_response()
    }
}

/// With a capital at its beginning and a period at its end.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_books_refuse_is_shown_as_a_sentence_and_not_as_a_failure() {
        let error = WebError::from(StoreError::Conflict("the call is dropped already".into()));
        assert_eq!(error.to_string(), "The call is dropped already.");
        assert_eq!(error.into_response().status(), StatusCode::CONFLICT);
    }

    #[test]
    fn a_failure_inside_does_not_show_its_inside() {
        let response = WebError::Internal("password of the database".into()).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn whoever_is_not_logged_in_is_led_to_the_login_and_back() {
        let response = WebError::LoginNeeded { then: "/calls?day=2026-05-22&who=me".into() }.into_response();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()["location"], "/login?then=%2Fcalls%3Fday%3D2026-05-22%26who%3Dme");
    }
}
