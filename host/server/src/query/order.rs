//! Orders rows by the values of a column.

use std::cmp::Ordering;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::DataType;
use smelt_common::error::Result;

use crate::frame::{BLOCK_ROWS, Frame, ordered};

/// An order of rows: by a column, up or down. Missing values come last either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The index of the column.
    pub column: usize,
    /// Set if the greatest value comes first.
    pub descending: bool,
}

/// The values of a column by which rows are compared. They are in memory for all rows, so they are as small as they can be.
enum Keys {
    /// Numbers, and which of them are missing if any are.
    Small(Vec<i64>, Option<Vec<bool>>),
    /// Decimals of which some have more digits than that.
    Wide(Vec<Option<i128>>),
    Texts(Vec<ArrayRef>),
}

impl Keys {
    fn of(frame: &Frame, column: usize) -> Result<Self> {
        let (data_type, rows) = (frame.schema().field(column).data_type().clone(), frame.rows());
        if data_type == DataType::Utf8 {
            let chunks = (0..frame.blocks()).map(|block| frame.chunk(block, column));
            return Ok(Self::Texts(chunks.collect::<Result<_>>()?));
        }
        let mut values = Vec::with_capacity(rows);
        let mut missing: Option<Vec<bool>> = None;
        for block in 0..frame.blocks() {
            let chunk = frame.chunk(block, column)?;
            if chunk.null_count() > 0 || missing.is_some() {
                let missing = missing.get_or_insert_with(|| vec![false; values.len()]);
                missing.extend((0..chunk.len()).map(|row| chunk.is_null(row)));
            }
            if !push(&chunk, &data_type, &mut values) {
                return Self::wide(frame, column);
            }
        }
        Ok(Self::Small(values, missing))
    }

    fn wide(frame: &Frame, column: usize) -> Result<Self> {
        let mut values = Vec::with_capacity(frame.rows());
        for block in 0..frame.blocks() {
            values.extend(frame.chunk(block, column)?.as_primitive::<Decimal128Type>().iter());
        }
        Ok(Self::Wide(values))
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
            Self::Small(values, missing) => {
                let value = |row: usize| missing.as_ref().is_none_or(|missing| !missing[row]).then_some(values[row]);
                last(value(a), value(b), descending)
            }
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

/// Appends the values of a column as numbers in the same order. Returns false if some decimal has too many digits.
fn push(chunk: &ArrayRef, data_type: &DataType, values: &mut Vec<i64>) -> bool {
    match data_type {
        DataType::Boolean => values.extend(chunk.as_boolean().values().iter().map(i64::from)),
        DataType::Int64 => values.extend(chunk.as_primitive::<Int64Type>().values()),
        DataType::Date32 => values.extend(chunk.as_primitive::<Date32Type>().values().iter().copied().map(i64::from)),
        DataType::Timestamp(..) => values.extend(chunk.as_primitive::<TimestampMicrosecondType>().values()),
        // As totalOrder of IEEE 754: the bits of a negative number are in reverse order.
        DataType::Float64 => values.extend(chunk.as_primitive::<Float64Type>().values().iter().map(|value| {
            let bits = ordered(*value).to_bits() as i64;
            bits ^ (((bits >> 63) as u64) >> 1) as i64
        })),
        _ => {
            for (row, &value) in chunk.as_primitive::<Decimal128Type>().values().iter().enumerate() {
                match (i64::try_from(value), chunk.is_null(row)) {
                    (Ok(value), _) => values.push(value),
                    (Err(_), true) => values.push(0),
                    (Err(_), false) => return false,
                }
            }
        }
    }
    true
}

/// Puts the first `most` of the rows into order, by the first column, then by the next. Rows that are equal stay as they are
/// in the table. The others are cut off.
pub(super) fn order(frame: &Frame, mut rows: Vec<u32>, by: &[Sort], most: usize) -> Result<Vec<u32>> {
    if by.is_empty() {
        rows.truncate(most);
        rows.shrink_to_fit();
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
        // The answer may be kept, and is to take no more memory than its rows.
        rows.shrink_to_fit();
    }
    rows.sort_unstable_by(compare);
    Ok(rows)
}
