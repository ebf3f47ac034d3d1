//! The people who are logged in. A cookie holds a random id, and the server the digest of it, so a restart logs everybody
//! out, and a cookie says nothing of the token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use smelt_common::{digest::to_hex, random};
use tokio::time::Instant;

/// The logins that have not expired.
#[derive(Debug)]
pub(super) struct Sessions {
    most: usize,
    lasting: Duration,
    /// Keyed by the digest of an id: the time that a look-up takes tells nothing of ids.
    expiries: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Sessions {
    /// Returns no logins yet, of which there may be so many for so long.
    pub(super) fn new(most: usize, lasting: Duration) -> Self {
        Self { most: most.max(1), lasting, expiries: Mutex::default() }
    }

    /// Returns the time after which a login expires.
    pub(super) fn lasting(&self) -> Duration {
        self.lasting
    }

    /// Returns the id of a new login: 256 random bits.
    pub(super) fn begin(&self) -> String {
        let id = to_hex(&[random(), random(), random(), random()].map(u64::to_le_bytes).concat());
        let now = Instant::now();
        let mut expiries = self.expiries.lock().unwrap_or_else(PoisonError::into_inner);
        expiries.retain(|_, expiry| *expiry > now);
        if expiries.len() >= self.most {
            let oldest = expiries.iter().min_by_key(|(_, expiry)| **expiry).map(|(id, _)| *id);
            oldest.and_then(|id| expiries.remove(&id));
        }
        expiries.insert(Sha256::digest(&id).into(), now + self.lasting);
        id
    }

    /// Returns whether the id is of a login that has not expired.
    pub(super) fn has(&self, id: &str) -> bool {
        let key: [u8; 32] = Sha256::digest(id).into();
        let expiries = self.expiries.lock().unwrap_or_else(PoisonError::into_inner);
        expiries.get(&key).is_some_and(|expiry| *expiry > Instant::now())
    }

    /// Ends the login of that id.
    pub(super) fn end(&self, id: &str) {
        let key: [u8; 32] = Sha256::digest(id).into();
        self.expiries.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_login_ends_with_its_time_or_when_told_to() {
        let sessions = Sessions::new(10, Duration::from_secs(60));
        let (first, second) = (sessions.begin(), sessions.begin());
        assert!(first != second && first.len() == 64);
        assert!(sessions.has(&first) && sessions.has(&second) && !sessions.has("") && !sessions.has(&first[1..]));
        sessions.end(&first);
        assert!(!sessions.has(&first) && sessions.has(&second));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(!sessions.has(&second));
    }

    #[tokio::test(start_paused = true)]
    async fn logins_beyond_the_bound_end_the_oldest() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        let first = sessions.begin();
        tokio::time::advance(Duration::from_secs(1)).await;
        let (second, third) = (sessions.begin(), sessions.begin());
        assert!(!sessions.has(&first) && sessions.has(&second) && sessions.has(&third));
    }
}
