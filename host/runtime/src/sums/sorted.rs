//! Puts sums into order: as typed rows for plugins, and as rows to be stored.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};

use super::ordered::typed;
use super::table::Sums;
use crate::StageSpec;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::ordered::Decoder;
use smelt_common::stored_row;

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
        Sorted::by(self, |at| (first(self.rows.keys.get(at)), 0))
    }

    /// Returns the rows in the order in which they are stored: by the hash of their groups, and then by the keys that
    /// stored rows have.
    pub fn sorted_by_hash(&self, hash: &KeyHash) -> Sorted<'_> {
        Sorted::by(self, |at| {
            let group = self.rows.keys.group(at);
            (hash.of(group).into(), group.len())
        })
    }
}

impl<'s> Sorted<'s> {
    /// Returns the rows in the order of `first`, and where that is equal in the order of their keys.
    fn by(sums: &'s Sums, first: impl Fn(u32) -> (u128, usize)) -> Self {
        let mut order: Vec<_> = (0..sums.rows.keys.len()).map(|at| (first(at), at)).collect();
        order.sort_unstable_by(|&(a, a_at), &(b, b_at)| {
            a.cmp(&b).then_with(|| sums.rows.keys.get(a_at).cmp(sums.rows.keys.get(b_at)))
        });
        Self { sums, order: order.into_iter().map(|(_, at)| at).collect() }
    }

    /// Splits off the groups of more than `most` rows. Returns the others, and each of these; `None` if there are none.
    pub fn split_large(&self, most: usize) -> Option<(Self, Vec<Self>)> {
        let groups = || self.order.chunk_by(|&a, &b| self.group(a) == self.group(b));
        if self.order.len() <= most || groups().all(|group| group.len() <= most) {
            return None;
        }
        let (large, small): (Vec<_>, Vec<_>) = groups().partition(|group| group.len() > most);
        let of = |order| Self { sums: self.sums, order };
        Some((of(small.concat()), large.into_iter().map(|group| of(group.to_vec())).collect()))
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
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let mut end = about.clamp(1, rest.len());
                while end < rest.len() && self.group(rest[end - 1]) == self.group(rest[end]) {
                    end += 1;
                }
                let (batch, after) = rest.split_at(end);
                rest = after;
                // Rows that came to zero do not exist, and groups of such rows do not either.
                let ends = self.ends(batch);
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
    fn ends(&self, order: &[u32]) -> Vec<u32> {
        let (mut ends, mut rows) = (Vec::new(), 0);
        for group in order.chunk_by(|&a, &b| self.group(a) == self.group(b)) {
            let before = rows;
            rows += group.iter().filter(|&&at| self.sums.exists(at)).count() as u32;
            if rows > before {
                ends.push(rows);
            }
        }
        ends
    }

    /// Visits every row that exists as it is [stored](smelt_common::stored_row): the hash of its group, its key, and its
    /// numbers, whether they fit their columns or not.
    pub fn stored(&self, hash: &KeyHash, mut visit: impl FnMut(u64, &[u8], &[u8]) -> Result<()>) -> Result<()> {
        let (mut key, mut numbers) = (Vec::new(), Vec::new());
        for rows in self.order.chunk_by(|&a, &b| self.group(a) == self.group(b)) {
            let group = self.group(rows[0]);
            let hash = hash.of(group);
            for &at in rows.iter().filter(|&&at| self.sums.exists(at)) {
                key.clear();
                numbers.clear();
                stored_row::write_key(group, &self.sums.rows.keys.get(at)[group.len()..], &mut key);
                (0..self.sums.width()).for_each(|column| self.sums.exact(at, column).write(&mut numbers));
                visit(hash, &key, &numbers)?;
            }
        }
        Ok(())
    }

    /// Returns the groups, those without any rows left included.
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
            columns.push(typed(field, order.iter().map(|&at| sums.sum(at, column)).collect::<Result<_>>()?)?);
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
    /// Returns the group columns, as bytes that compare as they do.
    #[inline]
    pub fn key(&self) -> &'s [u8] {
        self.sums.rows.keys.group(self.rows[0])
    }

    /// Returns whether a row is left.
    pub fn has_rows(&self) -> bool {
        self.rows.iter().any(|&at| self.sums.exists(at))
    }

    /// Returns the total of its rows' first sums.
    ///
    /// # Errors
    /// Fails if a sum does not fit its column.
    pub fn total(&self) -> Result<i128> {
        let rows = self.rows.iter().filter(|&&at| self.sums.exists(at));
        rows.map(|&at| self.sums.sum(at, 0)).sum()
    }
}

/// Returns the first bytes as a number that compares as they do.
fn first(key: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let length = key.len().min(16);
    bytes[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(bytes)
}
