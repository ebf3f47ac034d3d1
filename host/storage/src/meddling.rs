//! A store that calls a function in the middle of reads, for tests of readers beside writers.

use std::io::Read;
use std::ops::Range;
use std::sync::Mutex;

use crate::delegate_store;
use crate::store::{Meta, Store};
use smelt_common::error::Result;

type Meddler<'s> = Box<dyn FnMut(&str) + Send + 's>;

/// Wraps a store, and calls a function before each read of a key and after each listing of a prefix.
pub struct Meddling<'s> {
    store: &'s dyn Store,
    meddler: Mutex<Meddler<'s>>,
}

impl<'s> Meddling<'s> {
    /// Wraps `store`. `meddler` gets the key or the prefix, and may change `store` itself.
    pub fn new(store: &'s dyn Store, meddler: impl FnMut(&str) + Send + 's) -> Self {
        Self { store, meddler: Mutex::new(Box::new(meddler)) }
    }

    fn meddle(&self, key: &str) {
        (self.meddler.lock().expect("no meddler panics"))(key);
    }
}

impl Store for Meddling<'_> {
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>> {
        let listed = self.store.list_new(prefix, after, known);
        self.meddle(prefix);
        listed
    }

    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        self.meddle(key);
        self.store.open(key)
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        self.meddle(key);
        self.store.read_ranges(key, ranges)
    }

    delegate_store!(store: exists, create, delete, begin, may_be_written, clock, describe);
}
