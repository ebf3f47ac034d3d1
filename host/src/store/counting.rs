//! A store that counts what is asked of it, for tests of what something costs.

use std::io::Read;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Meta, Store, Upload, Writes};
use crate::error::Result;

/// Counts the requests to another store, and the bytes read.
pub(crate) struct Counting<S> {
    pub(crate) store: S,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl<S: Store> Counting<S> {
    pub(crate) fn new(store: S) -> Self {
        Self { store, requests: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Reads since the last call, and their bytes.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.requests.swap(0, Ordering::Relaxed), self.bytes.swap(0, Ordering::Relaxed))
    }

    fn count(&self, bytes: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl<S: Store> Store for Counting<S> {
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>> {
        self.store.list_new(prefix, after, known)
    }

    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        let opened = self.store.open(key)?;
        self.count(opened.0.bytes);
        Ok(opened)
    }

    fn look(&self, key: &str) -> Result<Option<Meta>> {
        self.store.look(key)
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        ranges.iter().for_each(|range| self.count(range.end - range.start));
        self.store.read_ranges(key, ranges)
    }

    fn exists(&self, key: &str) -> Result<bool> {
        self.store.exists(key)
    }

    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>> {
        self.store.create(near)
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.store.delete(key)
    }

    fn begin(&self) -> Result<Writes> {
        self.store.begin()
    }

    fn clock(&self) -> Result<i64> {
        self.store.clock()
    }

    fn describe(&self) -> String {
        self.store.describe()
    }
}
