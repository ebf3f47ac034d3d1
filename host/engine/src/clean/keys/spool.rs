//! Holds the keys of rows that were just cleaned, in parts by the first bits of their hashes. They are in memory up to
//! a budget and in temporary files beyond it.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use arrow_array::RecordBatch;

use super::encode::Encoder;
use super::row_id::RowId;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::{Error, profile};
use smelt_runtime::CleanerSpec;

/// About how many bytes of bronze go into one part. Workers resolve parts side by side, and only the parts that they
/// are at are in memory. A part that fits in the processor's cache is resolved several times as fast as a larger one.
const BRONZE_OF_PART: u64 = 4 << 20;
/// The most parts, because each may have a file open.
const MOST_PARTS: u64 = 128;
/// Appended rows are gathered in chunks of about this many bytes. A part with fewer bytes is not spilled to a file.
const CHUNK: usize = 64 << 10;

/// The memory budget of the spools that share it.
pub struct Budget {
    most: usize,
    used: AtomicUsize,
}

impl Budget {
    /// Returns a budget of about `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0) }
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// The keys of new rows, with the order values that rows of one key are compared by.
pub struct KeySpool<'b> {
    /// The hash function of the map that the keys are for.
    hash: KeyHash,
    budget: &'b Budget,
    /// The parts, by the first bits of a key's hash. Their number is a power of two.
    parts: Vec<Mutex<SpoolPart>>,
}

/// The rows of one part.
#[derive(Default)]
struct SpoolPart {
    chunks: Vec<Vec<u8>>,
    /// The bytes in `chunks`.
    in_memory: usize,
    file: Option<File>,
    /// The bytes in `file`.
    spilled: u64,
}

/// One row in a spool.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    pub(super) id: RowId,
    pub(super) key: &'r [u8],
    pub(super) order: &'r [u8],
}

/// The bytes before a row's key and order values: the object's number, the row's position, and the lengths of the two,
/// each a little-endian `u32`.
const HEADER: usize = 16;

impl<'b> KeySpool<'b> {
    /// Returns an empty spool for a map with this hash function, and for keys of about `bronze_bytes` bytes of bronze.
    pub fn new(hash: KeyHash, bronze_bytes: u64, budget: &'b Budget) -> Self {
        let parts = (bronze_bytes / BRONZE_OF_PART).clamp(1, MOST_PARTS).next_power_of_two();
        Self { hash, budget, parts: (0..parts).map(|_| Mutex::default()).collect() }
    }

    /// Appends the rows of a batch. `object` is the object's number, and `first` the position of the batch's first row.
    /// Workers may append side by side and in any order.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if a temporary file cannot be written to.
    pub fn append(&self, object: u32, first: u32, batch: &RecordBatch, spec: &CleanerSpec) -> Result<()> {
        let mut span = profile::span("spool keys", "");
        span.through(batch.num_rows(), 0);
        let encoder = Encoder::new(batch, spec);
        let mut rows = Vec::with_capacity(batch.num_rows() * 40);
        let mut ends = Vec::with_capacity(batch.num_rows());
        let mut sizes = vec![0; self.parts.len()];
        let bits = self.parts.len().ilog2();
        for (position, row) in (first..).zip(0..batch.num_rows()) {
            let start = rows.len();
            rows.extend_from_slice(&[0; HEADER]);
            let middle = encoder.encode(row, &mut rows);
            let (key, order) = ((middle - start - HEADER) as u32, (rows.len() - middle) as u32);
            for (at, number) in [object, position, key, order].into_iter().enumerate() {
                rows[start + 4 * at..][..4].copy_from_slice(&number.to_le_bytes());
            }
            let part = self.hash.of(&rows[start + HEADER..middle]).checked_shr(64 - bits).unwrap_or(0) as usize;
            sizes[part] += rows.len() - start;
            ends.push((rows.len(), part));
        }
        let mut chunks: Vec<_> = sizes.into_iter().map(Vec::with_capacity).collect();
        let mut start = 0;
        for (end, part) in ends {
            chunks[part].extend_from_slice(&rows[start..end]);
            start = end;
        }
        chunks.into_iter().enumerate().try_for_each(|(part, chunk)| self.add(part, chunk))
    }

