//! The types that a typed table may have.

use std::sync::Arc;

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

/// Returns a column's type as messages and the catalog have it, such as `decimal128(18,2)`. A `?` at its end says that
/// values may be missing.
pub fn type_text(field: &Field) -> String {
    let data_type = match field.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision},{scale})"),
        other => other.to_string().to_lowercase(),
    };
    format!("{data_type}{}", if field.is_nullable() { "?" } else { "" })
}

/// Returns the column of that name and [type](type_text); `None` if no typed table may have one.
pub fn typed_column(name: &str, text: &str) -> Option<Field> {
    let (data_type, nullable) = text.strip_suffix('?').map_or((text, false), |data_type| (data_type, true));
    let data_type = match data_type {
        "boolean" => DataType::Boolean,
        "int64" => DataType::Int64,
        "float64" => DataType::Float64,
        "utf8" => DataType::Utf8,
        "date32" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
        decimal => {
            let digits = decimal.strip_prefix("decimal128(")?.strip_suffix(')')?;
            let (precision, scale) = digits.split_once(',')?;
            DataType::Decimal128(precision.parse().ok()?, scale.parse().ok()?)
        }
    };
    Some(Field::new(name, data_type, nullable)).filter(|field| Kind::of(field).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_columns_come_back() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
        for data_type in [
            DataType::Boolean,
            DataType::Int64,
            DataType::Float64,
            DataType::Utf8,
            DataType::Date32,
            zoned,
            DataType::Decimal128(38, 4),
        ] {
            for nullable in [false, true] {
                let field = Field::new("a", data_type.clone(), nullable);
                assert_eq!(typed_column("a", &type_text(&field)), Some(field));
            }
        }
        for text in ["", "?", "utf8??", "int32", "decimal128(3,4)", "decimal128(3)", "decimal128(3,-1)"] {
            assert_eq!(typed_column("a", text), None, "{text}");
        }
    }
}
