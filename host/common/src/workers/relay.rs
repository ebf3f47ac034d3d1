//! Shares one piece of work among several workers, with the same result as if one worker did all parts in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

use crate::Error;
use crate::error::Result;

/// Workers take parts from a source one after the other, and work on them side by side. They give them to a sink in the
/// order in which they were taken. A worker has one part at a time and waits for its turn, so there are never more
/// parts in memory than workers.
pub struct Relay<S, K> {
    /// The number of parts that were taken, and the source.
    source: Mutex<(u64, S)>,
    /// No further part is to be taken.
    ended: AtomicBool,
    sink: Mutex<Sink<K>>,
    turned: Condvar,
}

struct Sink<K> {
    sink: K,
    /// The number of the part whose turn it is, or why one failed.
    next: Result<u64>,
}

/// The turn of a part that was taken. Its worker gives the part when the turn comes.
#[must_use = "those behind it wait for it"]
pub struct Turn<'r, S, K> {
    relay: &'r Relay<S, K>,
    number: u64,
}

impl<S, K> Relay<S, K> {
    /// Returns a relay from that source to that sink.
    pub fn new(source: S, sink: K) -> Self {
        Self {
            source: Mutex::new((0, source)),
            ended: AtomicBool::new(false),
            sink: Mutex::new(Sink { sink, next: Ok(0) }),
            turned: Condvar::new(),
        }
    }

    /// Takes the next part, unless there is none or an earlier one failed. If `next` fails, its error counts as the
    /// part, and is reported at its turn.
    pub fn take<T>(&self, next: impl FnOnce(&mut S) -> Result<Option<T>>) -> Option<(Turn<'_, S, K>, Result<T>)> {
        let mut source = self.source.lock().expect("a panicking worker ends the run");
        if self.ended.load(Ordering::Relaxed) {
            return None;
        }
        let part = next(&mut source.1).transpose();
        if !matches!(part, Some(Ok(_))) {
            self.ended.store(true, Ordering::Relaxed);
        }
        let number = source.0;
        source.0 += 1;
        part.map(|part| (Turn { relay: self, number }, part))
    }

    /// Returns the source and the sink once all parts were given, or the error of the first part that failed.
    pub fn finish(self) -> Result<(S, K)> {
        let panicked = || Error::internal("a worker panicked");
        let Sink { sink, next } = self.sink.into_inner().map_err(|_| panicked())?;
        next?;
        let (_, source) = self.source.into_inner().map_err(|_| panicked())?;
        Ok((source, sink))
    }

    fn sink(&self) -> MutexGuard<'_, Sink<K>> {
        self.sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn fail(&self, sink: &mut Sink<K>, error: Error) {
        sink.next = Err(error);
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl<S, K> Turn<'_, S, K> {
    /// Waits until all earlier parts were given, then gives this one. After a part that failed, nothing is given.
    pub fn give<R>(self, done: Result<R>, give: impl FnOnce(&mut K, R) -> Result<()>) {
        let relay = self.relay;
        let waiting = |sink: &mut Sink<K>| matches!(sink.next, Ok(next) if next != self.number);
        let mut sink = relay.turned.wait_while(relay.sink(), waiting).unwrap_or_else(|poisoned| poisoned.into_inner());
        if sink.next.is_err() {
            return;
        }
        match done.and_then(|done| give(&mut sink.sink, done)) {
            Ok(()) => sink.next = Ok(self.number + 1),
            Err(error) => relay.fail(&mut sink, error),
        }
    }
}

impl<S, K> Drop for Turn<'_, S, K> {
    fn drop(&mut self) {
        let mut sink = self.relay.sink();
        // A worker that panicked never gives its part, and the others must not wait for it.
        if matches!(sink.next, Ok(next) if next <= self.number) {
            self.relay.fail(&mut sink, Error::internal("a worker panicked before it gave its part"));
        }
        drop(sink);
        self.relay.turned.notify_all();
    }
}
