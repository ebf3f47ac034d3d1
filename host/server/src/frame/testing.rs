//! Tables for tests: random ones, as rows of cells and as frames.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;
use smelt_formats::typed_column;

use super::{Cell, Frame, NewFrame};

/// The types of columns, as the catalog writes them.
pub(crate) const TYPES: [&str; 9] = [
    "boolean?",
    "int64?",
    "float64?",
    "utf8?",
    "date32?",
    "timestamp?",
    "decimal128(9,2)?",
    "decimal128(38,0)?",
    "decimal128(38,38)?",
];

/// A table as its rows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) schema: SchemaRef,
    pub(crate) key: Vec<usize>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// Numbers that look random, and are the same in each run (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn one_of<T: Clone>(&mut self, some: &[T]) -> T {
        some[self.next() as usize % some.len()].clone()
    }
}

pub(crate) const TEXTS: [&str; 20] = [
    "", "a", "A", "ab", "AB", " b", "é", "É", "ΟΔΟΣ", "οδος", "ß", "İ", "\u{212a}", "=1+1", "'=x", "\0", "a\nb", "\"",
    "1", "<b>",
];

/// Returns a value of that type: often one that others have too, or one at an end of the range.
pub(crate) fn random_cell(data_type: &DataType, numbers: &mut Numbers) -> Cell {
    if numbers.next().is_multiple_of(6) {
        return Cell::Missing;
    }
    let small = (numbers.next() % 7) as i64 - 3;
    let is_small = !numbers.next().is_multiple_of(4);
    let any = numbers.next();
    match data_type {
        DataType::Boolean => Cell::Boolean(any.is_multiple_of(2)),
        DataType::Int64 if is_small => Cell::Int(small),
        DataType::Int64 => Cell::Int(numbers.one_of(&[i64::MIN, i64::MAX, i64::MAX - 1, any as i64])),
        DataType::Float64 if is_small => Cell::Float(small as f64 / 2.0),
        DataType::Float64 => {
            let some =
                [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, 5e-324, f64::from_bits(any)];
            Cell::Float(numbers.one_of(&some))
        }
        DataType::Date32 if is_small => Cell::Date(small as i32 + 19_000),
        // From the year 0000 to 9999, as smelt has it.
        DataType::Date32 => Cell::Date(numbers.one_of(&[-719_528, 2_932_896, (any % 50_000) as i32])),
        DataType::Timestamp(..) => {
            const DAY: i64 = 86_400_000_000;
            let within = numbers.one_of(&[0, 1, 500_000, DAY - 1, (any % DAY as u64) as i64]);
            let day =
                if is_small { small + 19_000 } else { numbers.one_of(&[-719_528, 2_932_896, (any % 50_000) as i64]) };
            Cell::Timestamp(day * DAY + within)
        }
        &DataType::Decimal128(precision, scale) => {
            let most = 10_i128.pow(u32::from(precision)) - 1;
            let far = numbers.one_of(&[most, -most, most - 1, i128::from(any as i64) % most]);
            Cell::Decimal(if is_small { i128::from(small * 50).min(most) } else { far }, scale.unsigned_abs())
        }
        _ => Cell::Text(numbers.one_of(&TEXTS).to_owned()),
    }
}

impl Table {
    /// Returns a table of columns of those types, called `c0`, `c1` and so on.
    pub(crate) fn random(seed: u64, rows: usize, types: &[&str]) -> Self {
        let field = |(at, kind): (usize, &&str)| typed_column(&format!("c{at}"), kind).expect("a type");
        Self::of(seed, rows, types.iter().enumerate().map(field).collect())
    }

    /// Returns a table of these columns.
    pub(crate) fn of(seed: u64, rows: usize, fields: Vec<Field>) -> Self {
        let (schema, mut numbers) = (Arc::new(Schema::new(fields)), Numbers(seed));
        let row = |numbers: &mut Numbers| {
            schema.fields().iter().map(|field| random_cell(field.data_type(), numbers)).collect::<Vec<_>>()
        };
        let rows = (0..rows).map(|_| row(&mut numbers)).collect();
        Self { schema, key: vec![], rows }
    }

    /// Returns the rows of that range as a batch.
    pub(crate) fn batch(&self, rows: std::ops::Range<usize>) -> RecordBatch {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let column = |(at, field): (usize, &Arc<Field>)| {
            let cells: Vec<_> = self.rows[rows.clone()].iter().map(|row| &row[at]).collect();
            array(field.data_type(), &cells)
        };
        let columns = self.schema.fields().iter().enumerate().map(column).collect();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).expect("its columns")
    }

    /// Returns the table as a frame that is made of batches of these lengths, over and over.
    pub(crate) fn frame(&self, lengths: &[usize]) -> Frame {
        let mut frame = NewFrame::begin(Arc::clone(&self.schema)).expect("a temporary file");
        let (mut at, mut lengths) = (0, lengths.iter().cycle());
        while at < self.rows.len() {
            let end = self.rows.len().min(at + lengths.next().copied().unwrap_or(usize::MAX).max(1));
            frame.push(&self.batch(at..end)).expect("a push");
            at = end;
        }
        frame.finish(self.key.clone()).expect("a frame")
    }
}

fn array(data_type: &DataType, cells: &[&Cell]) -> ArrayRef {
    fn primitive<T: ArrowPrimitiveType>(
        data_type: &DataType,
        values: impl Iterator<Item = Option<T::Native>>,
    ) -> ArrayRef {
        Arc::new(values.collect::<PrimitiveArray<T>>().with_data_type(data_type.clone()))
    }
    macro_rules! values {
        ($($cell:pat => $value:expr),+) => { cells.iter().map(|it| match it { $($cell => Some($value),)+ _ => None }) };
    }
    match data_type {
        DataType::Boolean => {
            let mut builder = BooleanBuilder::new();
            values!(Cell::Boolean(value) => *value).for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        DataType::Int64 => primitive::<Int64Type>(data_type, values!(Cell::Int(value) => *value)),
        DataType::Float64 => primitive::<Float64Type>(data_type, values!(Cell::Float(value) => *value)),
        DataType::Date32 => primitive::<Date32Type>(data_type, values!(Cell::Date(value) => *value)),
        DataType::Timestamp(..) => {
            primitive::<TimestampMicrosecondType>(data_type, values!(Cell::Timestamp(value) => *value))
        }
        DataType::Decimal128(..) => primitive::<Decimal128Type>(data_type, values!(Cell::Decimal(value, _) => *value)),
        _ => {
            let mut builder = StringBuilder::new();
            values!(Cell::Text(value) => value.as_str()).for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
    }
}

/// Returns whether two values are the same to the last bit.
pub(crate) fn is_same(one: &Cell, other: &Cell) -> bool {
    match (one, other) {
        (Cell::Float(one), Cell::Float(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    }
}

/// Returns random types of 1 to `most` columns.
pub(crate) fn types(most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(&TYPES[..]), 1..=most)
}
