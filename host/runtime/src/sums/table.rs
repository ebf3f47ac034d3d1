//! Adds rows to a table of sums, and subtracts them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::{DataType, Schema};

use super::index::{Index, KeySlice, Keys};
use crate::{StageSpec, schema_text};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::stored_row;
use smelt_common::wide::Wide;

/// The table of sums of one stage. A row whose sums are all zero does not exist, however it came to zero.
pub struct Sums {
    pub(super) stage: StageSpec,
    /// The rows by their keys, which are bytes that compare as the keys do. Rows that came to zero are among them.
    pub(super) rows: Index,
    /// The sums of each row, one row after the other, each modulo 2^128.
    sums: Vec<i128>,
    /// How many times 2^128 must be added to a sum, by its position in `sums`. Only numbers other than zero are kept,
    /// so the map is nearly always empty. Without it, the order of addition would decide whether a sum leaves 128 bits
    /// in between.
    carries: BTreeMap<usize, i64>,
    limits: Limits,
}

/// How many rows are added at once: so few that they stay in the processor's caches.
pub(super) const BLOCK: usize = 1024;

/// The direction of a change: rows are added or subtracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The rows are added.
    Plus,
    /// The rows are subtracted.
    Minus,
}

impl Sums {
    /// Returns an empty table.
    pub fn new(stage: &StageSpec) -> Self {
        let (rows, carries, limits) = (Index::default(), BTreeMap::new(), Limits::of(stage));
        Self { stage: stage.clone(), rows, sums: vec![], carries, limits }
    }

    /// Returns an empty table of the same stage.
    pub fn like(&self) -> Self {
        Self::new(&self.stage)
    }

    /// Adds or subtracts rows of a batch. `keys` are the keys of these rows.
    pub(super) fn add_rows(&mut self, keys: &Keys, rows: &[usize], addends: &[Addends<'_>], sign: Sign) {
        for (keys, rows) in keys.chunks(BLOCK).zip(rows.chunks(BLOCK)) {
            let to = self.rows_of(keys);
            for (column, addends) in addends.iter().enumerate() {
                match addends {
                    Addends::Int64(all) => self.add_column(&to, column, rows.iter().map(|&row| all[row].into()), sign),
                    Addends::Decimal128(all) => self.add_column(&to, column, rows.iter().map(|&row| all[row]), sign),
                }
            }
        }
    }

    /// Adds or subtracts another table of the same stage.
    pub fn add_all(&mut self, other: &Self, sign: Sign) {
        let width = self.width();
        let blocks = other.rows.keys.chunks(BLOCK).zip(other.sums.chunks(BLOCK * width));
        for (start, (keys, sums)) in (0..).step_by(BLOCK * width).zip(blocks) {
            let to = self.rows_of(keys);
            for column in 0..width {
                self.add_column(&to, column, sums.iter().skip(column).step_by(width).copied(), sign);
            }
            for (at, &carry) in other.carries.range(start..start + sums.len()) {
                let (row, column) = ((at - start) / width, (at - start) % width);
                self.carry(to[row] as usize * width + column, if sign == Sign::Plus { carry } else { -carry });
            }
        }
    }

    /// Returns what adds stored rows to the table, or subtracts them.
    pub fn loader(&mut self, sign: Sign) -> Loader<'_> {
        Loader { sums: self, sign, keys: Keys::default(), numbers: vec![] }
    }

    /// Returns a sum of the row, whether it fits its column or not.
    pub(super) fn exact(&self, at: u32, column: usize) -> Wide {
        let carry = self.carries.get(&(at as usize * self.width() + column)).copied();
        Wide::carried(self.sums_of(at)[column], carry.unwrap_or_default())
    }

    /// Returns about how many bytes of memory the rows take.
    pub(super) fn memory(&self) -> usize {
        self.rows.keys.bytes() + self.rows.keys.len() as usize * 32 + self.sums.len() * size_of::<i128>()
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        (0..self.rows.keys.len()).filter(|&at| self.exists(at)).count()
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.carries.is_empty() && self.sums.iter().all(|&sum| sum == 0)
    }

    /// Returns about how many bytes the rows take where they are stored.
    pub fn bytes(&self) -> usize {
        self.rows.keys.bytes() + self.sums.len() * 3
    }

    /// Returns the number of sums of a row.
    pub(super) fn width(&self) -> usize {
        self.stage.schema.fields().len() - self.stage.keys
    }

    fn sums_of(&self, at: u32) -> &[i128] {
        &self.sums[at as usize * self.width()..][..self.width()]
    }

    pub(super) fn exists(&self, at: u32) -> bool {
        self.sums_of(at).iter().any(|&sum| sum != 0) || (0..self.width()).any(|column| self.carried(at, column))
    }

