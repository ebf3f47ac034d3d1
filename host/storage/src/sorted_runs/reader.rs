//! Reads a map: looks keys up in its runs, newest first, or goes through all runs at once.

use std::ops::RangeInclusive;

use super::merge::{Cursor, Merge};
use super::record::SortedRun;
use super::rule::Rule;
use super::run::{CHUNK, Run};
use crate::store::Store;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;

/// A map that is open for reading: the indexes of its runs are in memory. Many threads may use it at once.
pub struct Reader<'s> {
    pub(super) rule: Rule,
    /// The runs, oldest first.
    pub(super) runs: Vec<Run<'s>>,
}

impl<'s> Reader<'s> {
    pub(super) fn open(store: &'s dyn Store, rule: Rule, runs: &[SortedRun]) -> Result<Self> {
        Ok(Self { rule, runs: runs.iter().map(|run| Run::open(store, run)).collect::<Result<_>>()? })
    }

    /// Returns the hash of this map's keys.
    pub fn key_hash(&self) -> &KeyHash {
        &self.rule.key_hash
    }

    /// Returns the values of the keys, in the order of `keys`.
    pub fn get_many<'k, K: AsRef<[u8]>>(&self, keys: &'k [K]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = vec![None; keys.len()];
        let hashed = |(at, key): (usize, &'k K)| (self.rule.key_hash.of(key.as_ref()), key.as_ref(), at);
        let mut order: Vec<_> = keys.iter().enumerate().map(hashed).collect();
        order.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        let wanted = |at: usize| (order[at].0, order[at].1);
        self.look_up(order.len(), wanted, |at, value| {
            values[order[at].2] = Some(value.to_vec());
            Ok(())
        })?;
        Ok(values)
    }

    /// Looks up `count` keys. `wanted` returns the key of an index and its hash, in the order of (hash, key). For each
    /// key that the map has, `found` gets the index and the value, in no particular order.
    pub fn look_up<'k>(
        &self,
        count: usize,
        wanted: impl Fn(usize) -> (u64, &'k [u8]),
        mut found: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut pending: Vec<usize> = (0..count).collect();
        for run in self.runs.iter().rev() {
            if pending.is_empty() {
                break;
            }
            let mut left = Vec::new();
            run.look_up(&self.rule.key_hash, &wanted, &pending, &mut left, &mut found)?;
            pending = left;
        }
        Ok(())
    }

    /// Visits every key and its value in little memory. The order means nothing.
    pub fn scan(&self, mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        let mut merge = self.merge(0..=u64::MAX)?;
        while let Some(entry) = merge.peek() {
            if let Some(value) = entry.value {
                visit(entry.key, value)?;
            }
            merge.pop()?;
        }
        Ok(())
    }

    /// Goes through all runs at once, from one hash to another.
    pub(super) fn merge(&self, hashes: RangeInclusive<u64>) -> Result<Merge<'_>> {
        self.merge_from((*hashes.start(), &[]), *hashes.end(), CHUNK)
    }

    /// Goes through all runs at once, from one hash and key to another hash. Reads `most` bytes at once in the beginning.
    pub(super) fn merge_from(&self, from: (u64, &[u8]), last: u64, most: u64) -> Result<Merge<'_>> {
        let cursor = |run| Cursor::new(run, self.rule, from, last, most);
        Merge::new(self.runs.iter().map(cursor).collect::<Result<_>>()?, self.rule)
    }
}
