//! The map: which runs it has, and when they are joined.

use serde::{Deserialize, Serialize};

use super::reader::Reader;
use super::record::SortedRun;
use super::rule::Rule;
use super::write::{RunPart, RunWriter};
use crate::store::Store;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;

/// A new run is joined with the run before it while that one is less than this many times as long.
const JOIN_RATIO: u64 = 8;
/// A run with fewer bytes than this is always joined: writing so few costs no more than writing none.
const JOIN_BELOW: u64 = 64 << 10;

/// A key and its new value. `None` removes the key.
pub type Pair = (Vec<u8>, Option<Vec<u8>>);

/// The catalog's record of a map. By default the map is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortedRuns {
    /// The salt of the key hash: 16 random bytes in hexadecimal, so that nobody can choose keys that collide.
    pub(super) salt: String,
    /// The runs, oldest first.
    pub(super) runs: Vec<SortedRun>,
}

impl SortedRuns {
    /// Returns an empty map, which has chosen no salt yet.
    pub const fn none() -> Self {
        Self { salt: String::new(), runs: vec![] }
    }

    /// Returns the objects that the map consists of, oldest first.
    pub fn runs(&self) -> &[SortedRun] {
        &self.runs
    }

    /// Returns an empty map that hashes its keys this way.
    pub fn with_key_hash(key_hash: KeyHash) -> Self {
        Self { salt: key_hash.salt(), runs: vec![] }
    }

    /// Returns the hash of this map's keys. The first call chooses its salt for good.
    pub fn key_hash(&mut self) -> Result<KeyHash> {
        if self.salt.is_empty() {
            self.salt = format!("{:016x}{:016x}", smelt_common::random(), smelt_common::random());
        }
        KeyHash::new(&self.salt)
    }

    /// Opens the map for reading, which reads the indexes of its runs.
    pub fn open<'s>(&self, store: &'s dyn Store) -> Result<Reader<'s>> {
        self.open_by(store, false)
    }

    /// Opens the map, whose entries add up or override older ones.
    pub(super) fn open_by<'s>(&self, store: &'s dyn Store, adds: bool) -> Result<Reader<'s>> {
        // A map without runs may have no salt yet, and has nothing to look up.
        let key_hash = if self.runs.is_empty() { KeyHash::default() } else { KeyHash::new(&self.salt)? };
        Reader::open(store, Rule { key_hash, adds }, &self.runs)
    }

    /// Opens the map and looks up keys, as [`Reader::get_many`] does.
    pub fn get_many<K: AsRef<[u8]>>(&self, store: &dyn Store, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>> {
        match self.runs.is_empty() || keys.is_empty() {
            true => Ok(vec![None; keys.len()]),
            false => self.open(store)?.get_many(keys),
        }
    }

    /// Visits every key and its value in little memory. The order means nothing.
    pub fn scan(&self, store: &dyn Store, visit: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        self.open(store)?.scan(visit)
    }

    /// Puts values in, and removes keys whose value is `None`. Of equal keys the last one counts. Writes one object,
    /// whose key begins with `stem`, and adds the keys of the objects that it replaces to `retired`. If it fails, it
    /// changes nothing.
    pub fn put(&mut self, store: &dyn Store, stem: &str, entries: Vec<Pair>, retired: &mut Vec<String>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let key_hash = self.key_hash()?;
        let bytes =
            entries.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len) + 2).sum::<usize>();
        let mut order: Vec<_> = entries.iter().map(|(key, value)| (key_hash.of(key), key, value)).collect();
        order.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        self.write(store, stem, bytes as u64, 1, retired, |_, part| {
            for (at, (hash, key, value)) in order.iter().enumerate() {
                // The sort is stable, so of equal keys the last one is the last that was given.
                if order.get(at + 1).is_none_or(|(_, next, _)| next != key) {
                    part.push(*hash, key, value.as_deref())?;
                }
            }
            Ok(())
        })
        .map(|_| ())
    }

    /// Does what [`SortedRuns::put`] does, for very many keys. All workers make the parts at the same time, so the
    /// entries need not be in memory at once. `bytes` is about their size, and `parts` is a power of two. Part n has
    /// the keys whose hashes begin with the bits of n. Returns the results of `make`, one for each part.
    pub fn write<R: Send>(
        &mut self,
        store: &dyn Store,
        stem: &str,
        bytes: u64,
        parts: u32,
        retired: &mut Vec<String>,
        make: impl Fn(u32, &mut RunPart<'_, '_>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        self.write_by(store, stem, (bytes, parts), retired, false, make)
    }

    /// Does what [`SortedRuns::write`] does, for entries that add up or override older ones.
    pub(super) fn write_by<R: Send>(
        &mut self,
        store: &dyn Store,
        stem: &str,
        (bytes, parts): (u64, u32),
        retired: &mut Vec<String>,
        adds: bool,
        make: impl Fn(u32, &mut RunPart<'_, '_>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let rule = Rule { key_hash: self.key_hash()?, adds };
        let mut kept = self.runs.clone();
        let (mut joined, mut total) = (Vec::new(), bytes);
        while let Some(last) = kept.pop_if(|last| last.bytes < JOIN_BELOW.max(JOIN_RATIO.saturating_mul(total))) {
            total += last.bytes;
            joined.insert(0, last);
        }
        let reader = Reader::open(store, rule, &joined)?;
        let (run, made) = RunWriter::new(store, stem, total, parts, reader, kept.is_empty()).make(make)?;
        kept.extend(run);
        self.runs = kept;
        retired.extend(joined.into_iter().map(|run| run.key));
        Ok(made)
    }
}
