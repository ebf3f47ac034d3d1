//! Checks whether every value of a batch can be written, before anything is written.

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Date32Type, Decimal128Type, TimestampMicrosecondType};
use arrow_array::{Array, PrimitiveArray, RecordBatch};

use super::calendar::{FIRST_DAY, LAST_DAY};
use super::error::TypedError;
use super::kind::Kind;

const DAY: i64 = 86_400_000_000;
const FIRST_MICRO: i64 = FIRST_DAY as i64 * DAY;
const LAST_MICRO: i64 = (LAST_DAY as i64 + 1) * DAY - 1;

/// Checks that every format can write the batch.
///
/// # Errors
/// Returns the error that `encode_csv` would return: a year outside 0000 to 9999, a decimal beyond its precision, or a
/// type that no format has.
pub fn check_range(batch: &RecordBatch) -> Result<(), TypedError> {
    for (array, field) in batch.columns().iter().zip(batch.schema_ref().fields()) {
        let kind = Kind::of(field)?;
        let row = match kind {
            Kind::Date => outside(array.as_primitive::<Date32Type>(), |day| (FIRST_DAY..=LAST_DAY).contains(&day)),
            Kind::Timestamp => outside(array.as_primitive::<TimestampMicrosecondType>(), |micros| {
                (FIRST_MICRO..=LAST_MICRO).contains(&micros)
            }),
            Kind::Decimal { precision, .. } => {
                let most = 10_i128.pow(u32::from(precision)) - 1;
                outside(array.as_primitive::<Decimal128Type>(), |value| (-most..=most).contains(&value))
            }
            Kind::Bool | Kind::Int | Kind::Float | Kind::Text => None,
        };
        if let Some(row) = row {
            return Err(TypedError::OutOfRange { column: field.name().clone(), row, expected: kind.range() });
        }
    }
    Ok(())
}

/// Returns the first row whose value does not fit.
fn outside<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, fits: impl Fn(T::Native) -> bool) -> Option<usize> {
    // The value behind a null may be anything, but seldom is. So one pass without branches is nearly always enough.
    if array.values().iter().fold(true, |all, &value| all & fits(value)) {
        return None;
    }
    (0..array.len()).find(|&row| array.is_valid(row) && !fits(array.value(row)))
}
