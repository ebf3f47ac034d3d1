//! The index of a dataset's keys: which row holds each key, over the whole dataset.
//!
//! Kept exactly (no hash stands for a key), in one arena; written to the lake as segments of which a later one overrides an
//! earlier one.

use std::cmp::Ordering;
use std::hash::BuildHasher as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::DataType;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::Error;
use crate::error::{Kind, Result};
use crate::wasm::{CleanerSpec, Preference};

/// A row: its object's number and its place among the rows that the cleaner kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    /// The object's number in its dataset.
    pub object: u32,
    /// The place of the row.
    pub place: u32,
}

/// The row that holds a key.
struct Holder {
    /// Of the key, so that the table grows without reading keys again.
    hash: u64,
    start: usize,
    key_bytes: u32,
    order_bytes: u32,
    row: RowId,
    /// Whether it is to be written with the next segment.
    fresh: bool,
}

/// Which row holds each key.
#[derive(Default)]
pub struct KeyIndex {
    arena: Vec<u8>,
    holders: Vec<Holder>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
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
                parse().ok_or_else(|| Error::new(Kind::InvalidInput, "a segment of the key index is malformed"))?;
            let hash = self.hasher.hash_one(key);
            match self.find(hash, key) {
                Some(at) => self.replace(at, key, order, row, false),
                None => self.insert(hash, key, order, row, false),
            }
        }
        Ok(())
    }

    /// Offers a row for a key. Returns the row that is superseded by this, be it the offered one or the former holder.
    ///
    /// `name` gives the name of the object with that number; names decide between rows of equal order.
    pub fn offer<'n>(&mut self, key: &[u8], order: &[u8], row: RowId, name: impl Fn(u32) -> &'n str) -> Option<RowId> {
        let hash = self.hasher.hash_one(key);
        let Some(at) = self.find(hash, key) else {
            self.insert(hash, key, order, row, true);
            return None;
        };
        let holder = &self.holders[at as usize];
        let held = holder.row;
        let by_order = order.cmp(self.order(holder));
        let wins = by_order.then_with(|| match row.object == held.object {
            true => row.place.cmp(&held.place),
            false => name(row.object).cmp(name(held.object)),
        });
        if wins == Ordering::Greater {
            self.replace(at, key, order, row, true);
            Some(held)
        } else {
            Some(row)
        }
    }

    /// The holders that changed since the last segment.
    pub fn segment(&mut self) -> Vec<u8> {
        let mut segment = Vec::new();
        for holder in self.holders.iter_mut().filter(|holder| holder.fresh) {
            for number in [holder.key_bytes, holder.order_bytes, holder.row.object, holder.row.place] {
                segment.extend_from_slice(&number.to_le_bytes());
            }
            let bytes = (holder.key_bytes + holder.order_bytes) as usize;
            segment.extend_from_slice(&self.arena[holder.start..holder.start + bytes]);
            holder.fresh = false;
        }
        segment
    }

    fn key(&self, holder: &Holder) -> &[u8] {
        &self.arena[holder.start..][..holder.key_bytes as usize]
    }

    fn order(&self, holder: &Holder) -> &[u8] {
        &self.arena[holder.start + holder.key_bytes as usize..][..holder.order_bytes as usize]
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let holds = |&at: &u32| {
            let holder = &self.holders[at as usize];
            holder.hash == hash && self.key(holder) == key
        };
        self.table.find(hash, holds).copied()
    }

    fn insert(&mut self, hash: u64, key: &[u8], order: &[u8], row: RowId, fresh: bool) {
        let holder = self.append(hash, key, order, row, fresh);
        let at = self.holders.len() as u32;
        self.holders.push(holder);
        let Self { holders, table, .. } = self;
        table.insert_unique(hash, at, |&at| holders[at as usize].hash);
    }

    fn replace(&mut self, at: u32, key: &[u8], order: &[u8], row: RowId, fresh: bool) {
        let holder = &mut self.holders[at as usize];
        if holder.order_bytes as usize == order.len() {
            let start = holder.start + key.len();
            self.arena[start..start + order.len()].copy_from_slice(order);
            (holder.row, holder.fresh) = (row, fresh);
        } else {
            self.holders[at as usize] = self.append(self.holders[at as usize].hash, key, order, row, fresh);
        }
    }

    fn append(&mut self, hash: u64, key: &[u8], order: &[u8], row: RowId, fresh: bool) -> Holder {
        let start = self.arena.len();
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(order);
        Holder { hash, start, key_bytes: key.len() as u32, order_bytes: order.len() as u32, row, fresh }
    }
}

/// Writes the key of each row, and what rows of one key are compared by, as bytes that compare as the values do.
pub struct KeyEncoder<'b> {
    batch: &'b RecordBatch,
    spec: &'b CleanerSpec,
}

impl<'b> KeyEncoder<'b> {
    /// For the rows of a batch of the cleaner's output.
    pub fn new(batch: &'b RecordBatch, spec: &'b CleanerSpec) -> Self {
        Self { batch, spec }
    }

    /// Replaces `key` and `order` by those of the row.
    pub fn encode(&self, row: usize, key: &mut Vec<u8>, order: &mut Vec<u8>) {
        key.clear();
        order.clear();
        for &column in &self.spec.key {
            self.value(column, row, key);
        }
        for by in &self.spec.order_by {
            let start = order.len();
            self.value(by.column, row, order);
            if matches!(by.prefer, Preference::Least) {
                order[start..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
    }

    fn value(&self, column: usize, row: usize, out: &mut Vec<u8>) {
        let array = self.batch.column(column);
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
                signed(out, array.as_primitive::<TimestampMicrosecondType>().value(row).to_be_bytes());
            }
            DataType::Decimal128(..) => signed(out, array.as_primitive::<Decimal128Type>().value(row).to_be_bytes()),
            DataType::Float64 => {
                // IEEE 754 totalOrder: the sign bit set flips all, the sign bit clear flips itself. -0 counts as 0.
                let value = array.as_primitive::<Float64Type>().value(row) + 0.0;
                let bits = value.to_bits();
                out.extend_from_slice(&(if value.is_sign_negative() { !bits } else { bits ^ 1 << 63 }).to_be_bytes());
            }
            _ => {
                // The end mark 0 0 sorts before any continuation; a zero inside is written as 0 1.
                for &byte in array.as_string::<i32>().value(row).as_bytes() {
                    out.push(byte);
                    if byte == 0 {
                        out.push(1);
                    }
                }
                out.extend_from_slice(&[0, 0]);
            }
        }
    }
}

/// Two's complement, big-endian, with the sign bit flipped, compares as the number does.
fn signed<const N: usize>(out: &mut Vec<u8>, mut bytes: [u8; N]) {
    bytes[0] ^= 0x80;
    out.extend_from_slice(&bytes);
}

#[cfg(test)]
mod tests;
