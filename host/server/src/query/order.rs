//! Orders rows by the values of a column.

use std::cmp::Ordering;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::DataType;
use smelt_common::error::Result;

use crate::frame::{BLOCK_ROWS, Frame};

/// An order of rows: by a column, up or down. Missing values come last either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The index of the column.
    pub column: usize,
    /// Set if the greatest value comes first.
    pub descending: bool,
}

/// The values of a column by which rows are compared.
enum Keys {
    Small(Vec<Option<i64>>),
    Wide(Vec<Option<i128>>),
    Texts(Vec<ArrayRef>),
}

impl Keys {
    fn of(frame: &Frame, column: usize) -> Result<Self> {
        let chunks = (0..frame.blocks()).map(|block| frame.chunk(block, column)).collect::<Result<Vec<_>>>()?;
        let rows = frame.rows();
        fn small<T>(
            rows: usize,
            chunks: &[ArrayRef],
            value: impl Fn(&ArrayRef) -> T,
            at: impl Fn(&T, usize) -> i64,
        ) -> Keys {
            let mut values = Vec::with_capacity(rows);
            for chunk in chunks {
                let typed = value(chunk);
                values.extend((0..chunk.len()).map(|row| chunk.is_valid(row).then(|| at(&typed, row))));
            }
            Keys::Small(values)
        }
        Ok(match frame.schema().field(column).data_type() {
            DataType::Boolean => {
                small(rows, &chunks, |it| it.as_boolean().clone(), |values, row| i64::from(values.value(row)))
            }
            DataType::Int64 => {
                small(rows, &chunks, |it| it.as_primitive::<Int64Type>().clone(), |values, row| values.value(row))
            }
            DataType::Date32 => {
                let at = |values: &arrow_array::Date32Array, row| i64::from(values.value(row));
                small(rows, &chunks, |it| it.as_primitive::<Date32Type>().clone(), at)
            }
            DataType::Timestamp(..) => {
                let typed = |it: &ArrayRef| it.as_primitive::<TimestampMicrosecondType>().clone();
                small(rows, &chunks, typed, |values, row| values.value(row))
            }
            // As totalOrder of IEEE 754: the bits of a negative number are in reverse order.
            DataType::Float64 => {
                let at = |values: &arrow_array::Float64Array, row: usize| {
                    let bits = values.value(row).to_bits() as i64;
                    bits ^ (((bits >> 63) as u64) >> 1) as i64
                };
                small(rows, &chunks, |it| it.as_primitive::<Float64Type>().clone(), at)
            }
            DataType::Decimal128(..) => {
                let mut values = Vec::with_capacity(rows);
                for chunk in &chunks {
                    values.extend(chunk.as_primitive::<Decimal128Type>().iter());
                }
                Self::Wide(values)
            }
            _ => Self::Texts(chunks),
        })
    }

    fn compare(&self, one: u32, other: u32, descending: bool) -> Ordering {
        fn last<T: Ord>(one: Option<T>, other: Option<T>, descending: bool) -> Ordering {
            match (one, other) {
                (Some(one), Some(other)) if descending => other.cmp(&one),
                (Some(one), Some(other)) => one.cmp(&other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            }
        }
        let (a, b) = (one as usize, other as usize);
        match self {
            Self::Small(values) => last(values[a], values[b], descending),
            Self::Wide(values) => last(values[a], values[b], descending),
            Self::Texts(chunks) => {
                let text = |row: usize| {
                    let chunk = chunks[row / BLOCK_ROWS].as_string::<i32>();
                    let row = row % BLOCK_ROWS;
                    chunk.is_valid(row).then(|| chunk.value(row))
                };
                last(text(a), text(b), descending)
            }
        }
    }
}

/// Puts the first `most` of the rows into order, by the first column, then by the next. Rows that are equal stay as they are
/// in the table. The others are cut off.
pub(super) fn order(frame: &Frame, mut rows: Vec<u32>, by: &[Sort], most: usize) -> Result<Vec<u32>> {
    if by.is_empty() {
        rows.truncate(most);
        return Ok(rows);
    }
    let keys =
        by.iter().map(|sort| Ok((Keys::of(frame, sort.column)?, sort.descending))).collect::<Result<Vec<_>>>()?;
    let compare = |one: &u32, other: &u32| {
        let by_keys = keys.iter().map(|(keys, descending)| keys.compare(*one, *other, *descending));
        by_keys.fold(Ordering::Equal, Ordering::then).then(one.cmp(other))
    };
    if most < rows.len() {
        rows.select_nth_unstable_by(most, compare);
        rows.truncate(most);
    }
    rows.sort_unstable_by(compare);
    Ok(rows)
}
