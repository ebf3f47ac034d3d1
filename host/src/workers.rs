//! The worker pool: guest code and encoding run here, one thread a core, never on tokio's threads.

use std::sync::Mutex;
use std::thread;

/// Applies `work` to each item on as many threads as there are cores, and returns the results in the items' order.
///
/// Items are taken in order, so put the longest first where lengths differ much.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    map_with(items, || (), |(), item| work(item), |()| ())
}

/// The same with something that each thread makes for itself and gives away at the end.
pub fn map_with<T: Send, R: Send, S>(
    items: Vec<T>,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) -> R + Sync,
    end: impl Fn(S) + Sync,
) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    if threads == 0 {
        return Vec::new();
    }
    if threads == 1 {
        let mut own = begin();
        let results = items.into_iter().map(|item| work(&mut own, item)).collect();
        end(own);
        return results;
    }
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().expect("no one panics while taking an item").next();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = begin();
                while let Some((at, item)) = next() {
                    let result = work(&mut own, item);
                    *results[at].lock().expect("each slot is locked once") = Some(result);
                }
                end(own);
            });
        }
    });
    let taken = results.into_iter().map(|slot| slot.into_inner().ok().flatten());
    taken.map(|result| result.expect("a panicking worker ends the scope above")).collect()
}
