//! Whatever a form does that stops a crew's errand: the page behind it says so at once.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::{Web, session};

/// Tells whoever posted a form of the crews that are to be called back since.
pub async fn tell(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let session = session::of(request.headers()).filter(|_| request.method() == Method::POST);
    let Some(session) = session else { return next.run(request).await };
    let stood = web.office.crews_out().await;
    let response = next.run(request).await;
    // What the form did is done, and its answer goes out, whatever becomes of this.
    let Ok(stood) = stood else { return response };
    if let Ok(lines) = stood.to_call_back().await {
        web.adds(&session, &lines);
    }
    response
}
