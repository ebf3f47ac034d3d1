//! Whether the server is well, and news of commits.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::app::App;
use crate::shell::Refusal;

/// Answers as long as the process does.
pub(super) async fn health() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "healthy\n").into_response()
}

/// Answers 200 while the lake can be reached, else 503 with the reason.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let (status, text) = match app.lake.trouble() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(why) => {
            tracing::warn!("not ready: {why}");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: the log says why\n".to_owned())
        }
    };
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Tells of commits and of pages that were saved.
pub(super) async fn events(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    app.events.stream()
}

pub(super) async fn nothing() -> Refusal {
    Refusal::not_found("there is no such page")
}
