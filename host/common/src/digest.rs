//! The sha256 of bytes, as lower-case hexadecimal.

use std::io::{Read, Write};

use sha2::{Digest as _, Sha256};

use crate::profile;

/// Returns the sha256 of the bytes.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let mut span = profile::span("hash", "");
    span.through(0, bytes.as_ref().len());
    to_hex(&Sha256::digest(bytes))
}

/// Returns the sha256 of the parts, each with its length before it. So two different lists of parts have different
/// digests.
pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    to_hex(&hash.finalize())
}

/// Returns the bytes as lower-case hexadecimal digits.
#[inline]
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

/// Counts and hashes the bytes that are read through it.
pub struct HashingReader<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    /// Returns a reader of the same bytes.
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// Returns how many bytes were read, and their sha256.
    pub fn finish(self) -> (u64, String) {
        (self.bytes, to_hex(&self.hash.finalize()))
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut span = profile::span("read and hash", "");
        let read = self.inner.read(buffer)?;
        span.through(0, read);
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Counts and hashes the bytes that are written through it.
pub struct HashingWriter<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Returns a writer of the same bytes.
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// Returns how many bytes were written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the sha256 of the bytes that were written so far.
    pub fn sha256(&self) -> String {
        to_hex(&self.hash.clone().finalize())
    }

    /// Returns the inner writer, how many bytes were written, and their sha256.
    pub fn finish(self) -> (W, u64, String) {
        (self.inner, self.bytes, to_hex(&self.hash.finalize()))
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut span = profile::span("write and hash", "");
        let written = self.inner.write(bytes)?;
        span.through(0, written);
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
