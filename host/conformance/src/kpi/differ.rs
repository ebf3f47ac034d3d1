//! Tells how two tables differ.

use arrow_array::RecordBatch;

use crate::text;
use smelt_common::error::Result;

/// Returns how the second table differs from the first one.
pub(super) fn differ(first: &Result<RecordBatch>, then: &Result<RecordBatch>) -> Option<String> {
    match (first, then) {
        (Ok(first), Ok(then)) if first == then => None,
        (Ok(first), Ok(then)) => Some(text::difference(&text::table(first), &text::table(then))),
        (Err(error), _) => Some(error.to_string()),
        (_, Err(error)) => {
            Some(format!("first {} rows, then: {error}", first.as_ref().map_or(0, RecordBatch::num_rows)))
        }
    }
}
