//! Runs what blocks, such as reading tables, on few threads, so the routes that read nothing always answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::panics::words;
use super::refusal::Refusal;
use super::settings::HttpLimits;

/// The threads for handlers that block.
#[derive(Debug, Clone)]
pub struct Blocking {
    slots: Arc<Semaphore>,
    wait: Duration,
}

/// Says whether anybody still waits for the result. What takes long should look now and then, and end early.
#[derive(Debug, Clone, Default)]
pub struct Waited(Arc<AtomicBool>);

impl Waited {
    /// Returns whether the client left, or its time is over.
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tells the work when the request is dropped.
struct TellWhenDropped(Waited);

impl Drop for TellWhenDropped {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Blocking {
    /// Returns threads within those limits.
    pub fn new(limits: &HttpLimits) -> Self {
        Self { slots: Arc::new(Semaphore::new(limits.blocking.max(1))), wait: limits.blocking_wait }
    }

    /// Runs the work on a thread of its own, and returns its result. The work runs on if the request is dropped, and
    /// keeps its place until it ends, so abandoned work cannot pile up.
    ///
    /// # Errors
    /// Returns 503 if no place becomes free in time, and 500 if the work panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Waited) -> T + Send + 'static) -> Result<T, Refusal> {
        let slot = match tokio::time::timeout(self.wait, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => slot,
            Ok(Err(_)) | Err(_) => {
                let text = "too many tables are being read at once: try again in a moment";
                return Err(Refusal::busy(text, self.wait));
            }
        };
        let waited = Waited::default();
        let tell = TellWhenDropped(waited.clone());
        let working = tokio::task::spawn_blocking(move || {
            let result = work(&waited);
            drop(slot);
            result
        });
        let result = working.await;
        drop(tell);
        result.map_err(|error| match error.try_into_panic() {
            Ok(panic) => Refusal::failed(&format_args!("a handler panicked: {}", words(&*panic))),
            Err(_) => Refusal::busy("the server is stopping", self.wait),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use axum::http::StatusCode;

    use super::*;

    fn one(wait: Duration) -> Blocking {
        Blocking::new(&HttpLimits { blocking: 1, blocking_wait: wait, ..HttpLimits::default() })
    }

    #[tokio::test]
    async fn work_beyond_the_bound_is_refused_and_runs_once_there_is_room() {
        let pool = one(Duration::from_millis(5));
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move |_| {
                    begun.send(()).expect("the test waits");
                    released.recv().is_ok()
                })
                .await
            }
        });
        has_begun.await.expect("the first began");
        let refusal = pool.run(|_| ()).await.expect_err("no room");
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
        release.send(()).expect("the first waits");
        assert!(first.await.expect("no panic").expect("it ran"));
        pool.run(|_| ()).await.expect("there is room again");
    }

    #[tokio::test]
    async fn work_learns_that_its_request_is_gone_and_keeps_its_place_until_it_ends() {
        let pool = one(Duration::from_secs(10));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (told, tells) = mpsc::channel();
        let request = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move |waited| {
                    begun.send(()).expect("the test waits");
                    while !waited.is_over() {
                        std::thread::yield_now();
                    }
                    told.send("ended").expect("the test waits");
                })
                .await
            }
        });
        has_begun.await.expect("it began");
        request.abort();
        // The only place is free once the work has ended by itself.
        pool.run(move |_| assert_eq!(tells.try_recv(), Ok("ended"))).await.expect("in its turn");
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_gives_its_place_back() {
        let pool = one(Duration::from_secs(10));
        for _ in 0..3 {
            let refusal = pool.run(|_| panic!("a bug")).await.expect_err("it panics");
            assert_eq!(refusal.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(pool.run(|_| 1).await.expect("it runs"), 1);
    }
}
