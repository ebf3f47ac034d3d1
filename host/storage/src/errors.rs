//! The errors that all stores report in the same words.

use std::ops::Range;

use smelt_common::Error;
use smelt_common::error::{Kind, Result};

/// Makes the error of an object that could not be read or written: "cannot {action} `{key}`: …".
pub fn unavailable(action: &str, key: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot {action} `{key}`: {error}"))
}

/// Returns how many bytes the ranges have in all.
///
/// # Errors
/// [`Kind::Damaged`] if the object, which has `bytes` bytes, lacks one of the ranges.
pub(crate) fn total_of_ranges(key: &str, bytes: u64, ranges: &[Range<u64>]) -> Result<usize> {
    match ranges.iter().find(|range| range.start > range.end || range.end > bytes) {
        Some(Range { start, end }) => Err(Error::new(
            Kind::Damaged,
            format!("`{key}` has {bytes} bytes; those from {start} to {end} were asked for"),
        )),
        None => Ok(ranges.iter().map(|range| (range.end - range.start) as usize).sum()),
    }
}
