//! Server-sent events: one hub that tells all streams the same.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{Semaphore, broadcast};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

use super::refusal::Refusal;
use super::settings::HttpLimits;

/// The events that a slow stream may lag behind. Beyond them it misses the oldest.
const BACKLOG: usize = 64;

/// A hub of event streams. The shell ends the streams at shutdown.
#[derive(Debug, Clone)]
pub struct Events {
    tell: broadcast::Sender<(&'static str, Arc<str>)>,
    slots: Arc<Semaphore>,
    beat: Duration,
}

impl Events {
    /// Returns a hub within those limits.
    pub fn new(limits: &HttpLimits) -> Self {
        let (tell, _) = broadcast::channel(BACKLOG);
        let most = limits.streams.min(Semaphore::MAX_PERMITS);
        Self { tell, slots: Arc::new(Semaphore::new(most)), beat: limits.stream_beat }
    }

    /// Sends an event of that name to all streams. Without streams nothing happens.
    pub fn send(&self, name: &'static str, text: impl Into<Arc<str>>) {
        // An error means that there are no streams.
        let _ = self.tell.send((name, text.into()));
    }

    /// Returns a stream of the events from now on, with a comment now and then as a sign of life.
    ///
    /// # Errors
    /// Returns 503 if there are too many streams.
    pub fn stream(&self) -> Result<Response, Refusal> {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return Err(Refusal::busy("too many event streams are open: try again later", self.beat));
        };
        let events = BroadcastStream::new(self.tell.subscribe()).filter_map(move |event| {
            let _held_by_the_stream = &slot;
            // An error means that the stream missed events. Each says that there is something newer, so no one lacks them.
            let (name, text) = event.ok()?;
            // A carriage return ends a line as a line feed does, so both would begin another field.
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            Some(Ok::<_, Infallible>(Event::default().event(name).data(text)))
        });
        let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(self.beat)).into_response();
        // nginx would hold events back until it has a buffer of them.
        response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    }
}
