//! The body of an answer on its way out. It tells the gate when the answer is whole, ends event streams at shutdown, and
//! ends the connection if the body panics or pauses for too long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use smelt_common::Error;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use super::link::Link;
use super::panics::words;

/// The body of an answer on its way out.
pub(super) struct AnswerBody {
    inner: Body,
    link: Arc<Link>,
    patience: Patience,
}

/// The pauses that a body may make.
enum Patience {
    /// A body may pause for so long. The timer is made when it first pauses.
    Pauses { most: Duration, timer: Option<Pin<Box<Sleep>>>, pausing: bool },
    /// An event stream may pause until shutdown.
    UntilShutdown(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl AnswerBody {
    /// Returns a body that may pause for so long.
    pub(super) fn new(inner: Body, link: Arc<Link>, most: Duration) -> Self {
        Self { inner, link, patience: Patience::Pauses { most, timer: None, pausing: false } }
    }

    /// Returns the body of an event stream, which ends at shutdown.
    pub(super) fn events(inner: Body, link: Arc<Link>, mut stopping: watch::Receiver<bool>) -> Self {
        let stopped = async move {
            // An error means that the server is gone.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        Self { inner, link, patience: Patience::UntilShutdown(Box::pin(stopped)) }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.link.answered();
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let body = self.get_mut();
        if let Patience::UntilShutdown(stopped) = &mut body.patience
            && stopped.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(None);
        }
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut body.inner).poll_frame(context)));
        let frame = match polled {
            Ok(Poll::Pending) => match &mut body.patience {
                Patience::UntilShutdown(_) => return Poll::Pending,
                Patience::Pauses { most, timer, pausing } => {
                    let timer = timer.get_or_insert_with(|| Box::pin(sleep(*most)));
                    if !std::mem::replace(pausing, true) {
                        timer.as_mut().reset(Instant::now() + *most);
                    }
                    ready!(timer.as_mut().poll(context));
                    failed(&format!("it made no byte for {most:?}"))
                }
            },
            Ok(Poll::Ready(Some(Err(error)))) => failed(&error.to_string()),
            Ok(Poll::Ready(frame)) => frame.map(|frame| frame.map_err(Into::into)),
            Err(panic) => failed(&format!("it panicked: {}", words(&*panic))),
        };
        if let Patience::Pauses { pausing, .. } = &mut body.patience {
            *pausing = false;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Returns the error that makes hyper end the connection, so the client learns that the answer is not whole.
fn failed<T>(why: &str) -> Option<Result<T, axum::BoxError>> {
    tracing::error!("an answer ended before it was whole: {why}");
    Some(Err(Error::internal(why).into()))
}
