//! The keys of an object's rows, and what rows of one key are compared by, as bytes that compare as the values do.

use std::hash::BuildHasher as _;

use arrow_array::RecordBatch;

use super::{SHARDS, hasher, shard_of};
use crate::ordered::Column;
use crate::profile;
use crate::wasm::{CleanerSpec, Preference};

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
        let mut span = profile::span("keys", "make");
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let mut keys =
            Self { bytes: Vec::with_capacity(rows * 24), rows: Vec::with_capacity(rows), shards: Default::default() };
        for batch in batches {
            let key: Vec<_> = spec.key.iter().map(|&column| Column::of(batch.column(column))).collect();
            let order: Vec<_> =
                spec.order_by.iter().map(|by| (Column::of(batch.column(by.column)), by.prefer)).collect();
            for row in 0..batch.num_rows() {
                keys.push(&key, &order, row);
            }
        }
        keys
    }

    fn push(&mut self, key: &[Column<'_>], order: &[(Column<'_>, Preference)], row: usize) {
        let start = self.bytes.len();
        key.iter().for_each(|column| column.encode(row, &mut self.bytes));
        let middle = self.bytes.len();
        for (column, prefer) in order {
            let from = self.bytes.len();
            column.encode(row, &mut self.bytes);
            if matches!(prefer, Preference::Least) {
                self.bytes[from..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
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
