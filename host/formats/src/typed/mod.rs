//! The canonical CSV of typed tables: what `encode_csv` writes, `decode_csv_typed` reads back to equal values, and
//! nothing else.
//!
//! A line a row, LF; a null is an empty cell. Text that is empty is `""` in a nullable column and an empty cell in
//! another; a cell is quoted if it holds a comma, a quote or a line end, or begins or ends with a blank. `YYYY-MM-DD`,
//! `YYYY-MM-DDTHH:MM:SSZ` with six decimals unless they are zero, years 0000 to 9999; decimals with as many digits as
//! their scale; the shortest floats that read back equal, `NaN`, `inf`; `true`, `false`.
//!
//! A table of one column has no blank lines, which other readers skip, as long as they can be told from values: there
//! `""` is a null, or the empty text if there are no nulls. Only in a nullable text column, where `""` is taken, is a
//! null a blank line.

mod builder;
mod calendar;
mod decode;
mod encode;
mod error;
mod number;
mod parse;
mod range;

#[cfg(test)]
mod tests;

pub use self::decode::decode_csv_typed;
pub use self::encode::{Formulas, encode_csv, encode_csv_header};
pub use self::error::TypedError;
pub use self::range::check_range;

use arrow_schema::{DataType, Field, TimeUnit};

/// The types a typed table may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Date,
    Timestamp,
    Decimal { precision: u8, scale: u8 },
}

impl Kind {
    fn of(field: &Field) -> Result<Self, TypedError> {
        Ok(match field.data_type() {
            DataType::Boolean => Self::Bool,
            DataType::Int64 => Self::Int,
            DataType::Float64 => Self::Float,
            DataType::Utf8 => Self::Text,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => Self::Timestamp,
            &DataType::Decimal128(precision, scale @ 0..) if scale as u8 <= precision => {
                Self::Decimal { precision, scale: scale as u8 }
            }
            other => {
                return Err(TypedError::Unsupported { column: field.name().clone(), data_type: other.to_string() });
            }
        })
    }

    /// Which values of this type can be written, for messages.
    fn range(self) -> &'static str {
        match self {
            Self::Date | Self::Timestamp => "a year from 0000 to 9999",
            _ => "no more digits than the column's precision",
        }
    }

    /// What a cell of this type looks like, for messages.
    fn expected(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a 64-bit integer",
            Self::Float => "a number, NaN or inf",
            Self::Text => "text",
            Self::Date => "a date like 2025-11-13",
            Self::Timestamp => "a timestamp like 2025-11-13T10:35:00Z",
            Self::Decimal { .. } => "a decimal of the column's precision and scale",
        }
    }
}
