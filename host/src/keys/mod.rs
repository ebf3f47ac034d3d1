//! The index of a dataset's keys: which row holds each key, over the whole dataset.
//!
//! Kept exactly (no hash stands for a key), in shards on which the workers work side by side; written to the lake as segments
//! of which a later one overrides an earlier one.

mod encode;
mod shard;
mod stub;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::OnceLock;

use hashbrown::DefaultHashBuilder;

pub use encode::Keys;
use shard::Shard;
pub use stub::{KeySpool, resolve};

use crate::error::{Kind, Result};
use crate::{Error, profile, workers};

/// How many parts the index has.
const SHARDS: usize = 16;

/// Seeded anew in each process, so that no one can choose keys that collide. Nothing that is kept depends on it.
fn hasher() -> &'static DefaultHashBuilder {
    static HASHER: OnceLock<DefaultHashBuilder> = OnceLock::new();
    HASHER.get_or_init(DefaultHashBuilder::default)
}

/// By the middle bits: a shard's table uses the lowest and the highest ones.
fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

/// A row: its object's number and its place among the rows that the cleaner kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    /// The object's number in its dataset.
    pub object: u32,
    /// The place of the row.
    pub place: u32,
}

/// Which row holds each key.
#[derive(Default)]
pub struct KeyIndex {
    shards: [Shard; SHARDS],
}

impl KeyIndex {
    /// Adds what a segment holds; it overrides what is there.
    pub fn load(&mut self, segment: &[u8]) -> Result<()> {
        let mut span = profile::span("keys", "load");
        span.through(0, segment.len());
        let mut rest = segment;
        while !rest.is_empty() {
            let mut parse = || {
                let (numbers, after) = rest.split_first_chunk::<16>()?;
                let number = |at: usize| numbers[at..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
                let (key_bytes, order_bytes) = (number(0)?, number(4)?);
                let row = RowId { object: number(8)?, place: number(12)? };
                let (key, after) = after.split_at_checked(key_bytes as usize)?;
                let (order, after) = after.split_at_checked(order_bytes as usize)?;
                rest = after;
                Some((key, order, row))
            };
            let (key, order, row) =
                parse().ok_or_else(|| Error::new(Kind::Damaged, "a segment of the key index is malformed"))?;
            let hash = hasher().hash_one(key);
            self.shards[shard_of(hash)].set(hash, key, order, row);
        }
        Ok(())
    }

    /// Offers every row of the objects, given by their numbers, for its key. Returns the places of the rows that are
    /// superseded, offered ones and former holders, by object and in order.
    ///
    /// `name` gives the name of the object with that number: names decide between rows of equal order.
    pub fn offer<'n>(
        &mut self,
        objects: &[(u32, &Keys)],
        name: impl Fn(u32) -> &'n str + Sync,
    ) -> HashMap<u32, Vec<u32>> {
        let shards: Vec<_> = self.shards.iter_mut().enumerate().collect();
        let lost = workers::map(shards, |(number, shard)| {
            let _span = profile::span("keys", "resolve");
            shard.reserve(objects.iter().map(|(_, keys)| keys.shards[number].len()).sum());
            let mut lost = Vec::new();
            for &(object, keys) in objects {
                for &place in &keys.shards[number] {
                    let (hash, key, order) = keys.get(place);
                    lost.extend(shard.offer(hash, key, order, RowId { object, place }, &name));
                }
            }
            lost
        });
        let mut by_object: HashMap<u32, Vec<u32>> = HashMap::new();
        for RowId { object, place } in lost.into_iter().flatten() {
            by_object.entry(object).or_default().push(place);
        }
        by_object.values_mut().for_each(|places| places.sort_unstable());
        by_object
    }

    /// The holders that changed since the last segment.
    pub fn segment(&mut self) -> Vec<u8> {
        let _span = profile::span("keys", "write");
        let mut segment = Vec::new();
        self.shards.iter_mut().for_each(|shard| shard.write_fresh(&mut segment));
        segment
    }
}
