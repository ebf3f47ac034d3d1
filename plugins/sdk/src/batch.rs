//! Reads rows: a batch of typed, nullable columns, borrowed from the bytes that the host sent.

use std::ops::Range;

use crate::bindings::types::{DataType, DecimalType};
use crate::ipc::{Column, read};
use crate::{Date, Decimal, Fault, Result, Timestamp};

/// Rows that the host sends, in the columns that the plugin declared.
///
/// A method for each type gives a view of a column, and the view gives the value of a row:
///
/// ```
/// # use smelt_sdk::{Batch, Money, Result};
/// fn revenue_on_the_web(orders: &Batch) -> Result<Money> {
///     let (channels, amounts) = (orders.text("channel")?, orders.decimals("total_amount")?);
///     Ok(orders.rows().filter(|&row| channels.get(row) == Some("web")).map(|row| amounts.value(row)).sum())
/// }
/// ```
pub struct Batch<'a> {
    rows: usize,
    columns: Vec<Column<'a>>,
}

impl<'a> Batch<'a> {
    pub(crate) fn read(stream: &'a [u8]) -> Result<Self> {
        read(stream).map(|(rows, columns)| Self { rows, columns })
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns whether the batch has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns the index of each row.
    pub fn rows(&self) -> Range<usize> {
        0..self.rows
    }

    /// Returns the ranges of consecutive rows that agree in these columns. In rows that are sorted by these columns,
    /// each range is a group.
    ///
    /// # Errors
    /// Fails if the batch lacks one of the columns.
    pub fn groups<const N: usize>(&self, columns: [&str; N]) -> Result<Vec<Range<usize>>> {
        let columns = columns.map(|name| self.named(name));
        let columns = columns.into_iter().collect::<Result<Vec<_>>>()?;
        let mut groups = Vec::new();
        let mut start = 0;
        for row in 1..=self.rows {
            if row == self.rows || columns.iter().any(|column| column.bytes(row) != column.bytes(start)) {
                groups.push(start..row);
                start = row;
            }
        }
        Ok(groups)
    }

    /// Returns the values of an integer or decimal column in units of the last place, for a decimal of any scale.
    pub(crate) fn units(&self, name: &str) -> Result<Vec<Option<i128>>> {
        let column = self.named(name)?;
        let value: fn(&[u8]) -> Option<i128> = match &column.data_type {
            DataType::Int64 => |bytes| Some(i64::from_le_bytes(*bytes.first_chunk()?).into()),
            DataType::Decimal128(_) => |bytes| Some(i128::from_le_bytes(*bytes.first_chunk()?)),
            other => return Err(Fault::invalid_input(format!("column `{name}` is {other:?}, not a sum"))),
        };
        Ok(self.rows().map(|row| column.bytes(row).and_then(value)).collect())
    }

    /// Finds the column of that name, of whatever type.
    fn named(&self, name: &str) -> Result<&Column<'a>> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let known: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
            Fault::invalid_input(format!("no column `{name}`; the batch has {}", known.join(", ")))
        })
    }

    /// Finds the column of that name, and checks that it has that type.
    pub(crate) fn column(&self, name: &str, wanted: &DataType) -> Result<&Column<'a>> {
        let column = self.named(name)?;
        let same = match (&column.data_type, wanted) {
            (DataType::Decimal128(is), DataType::Decimal128(wanted)) => is.scale == wanted.scale,
            (is, wanted) => std::mem::discriminant(is) == std::mem::discriminant(wanted),
        };
        match same {
            true => Ok(column),
            false => Err(Fault::invalid_input(format!("column `{name}` is {:?}, not {wanted:?}", column.data_type))),
        }
    }
}

impl<'a> Column<'a> {
    /// Returns the row's value, if it has one, in the bytes of the format. For a boolean it is one byte, 0 or 1.
    /// Equal values have equal bytes.
    pub(crate) fn bytes(&self, row: usize) -> Option<&'a [u8]> {
        if self.validity.is_some_and(|bits| !bit(bits, row)) {
            return None;
        }
        let width = match self.data_type {
            DataType::Boolean => return Some(if bit(self.values, row) { &[1] } else { &[0] }),
            DataType::Utf8 => {
                let offset = |row| u32::from_le_bytes(fixed(self.offsets, row)) as usize;
                return Some(&self.values[offset(row)..offset(row + 1)]);
            }
            DataType::Date32 => 4,
            DataType::Int64 | DataType::Float64 | DataType::Timestamp => 8,
            DataType::Decimal128(_) => 16,
        };
        Some(&self.values[row * width..][..width])
    }
}

