//! Encodes values as bytes that compare as the values do, and decodes them.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};

/// A column whose values are to be encoded.
pub struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Boolean(&'a BooleanArray),
    Bits32(&'a [i32]),
    Bits64(&'a [i64]),
    Bits128(&'a [i128]),
    Float(&'a [f64]),
    Text(&'a StringArray),
}

impl<'a> Column<'a> {
    /// Returns the column of an array.
    ///
    /// # Panics
    /// Panics if the contract does not have the array's type.
    pub fn of(array: &'a dyn Array) -> Self {
        let values = match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean()),
            DataType::Int64 => Values::Bits64(array.as_primitive::<Int64Type>().values()),
            DataType::Date32 => Values::Bits32(array.as_primitive::<Date32Type>().values()),
            DataType::Timestamp(..) => Values::Bits64(array.as_primitive::<TimestampMicrosecondType>().values()),
            DataType::Decimal128(..) => Values::Bits128(array.as_primitive::<Decimal128Type>().values()),
            DataType::Float64 => Values::Float(array.as_primitive::<Float64Type>().values()),
            _ => Values::Text(array.as_string()),
        };
        Self { nulls: array.nulls(), values }
    }

    /// Appends the row's value. The bytes of no value are the beginning of another's, so the columns of a row may
    /// follow each other. A missing value is less than any other. -0 counts as 0, and NaN is one value, the greatest.
    #[inline]
    pub fn encode(&self, row: usize, out: &mut Vec<u8>) {
        let is_valid = self.nulls.is_none_or(|nulls| nulls.is_valid(row));
        out.push(u8::from(is_valid));
        if !is_valid {
            return;
        }
        match &self.values {
            Values::Boolean(array) => out.push(u8::from(array.value(row))),
            Values::Bits32(values) => out.extend_from_slice(&(values[row] ^ i32::MIN).to_be_bytes()),
            Values::Bits64(values) => out.extend_from_slice(&(values[row] ^ i64::MIN).to_be_bytes()),
            Values::Bits128(values) => out.extend_from_slice(&(values[row] ^ i128::MIN).to_be_bytes()),
            Values::Float(values) => {
                // As totalOrder of IEEE 754: a negative number has all its bits flipped, a positive one its sign bit.
                let value = if values[row].is_nan() { f64::NAN } else { values[row] + 0.0 };
                let bits = value.to_bits();
                out.extend_from_slice(&(if value.is_sign_negative() { !bits } else { bits ^ 1 << 63 }).to_be_bytes());
            }
            Values::Text(array) => text(out, array.value(row).as_bytes()),
        }
    }
}

/// Appends a text. Its end is 0 0, which sorts before any further character; a zero inside is written as 0 1.
#[inline]
fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(zero) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..=zero]);
        out.push(1);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 0]);
}

/// Decodes rows into columns.
pub struct Decoder {
    builders: Vec<Builder>,
    /// Working memory for a text without its escapes.
    text: Vec<u8>,
}

enum Builder {
    Boolean(BooleanBuilder),
    Int64(PrimitiveBuilder<Int64Type>),
    Date32(PrimitiveBuilder<Date32Type>),
    Timestamp(PrimitiveBuilder<TimestampMicrosecondType>),
    Decimal128(PrimitiveBuilder<Decimal128Type>),
    Float64(PrimitiveBuilder<Float64Type>),
    Text(StringBuilder),
}

impl Decoder {
    /// Returns a decoder of those columns, with room for `rows` rows.
    pub fn new<'f>(fields: impl IntoIterator<Item = &'f Arc<Field>>, rows: usize) -> Self {
        Self { builders: fields.into_iter().map(|field| Builder::new(field.data_type(), rows)).collect(), text: vec![] }
    }

    /// Adds one row. Returns `None` if encoding these columns cannot give such bytes.
    #[inline]
    pub fn push(&mut self, row: &[u8]) -> Option<()> {
        let Self { builders, text } = self;
        let rest = builders.iter_mut().try_fold(row, |rest, builder| builder.push(rest, text))?;
        rest.is_empty().then_some(())
    }

    /// Returns the columns.
    pub fn finish(self) -> Vec<ArrayRef> {
        self.builders.into_iter().map(Builder::finish).collect()
    }
}

impl Builder {
    fn new(data_type: &DataType, rows: usize) -> Self {
        fn builder<T: ArrowPrimitiveType>(data_type: &DataType, rows: usize) -> PrimitiveBuilder<T> {
            PrimitiveBuilder::with_capacity(rows).with_data_type(data_type.clone())
        }
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            DataType::Int64 => Self::Int64(builder(data_type, rows)),
            DataType::Date32 => Self::Date32(builder(data_type, rows)),
            DataType::Timestamp(..) => Self::Timestamp(builder(data_type, rows)),
            DataType::Decimal128(..) => Self::Decimal128(builder(data_type, rows)),
            DataType::Float64 => Self::Float64(builder(data_type, rows)),
            _ => Self::Text(StringBuilder::with_capacity(rows, rows * 8)),
        }
    }

    /// Adds the first value of the bytes. Returns the bytes after it.
    #[inline]
    fn push<'b>(&mut self, bytes: &'b [u8], text: &mut Vec<u8>) -> Option<&'b [u8]> {
        macro_rules! bits {
            ($builder:expr, $number:ty) => {{
                let (bits, rest) = bytes[1..].split_first_chunk()?;
                $builder.append_value(<$number>::from_be_bytes(*bits) ^ <$number>::MIN);
                Some(rest)
            }};
        }
        match (bytes.first()?, self) {
            (0, builder) => {
                builder.push_null();
                Some(&bytes[1..])
            }
            (1, Self::Boolean(builder)) => {
                builder.append_value(*bytes.get(1)? == 1);
                Some(&bytes[2..])
            }
            (1, Self::Int64(builder)) => bits!(builder, i64),
            (1, Self::Date32(builder)) => bits!(builder, i32),
            (1, Self::Timestamp(builder)) => bits!(builder, i64),
            (1, Self::Decimal128(builder)) => bits!(builder, i128),
            (1, Self::Float64(builder)) => {
                let (bits, rest) = bytes[1..].split_first_chunk()?;
                let bits = u64::from_be_bytes(*bits);
                builder.append_value(f64::from_bits(if bits >> 63 == 1 { bits ^ 1 << 63 } else { !bits }));
                Some(rest)
            }
            (1, Self::Text(builder)) => {
                let mut rest = &bytes[1..];
                text.clear();
                loop {
                    let zero = memchr::memchr(0, rest)?;
                    let (part, mark) = rest.split_at(zero);
                    rest = mark.get(2..)?;
                    match (mark[1], text.is_empty()) {
                        (0, true) => builder.append_value(str::from_utf8(part).ok()?),
                        (0, false) => {
                            text.extend_from_slice(part);
                            builder.append_value(str::from_utf8(text).ok()?);
                        }
                        (1, _) => {
                            text.extend_from_slice(part);
                            text.push(0);
                            continue;
                        }
                        _ => return None,
                    }
                    return Some(rest);
                }
            }
            _ => None,
        }
    }

    fn push_null(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Date32(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
            Self::Decimal128(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Int64(mut builder) => Arc::new(builder.finish()),
            Self::Date32(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
            Self::Decimal128(mut builder) => Arc::new(builder.finish()),
            Self::Float64(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
        }
    }
}
