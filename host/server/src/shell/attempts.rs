//! Bounds how often an address may try tokens. Each address has its own allowance, so a guesser locks out nobody else,
//! but for those who come through the same proxy: its header with their addresses could be anybody's. Readers who are
//! logged in need no allowance.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The most addresses whose wrong tokens are remembered. The one whose allowance is fullest is forgotten first.
const ADDRESSES: usize = 1024;

/// The wrong tokens that each address sent of late.
#[derive(Debug)]
pub(super) struct Attempts {
    most: u32,
    every: Duration,
    /// The time at which the address has its whole allowance again.
    whole_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Attempts {
    /// Returns a bound of `most` attempts, and one more after each `every`.
    pub(super) fn new(most: u32, every: Duration) -> Self {
        Self { most: most.max(1), every, whole_at: Mutex::default() }
    }

    /// Counts an attempt before its token is compared.
    ///
    /// # Errors
    /// Returns the time to wait if the address has no attempt left.
    pub(super) fn take(&self, address: IpAddr) -> Result<(), Duration> {
        let (now, address) = (Instant::now(), network(address));
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        whole_at.retain(|_, at| *at > now);
        if whole_at.len() >= ADDRESSES && !whole_at.contains_key(&address) {
            let fullest = whole_at.iter().min_by_key(|(_, at)| **at).map(|(address, _)| *address);
            fullest.and_then(|address| whole_at.remove(&address));
        }
        let at = whole_at.get(&address).copied().unwrap_or(now) + self.every;
        match (at - now).checked_sub(self.every * self.most) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                whole_at.insert(address, at);
                Ok(())
            }
        }
    }

    /// Takes back an attempt whose token was right.
    pub(super) fn give_back(&self, address: IpAddr) {
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = whole_at.get_mut(&network(address)) {
            *at -= self.every;
        }
    }
}

/// Returns the address that the allowance is of. One machine has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_waits_after_its_wrong_tokens_and_others_do_not() {
        let attempts = Attempts::new(3, Duration::from_secs(6));
        let guesser = address("192.0.2.1");
        for _ in 0..3 {
            attempts.take(guesser).expect("within the allowance");
        }
        assert_eq!(attempts.take(guesser), Err(Duration::from_secs(6)));
        attempts.take(address("192.0.2.2")).expect("another address");
        tokio::time::advance(Duration::from_secs(6)).await;
        attempts.take(guesser).expect("one more after a while");
        attempts.take(guesser).expect_err("and no second one");
    }

    #[tokio::test(start_paused = true)]
    async fn right_tokens_cost_nothing() {
        let attempts = Attempts::new(2, Duration::from_secs(6));
        for _ in 0..100 {
            attempts.take(address("::1")).expect("all were right");
            attempts.give_back(address("::1"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_of_one_machine_is_one_and_memory_is_bounded() {
        let attempts = Attempts::new(1, Duration::from_secs(6));
        attempts.take(address("2001:db8::1")).expect("the first");
        attempts.take(address("2001:db8::2")).expect_err("the same /64");
        for number in 0..5000_u32 {
            let _ = attempts.take(IpAddr::V4(number.into()));
        }
        assert!(attempts.whole_at.lock().expect("the map").len() <= ADDRESSES);
    }
}
