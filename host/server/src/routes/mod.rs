//! What each address shows.

mod api;
mod app;
mod assets;
mod download;
mod graph;
mod metrics;
mod objects;
mod origin;
mod page;
mod pipeline;
mod plugins;
mod proof;
mod quality;
mod runs;
mod saved;
mod state;
mod table;
mod tables;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

pub(crate) use app::{App, Asked, Sight};

/// The contents of pages, which an export shows too.
pub(crate) mod bodies {
    pub(crate) use super::assets::{ICON, style};
    pub(crate) use super::download::write as write_rows;
    pub(crate) use super::page::failed;
    pub(crate) use super::pipeline::body as pipeline;
    pub(crate) use super::plugins::body as plugins;
    pub(crate) use super::quality::body as quality;
    pub(crate) use super::runs::{MOST as RUNS, body as runs};
    pub(crate) use super::table::{body as table, proof_body as proof};
    pub(crate) use super::tables::body as tables;
}

/// Returns all routes, without the path below which they are served.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(pipeline::show))
        .route("/pages/{page}", get(page::show))
        .route("/pages/{page}/{file}", get(page::download))
        .route("/tables", get(tables::show))
        .route("/tables/{name}", get(table::show))
        .route("/tables/{name}/row", get(proof::show))
        .route("/tables/{name}/history", get(table::history))
        .route("/tables/{name}/objects", get(table::objects))
        .route("/tables/{name}/{file}", get(download::show))
        .route("/quality", get(quality::show))
        .route("/runs", get(runs::show))
        .route("/runs/{commit}", get(runs::one))
        .route("/plugins", get(plugins::show))
        .route("/assets/{file}", get(assets::show))
        .route("/favicon.ico", get(assets::icon))
        .route("/events", get(state::events))
        .route("/health", get(state::health))
        .route("/ready", get(state::ready))
        .route("/metrics", get(metrics::show))
        .nest("/api/v1", api::routes())
        .fallback(state::nothing)
        .layer(from_fn_with_state(Arc::<metrics::Meter>::default(), metrics::count))
        .with_state(app)
}
