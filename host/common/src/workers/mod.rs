//! The worker pool: guest code and encoding run here, one thread a core, never on tokio's threads. Where the machine has
//! no threads left, fewer do the work, at least the one that asks for it.

mod relay;
#[cfg(test)]
mod tests;

use std::iter::Enumerate;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::vec::IntoIter;

pub use relay::{Relay, Turn};

use crate::Error;
use crate::error::{Kind, Result};

/// How many threads there are at least where most of the time goes by waiting for answers, or for a disk.
const WAITERS: usize = 8;

/// Whether it does.
static WAITING: AtomicBool = AtomicBool::new(false);

/// From now on more threads than cores are used: the store is far away, and one waits while another works.
pub fn expect_to_wait() {
    WAITING.store(true, Ordering::Relaxed);
}

fn threads() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if WAITING.load(Ordering::Relaxed) { cores.max(WAITERS) } else { cores }
}

/// Applies `work` to each item on as many threads as there are cores, and returns the results in the items' order.
///
/// Items are taken in order, so put the longest first where lengths differ much.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    map_on(threads(), items, work)
}

/// The same where each item is mostly waited for, as what must be on disk is: disks write for many as fast as for one.
pub fn map_waiting<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    map_on(threads().max(WAITERS), items, work)
}

fn map_on<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = threads.min(items.len());
    // Once an item has begun there is nothing left in which others could take part.
    let (done, _) = share_on(threads, items, |item| Mutex::new(work(item)), |_, (): &mut ()| (), |done, ()| done);
    done.into_iter().map(|done| done.into_inner().expect("no one locks it")).collect()
}

/// The same where several threads may take part in the work on one item: whoever finds none left helps with those under
/// way. `parts` is how many threads could have something to do at once.
///
/// One thread does `begin`, then all that take part do `work`, which returns when there is nothing left to do for the thread,
/// and the last one to leave does `end`. Each thread has something of its own, which is returned in the end.
pub fn share<T: Send, J: Send + Sync, R: Send, S: Default + Send>(
    items: Vec<T>,
    parts: usize,
    begin: impl Fn(T) -> J + Sync,
    work: impl Fn(&J, &mut S) + Sync,
    end: impl Fn(J, &mut S) -> R + Sync,
) -> (Vec<R>, Vec<S>) {
    share_on(threads().min(parts), items, begin, work, end)
}

fn share_on<T: Send, J: Send + Sync, R: Send, S: Default + Send>(
    threads: usize,
    items: Vec<T>,
    begin: impl Fn(T) -> J + Sync,
    work: impl Fn(&J, &mut S) + Sync,
    end: impl Fn(J, &mut S) -> R + Sync,
) -> (Vec<R>, Vec<S>) {
    let jobs = Jobs {
        done: items.iter().map(|_| Mutex::new(None)).collect(),
        left: Mutex::new(Left { items: items.into_iter().enumerate(), under_way: vec![] }),
    };
    let run = || {
        let mut own = S::default();
        while let Some(job) = jobs.next() {
            let item = || job.item.lock().expect("it is locked once").take().expect("it is taken once");
            work(job.begun.get_or_init(|| begin(item())), &mut own);
            if let Some(Job { number, begun, .. }) = jobs.leave(job) {
                let begun = begun.into_inner().expect("whoever takes part sees to it that it has begun");
                let done = end(begun, &mut own);
                *jobs.done[number].lock().expect("each is locked once") = Some(done);
            }
        }
        own
    };
    let owns = thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, run);
        let others: Vec<_> =
            (1..threads).map_while(|number| start(number).map_err(|error| fewer(&error)).ok()).collect();
        let own = run();
        let joined = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(own).chain(joined).collect()
    });
    let done = jobs.done.into_iter().map(|done| done.into_inner().ok().flatten());
    (done.map(|done| done.expect("a panicking worker ends the scope above")).collect(), owns)
}

/// Returns whether so many threads can be started at once. For libraries that panic if they cannot.
pub fn can_start(threads: usize) -> Result<()> {
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let start = |_| {
        let held = Arc::clone(&held);
        // All are there at once, until the sender is dropped.
        thread::Builder::new().spawn(move || drop(held.lock().map(|held| held.recv())))
    };
    let started: std::io::Result<Vec<_>> = (0..threads).map(start).collect();
    drop(release);
    started.map(drop).map_err(|error| no_thread(&error))
}

/// That the machine has no thread left.
pub fn no_thread(error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot start a thread: {error}"))
}

fn fewer(error: &std::io::Error) {
    tracing::debug!("a thread cannot be started, so fewer do the work: {error}");
}

/// One item on its way.
struct Job<T, J> {
    number: usize,
    item: Mutex<Option<T>>,
    begun: OnceLock<J>,
}

struct Jobs<T, J, R> {
    left: Mutex<Left<T, J>>,
    done: Vec<Mutex<Option<R>>>,
}

struct Left<T, J> {
    items: Enumerate<IntoIter<T>>,
    /// Those in which there may still be something to do.
    under_way: Vec<Arc<Job<T, J>>>,
}

impl<T, J, R> Jobs<T, J, R> {
    /// The next item, or else the one under way that has the fewest threads.
    fn next(&self) -> Option<Arc<Job<T, J>>> {
        let mut left = self.left();
        if let Some((number, item)) = left.items.next() {
            let job = Arc::new(Job { number, item: Mutex::new(Some(item)), begun: OnceLock::new() });
            left.under_way.push(Arc::clone(&job));
            return Some(job);
        }
        left.under_way.iter().min_by_key(|job| Arc::strong_count(job)).cloned()
    }

    /// No one else need take part. Returns the job to the last one that did.
    fn leave(&self, job: Arc<Job<T, J>>) -> Option<Job<T, J>> {
        self.left().under_way.retain(|other| other.number != job.number);
        Arc::into_inner(job)
    }

    fn left(&self) -> MutexGuard<'_, Left<T, J>> {
        self.left.lock().expect("no one panics while holding it")
    }
}
