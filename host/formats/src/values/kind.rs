//! The types that a typed table may have.

use arrow_schema::{DataType, Field, TimeUnit};

use super::error::TypedError;

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Date,
    Timestamp,
    Decimal { precision: u8, scale: u8 },
}

impl Kind {
    pub(crate) fn of(field: &Field) -> Result<Self, TypedError> {
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

    /// Describes the values of this type that can be written, for messages.
    pub(crate) fn range(self) -> &'static str {
        match self {
            Self::Date | Self::Timestamp => "a year from 0000 to 9999",
            _ => "no more digits than the column's precision",
        }
    }

    /// Describes a cell of this type, for messages.
    pub(crate) fn expected(self) -> &'static str {
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
