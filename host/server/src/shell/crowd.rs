//! All connections, and who leaves when there are too many.
//!
//! A connection costs a client nothing, so it must not take away another's. When all are taken, a new one takes the
//! place of one that no request waits for: first of one that the client is done with, then of the oldest that never
//! sent a request, then of the one that has waited longest for its next request. If all are busy, a few more are
//! accepted, and get the cheap answers or 503 at once. Beyond those, connections are closed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::link::{Link, Phase};

/// The time in which the task of a connection that was cut must have ended.
const TO_END: Duration = Duration::from_secs(1);

/// All connections.
#[derive(Debug)]
pub(super) struct Crowd {
    slots: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    /// In the order in which they were accepted.
    links: Mutex<BTreeMap<u64, Arc<Link>>>,
}

/// The place of a connection, which it gives back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    /// The state of the connection.
    pub(super) link: Arc<Link>,
    number: u64,
    crowd: Arc<Crowd>,
    _permit: OwnedSemaphorePermit,
}

impl Crowd {
    /// Returns a crowd of at most so many connections, and a reserve.
    pub(super) fn new(most: usize, reserve: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self { slots: semaphore(most), reserve: semaphore(reserve), links: Mutex::default() }
    }

    /// Returns the place of a connection, the `number`th, or `None` if it must be closed.
    pub(super) async fn admit(self: &Arc<Self>, number: u64, peer: IpAddr) -> Option<Seat> {
        let (permit, reserve) = match self.permit(false).await {
            Some(permit) => (permit, false),
            None => (self.permit(true).await?, true),
        };
        let link = Arc::new(Link::new(peer, reserve));
        self.links.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::clone(&link));
        Some(Seat { link, number, crowd: Arc::clone(self), _permit: permit })
    }

    async fn permit(&self, reserve: bool) -> Option<OwnedSemaphorePermit> {
        let slots = if reserve { &self.reserve } else { &self.slots };
        if let Ok(permit) = Arc::clone(slots).try_acquire_owned() {
            return Some(permit);
        }
        if !self.cut_one(reserve) {
            return None;
        }
        tokio::time::timeout(TO_END, Arc::clone(slots).acquire_owned()).await.ok()?.ok()
    }

    /// Cuts a connection that no request waits for, and returns whether there was one.
    pub(super) fn cut_one(&self, reserve: bool) -> bool {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = None;
        for link in links.values().filter(|link| link.reserve == reserve) {
            match link.phase() {
                (Phase::Fresh | Phase::Closing, _) if link.cut() => return true,
                (Phase::Kept, since) if kept.as_ref().is_none_or(|(longest, _)| since < *longest) => {
                    kept = Some((since, link));
                }
                _ => {}
            }
        }
        kept.is_some_and(|(_, link)| link.cut())
    }

    /// Returns the number of connections.
    pub(super) fn len(&self) -> usize {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.links.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    async fn seats(crowd: &Arc<Crowd>, numbers: std::ops::Range<u64>) -> Vec<Seat> {
        let mut seats = Vec::new();
        for number in numbers {
            seats.push(crowd.admit(number, PEER).await.expect("a place"));
        }
        seats
    }

    fn keep(link: &Link) {
        assert!(link.pass());
        link.answered();
        link.settle();
        assert_eq!(link.phase().0, Phase::Kept);
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_asked_leaves_before_who_may_ask_again() {
        let crowd = Arc::new(Crowd::new(4, 0));
        let seats = seats(&crowd, 0..4).await;
        keep(&seats[0].link);
        assert!(seats[1].link.pass());
        assert!(crowd.cut_one(false));
        assert_eq!(seats[2].link.phase().0, Phase::Cut, "the oldest that never asked");
        assert!(crowd.cut_one(false));
        assert_eq!(seats[3].link.phase().0, Phase::Cut);
        assert!(crowd.cut_one(false));
        assert_eq!(seats[0].link.phase().0, Phase::Cut, "then one that waits");
        assert!(!crowd.cut_one(false), "and never a busy one");
        assert!(!seats[0].link.pass(), "nothing passes that was cut");
    }

    #[tokio::test(start_paused = true)]
    async fn of_those_that_wait_the_longest_leaves() {
        let crowd = Arc::new(Crowd::new(2, 0));
        let seats = seats(&crowd, 0..2).await;
        keep(&seats[1].link);
        tokio::time::advance(Duration::from_secs(1)).await;
        keep(&seats[0].link);
        assert!(crowd.cut_one(false));
        assert_eq!(seats[1].link.phase().0, Phase::Cut);
    }

    #[tokio::test(start_paused = true)]
    async fn busy_connections_leave_a_reserve() {
        let crowd = Arc::new(Crowd::new(1, 1));
        let first = crowd.admit(0, PEER).await.expect("a place");
        assert!(first.link.pass() && !first.link.reserve);
        let second = crowd.admit(1, PEER).await.expect("a place of the reserve");
        assert!(second.link.pass() && second.link.reserve);
        assert!(crowd.admit(2, PEER).await.is_none());
        drop(first);
        assert!(!crowd.admit(3, PEER).await.expect("a place").link.reserve);
    }
}