#[inline]
fn bit(bits: &[u8], row: usize) -> bool {
    bits[row / 8] >> (row % 8) & 1 == 1
}

/// The buffers that a view of a column reads.
#[derive(Clone, Copy)]
struct Cells<'a> {
    validity: Option<&'a [u8]>,
    offsets: &'a [u8],
    values: &'a [u8],
}

macro_rules! view {
    ($(#[$doc:meta])* $view:ident $([$scale:ident])?, $accessor:ident, $data_type:expr, $value:ty, $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $view<'a $(, const $scale: u8)?>(Cells<'a>);

        impl<'a> Batch<'a> {
            #[doc = concat!("Returns a view of the [`", stringify!($view), "`] column of that name.")]
            ///
            /// # Errors
            /// Fails if the batch has no column of that name and type.
            pub fn $accessor $(<const $scale: u8>)? (&self, name: &str) -> Result<$view<'a $(, $scale)?>> {
                let Column { validity, offsets, values, .. } = *self.column(name, &$data_type)?;
                Ok($view(Cells { validity, offsets, values }))
            }
        }

        impl<'a $(, const $scale: u8)?> $view<'a $(, $scale)?> {
            /// Returns the row's value, if it has one.
            #[inline]
            pub fn get(&self, row: usize) -> Option<$value> {
                match self.0.validity {
                    Some(bits) if !bit(bits, row) => None,
                    _ => Some(self.value(row)),
                }
            }

            /// Returns the row's value in a column that is not declared nullable. Where a value is missing, the result
            /// is arbitrary: read nullable columns with `get`.
            #[inline]
            pub fn value(&self, row: usize) -> $value {
                let read: fn(&Cells<'a>, usize) -> $value = $read;
                read(&self.0, row)
            }
        }
    };
}

#[inline]
fn fixed<const N: usize>(values: &[u8], row: usize) -> [u8; N] {
    values[row * N..].first_chunk().copied().expect("`read` checked the length")
}

view!(
    /// A column of text.
    Text, text, DataType::Utf8, &'a str, |column, row| {
        let offsets = &column.offsets[row * 4..row * 4 + 8];
        let start = u32::from_le_bytes(offsets[..4].try_into().expect("four bytes")) as usize;
        let end = u32::from_le_bytes(offsets[4..].try_into().expect("four bytes")) as usize;
        // SAFETY: the contract says that text is valid UTF-8. The host could write anything anywhere in this
        // component's memory, so the SDK trusts it to keep the contract. Another validation would cost a pass over
        // every byte.
        unsafe { std::str::from_utf8_unchecked(&column.values[start..end]) }
    }
);
view!(
    /// A column of booleans.
    Booleans, booleans, DataType::Boolean, bool, |column, row| bit(column.values, row)
);
view!(
    /// A column of 64-bit integers.
    Integers, integers, DataType::Int64, i64, |column, row| i64::from_le_bytes(fixed(column.values, row))
);
view!(
    /// A column of 64-bit floats.
    Floats, floats, DataType::Float64, f64, |column, row| f64::from_le_bytes(fixed(column.values, row))
);
view!(
    /// A column of calendar dates.
    Dates, dates, DataType::Date32, Date, |column, row| Date(i32::from_le_bytes(fixed(column.values, row)))
);
view!(
    /// A column of instants.
    Timestamps, timestamps, DataType::Timestamp, Timestamp,
    |column, row| Timestamp(i64::from_le_bytes(fixed(column.values, row)))
);
view!(
    /// A column of exact decimals with `SCALE` places.
    Decimals [SCALE], decimals, DataType::Decimal128(DecimalType { precision: 38, scale: SCALE }), Decimal<SCALE>,
    |column, row| Decimal::from_units(i128::from_le_bytes(fixed(column.values, row)))
);

impl<'a> Text<'a> {
    /// Returns the row's text without the white space around it, if anything remains.
    #[inline(always)]
    pub fn trimmed(&self, row: usize) -> Option<&'a str> {
        let text = self.get(row)?;
        match text.as_bytes() {
            // Nearly all texts begin and end with visible ASCII, so there is nothing to trim.
            [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => Some(text),
            _ => trim(text),
        }
    }
}

#[inline(never)]
fn trim(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}