    /// Returns whether the sum is beyond 128 bits.
    fn carried(&self, at: u32, column: usize) -> bool {
        !self.carries.is_empty() && self.carries.contains_key(&(at as usize * self.width() + column))
    }

    /// Returns a sum of the row, or an error if it does not fit its column.
    pub(super) fn sum(&self, at: u32, column: usize) -> Result<i128> {
        let carry = if self.carried(at, column) { 1 } else { 0 };
        self.limits.fit(&self.stage, column, (self.sums_of(at)[column], carry))
    }

    /// Returns the rows with those keys. Adds rows for keys that are new.
    fn rows_of(&mut self, keys: KeySlice<'_>) -> Vec<u32> {
        let rows = self.rows.find(keys);
        self.sums.resize(self.rows.keys.len() as usize * self.width(), 0);
        rows
    }

    fn add_column(&mut self, rows: &[u32], column: usize, addends: impl Iterator<Item = i128>, sign: Sign) {
        let width = self.width();
        for (&at, addend) in rows.iter().zip(addends) {
            let at = at as usize * width + column;
            let sum = &mut self.sums[at];
            let (changed, overflows) = match sign {
                Sign::Plus => sum.overflowing_add(addend),
                Sign::Minus => sum.overflowing_sub(addend),
            };
            *sum = changed;
            if overflows {
                // A sum that grew beyond 128 bits has wrapped around to a negative number, and the other way round.
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
}

/// The least and the greatest sum that each column of a stage can hold.
pub(super) struct Limits(Vec<(i128, i128)>);

impl Limits {
    pub(super) fn of(stage: &StageSpec) -> Self {
        let limits = stage.schema.fields()[stage.keys..].iter().map(|field| match *field.data_type() {
            DataType::Decimal128(precision, _) => {
                let beyond = 10_i128.pow(precision.into());
                (1 - beyond, beyond - 1)
            }
            _ => (i64::MIN.into(), i64::MAX.into()),
        });
        Self(limits.collect())
    }

    /// Returns the sum, which has a carry if it is beyond 128 bits, or an error if it does not fit its column.
    pub(super) fn fit(&self, stage: &StageSpec, column: usize, (sum, carry): (i128, i64)) -> Result<i128> {
        let (least, greatest) = self.0[column];
        if least <= sum && sum <= greatest && carry == 0 { Ok(sum) } else { Err(too_large(stage, column)) }
    }
}

#[cold]
fn too_large(stage: &StageSpec, column: usize) -> Error {
    let field = stage.schema.field(stage.keys + column).clone();
    Error::plugin(format!("a sum is too large for column `{}`", schema_text(&Schema::new(vec![field]))))
}

/// A column of numbers to be added.
pub(super) enum Addends<'a> {
    Int64(&'a [i64]),
    Decimal128(&'a [i128]),
}

impl<'a> Addends<'a> {
    /// Returns the numbers of a column that a stage may have among its sums.
    pub(super) fn of(array: &'a ArrayRef) -> Self {
        match array.data_type() {
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values()),
            _ => Self::Decimal128(array.as_primitive::<Decimal128Type>().values()),
        }
    }
}

/// Adds stored rows to a table, or subtracts them, block by block.
pub struct Loader<'s> {
    sums: &'s mut Sums,
    sign: Sign,
    keys: Keys,
    /// The numbers of the rows that wait, row by row.
    numbers: Vec<(i128, i64)>,
}

impl Loader<'_> {
    /// Takes a [stored row](smelt_common::stored_row): its key and its numbers.
    ///
    /// # Errors
    /// Returns [`Kind::Damaged`] if the bytes are anything else.
    pub fn push(&mut self, key: &[u8], mut row: &[u8]) -> Result<()> {
        let malformed = || Error::new(Kind::Damaged, "stored sums are malformed");
        let (group, rest) = stored_row::split_key(key).ok_or_else(malformed)?;
        self.keys.push(group, |key| key.extend_from_slice(rest));
        for _ in 0..self.sums.width() {
            self.numbers.push(Wide::read(&mut row).and_then(Wide::parts).ok_or_else(malformed)?);
        }
        if !row.is_empty() {
            return Err(malformed());
        }
        if self.keys.len() as usize == BLOCK {
            self.flush();
        }
        Ok(())
    }

    /// Adds the rows that wait.
    pub fn finish(mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        let Self { sums, sign, keys, numbers } = self;
        let (width, to) = (sums.width(), sums.rows_of(keys.all()));
        for column in 0..width {
            sums.add_column(&to, column, numbers.iter().skip(column).step_by(width).map(|number| number.0), *sign);
        }
        for (at, &(_, carry)) in numbers.iter().enumerate().filter(|(_, number)| number.1 != 0) {
            let at_sum = to[at / width] as usize * width + at % width;
            sums.carry(at_sum, if *sign == Sign::Plus { carry } else { -carry });
        }
        keys.clear();
        numbers.clear();
    }
}
