//! A KPI's table of sums: rows told apart by their keys, added and subtracted exactly.

mod index;
mod number;
mod shards;
mod sorted;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};

use index::{Index, KeySlice, Keys};
pub use shards::Shards;
pub use sorted::Sorted;

use crate::{StageSpec, schema_text};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;

/// The table of sums of one stage. A row whose sums are all zero does not exist, whatever was added to get there.
pub struct Sums {
    stage: StageSpec,
    /// The rows, those that came to zero too, by keys as bytes that compare as the keys do.
    rows: Index,
    /// Those of each row, one after the other, each modulo 2^128.
    sums: Vec<i128>,
    /// How many times 2^128 is to be added, by place in `sums`; only where it is not zero, and so nearly never. Without it the
    /// order of addition would tell whether a sum leaves 128 bits on the way.
    carries: BTreeMap<usize, i64>,
    /// The least and the greatest sum that each column holds.
    limits: Vec<(i128, i128)>,
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
        let limits = stage.schema.fields()[stage.keys..].iter().map(|field| match *field.data_type() {
            DataType::Decimal128(precision, _) => {
                let beyond = 10_i128.pow(precision.into());
                (1 - beyond, beyond - 1)
            }
            _ => (i64::MIN.into(), i64::MAX.into()),
        });
        Self {
            stage: stage.clone(),
            rows: Index::default(),
            sums: vec![],
            carries: BTreeMap::new(),
            limits: limits.collect(),
        }
    }

    /// No rows of the same stage.
    pub fn like(&self) -> Self {
        Self::new(&self.stage)
    }

    /// Adds or subtracts those rows of a batch, whose keys these are.
    fn add_rows(&mut self, keys: &Keys, rows: &[usize], addends: &[Addends<'_>], sign: Sign) {
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
                }
            }
        }
    }

    /// Adds or subtracts another table of the same stage.
    pub fn add_all(&mut self, other: &Self, sign: Sign) {
        let width = self.width();
        let blocks = other.rows.keys.chunks(BLOCK).zip(other.sums.chunks(BLOCK * width));
        for (start, (keys, sums)) in (0..).step_by(BLOCK * width).zip(blocks) {
            let places = self.rows_of(keys);
            for column in 0..width {
                self.add_column(&places, column, sums.iter().skip(column).step_by(width).copied(), sign);
            }
            for (at, &carry) in other.carries.range(start..start + sums.len()) {
                let (row, column) = ((at - start) / width, (at - start) % width);
                self.carry(places[row] as usize * width + column, if sign == Sign::Plus { carry } else { -carry });
            }
        }
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
        for column in 0..width {
            self.add_column(&places, column, sums.iter().skip(column).step_by(width).copied(), sign);
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        (0..self.rows.keys.len()).filter(|&at| self.exists(at)).count()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.carries.is_empty() && self.sums.iter().all(|&sum| sum == 0)
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
    pub fn placed(&self, place: &KeyHash) -> Sorted<'_> {
        Sorted::by(self, |at| place.of(self.rows.keys.group(at)))
    }

    fn width(&self) -> usize {
        self.stage.schema.fields().len() - self.stage.keys
    }

    fn sums_of(&self, at: u32) -> &[i128] {
        &self.sums[at as usize * self.width()..][..self.width()]
    }

    fn exists(&self, at: u32) -> bool {
        self.sums_of(at).iter().any(|&sum| sum != 0) || (0..self.width()).any(|column| self.carried(at, column))
    }

    /// Returns whether the sum is beyond 128 bits.
    fn carried(&self, at: u32, column: usize) -> bool {
        !self.carries.is_empty() && self.carries.contains_key(&(at as usize * self.width() + column))
    }

    /// A sum of the row, which must fit its column.
    fn sum(&self, at: u32, column: usize) -> Result<i128> {
        let (sum, (least, greatest)) = (self.sums_of(at)[column], self.limits[column]);
        if least <= sum && sum <= greatest && !self.carried(at, column) { Ok(sum) } else { Err(self.too_large(column)) }
    }

    /// The rows with those keys; made where there are none.
    fn rows_of(&mut self, keys: KeySlice<'_>) -> Vec<u32> {
        let places = self.rows.find(keys);
        self.sums.resize(self.rows.keys.len() as usize * self.width(), 0);
        places
    }

    fn add_column(&mut self, places: &[u32], column: usize, addends: impl Iterator<Item = i128>, sign: Sign) {
        let width = self.width();
        for (&at, addend) in places.iter().zip(addends) {
            let at = at as usize * width + column;
            let sum = &mut self.sums[at];
            let (changed, overflows) = match sign {
                Sign::Plus => sum.overflowing_add(addend),
                Sign::Minus => sum.overflowing_sub(addend),
            };
            *sum = changed;
            if overflows {
                // It left 128 bits at the end that it was going to, so what is kept has the other sign.
                self.carry(at, if changed < 0 { 1 } else { -1 });
            }
        }
    }

    #[cold]
    fn carry(&mut self, at: usize, times: i64) {
        let carry = self.carries.entry(at).or_default();
        *carry += times;
        if *carry == 0 {
            self.carries.remove(&at);
        }
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
