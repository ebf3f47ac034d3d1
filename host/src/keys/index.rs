//! The index in memory, which the persistent map replaces: to be removed when cleaning spools its keys.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::OnceLock;

use arrow_array::RecordBatch;
use hashbrown::DefaultHashBuilder;

use super::RowId;
use super::encode::Encoder;
use super::shard::Shard;
use crate::error::{Kind, Result};
use crate::wasm::CleanerSpec;
use crate::{Error, workers};

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

/// Which row holds each key.
#[derive(Default)]
pub struct KeyIndex {
    shards: [Shard; SHARDS],
}

impl KeyIndex {
    /// Adds what a segment holds; it overrides what is there.
    pub fn load(&mut self, segment: &[u8]) -> Result<()> {
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
        let mut segment = Vec::new();
        self.shards.iter_mut().for_each(|shard| shard.write_fresh(&mut segment));
        segment
    }
}

/// The keys of an object's rows.
pub struct Keys {
    /// Key and order of each row, one after the other.
    bytes: Vec<u8>,
    rows: Vec<Encoded>,
    /// The places of the rows of each shard, in order.
    pub(super) shards: [Vec<u32>; SHARDS],
}

/// One row in [`Keys`].
struct Encoded {
    hash: u64,
    start: usize,
    key_bytes: u32,
    order_bytes: u32,
}

impl Keys {
    /// The keys of the rows, whose places count over all batches.
    pub fn of(batches: &[RecordBatch], spec: &CleanerSpec) -> Self {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let mut keys =
            Self { bytes: Vec::with_capacity(rows * 24), rows: Vec::with_capacity(rows), shards: Default::default() };
        for batch in batches {
            let encoder = Encoder::new(batch, spec);
            for row in 0..batch.num_rows() {
                keys.push(&encoder, row);
            }
        }
        keys
    }

    fn push(&mut self, encoder: &Encoder<'_>, row: usize) {
        let start = self.bytes.len();
        let middle = encoder.encode(row, &mut self.bytes);
        let hash = hasher().hash_one(&self.bytes[start..middle]);
        self.shards[shard_of(hash)].push(self.rows.len() as u32);
        let (key_bytes, order_bytes) = ((middle - start) as u32, (self.bytes.len() - middle) as u32);
        self.rows.push(Encoded { hash, start, key_bytes, order_bytes });
    }

    /// Hash, key and order of the row at that place.
    pub(super) fn get(&self, place: u32) -> (u64, &[u8], &[u8]) {
        let Encoded { hash, start, key_bytes, order_bytes } = self.rows[place as usize];
        let (key, rest) = self.bytes[start..].split_at(key_bytes as usize);
        (hash, key, &rest[..order_bytes as usize])
    }
}
