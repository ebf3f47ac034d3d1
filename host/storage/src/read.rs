//! Reads whole objects.

use std::io::Read as _;

use crate::errors::unavailable;
use crate::layers::layer_of;
use crate::store::Store;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest, profile};

/// Reads the whole object.
///
/// # Errors
/// Those of [`Store::open`], and [`Kind::Unavailable`] if reading fails.
pub fn read(store: &dyn Store, key: &str) -> Result<Vec<u8>> {
    let mut span = profile::span("read", layer_of(key));
    let (meta, mut reader) = store.open(key)?;
    let mut body = Vec::with_capacity(usize::try_from(meta.bytes).unwrap_or(0) + 1);
    reader.read_to_end(&mut body).map_err(|error| unavailable("read", key, &error))?;
    span.through(0, body.len());
    Ok(body)
}

/// Reads the whole object and compares its sha256 with the catalog's.
///
/// # Errors
/// Those of [`read`], and [`Kind::Damaged`] if the sha256 differs.
pub fn read_verified(store: &dyn Store, key: &str, sha256: &str) -> Result<Vec<u8>> {
    let body = read(store, key)?;
    let found = digest::hex(&body);
    match found == sha256 {
        true => Ok(body),
        false => Err(Error::new(Kind::Damaged, format!("`{key}` has sha256 {found}; the catalog says {sha256}"))),
    }
}
