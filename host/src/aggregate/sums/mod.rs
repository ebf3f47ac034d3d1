//! A KPI's table of sums: rows told apart by their keys, added and subtracted exactly.

mod index;
mod number;
mod sorted;
#[cfg(test)]
mod tests;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};

use index::{Index, KeySlice, Keys};
pub(crate) use sorted::{Group, Sorted};

use crate::error::{Kind, Result};
use crate::ordered::Column;
use crate::wasm::{StageSpec, schema_text};
use crate::{Error, profile};

/// The table of sums of one stage. A row whose sums are all zero does not exist, whatever was added to get there.
pub struct Sums {
    stage: StageSpec,
    /// The rows, those that came to zero too, by keys as bytes that compare as the keys do.
    rows: Index,
    /// Those of each row, one after the other.
    sums: Vec<i128>,
}

/// So few that they stay in the processor's caches.
const BLOCK: usize = 1024;

/// Whether rows come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// They come.
    Plus,
    /// They go.
    Minus,
}

impl Sums {
    /// No rows.
    pub fn new(stage: &StageSpec) -> Self {
        Self { stage: stage.clone(), rows: Index::default(), sums: vec![] }
    }

    /// Adds or subtracts rows of the stage's schema, in any order; keys may repeat. After an error the table is of no use.
    pub fn add(&mut self, batch: &RecordBatch, sign: Sign) -> Result<()> {
        let mut span = profile::span("add sums", "");
        span.through(batch.num_rows(), 0);
        let (keys, sums) = batch.columns().split_at(self.stage.keys);
        let keys: Vec<_> = keys.iter().map(|array| Column::of(array)).collect();
        let (group, rest) = keys.split_at(self.group_columns());
        let addends: Vec<_> = sums.iter().map(Addends::of).collect();
        let mut block = Keys::default();
        for start in (0..batch.num_rows()).step_by(BLOCK) {
            block.clear();
            for row in start..batch.num_rows().min(start + BLOCK) {
                block.push(
                    |key| group.iter().for_each(|column| column.encode(row, key)),
                    |key| rest.iter().for_each(|column| column.encode(row, key)),
                );
            }
            let places = self.rows_of(block.all());
            for (column, addends) in addends.iter().enumerate() {
                match addends {
                    Addends::Int64(all) => {
                        self.add_column(&places, column, all[start..].iter().map(|&n| n.into()), sign)
                    }
                    Addends::Decimal128(all) => self.add_column(&places, column, all[start..].iter().copied(), sign),
                }?;
            }
        }
        Ok(())
    }

    /// Adds or subtracts another table of the same stage.
    pub fn add_all(&mut self, other: &Self, sign: Sign) -> Result<()> {
        let width = self.width();
        for (keys, sums) in other.rows.keys.chunks(BLOCK).zip(other.sums.chunks(BLOCK * width)) {
            let places = self.rows_of(keys);
            for column in 0..width {
                self.add_column(&places, column, sums.iter().skip(column).step_by(width).copied(), sign)?;
            }
        }
        Ok(())
    }

    /// Adds or subtracts the rows of a group, as [`Group::write`] wrote them.
    pub fn load(&mut self, group: &[u8], mut rows: &[u8], sign: Sign) -> Result<()> {
        let malformed = || Error::new(Kind::Damaged, "stored sums are malformed");
        let (mut block, mut sums) = (Keys::default(), Vec::new());
        while !rows.is_empty() {
            let rest = usize::try_from(number::read(&mut rows).ok_or_else(malformed)?).map_err(|_| malformed())?;
            let (rest, after) = rows.split_at_checked(rest).ok_or_else(malformed)?;
            rows = after;
            block.push(|key| key.extend_from_slice(group), |key| key.extend_from_slice(rest));
            for _ in 0..self.width() {
                sums.push(number::unfold(number::read(&mut rows).ok_or_else(malformed)?));
            }
        }
        let (width, places) = (self.width(), self.rows_of(block.all()));
        (0..width).try_for_each(|column| {
            self.add_column(&places, column, sums.iter().skip(column).step_by(width).copied(), sign)
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        (0..self.rows.keys.len()).filter(|&at| self.exists(at)).count()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.sums.iter().all(|&sum| sum == 0)
    }

    /// All rows by key.
    pub fn batch(&self) -> Result<RecordBatch> {
        self.sorted().batch()
    }

    /// The rows in the order of their keys.
    pub fn sorted(&self) -> Sorted<'_> {
        Sorted::of(self)
    }

    /// How many leading key columns make what is kept together: a group, or a row where nothing is folded.
    fn group_columns(&self) -> usize {
        if self.stage.group == 0 { self.stage.keys } else { self.stage.group }
    }

    fn width(&self) -> usize {
        self.stage.schema.fields().len() - self.stage.keys
    }

    fn sums_of(&self, at: u32) -> &[i128] {
        &self.sums[at as usize * self.width()..][..self.width()]
    }

    fn exists(&self, at: u32) -> bool {
        self.sums_of(at).iter().any(|&sum| sum != 0)
    }

    /// The rows with those keys; made where there are none.
    fn rows_of(&mut self, keys: KeySlice<'_>) -> Vec<u32> {
        let places = self.rows.find(keys);
        self.sums.resize(self.rows.keys.len() as usize * self.width(), 0);
        places
    }

    fn add_column(
        &mut self,
        places: &[u32],
        column: usize,
        addends: impl Iterator<Item = i128>,
        sign: Sign,
    ) -> Result<()> {
        let width = self.width();
        for (&at, addend) in places.iter().zip(addends) {
            let sum = &mut self.sums[at as usize * width + column];
            let changed = match sign {
                Sign::Plus => sum.checked_add(addend),
                Sign::Minus => sum.checked_sub(addend),
            };
            match changed {
                Some(changed) => *sum = changed,
                None => return Err(self.too_large(column)),
            }
        }
        Ok(())
    }

    #[cold]
    fn too_large(&self, column: usize) -> Error {
        let field = self.stage.schema.field(self.stage.keys + column).clone();
        Error::plugin(format!("a sum is too large for column `{}`", schema_text(&Schema::new(vec![field]))))
    }
}

/// A column of numbers to be added.
enum Addends<'a> {
    Int64(&'a [i64]),
    Decimal128(&'a [i128]),
}

impl<'a> Addends<'a> {
    /// Of a column that a stage may have among its sums.
    fn of(array: &'a ArrayRef) -> Self {
        match array.data_type() {
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values()),
            _ => Self::Decimal128(array.as_primitive::<Decimal128Type>().values()),
        }
    }
}
