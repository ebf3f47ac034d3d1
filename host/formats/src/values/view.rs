//! The values of a column as its type has them, so that a loop over rows asks for the type once.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::Field;

use super::error::TypedError;
use super::kind::Kind;

/// The values of a column. Those behind a null may be anything.
pub(crate) enum Values<'a> {
    Bool(&'a BooleanArray),
    Int(&'a [i64]),
    Float(&'a [f64]),
    Text(&'a StringArray),
    Date(&'a [i32]),
    Timestamp(&'a [i64]),
    /// With its scale, and the greatest number of its precision.
    Decimal {
        values: &'a [i128],
        scale: u8,
        most: u128,
    },
}

/// A column of a batch.
pub(crate) struct View<'a> {
    pub(crate) values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

impl<'a> View<'a> {
    pub(crate) fn new(array: &'a ArrayRef, field: &Field) -> Result<Self, TypedError> {
        let values = match Kind::of(field)? {
            Kind::Bool => Values::Bool(array.as_boolean()),
            Kind::Int => Values::Int(array.as_primitive::<Int64Type>().values()),
            Kind::Float => Values::Float(array.as_primitive::<Float64Type>().values()),
            Kind::Text => Values::Text(array.as_string()),
            Kind::Date => Values::Date(array.as_primitive::<Date32Type>().values()),
            Kind::Timestamp => Values::Timestamp(array.as_primitive::<TimestampMicrosecondType>().values()),
            Kind::Decimal { precision, scale } => {
                let values = array.as_primitive::<Decimal128Type>().values();
                Values::Decimal { values, scale, most: 10_u128.pow(u32::from(precision)) - 1 }
            }
        };
        Ok(Self { values, nulls: array.nulls().filter(|nulls| nulls.null_count() > 0) })
    }

    #[inline(always)]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }
}
