//! A KPI's table of sums: rows told apart by their keys, added and subtracted exactly.

mod number;
mod sorted;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher as _;
use std::sync::OnceLock;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

pub(crate) use sorted::{Group, Sorted};

use crate::Error;
use crate::error::{Kind, Result};
use crate::ordered::Column;
use crate::wasm::{StageSpec, schema_text};

/// Seeded anew in each process, so that no one can choose keys that collide. Nothing that is kept depends on it.
fn hasher() -> &'static DefaultHashBuilder {
    static HASHER: OnceLock<DefaultHashBuilder> = OnceLock::new();
    HASHER.get_or_init(DefaultHashBuilder::default)
}

/// The table of sums of one stage. A row whose sums are all zero does not exist, whatever was added to get there.
pub struct Sums {
    stage: StageSpec,
    /// The keys, one after the other, as bytes that compare as the keys do.
    bytes: Vec<u8>,
    /// Those that came to zero too.
    rows: Vec<Row>,
    /// Those of each row, one after the other.
    sums: Vec<i128>,
    table: HashTable<u32>,
}

struct Row {
    /// Of the key, so that tables grow and are added up without reading keys again.
    hash: u64,
    start: usize,
    key_bytes: u32,
    /// How many of them are the group's.
    group_bytes: u32,
}

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
        Self { stage: stage.clone(), bytes: vec![], rows: vec![], sums: vec![], table: HashTable::new() }
    }

    /// Adds or subtracts rows of the stage's schema, in any order; keys may repeat.
    pub fn add(&mut self, batch: &RecordBatch, sign: Sign) -> Result<()> {
        let (keys, sums) = batch.columns().split_at(self.stage.keys);
        let keys: Vec<_> = keys.iter().map(|array| Column::of(array)).collect();
        let (group, rest) = keys.split_at(self.group_columns());
        let addends: Vec<_> = sums.iter().map(|array| Addends::of(array)).collect();
        let mut key = Vec::new();
        for row in 0..batch.num_rows() {
            key.clear();
            group.iter().for_each(|column| column.encode(row, &mut key));
            let group_bytes = key.len();
            rest.iter().for_each(|column| column.encode(row, &mut key));
            let at = self.find(hasher().hash_one(key.as_slice()), &key, group_bytes);
            for (column, addends) in addends.iter().enumerate() {
                self.add_to(at, column, addends.get(row), sign)?;
            }
        }
        Ok(())
    }

    /// Adds or subtracts another table of the same stage.
    pub fn add_all(&mut self, other: &Self, sign: Sign) -> Result<()> {
        for (from, row) in other.rows.iter().enumerate() {
            let at = self.find(row.hash, other.key(row), row.group_bytes as usize);
            for (column, &addend) in other.sums_of(from).iter().enumerate() {
                self.add_to(at, column, addend, sign)?;
            }
        }
        Ok(())
    }

    /// Adds or subtracts the rows of a group, as [`Group::write`] wrote them.
    pub fn load(&mut self, group: &[u8], mut rows: &[u8], sign: Sign) -> Result<()> {
        let malformed = || Error::new(Kind::Damaged, "stored sums are malformed");
        let mut key = group.to_vec();
        while !rows.is_empty() {
            let rest = usize::try_from(number::read(&mut rows).ok_or_else(malformed)?).map_err(|_| malformed())?;
            let (rest, after) = rows.split_at_checked(rest).ok_or_else(malformed)?;
            rows = after;
            key.truncate(group.len());
            key.extend_from_slice(rest);
            let at = self.find(hasher().hash_one(key.as_slice()), &key, group.len());
            for column in 0..self.width() {
                let addend = number::unfold(number::read(&mut rows).ok_or_else(malformed)?);
                self.add_to(at, column, addend, sign)?;
            }
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        (0..self.rows.len()).filter(|&at| self.exists(at)).count()
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

    fn key(&self, row: &Row) -> &[u8] {
        &self.bytes[row.start..][..row.key_bytes as usize]
    }

    fn sums_of(&self, at: usize) -> &[i128] {
        &self.sums[at * self.width()..][..self.width()]
    }

    fn exists(&self, at: usize) -> bool {
        self.sums_of(at).iter().any(|&sum| sum != 0)
    }

    /// The row of that key; made if there is none.
    #[inline]
    fn find(&mut self, hash: u64, key: &[u8], group_bytes: usize) -> usize {
        let width = self.width();
        let Self { bytes, rows, sums, table, .. } = self;
        let is_key = |&at: &u32| {
            let row: &Row = &rows[at as usize];
            row.hash == hash && bytes[row.start..][..row.key_bytes as usize] == *key
        };
        match table.entry(hash, is_key, |&at| rows[at as usize].hash) {
            Entry::Occupied(found) => *found.get() as usize,
            Entry::Vacant(vacant) => {
                let at = rows.len();
                vacant.insert(at as u32);
                let (key_bytes, group_bytes) = (key.len() as u32, group_bytes as u32);
                rows.push(Row { hash, start: bytes.len(), key_bytes, group_bytes });
                bytes.extend_from_slice(key);
                sums.resize(sums.len() + width, 0);
                at
            }
        }
    }

    #[inline]
    fn add_to(&mut self, at: usize, column: usize, addend: i128, sign: Sign) -> Result<()> {
        let at = at * self.width() + column;
        let sum = match sign {
            Sign::Plus => self.sums[at].checked_add(addend),
            Sign::Minus => self.sums[at].checked_sub(addend),
        };
        self.sums[at] = sum.ok_or_else(|| self.too_large(column))?;
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

    #[inline]
    fn get(&self, row: usize) -> i128 {
        match self {
            Self::Int64(values) => values[row].into(),
            Self::Decimal128(values) => values[row],
        }
    }
}
