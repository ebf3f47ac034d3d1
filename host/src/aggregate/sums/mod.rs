//! A KPI's table of sums: rows told apart by their keys, added and subtracted exactly.

mod index;
mod number;
mod shards;
mod sorted;
#[cfg(test)]
mod tests;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};

use index::{Index, KeySlice, Keys};
pub(crate) use shards::Shards;
pub(crate) use sorted::Sorted;

use crate::Error;
use crate::error::{Kind, Result};
use crate::segments::Place;
use crate::wasm::{StageSpec, schema_text};

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

    /// No rows of the same stage.
    pub fn like(&self) -> Self {
        Self::new(&self.stage)
    }

    /// Adds or subtracts those rows of a batch, whose keys these are.
    fn add_rows(&mut self, keys: &Keys, rows: &[usize], addends: &[Addends<'_>], sign: Sign) -> Result<()> {
        for (keys, rows) in keys.chunks(BLOCK).zip(rows.chunks(BLOCK)) {
            let places = self.rows_of(keys);
            for (column, addends) in addends.iter().enumerate() {
                match addends {
                    Addends::Int64(all) => {
                        self.add_column(&places, column, rows.iter().map(|&row| all[row].into()), sign)
                    }
                    Addends::Decimal128(all) => {
                        self.add_column(&places, column, rows.iter().map(|&row| all[row]), sign)
                    }
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
            block.push(group, |key| key.extend_from_slice(rest));
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
        // Most keys differ in their first bytes, which need not be fetched from all over memory then.
        Sorted::by(self, |at| sorted::first(self.rows.keys.get(at)))
    }

    /// About how many bytes they take where they are kept.
    pub fn bytes(&self) -> usize {
        self.rows.keys.bytes() + self.sums.len() * 3
    }

    /// The rows in the order of their groups' places, and within a group of their keys.
    pub fn placed(&self, place: &Place) -> Sorted<'_> {
        Sorted::by(self, |at| place.of(self.rows.keys.group(at)))
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
