//! The keys of an object's rows, and what rows of one key are compared by, as bytes that compare as the values do.

use std::hash::BuildHasher as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use super::{SHARDS, hasher, shard_of};
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
            let key: Vec<_> = spec.key.iter().map(|&column| batch.column(column).as_ref()).collect();
            let order: Vec<_> = spec.order_by.iter().map(|by| (batch.column(by.column).as_ref(), by.prefer)).collect();
            span.through(batch.num_rows(), 0);
            for row in 0..batch.num_rows() {
                keys.push(&key, &order, row);
            }
        }
        keys
    }

    fn push(&mut self, key: &[&dyn Array], order: &[(&dyn Array, Preference)], row: usize) {
        let start = self.bytes.len();
        key.iter().for_each(|array| encode(*array, row, &mut self.bytes));
        let middle = self.bytes.len();
        for (array, prefer) in order {
            let from = self.bytes.len();
            encode(*array, row, &mut self.bytes);
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

fn encode(array: &dyn Array, row: usize, out: &mut Vec<u8>) {
    // A missing value is less than any other.
    out.push(u8::from(array.is_valid(row)));
    if array.is_null(row) {
        return;
    }
    match array.data_type() {
        DataType::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        DataType::Int64 => signed(out, array.as_primitive::<Int64Type>().value(row).to_be_bytes()),
        DataType::Date32 => signed(out, array.as_primitive::<Date32Type>().value(row).to_be_bytes()),
        DataType::Timestamp(..) => {
            signed(out, array.as_primitive::<TimestampMicrosecondType>().value(row).to_be_bytes())
        }
        DataType::Decimal128(..) => signed(out, array.as_primitive::<Decimal128Type>().value(row).to_be_bytes()),
        DataType::Float64 => {
            // IEEE 754 totalOrder: the sign bit set flips all, the sign bit clear flips itself. -0 counts as 0.
            let value = array.as_primitive::<Float64Type>().value(row) + 0.0;
            let bits = value.to_bits();
            out.extend_from_slice(&(if value.is_sign_negative() { !bits } else { bits ^ 1 << 63 }).to_be_bytes());
        }
        _ => text(out, array.as_string::<i32>().value(row).as_bytes()),
    }
}

/// The end mark 0 0 sorts before any continuation; a zero inside is written as 0 1.
fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(zero) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..=zero]);
        out.push(1);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 0]);
}

/// Two's complement, big-endian, with the sign bit flipped, compares as the number does.
fn signed<const N: usize>(out: &mut Vec<u8>, mut bytes: [u8; N]) {
    bytes[0] ^= 0x80;
    out.extend_from_slice(&bytes);
}
