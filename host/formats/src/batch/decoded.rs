//! A decoded batch, and where each of its records lies in the object.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;

/// The place of a row's record in its object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordSpan {
    /// The record's number in its object, from 0. Malformed records count; a CSV header does not.
    pub number: u64,
    /// The record's first byte in `DecodedBatch::raw`.
    pub start: u32,
    /// The record's length in bytes, without its line end.
    pub len: u32,
}

impl RecordSpan {
    /// Returns the range of the record's bytes in `DecodedBatch::raw`.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// A record that could not become a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// The record's number in its object, from 0.
    pub number: u64,
    /// The record's first byte in the text of the object: inflated, and in UTF-8.
    pub offset: u64,
    /// The record's length in bytes.
    pub len: u64,
    /// The part of the record that `DecodedBatch::raw` holds: all of it, or the first 4 KiB of one that is too long.
    pub raw: Range<usize>,
    /// The reason: one of the names in [`rule`](super::rule).
    pub rule: &'static str,
    /// The mistake and its position; never the content of a cell.
    pub detail: String,
}

/// Some records of an object. Each is a row of `columns` or one of `malformed`.
#[derive(Clone, Debug)]
pub struct DecodedBatch {
    /// The declared columns in declared order, nullable `Utf8`, with one row for each well-formed record.
    pub columns: RecordBatch,
    /// The place of each row's record.
    pub records: Vec<RecordSpan>,
    /// The other records, in order.
    pub malformed: Vec<Malformed>,
    /// The first byte of `raw` in the text of the object: inflated, and in UTF-8.
    pub offset: u64,
    /// The bytes from which the records were read. The decoder shares them, and uses their memory again once every
    /// batch that shows them is dropped.
    pub raw: Buffer,
    /// True if the object turned out to be unreadable. Nothing that came in earlier batches counts then: the one
    /// malformed record of this batch stands for the whole object.
    pub unreadable: bool,
}
