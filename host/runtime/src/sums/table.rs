//! Adds rows to a table of sums, and subtracts them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::{DataType, Schema};

use super::index::{Index, KeySlice, Keys};
use super::number;
use crate::{StageSpec, schema_text};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

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
    /// The least and the greatest sum that each column can hold.
    limits: Vec<(i128, i128)>,
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

    /// Adds or subtracts the rows of a group, as [`Group::write`](super::Group::write) wrote them.
    ///
    /// # Errors
    /// Returns [`Kind::Damaged`] if the bytes are anything else.
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
        self.add_sums(&block, &sums, sign);
        Ok(())
    }

    /// Adds or subtracts rows of which all sums are given, row by row.
    pub(super) fn add_sums(&mut self, keys: &Keys, sums: &[i128], sign: Sign) {
        let (width, to) = (self.width(), self.rows_of(keys.all()));
        for column in 0..width {
            self.add_column(&to, column, sums.iter().skip(column).step_by(width).copied(), sign);
        }
    }

    /// Returns a sum of the row, whether it fits its column or not; `None` if it is beyond 128 bits.
    pub(super) fn exact(&self, at: u32, column: usize) -> Option<i128> {
        (!self.carried(at, column)).then(|| self.sums_of(at)[column])
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
        let (sum, (least, greatest)) = (self.sums_of(at)[column], self.limits[column]);
        if least <= sum && sum <= greatest && !self.carried(at, column) { Ok(sum) } else { Err(self.too_large(column)) }
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

    #[cold]
    fn too_large(&self, column: usize) -> Error {
        let field = self.stage.schema.field(self.stage.keys + column).clone();
        Error::plugin(format!("a sum is too large for column `{}`", schema_text(&Schema::new(vec![field]))))
    }
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
