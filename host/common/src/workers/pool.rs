//! Shares independent items among threads. If the machine has no threads left, fewer do the work, at least the
//! caller's.

use std::iter::Enumerate;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::vec::IntoIter;

use crate::Error;
use crate::error::{Kind, Result};

/// The least number of threads for work that mostly waits for answers or for a disk.
const WAITERS: usize = 8;

/// True once the store is remote: threads then mostly wait for answers.
static WAITING: AtomicBool = AtomicBool::new(false);

/// Makes later calls use more threads than cores, because the store is remote: one thread waits while another works.
pub fn expect_to_wait() {
    WAITING.store(true, Ordering::Relaxed);
}

fn threads() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if WAITING.load(Ordering::Relaxed) { cores.max(WAITERS) } else { cores }
}

/// Applies `work` to each item on as many threads as there are cores. Returns the results in the order of the items.
///
/// Threads take the items in order, so the longest should come first if their lengths differ much.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    map_on(threads(), items, work)
}

/// As [`map`], for work that mostly waits, such as writing to disk: a disk writes for many threads as fast as for one.
pub fn map_waiting<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    map_on(threads().max(WAITERS), items, work)
}

fn map_on<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = threads.min(items.len());
    // Nobody can take part in an item that another thread has begun.
    let (done, _) = share_on(threads, items, |item| Mutex::new(work(item)), |_, (): &mut ()| (), |done, ()| done);
    done.into_iter().map(|done| done.into_inner().expect("no one locks it")).collect()
}

/// As [`map`], for items on which several threads can work at once. A thread that finds no new item helps with one that
/// is in progress. `parts` is the number of threads that could be busy at once.
///
/// For each item one thread calls `begin`. Then every thread that takes part calls `work`, which returns when the
/// thread has nothing left to do. The last thread that leaves calls `end`. Each thread has a value of its own; all of
/// them are returned at the end.
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
        left: Mutex::new(Left { items: items.into_iter().enumerate(), in_progress: vec![] }),
    };
    let run = || {
        let mut own = S::default();
        while let Some(job) = jobs.next() {
            let item = || job.item.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
            // A thread that waited for another to begin the item, and finds it neither begun nor there, ends as well.
            let begun = job.begun.get_or_init(|| begin(item().unwrap_or_else(|| resume_unwind(Box::new(Abandoned)))));
            work(begun, &mut own);
            if let Some(Job { number, begun, .. }) = jobs.leave(job) {
                let begun =
                    begun.into_inner().expect("every thread that takes part begins the job, unless another did");
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
        let own = catch_unwind(AssertUnwindSafe(run));
        let joined: Vec<_> = others.into_iter().map(thread::ScopedJoinHandle::join).collect();
        let (owns, panics): (Vec<_>, Vec<_>) = std::iter::once(own).chain(joined).partition(Result::is_ok);
        // Of several panics, the caller is to see what went wrong.
        let panic = panics.into_iter().filter_map(Result::err).min_by_key(|panic| panic.is::<Abandoned>());
        panic.map_or_else(|| owns.into_iter().flatten().collect(), |panic| resume_unwind(panic))
    });
    let done = jobs.done.into_iter().map(|done| done.into_inner().ok().flatten());
    (done.map(|done| done.expect("a panicking worker ends the scope above")).collect(), owns)
}

/// Checks that so many threads can be started at once. This is for libraries that panic if they cannot.
///
/// # Errors
/// Returns [`Kind::Unavailable`] if the machine has too few threads left.
pub fn can_start(threads: usize) -> Result<()> {
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let start = |_| {
        let held = Arc::clone(&held);
        // All threads exist at once, until the sender is dropped.
        thread::Builder::new().spawn(move || drop(held.lock().map(|held| held.recv())))
    };
    let started: std::io::Result<Vec<_>> = (0..threads).map(start).collect();
    drop(release);
    started.map(drop).map_err(|error| no_thread(&error))
}

/// Returns the error that the machine has no thread left.
pub fn no_thread(error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot start a thread: {error}"))
}

fn fewer(error: &std::io::Error) {
    tracing::debug!("a thread cannot be started, so fewer do the work: {error}");
}

/// The panic of a thread that takes part in an item which another thread has given up.
struct Abandoned;

/// One item in progress.
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
    /// The jobs in which there may still be something to do.
    in_progress: Vec<Arc<Job<T, J>>>,
}

impl<T, J, R> Jobs<T, J, R> {
    /// Returns the next item, or else the one in progress that has the fewest threads.
    fn next(&self) -> Option<Arc<Job<T, J>>> {
        let mut left = self.left();
        if let Some((number, item)) = left.items.next() {
            let job = Arc::new(Job { number, item: Mutex::new(Some(item)), begun: OnceLock::new() });
            left.in_progress.push(Arc::clone(&job));
            return Some(job);
        }
        left.in_progress.iter().min_by_key(|job| Arc::strong_count(job)).cloned()
    }

    /// Ends the thread's part in the job, so that no other thread joins it. Returns the job if this thread is the last
    /// one.
    fn leave(&self, job: Arc<Job<T, J>>) -> Option<Job<T, J>> {
        self.left().in_progress.retain(|other| other.number != job.number);
        Arc::into_inner(job)
    }

    fn left(&self) -> MutexGuard<'_, Left<T, J>> {
        self.left.lock().expect("no one panics while holding it")
    }
}
