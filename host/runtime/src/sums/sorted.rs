//! Puts sums into order: as typed rows for plugins, and as the bytes of groups to be stored.

use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field};

use super::number;
use super::table::Sums;
use crate::StageSpec;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::ordered::Decoder;

/// The rows of a table in an order in which the rows of a group are together, and in the order of their keys.
pub struct Sorted<'s> {
    sums: &'s Sums,
    /// The rows, those that came to zero included.
    order: Vec<u32>,
}

impl Sums {
    /// Returns all rows in the order of their keys.
    ///
    /// # Errors
    /// Fails if a sum does not fit its column.
    pub fn batch(&self) -> Result<RecordBatch> {
        self.sorted().batch()
    }

    /// Returns the rows in the order of their keys.
    pub fn sorted(&self) -> Sorted<'_> {
        // Most keys differ in their first bytes. With these at hand, the others need not be fetched from memory.
        Sorted::by(self, |at| first(self.rows.keys.get(at)))
    }

    /// Returns the rows in the order of the hashes of their groups, and within a group in the order of their keys.
    pub fn sorted_by_hash(&self, hash: &KeyHash) -> Sorted<'_> {
        Sorted::by(self, |at| hash.of(self.rows.keys.group(at)))
    }
}

impl<'s> Sorted<'s> {
    /// Returns the rows in the order of `first`, and where that is equal in the order of their keys.
    fn by<T: Ord + Copy>(sums: &'s Sums, first: impl Fn(u32) -> T) -> Self {
        let mut order: Vec<_> = (0..sums.rows.keys.len()).map(|at| (first(at), at)).collect();
        order.sort_unstable_by(|&(a, a_at), &(b, b_at)| {
            a.cmp(&b).then_with(|| sums.rows.keys.get(a_at).cmp(sums.rows.keys.get(b_at)))
        });
        Self { sums, order: order.into_iter().map(|(_, at)| at).collect() }
    }

    /// Returns all rows.
    ///
    /// # Errors
    /// Fails if a sum does not fit its column.
    pub fn batch(&self) -> Result<RecordBatch> {
        self.typed(&self.order)
    }

    /// Returns all rows in batches of about `about` rows, with the ends of the groups. No batch ends within a group,
    /// and none is without rows. If all rows are one group, they are one batch, whatever their number.
    pub fn batches(&self, about: usize) -> impl Iterator<Item = Result<Groups>> {
        let mut rest = self.order.as_slice();
        let is_one_group = self.sums.stage.group == 0;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let mut end = if is_one_group { rest.len() } else { about.clamp(1, rest.len()) };
                while end < rest.len() && self.group(rest[end - 1]) == self.group(rest[end]) {
                    end += 1;
                }
                let (batch, after) = rest.split_at(end);
                rest = after;
                // Rows that came to zero do not exist, and groups of such rows do not either.
                let ends = self.ends(batch, is_one_group);
                if !ends.is_empty() {
                    return Some(self.typed(batch).map(|rows| Groups { rows, ends }));
                }
            }
            None
        })
    }

    /// Returns the key of each row as bytes, with the row's first sum.
    pub fn rows(&self) -> impl Iterator<Item = Result<(&[u8], i128)>> {
        let rows = self.order.iter().copied().filter(|&at| self.sums.exists(at));
        rows.map(|at| Ok((self.sums.rows.keys.get(at), self.sums.sum(at, 0)?)))
    }

    /// Returns for each group with a row that exists the number of such rows up to its end.
    fn ends(&self, order: &[u32], is_one_group: bool) -> Vec<u32> {
        let (mut ends, mut rows) = (Vec::new(), 0);
        for group in order.chunk_by(|&a, &b| is_one_group || self.group(a) == self.group(b)) {
            let before = rows;
            rows += group.iter().filter(|&&at| self.sums.exists(at)).count() as u32;
            if rows > before {
                ends.push(rows);
            }
        }
        ends
    }

    /// Returns the groups, those without any rows left included. In the last stage each row is a group.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let sums = self.sums;
        self.order.chunk_by(|&a, &b| self.group(a) == self.group(b)).map(move |rows| Group { sums, rows })
    }

    fn group(&self, at: u32) -> &'s [u8] {
        self.sums.rows.keys.group(at)
    }

    fn typed(&self, order: &[u32]) -> Result<RecordBatch> {
        let sums = self.sums;
        let StageSpec { schema, keys, .. } = &sums.stage;
        let order: Vec<_> = order.iter().copied().filter(|&at| sums.exists(at)).collect();
        let mut decoder = Decoder::new(&schema.fields()[..*keys], order.len());
        for &at in &order {
            let decoded = decoder.push(sums.rows.keys.get(at));
            decoded.ok_or_else(|| Error::new(Kind::Damaged, "stored sums have malformed keys"))?;
        }
        let mut columns = decoder.finish();
        for (column, field) in schema.fields()[*keys..].iter().enumerate() {
            columns.push(typed(field, order.iter().map(|&at| sums.sum(at, column)))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(order.len()));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
            .map_err(|error| Error::new(Kind::Damaged, format!("stored sums do not fit their columns: {error}")))
    }
}

/// Rows of whole groups, for a reducer.
pub struct Groups {
    /// The rows, group by group.
    pub rows: RecordBatch,
    /// The number of rows up to the end of each group.
    pub ends: Vec<u32>,
}

/// The rows that agree in their group columns.
pub struct Group<'s> {
    sums: &'s Sums,
    rows: &'s [u32],
}

impl<'s> Group<'s> {
    /// Returns the group columns, as bytes that compare as they do. In the last stage these are the whole key.
    #[inline]
    pub fn key(&self) -> &'s [u8] {
        self.sums.rows.keys.group(self.rows[0])
    }

    /// Returns whether all of its rows came to zero.
    pub fn is_empty(&self) -> bool {
        !self.rows.iter().any(|&at| self.sums.exists(at))
    }

    /// Returns the total of its rows' first sums.
    ///
    /// # Errors
    /// Fails if a sum does not fit its column.
    pub fn total(&self) -> Result<i128> {
        let rows = self.rows.iter().filter(|&&at| self.sums.exists(at));
        rows.map(|&at| self.sums.sum(at, 0)).sum()
    }

    /// Appends its rows, for [`Sums::load`]. Appends nothing if no row is left.
    ///
    /// # Errors
    /// Fails if a sum does not fit its column.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        for &at in self.rows {
            if !self.sums.exists(at) {
                continue;
            }
            let rest = &self.sums.rows.keys.get(at)[self.sums.rows.keys.group(at).len()..];
            number::write(rest.len() as u128, out);
            out.extend_from_slice(rest);
            for column in 0..self.sums.width() {
                number::write(number::fold(self.sums.sum(at, column)?), out);
            }
        }
        Ok(())
    }
}

/// Returns the values, which must fit, as a column.
fn typed(field: &Field, values: impl Iterator<Item = Result<i128>>) -> Result<ArrayRef> {
    Ok(match *field.data_type() {
        DataType::Decimal128(precision, scale) => {
            let values = Decimal128Array::from(values.collect::<Result<Vec<_>>>()?);
            Arc::new(
                values.with_precision_and_scale(precision, scale).map_err(|error| {
                    Error::internal(format!("a stage has a decimal type that does not exist: {error}"))
                })?,
            )
        }
        _ => {
            Arc::new(Int64Array::from(values.map(|value| value.map(|value| value as i64)).collect::<Result<Vec<_>>>()?))
        }
    })
}

/// Returns the first bytes as a number that compares as they do.
fn first(key: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let length = key.len().min(16);
    bytes[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(bytes)
}
