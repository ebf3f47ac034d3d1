//! `/metrics`: numbers for Prometheus.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::app::{App, refusal};
use crate::lake::Seen;
use crate::metrics::{Answers, CONTENT_TYPE, LakeNumbers, text};
use crate::shell::{Blocking, HttpLimits, Refusal};

/// The counts of the server itself, and the turn to read the lake for a scrape.
pub(super) struct Meter {
    answers: Answers,
    /// Scrapes go one at a time and beside those who read tables: a server that is busy must still say so. The first
    /// scrape may read the commits that made tables, for their times.
    scrapes: Blocking,
}

impl Default for Meter {
    fn default() -> Self {
        let limits = HttpLimits { blocking: 1, ..HttpLimits::default() };
        Self { answers: Answers::default(), scrapes: Blocking::new(&limits) }
    }
}

/// Counts the answer of any route.
pub(super) async fn count(State(meter): State<Arc<Meter>>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(Arc::clone(&meter));
    let begun = Instant::now();
    let response = next.run(request).await;
    meter.answers.count(route.as_ref().map(MatchedPath::as_str), response.status(), begun.elapsed());
    response
}

/// Answers with the numbers of the newest commit that was seen.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(meter): Extension<Arc<Meter>>,
) -> Result<Response, Refusal> {
    let of = Arc::clone(&meter);
    let scrape = move |seen: &Seen, is_ready| {
        let (seen, meter) = (seen.clone(), Arc::clone(&of));
        text(move |out| {
            let snapshot = seen.snapshot();
            let time_of = |commit| snapshot.run(seen.store(), commit).map(|run| run.at.clone());
            LakeNumbers { state: &snapshot.state, is_ready, time_of: &time_of }.write(out)?;
            meter.answers.write(out)
        })
    };
    let made = meter.scrapes.run(move |_| app.lake.see(|seen| scrape(seen, app.lake.trouble().is_none()))).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], made.map_err(refusal)?).into_response())
}
