//! The keys of rows that were just cleaned, in parts by the first bits of their hashes, in memory up to a budget and in
//! temporary files beyond it.

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

/// About how many bytes of bronze make one part. Workers make parts side by side and only those being made are in memory; one
/// that is small enough for the processor's cache is made several times as fast.
const BRONZE_OF_PART: u64 = 4 << 20;
/// The most parts: each may have a file open.
const MOST_PARTS: u64 = 128;
/// What is appended is gathered in pieces of about so many bytes; and a part is only spilled when it has as many.
const PIECE: usize = 64 << 10;

/// How much spools that share it may hold in memory.
pub struct Budget {
    most: usize,
    used: AtomicUsize,
}

impl Budget {
    /// About so many bytes.
    pub fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0) }
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// The keys of new rows, and what rows of one key are compared by.
pub struct KeySpool<'b> {
    place: KeyHash,
    budget: &'b Budget,
    /// A power of two, by the first bits of the hash.
    parts: Vec<Mutex<Part>>,
}

#[derive(Default)]
struct Part {
    pieces: Vec<Vec<u8>>,
    in_memory: usize,
    file: Option<File>,
    spilled: u64,
}

/// One row in a spool.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    pub(super) id: RowId,
    pub(super) key: &'r [u8],
    pub(super) order: &'r [u8],
}

/// What is before a row's key and order: object, place, and the lengths of the two.
const HEADER: usize = 16;

impl<'b> KeySpool<'b> {
    /// An empty spool for keys of the map with that place, from about so many bytes of bronze.
    pub fn new(place: KeyHash, bronze_bytes: u64, budget: &'b Budget) -> Self {
        let parts = (bronze_bytes / BRONZE_OF_PART).clamp(1, MOST_PARTS).next_power_of_two();
        Self { place, budget, parts: (0..parts).map(|_| Mutex::default()).collect() }
    }

    /// Appends the rows of a batch of an object, given by its number; their places count from `first`. Workers may do so
    /// side by side and in any order.
    pub fn append(&self, object: u32, first: u32, batch: &RecordBatch, spec: &CleanerSpec) -> Result<()> {
        let mut span = profile::span("spool keys", "");
        span.through(batch.num_rows(), 0);
        let encoder = Encoder::new(batch, spec);
        let mut rows = Vec::with_capacity(batch.num_rows() * 40);
        let mut ends = Vec::with_capacity(batch.num_rows());
        let mut sizes = vec![0; self.parts.len()];
        let bits = self.parts.len().ilog2();
        for (place, row) in (first..).zip(0..batch.num_rows()) {
            let start = rows.len();
            rows.extend_from_slice(&[0; HEADER]);
            let middle = encoder.encode(row, &mut rows);
            let (key, order) = ((middle - start - HEADER) as u32, (rows.len() - middle) as u32);
            for (at, number) in [object, place, key, order].into_iter().enumerate() {
                rows[start + 4 * at..][..4].copy_from_slice(&number.to_le_bytes());
            }
            let part = self.place.of(&rows[start + HEADER..middle]).checked_shr(64 - bits).unwrap_or(0) as usize;
            sizes[part] += rows.len() - start;
            ends.push((rows.len(), part));
        }
        let mut pieces: Vec<_> = sizes.into_iter().map(Vec::with_capacity).collect();
        let mut start = 0;
        for (end, part) in ends {
            pieces[part].extend_from_slice(&rows[start..end]);
            start = end;
        }
        pieces.into_iter().enumerate().try_for_each(|(part, piece)| self.add(part, piece))
    }

    /// The place of the map that the keys are for.
    pub(super) fn place(&self) -> &KeyHash {
        &self.place
    }

    /// How many parts there are.
    pub(super) fn parts(&self) -> u32 {
        self.parts.len() as u32
    }

    /// About how many bytes there are.
    pub(super) fn bytes(&self) -> u64 {
        (0..self.parts.len()).map(|part| self.part(part)).map(|part| part.in_memory as u64 + part.spilled).sum()
    }

    /// Takes the rows of a part out.
    pub(super) fn take(&self, part: u32) -> Result<Vec<Vec<u8>>> {
        let Part { mut pieces, in_memory, file, spilled } = std::mem::take(&mut *self.part(part as usize));
        self.budget.used.fetch_sub(in_memory, Ordering::Relaxed);
        if let Some(mut file) = file {
            let mut piece = Vec::with_capacity(spilled as usize);
            file.rewind().and_then(|()| file.read_to_end(&mut piece)).map_err(|error| temporary("read", &error))?;
            pieces.push(piece);
        }
        Ok(pieces)
    }

    fn part(&self, part: usize) -> MutexGuard<'_, Part> {
        self.parts[part].lock().expect("no one panics while holding it")
    }

    fn add(&self, part: usize, piece: Vec<u8>) -> Result<()> {
        let mut part = self.part(part);
        part.in_memory += piece.len();
        let used = self.budget.used.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
        match part.pieces.last_mut() {
            Some(last) if last.capacity() - last.len() >= piece.len() => last.extend_from_slice(&piece),
            _ if piece.len() >= PIECE / 2 => part.pieces.push(piece),
            // Of many small objects, not each gets an allocation of its own.
            _ if !piece.is_empty() => {
                let mut last = Vec::with_capacity(PIECE);
                last.extend_from_slice(&piece);
                part.pieces.push(last);
            }
            _ => {}
        }
        match used > self.budget.most && part.in_memory >= PIECE.min(self.budget.most) {
            true => self.spill(&mut part).map_err(|error| temporary("write", &error)),
            false => Ok(()),
        }
    }

    fn spill(&self, part: &mut Part) -> std::io::Result<()> {
        if part.file.is_none() {
            part.file = Some(tempfile::tempfile()?);
        }
        let file = part.file.as_mut().expect("it was just made");
        for piece in part.pieces.drain(..) {
            file.write_all(&piece)?;
        }
        self.budget.used.fetch_sub(part.in_memory, Ordering::Relaxed);
        part.spilled += std::mem::take(&mut part.in_memory) as u64;
        Ok(())
    }
}

impl Drop for KeySpool<'_> {
    fn drop(&mut self) {
        let left: usize = self.parts.iter().filter_map(|part| part.lock().ok()).map(|part| part.in_memory).sum();
        self.budget.used.fetch_sub(left, Ordering::Relaxed);
    }
}

/// A row that was split off.
pub(super) fn row(row: &[u8]) -> Row<'_> {
    let number = |at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
    let (key, order) = row[HEADER..].split_at(number(8) as usize);
    Row { id: RowId { object: number(0), place: number(4) }, key, order }
}

/// Splits the first row off those of a piece.
pub(super) fn split<'r>(rest: &mut &'r [u8]) -> Option<&'r [u8]> {
    let header = rest.first_chunk::<HEADER>()?;
    let length = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
    rest.split_off(..HEADER + length(8) + length(12))
}

fn temporary(doing: &str, error: &std::io::Error) -> Error {
    let directory = std::env::temp_dir();
    Error::new(Kind::Unavailable, format!("cannot {doing} a temporary file in `{}`: {error}", directory.display()))
}