    /// Returns the hash function of the map that the keys are for.
    pub(super) fn hash(&self) -> &KeyHash {
        &self.hash
    }

    /// Returns the number of parts.
    pub(super) fn parts(&self) -> u32 {
        self.parts.len() as u32
    }

    /// Returns about how many bytes the spool holds, in memory and in files.
    pub(super) fn bytes(&self) -> u64 {
        (0..self.parts.len()).map(|part| self.part(part)).map(|part| part.in_memory as u64 + part.spilled).sum()
    }

    /// Takes the rows of a part out of the spool.
    pub(super) fn take(&self, part: u32) -> Result<Vec<Vec<u8>>> {
        let SpoolPart { mut chunks, in_memory, file, spilled } = std::mem::take(&mut *self.part(part as usize));
        self.budget.used.fetch_sub(in_memory, Ordering::Relaxed);
        if let Some(mut file) = file {
            let mut chunk = Vec::with_capacity(spilled as usize);
            file.rewind().and_then(|()| file.read_to_end(&mut chunk)).map_err(|error| temporary("read", &error))?;
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    fn part(&self, part: usize) -> MutexGuard<'_, SpoolPart> {
        self.parts[part].lock().expect("no one panics while holding it")
    }

    fn add(&self, part: usize, chunk: Vec<u8>) -> Result<()> {
        let mut part = self.part(part);
        part.in_memory += chunk.len();
        let used = self.budget.used.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
        match part.chunks.last_mut() {
            Some(last) if last.capacity() - last.len() >= chunk.len() => last.extend_from_slice(&chunk),
            _ if chunk.len() >= CHUNK / 2 => part.chunks.push(chunk),
            // Many small objects share one allocation.
            _ if !chunk.is_empty() => {
                let mut last = Vec::with_capacity(CHUNK);
                last.extend_from_slice(&chunk);
                part.chunks.push(last);
            }
            _ => {}
        }
        match used > self.budget.most && part.in_memory >= CHUNK.min(self.budget.most) {
            true => self.spill(&mut part).map_err(|error| temporary("write", &error)),
            false => Ok(()),
        }
    }

    /// Moves the part's rows from memory to its file.
    fn spill(&self, part: &mut SpoolPart) -> std::io::Result<()> {
        if part.file.is_none() {
            part.file = Some(tempfile::tempfile()?);
        }
        let file = part.file.as_mut().expect("it was just created");
        for chunk in part.chunks.drain(..) {
            file.write_all(&chunk)?;
        }
        self.budget.used.fetch_sub(part.in_memory, Ordering::Relaxed);
        part.spilled += std::mem::take(&mut part.in_memory) as u64;
        Ok(())
    }
}

impl Drop for KeySpool<'_> {
    fn drop(&mut self) {
        let in_memory: usize = self.parts.iter().filter_map(|part| part.lock().ok()).map(|part| part.in_memory).sum();
        self.budget.used.fetch_sub(in_memory, Ordering::Relaxed);
    }
}

/// Parses a row that [`split`] returned.
pub(super) fn row(row: &[u8]) -> Row<'_> {
    let number = |at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
    let (key, order) = row[HEADER..].split_at(number(8) as usize);
    Row { id: RowId { object: number(0), position: number(4) }, key, order }
}

/// Splits the first row off the rest of a chunk. Returns `None` at its end.
pub(super) fn split<'r>(rest: &mut &'r [u8]) -> Option<&'r [u8]> {
    let header = rest.first_chunk::<HEADER>()?;
    let length = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
    rest.split_off(..HEADER + length(8) + length(12))
}

fn temporary(doing: &str, error: &std::io::Error) -> Error {
    let directory = std::env::temp_dir();
    Error::new(Kind::Unavailable, format!("cannot {doing} a temporary file in `{}`: {error}", directory.display()))
}
