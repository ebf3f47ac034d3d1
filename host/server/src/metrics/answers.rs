//! The server's own answers: how many, and how long they took to make.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::metrics::histogram::Histogram;

use super::families::Families;

/// The upper bounds of the histogram, in seconds: those of Prometheus's clients, and 1 ms for what reads no table.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The route of requests that no route matched. An address is the client's word, so it is never a label.
const OTHER: &str = "other";

/// The answers since the server began.
#[derive(Default)]
pub(crate) struct Answers(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// The times, by route. A map that is sorted, so that scrapes have one order.
    times: BTreeMap<String, Histogram>,
    /// The number of answers, by status code.
    codes: BTreeMap<u16, u64>,
}

impl Answers {
    /// Counts an answer. The route is a pattern such as `/tables/{name}`; `None` if no route matched.
    pub(crate) fn count(&self, route: Option<&str>, status: StatusCode, time: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { times, codes } = &mut *counts;
        let route = route.unwrap_or(OTHER);
        if !times.contains_key(route) {
            times.insert(route.to_owned(), Histogram::new(SECONDS));
        }
        times[route].observe(time.as_secs_f64());
        *codes.entry(status.as_u16()).or_default() += 1;
    }

    /// Writes all of it.
    pub(crate) fn write(&self, out: &mut Families<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { times, codes } = &*counts;
        out.histogram(
            "smelt_http_request_duration_seconds",
            "Time until an answer began, by the pattern of its address.",
            times.iter().map(|(route, times)| ([("route", route.as_str())], times)),
        )?;
        let codes: Vec<_> = codes.iter().map(|(code, &count)| (code.to_string(), count)).collect();
        out.counter(
            "smelt_http_responses",
            "Answers, by status code.",
            codes.iter().map(|(code, count)| ([("code", code.as_str())], *count)),
        )
    }
}
