//! A persistent map of byte strings: sorted runs, each an immutable object, of which a later one overrides an earlier one.
//!
//! Looking up k keys of n costs a few small ranged reads a key, whatever n. Putting k entries writes a run of k; runs are
//! joined as they grow, so there are few of them and an entry is rewritten a logarithmic number of times. Entries lie in the
//! order of a keyed hash of their keys, so all parts of a run are alike, whatever the keys are.
//!
//! Everything read is checked: the catalog holds a run's digest, by way of its index (`docs/formats.md`).

mod block;
mod merge;
mod run;
#[cfg(test)]
mod tests;
mod write;

pub use run::Reader;
pub use write::Part;

use serde::{Deserialize, Serialize};

use write::Writing;

use crate::Store;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;

/// A run is joined with the one before it while that is less than so many times as long.
const JOIN_RATIO: u64 = 8;
/// And in any case while that is shorter than this: writing so much costs no more than writing nothing.
const JOIN_BELOW: u64 = 64 << 10;

/// A key, and its value from now on; `None` if it is removed.
pub type Pair = (Vec<u8>, Option<Vec<u8>>);

/// What a catalog knows of a map. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortedRuns {
    /// What keys are hashed with, 16 random bytes in hexadecimal, so that no one can choose keys that collide.
    salt: String,
    /// Oldest first.
    runs: Vec<SortedRun>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortedRun {
    /// Its key in the lake.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// How many entries it has, removals and overridden ones included.
    pub entries: u64,
    /// Where its index begins, which goes on to its end.
    pub index: u64,
    /// The sha256 of the index, which has a digest of each block of entries.
    pub sha256: String,
}

impl SortedRuns {
    /// Returns an empty map, which has chosen no salt yet.
    pub const fn none() -> Self {
        Self { salt: String::new(), runs: vec![] }
    }

    /// The objects that the map consists of, oldest first.
    pub fn runs(&self) -> &[SortedRun] {
        &self.runs
    }

    /// Each run as a map of its own.
    pub fn each_run(&self) -> impl Iterator<Item = Self> {
        self.runs.iter().map(|run| Self { salt: self.salt.clone(), runs: vec![run.clone()] })
    }

    /// An empty map whose keys lie there.
    pub fn at(place: KeyHash) -> Self {
        Self { salt: place.salt(), runs: vec![] }
    }

    /// Where keys lie. Chosen for good when it is first asked for.
    pub fn place(&mut self) -> Result<KeyHash> {
        if self.salt.is_empty() {
            self.salt = format!("{:016x}{:016x}", smelt_common::random(), smelt_common::random());
        }
        KeyHash::new(&self.salt)
    }

    /// What one reads from; reads the runs' indexes.
    pub fn open<'s>(&self, store: &'s dyn Store) -> Result<Reader<'s>> {
        // A map without runs may not have chosen its salt; nothing is looked up in it.
        let place = if self.runs.is_empty() { KeyHash::default() } else { KeyHash::new(&self.salt)? };
        Reader::open(store, place, &self.runs)
    }

    /// As [`Reader::get_many`], of all runs.
    pub fn get_many<K: AsRef<[u8]>>(&self, store: &dyn Store, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>> {
        match self.runs.is_empty() || keys.is_empty() {
            true => Ok(vec![None; keys.len()]),
            false => self.open(store)?.get_many(keys),
        }
    }

    /// Visits every key and its value, in no order that means anything, in little memory.
    pub fn scan(&self, store: &dyn Store, mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        let reader = self.open(store)?;
        let mut merge = reader.merge(0..=u64::MAX)?;
        while let Some(entry) = merge.peek() {
            if let Some(value) = entry.value {
                visit(entry.key, value)?;
            }
            merge.pop()?;
        }
        Ok(())
    }

    /// Puts values in, or with `None` removes keys; of equal keys the last counts. Writes one object, whose key begins with
    /// `stem`; objects that it replaces are added to `retired`. Nothing is changed if it fails.
    pub fn put(&mut self, store: &dyn Store, stem: &str, entries: Vec<Pair>, retired: &mut Vec<String>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let place = self.place()?;
        let bytes =
            entries.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len) + 2).sum::<usize>();
        let mut order: Vec<_> = entries.iter().map(|(key, value)| (place.of(key), key, value)).collect();
        order.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        self.write(store, stem, bytes as u64, 1, retired, |_, part| {
            for (at, (hash, key, value)) in order.iter().enumerate() {
                // The sort is stable: of equal keys the last one stays.
                if order.get(at + 1).is_none_or(|(_, next, _)| next != key) {
                    part.push(*hash, key, value.as_deref())?;
                }
            }
            Ok(())
        })
        .map(|_| ())
    }

    /// Like [`SortedRuns::put`] for very many keys: about so many bytes of them, in so many parts (a power of two) that are
    /// made by all workers at once and need not be in memory at the same time. Part n has the keys whose hashes begin with
    /// the bits of n. Returns what `make` returned for each.
    pub fn write<R: Send>(
        &mut self,
        store: &dyn Store,
        stem: &str,
        bytes: u64,
        parts: u32,
        retired: &mut Vec<String>,
        make: impl Fn(u32, &mut Part<'_, '_>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let place = self.place()?;
        let mut kept = self.runs.clone();
        let (mut joined, mut total) = (Vec::new(), bytes);
        while let Some(last) = kept.pop_if(|last| last.bytes < JOIN_BELOW.max(JOIN_RATIO.saturating_mul(total))) {
            total += last.bytes;
            joined.insert(0, last);
        }
        let reader = Reader::open(store, place, &joined)?;
        let (run, made) = Writing::new(store, stem, total, parts, reader, kept.is_empty()).make(make)?;
        kept.extend(run);
        self.runs = kept;
        retired.extend(joined.into_iter().map(|segment| segment.key));
        Ok(made)
    }
}
