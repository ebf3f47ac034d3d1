//! Reading a record of the catalog.

use serde::Deserialize;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

/// Reads the record in the object of that key.
///
/// # Errors
/// [`Kind::InvalidInput`] if it is not what this version of smelt writes.
pub(crate) fn parse<'b, T: Deserialize<'b>>(key: &str, body: &'b [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(Kind::InvalidInput, format!("`{key}` is not what this version of smelt writes: {error}"))
    })
}
