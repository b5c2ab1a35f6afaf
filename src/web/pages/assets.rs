//! The style and the icon, from the binary.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::web::error::WebError;
use crate::web::templates::Files;

/// `/assets/console.css`; its address changes with its content.
pub async fn style() -> Result<impl IntoResponse, WebError> {
    file("console.css", "text/css; charset=utf-8")
}

/// `/assets/icon.svg`.
pub async fn icon() -> Result<impl IntoResponse, WebError> {
    file("icon.svg", "image/svg+xml")
}

fn file(name: &'static str, media_type: &'static str) -> Result<impl IntoResponse, WebError> {
    let file = Files::get(name).ok_or_else(|| WebError::NotFound(name.to_owned()))?;
    Ok(([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "public, max-age=604800")], file.data.into_owned()))
}
