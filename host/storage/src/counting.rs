//! A store that counts its reads, for tests of costs.

use std::io::Read;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::delegate_store;
use crate::store::{Meta, Store};
use smelt_common::error::Result;

/// Wraps a store, and counts the reads and their bytes.
pub struct Counting<S> {
    /// The store that is wrapped.
    pub store: S,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl<S: Store> Counting<S> {
    /// Wraps `store` with both counts at zero.
    pub fn new(store: S) -> Self {
        Self { store, requests: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Returns the number of reads since the last call, and of their bytes.
    pub fn take(&self) -> (u64, u64) {
        (self.requests.swap(0, Ordering::Relaxed), self.bytes.swap(0, Ordering::Relaxed))
    }

    fn count(&self, bytes: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl<S: Store> Store for Counting<S> {
    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        let opened = self.store.open(key)?;
        self.count(opened.0.bytes);
        Ok(opened)
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        ranges.iter().for_each(|range| self.count(range.end - range.start));
        self.store.read_ranges(key, ranges)
    }

    delegate_store!(store: list_new, look, exists, create, delete, begin, clock, describe);
}
