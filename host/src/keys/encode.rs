//! The key of a row, and what rows of one key are compared by, as bytes that compare as the values do.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, BooleanArray, RecordBatch, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use crate::wasm::{CleanerSpec, Preference};

/// Encodes the rows of a batch.
pub(super) struct Encoder<'b> {
    key: Vec<Column<'b>>,
    /// Each with whether the least value wins.
    order: Vec<(Column<'b>, bool)>,
}

impl<'b> Encoder<'b> {
    pub(super) fn new(batch: &'b RecordBatch, spec: &CleanerSpec) -> Self {
        let column = |at: usize| Column::new(batch.column(at).as_ref());
        let least = |prefer| matches!(prefer, Preference::Least);
        Self {
            key: spec.key.iter().map(|&at| column(at)).collect(),
            order: spec.order_by.iter().map(|by| (column(by.column), least(by.prefer))).collect(),
        }
    }

    /// Appends the row's key and its order. Returns where the order begins.
    pub(super) fn encode(&self, row: usize, out: &mut Vec<u8>) -> usize {
        self.key.iter().for_each(|column| column.encode(row, out));
        let middle = out.len();
        for (column, least) in &self.order {
            let from = out.len();
            column.encode(row, out);
            if *least {
                out[from..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
        middle
    }
}

/// A column whose type is known before its rows are gone through.
struct Column<'b> {
    nulls: Option<&'b NullBuffer>,
    values: Values<'b>,
}

enum Values<'b> {
    Boolean(&'b BooleanArray),
    Days(&'b [i32]),
    /// Integers, and timestamps in microseconds.
    Integers(&'b [i64]),
    Decimals(&'b [i128]),
    Floats(&'b [f64]),
    Texts(&'b StringArray),
}

impl<'b> Column<'b> {
    fn new(array: &'b dyn Array) -> Self {
        let values = match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean()),
            DataType::Int64 => Values::Integers(array.as_primitive::<Int64Type>().values()),
            DataType::Date32 => Values::Days(array.as_primitive::<Date32Type>().values()),
            DataType::Timestamp(..) => Values::Integers(array.as_primitive::<TimestampMicrosecondType>().values()),
            DataType::Decimal128(..) => Values::Decimals(array.as_primitive::<Decimal128Type>().values()),
            DataType::Float64 => Values::Floats(array.as_primitive::<Float64Type>().values()),
            _ => Values::Texts(array.as_string()),
        };
        Self { nulls: array.nulls(), values }
    }

    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        // A missing value is less than any other.
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return out.push(0);
        }
        match self.values {
            Values::Boolean(array) => out.extend_from_slice(&[1, u8::from(array.value(row))]),
            Values::Days(values) => signed(out, values[row].to_be_bytes()),
            Values::Integers(values) => signed(out, values[row].to_be_bytes()),
            Values::Decimals(values) => signed(out, values[row].to_be_bytes()),
            Values::Floats(values) => {
                // IEEE 754 totalOrder: the sign bit set flips all, the sign bit clear flips itself. -0 counts as 0.
                let value = values[row] + 0.0;
                let bits = value.to_bits();
                out.push(1);
                out.extend_from_slice(&(if value.is_sign_negative() { !bits } else { bits ^ 1 << 63 }).to_be_bytes());
            }
            Values::Texts(array) => text(out, array.value(row).as_bytes()),
        }
    }
}

/// The end mark 0 0 sorts before any continuation; a zero inside is written as 0 1.
fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(1);
    let mut rest = bytes;
    while let Some(zero) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..=zero]);
        out.push(1);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 0]);
}

/// Two's complement, big-endian, with the sign bit flipped, compares as the number does.
fn signed<const N: usize>(out: &mut Vec<u8>, mut bytes: [u8; N]) {
    bytes[0] ^= 0x80;
    out.push(1);
    out.extend_from_slice(&bytes);
}
