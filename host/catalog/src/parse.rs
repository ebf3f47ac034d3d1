//! Parses the records of the catalog.

use serde::Deserialize;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

/// Parses a record; `key` is the key of its object, for messages.
///
/// # Errors
/// [`Kind::InvalidInput`] if this version of smelt does not write such a record.
pub(crate) fn parse<'b, T: Deserialize<'b>>(key: &str, body: &'b [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(Kind::InvalidInput, format!("`{key}` is not what this version of smelt writes: {error}"))
    })
}
