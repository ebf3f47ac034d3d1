//! Compares the content of an object with an expected length and sha256.

use std::io::Read;

use crate::errors::unavailable;
use smelt_common::digest::HashingReader;
use smelt_common::error::Result;

/// Bytes that are hashed at once.
const BUFFER: usize = 64 << 10;

/// Returns whether the reader gives exactly `bytes` bytes with this sha256.
pub(crate) fn has_content(key: &str, reader: impl Read, bytes: u64, sha256: &str) -> Result<bool> {
    let mut reader = HashingReader::new(reader);
    let mut buffer = vec![0; BUFFER];
    while reader.read(&mut buffer).map_err(|error| unavailable("read", key, &error))? > 0 {}
    Ok(reader.finish() == (bytes, sha256.to_owned()))
}
