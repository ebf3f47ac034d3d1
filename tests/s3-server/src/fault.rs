//! Faults on demand: which requests a fault meets, what it does to them, and the gate at which it holds them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use regex::Regex;
use tokio::sync::Notify;

/// An action on a request instead of a plain answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Does nothing and answers with this status and S3's code for it, such as 503 and `SlowDown`.
    Refuse(u16, &'static str),
    /// Does what was asked, and then answers with this status and code nevertheless.
    ActThenRefuse(u16, &'static str),
    /// Does nothing and closes the connection.
    Drop,
    /// Does what was asked and closes the connection, so that the answer is lost.
    ActThenDrop,
    /// Does nothing until it is released. Then does what was asked, whether or not the client still waits.
    Hold,
    /// Does what was asked, and answers once it is released.
    ActThenHold,
    /// Does what was asked and announces the whole answer, but closes the connection after half of it.
    Truncate,
    /// Does the same, but resets the connection.
    Reset,
    /// Does nothing and answers 200 with a body that says `InternalError`.
    ErrorWithin200,
    /// Receives and sends that number of bytes a second.
    Throttle(u64),
    /// Answers a listing without that number of its newest keys.
    Stale(usize),
}

/// The answer of a full bucket, as MinIO gives it.
pub const BUCKET_FULL: Action = Action::Refuse(507, "XMinioStorageFull");

/// A fault: the requests that it meets, and what it does to them.
#[derive(Debug, Clone)]
pub struct Fault {
    verb: Option<String>,
    path: Regex,
    skip: usize,
    times: usize,
    action: Action,
}

impl Fault {
    /// Returns a fault that meets the first request with this verb and path. The verb is as in
    /// [`crate::Request::verb`], or `*` for any. The regular expression `path` must match `bucket/key`, or
    /// `bucket/prefix` for a listing.
    pub fn new(verb: &str, path: &str, action: Action) -> Self {
        let path = Regex::new(path).expect("the pattern of a fault is a regular expression");
        let verb = Some(verb.to_owned()).filter(|verb| verb != "*");
        Self { verb, path, skip: 0, times: 1, action }
    }

    /// Meets the `n`th such request instead of the first, counted from 1.
    pub fn nth(self, n: usize) -> Self {
        Self { skip: n.saturating_sub(1), ..self }
    }

    /// Meets that number of such requests in a row.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Meets all such requests from there on.
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

/// The faults of a server. The first fault that matches and is not used up applies.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: Mutex<Vec<(Fault, Arc<Gate>)>>,
    chaos: Mutex<Option<Chaos>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        locked(&self.planned).push((fault, gate.clone()));
        gate
    }

    pub(crate) fn clear(&self) {
        locked(&self.planned).clear();
        *locked(&self.chaos) = None;
    }

    pub(crate) fn chaos(&self, seed: u64, per_mille: u32) {
        *locked(&self.chaos) = Some(Chaos { seed, per_mille, decided: 0 });
    }

    /// Returns what happens to a request, if anything does.
    pub(crate) fn meet(&self, verb: &str, path: &str) -> Option<(Action, Arc<Gate>)> {
        for (fault, gate) in locked(&self.planned).iter_mut() {
            if fault.times == 0 || fault.verb.as_ref().is_some_and(|own| own != verb) || !fault.path.is_match(path) {
                continue;
            }
            match fault.skip.checked_sub(1) {
                Some(left) => fault.skip = left,
                None => {
                    fault.times = fault.times.saturating_sub(usize::from(fault.times != usize::MAX));
                    return Some((fault.action.clone(), gate.clone()));
                }
            }
        }
        let action = locked(&self.chaos).as_mut()?.decide()?;
        Some((action, Arc::default()))
    }
}

/// Faults at random. The decision on the nth request depends only on the seed and on n.
#[derive(Debug)]
struct Chaos {
    seed: u64,
    per_mille: u32,
    decided: u64,
}

impl Chaos {
    fn decide(&mut self) -> Option<Action> {
        let random = split_mix(self.seed ^ split_mix(self.decided));
        self.decided += 1;
        const TRANSIENT: [Action; 8] = [
            Action::Refuse(500, "InternalError"),
            Action::Refuse(503, "SlowDown"),
            Action::ActThenRefuse(500, "InternalError"),
            Action::ActThenRefuse(503, "SlowDown"),
            Action::Drop,
            Action::ActThenDrop,
            Action::Truncate,
            Action::Reset,
        ];
        let meant = random % 1000 < u64::from(self.per_mille);
        meant.then(|| TRANSIENT[(random >> 32) as usize % TRANSIENT.len()].clone())
    }
}

/// Computes Sebastiano Vigna's SplitMix64, a bijection that scatters its argument.
fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The gate at which the requests that a fault holds wait for the test.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<Passage>,
    changed: Condvar,
    opened: Notify,
}

#[derive(Debug, Default)]
struct Passage {
    met: usize,
    held: usize,
    open: Option<Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    Forget,
}

impl Gate {
    /// Notes that a request met the fault.
    pub(crate) fn met(&self) {
        locked(&self.state).met += 1;
        self.changed.notify_all();
    }

    /// Waits until the gate opens. The caller calls [`Self::left`] at the end of what it does then.
    pub(crate) async fn hold(&self) -> Verdict {
        locked(&self.state).held += 1;
        self.changed.notify_all();
        loop {
            let opened = self.opened.notified();
            tokio::pin!(opened);
            // The task registers before it reads the state, so it cannot miss an opening in between.
            opened.as_mut().enable();
            if let Some(verdict) = locked(&self.state).open {
                return verdict;
            }
            opened.await;
        }
    }

    pub(crate) fn left(&self) {
        locked(&self.state).held -= 1;
        self.changed.notify_all();
    }

    fn open(&self, verdict: Verdict) {
        locked(&self.state).open = Some(verdict);
        self.opened.notify_waiters();
        self.wait("every held request went on", |passage| passage.held == 0);
    }

    fn wait(&self, until: &str, is: impl Fn(&Passage) -> bool) {
        const LIMIT: Duration = Duration::from_secs(120);
        let end = Instant::now() + LIMIT;
        let mut passage = locked(&self.state);
        while !is(&passage) {
            let left = end.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("waited {LIMIT:?} until {until}: {passage:?}"));
            passage = self.changed.wait_timeout(passage, left).expect("no one panics with the lock").0;
        }
    }
}

/// A planned fault, for a test to wait for and to steer. Dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct Planned(pub(crate) Arc<Gate>);

impl Planned {
    /// Returns the number of requests that it has met.
    pub fn met(&self) -> usize {
        locked(&self.0.state).met
    }

    /// Waits until it has met `n` requests.
    pub fn wait_until_met(&self, n: usize) {
        self.0.wait("the fault has met its requests", |passage| passage.met >= n);
    }

    /// Waits until a request is held. With [`Action::Hold`], it has arrived as a whole and nothing was done yet. With
    /// [`Action::ActThenHold`], everything was done and nothing was answered.
    pub fn wait_until_held(&self) {
        self.0.wait("a request is held", |passage| passage.held > 0);
    }

    /// Lets held requests go on, and all later ones too. Returns when the held ones were carried out.
    pub fn release(&self) {
        self.0.open(Verdict::Go);
    }

    /// Closes the connections of held requests and of all later ones. Nothing is done for them.
    pub fn discard(&self) {
        self.0.open(Verdict::Forget);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
