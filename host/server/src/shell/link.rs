//! The state of a connection, shared by its gate, its answers, its task and the crowd of all connections. From it
//! follows when the connection ends if nothing happens.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::refusal::Refusal;
use super::settings::HttpLimits;

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No whole request has come.
    Fresh,
    /// A request was answered, and the next one has not come.
    Kept,
    /// A request is being answered.
    Busy,
    /// The last answer was written, and the client takes it.
    Closing,
    /// The connection ends at once.
    Cut,
}

/// The state of a connection.
#[derive(Debug)]
pub(super) struct Link {
    /// The address of the client, which may be a proxy.
    pub(super) peer: IpAddr,
    /// Set on connections beyond the bound.
    pub(super) reserve: bool,
    /// Told when somebody else ends the connection.
    pub(super) ended: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The beginning of the phase.
    since: Instant,
    /// The time at which the first byte of an unfinished head came.
    head_since: Option<Instant>,
    /// The number of requests that passed the gate.
    passed: u64,
    /// The number of requests whose answers hyper has taken whole.
    answered: u64,
    /// The gate, if it waits for an answer.
    gate: Option<Waker>,
    /// Set while hyper has bytes for the client.
    unflushed: bool,
    /// The time since which the client takes no byte.
    stalled_since: Option<Instant>,
    refused: Option<Refusal>,
}

impl Link {
    /// Returns the state of a connection that was just accepted.
    pub(super) fn new(peer: IpAddr, reserve: bool) -> Self {
        let state = State {
            phase: Phase::Fresh,
            since: Instant::now(),
            head_since: None,
            passed: 0,
            answered: 0,
            gate: None,
            unflushed: false,
            stalled_since: None,
            refused: None,
        };
        Self { peer, reserve, ended: Notify::new(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the phase and its beginning.
    pub(super) fn phase(&self) -> (Phase, Instant) {
        let state = self.state();
        (state.phase, state.since)
    }

    /// Notes that bytes of a head have come.
    pub(super) fn head_begun(&self) {
        self.state().head_since.get_or_insert_with(Instant::now);
    }

    /// Returns whether bytes of an unfinished head have come, and no answer to an earlier one is on its way.
    pub(super) fn in_head(&self) -> bool {
        let state = self.state();
        state.head_since.is_some() && !state.unflushed
    }

    /// Returns whether bytes wait for the client.
    pub(super) fn is_stalled(&self) -> bool {
        self.state().stalled_since.is_some()
    }

    /// Notes that a whole head passes, and returns whether it may: somebody may have ended the connection before.
    pub(super) fn pass(&self) -> bool {
        let mut state = self.state();
        if state.phase == Phase::Cut {
            return false;
        }
        state.phase = Phase::Busy;
        state.passed += 1;
        state.head_since = None;
        true
    }

    /// Notes that hyper has taken an answer whole, or dropped it.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.answered += 1;
        // hyper may have looked for the next request while it still held the answer.
        if let Some(gate) = state.gate.take() {
            gate.wake();
        }
    }

    /// Returns whether all requests that passed were answered. Otherwise wakes the gate once they are.
    pub(super) fn is_answered(&self, gate: &Context<'_>) -> bool {
        let mut state = self.state();
        let answered = state.passed == state.answered;
        state.gate = (!answered).then(|| gate.waker().clone());
        answered
    }

    /// Notes that the client took bytes.
    pub(super) fn wrote(&self) {
        let mut state = self.state();
        state.unflushed = true;
        state.stalled_since = None;
    }

    /// Notes that the client takes no bytes now.
    pub(super) fn stalled(&self) {
        let mut state = self.state();
        state.unflushed = true;
        state.stalled_since.get_or_insert_with(Instant::now);
    }

    /// Notes that hyper has no more bytes for the client.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        state.unflushed = false;
        state.stalled_since = None;
    }

    /// Notes that the connection ends with that refusal.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.state().refused.get_or_insert(refusal);
    }

    /// Returns the refusal that the connection ends with.
    pub(super) fn take_refused(&self) -> Option<Refusal> {
        self.state().refused.take()
    }

    /// Notes that the last answer was written, unless the connection was cut.
    pub(super) fn closing(&self) -> bool {
        let mut state = self.state();
        if state.phase == Phase::Cut {
            return false;
        }
        (state.phase, state.since) = (Phase::Closing, Instant::now());
        true
    }

    /// Notes that the connection waits, if all was answered and taken. To be called after hyper was polled, since hyper
    /// may hold bytes before.
    pub(super) fn settle(&self) {
        let mut state = self.state();
        if state.phase == Phase::Busy && state.passed == state.answered && !state.unflushed {
            (state.phase, state.since) = (Phase::Kept, Instant::now());
        }
    }

    /// Ends the connection if no request of it is being answered, and returns whether it does.
    pub(super) fn cut(&self) -> bool {
        let mut state = self.state();
        let idle = matches!(state.phase, Phase::Fresh | Phase::Kept | Phase::Closing);
        if idle {
            state.phase = Phase::Cut;
            self.ended.notify_one();
        }
        idle
    }

    /// Returns the time at which the connection ends unless something happens before.
    pub(super) fn deadline(&self, limits: &HttpLimits) -> Option<Instant> {
        let state = self.state();
        let read = match (state.phase, state.head_since) {
            (Phase::Fresh, _) => Some(state.since + limits.head),
            (Phase::Kept, Some(head_since)) => Some(head_since + limits.head),
            (Phase::Kept, None) => Some(state.since + limits.idle),
            (Phase::Busy | Phase::Closing | Phase::Cut, _) => None,
        };
        let write = state.stalled_since.map(|since| since + limits.write);
        read.into_iter().chain(write).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn link() -> (Link, HttpLimits) {
        (Link::new(std::net::Ipv4Addr::LOCALHOST.into(), false), HttpLimits::default())
    }

    /// Returns the seconds after which the connection ends.
    fn left(link: &Link, limits: &HttpLimits) -> Option<u64> {
        link.deadline(limits).map(|deadline| (deadline - Instant::now()).as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_the_first_byte_or_the_beginning() {
        let (link, limits) = link();
        assert_eq!(left(&link, &limits), Some(10));
        tokio::time::advance(4 * SECOND).await;
        link.head_begun();
        assert_eq!(left(&link, &limits), Some(6), "bytes earn a new connection no time");
        assert!(link.pass());
        assert_eq!(left(&link, &limits), None, "the handler's time is not the client's");
        link.answered();
        link.settle();
        assert_eq!(left(&link, &limits), Some(60));
        tokio::time::advance(4 * SECOND).await;
        link.head_begun();
        tokio::time::advance(SECOND).await;
        link.head_begun();
        assert_eq!(left(&link, &limits), Some(9), "nor do further bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_has_its_time_from_the_last_byte_that_it_took() {
        let (link, limits) = link();
        assert!(link.pass());
        link.wrote();
        assert_eq!(left(&link, &limits), None, "it takes bytes");
        link.stalled();
        tokio::time::advance(20 * SECOND).await;
        link.stalled();
        assert_eq!((left(&link, &limits), link.is_stalled()), (Some(10), true));
        link.wrote();
        link.stalled();
        assert_eq!(left(&link, &limits), Some(30));
        link.answered();
        link.settle();
        assert!(!link.cut(), "bytes of an answer wait for the client");
        link.flushed();
        link.settle();
        assert_eq!(left(&link, &limits), Some(60));
        assert!(link.cut());
    }
}
