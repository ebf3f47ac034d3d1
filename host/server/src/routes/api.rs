//! `/api/v1`: the same as JSON.

use std::sync::Arc;

use axum::Router;

use super::app::App;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
}
