//! A batch under construction: the columns, which record each row came from, and the records that are not rows.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::columns::{Cell, Column};

/// Why a record is malformed: the stable names that quarantine and metrics use.
pub mod rule {
    /// A JSON Lines line that is not one JSON object; a CSV record that is ragged or wrongly quoted.
    pub const MALFORMED_LINE: &str = "malformed_line";
    /// An element of a JSON array that is not an object, a truncated array's tail, content after an array.
    pub const MALFORMED_RECORD: &str = "malformed_record";
    /// A record that is not UTF-8.
    pub const INVALID_UTF8: &str = "invalid_utf8";
    /// An object in UTF-16 or UTF-32, compressed, or no text at all.
    pub const INVALID_ENCODING: &str = "invalid_encoding";
    /// A record longer than `record_bytes`.
    pub const LINE_TOO_LONG: &str = "line_too_long";
    /// A JSON record nested deeper than `depth`.
    pub const TOO_DEEP: &str = "too_deep";
    /// All of them.
    pub const ALL: [&str; 6] =
        [MALFORMED_LINE, MALFORMED_RECORD, INVALID_UTF8, INVALID_ENCODING, LINE_TOO_LONG, TOO_DEEP];
}

/// Most raw bytes kept of a malformed record that is longer than `record_bytes`.
pub(in super::super) const KEPT_BYTES: usize = 4096;

/// Where a row came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordSpan {
    /// The record's number in its object, from 0; malformed records count, a CSV header does not.
    pub number: u64,
    /// Where the record begins in `DecodedBatch::raw`.
    pub start: u32,
    /// The record's length in bytes, without its line end.
    pub len: u32,
}

impl RecordSpan {
    /// The record's bytes in `DecodedBatch::raw`.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// A record that could not become a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// The record's number in its object, from 0.
    pub number: u64,
    /// Where the record begins in the object.
    pub offset: u64,
    /// The record's length in bytes.
    pub len: u64,
    /// What `DecodedBatch::raw` holds of it: all, or the first few KiB of an over-long one.
    pub raw: Range<usize>,
    /// One of `rule`.
    pub rule: &'static str,
    /// What is wrong, and where; never the content of a cell.
    pub detail: String,
}

/// Some records of an object: each is a row of `columns` or one of `malformed`.
#[derive(Clone, Debug)]
pub struct DecodedBatch {
    /// The declared columns in declared order, nullable `Utf8`; a row for each well-formed record.
    pub columns: RecordBatch,
    /// Where each row came from.
    pub records: Vec<RecordSpan>,
    /// The other records, in order.
    pub malformed: Vec<Malformed>,
    /// Where `raw` begins in the object.
    pub offset: u64,
    /// The bytes the records were read from, shared with the decoder: it reuses them once every batch that shows them
    /// is dropped.
    pub raw: Buffer,
}

/// Collects the records of one batch from one window.
pub(in super::super) struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<Column>,
    /// For each declared column, the built one that holds it: a name declared twice is built once.
    places: Vec<usize>,
    records: Vec<RecordSpan>,
    malformed: Vec<Malformed>,
    capacity: usize,
    number: u64,
    /// The window's offset in the object, and the batch's in the window.
    window: u64,
    origin: usize,
}

impl BatchBuilder {
    pub(super) fn new(names: &[String], capacity: usize) -> Self {
        let fields = names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>();
        let places =
            names.iter().map(|name| names.iter().position(|other| other == name).unwrap_or_default()).collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            columns: names.iter().map(|_| Column::with_capacity(0, 0, 0)).collect(),
            places,
            records: Vec::new(),
            malformed: Vec::new(),
            capacity: capacity.max(1),
            number: 0,
            window: 0,
            origin: 0,
        }
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Begins a batch at a position of a window that begins at `window` in the object.
    pub(super) fn begin(&mut self, window: u64, origin: usize) {
        (self.window, self.origin) = (window, origin);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.malformed.is_empty()
    }

    #[inline(always)]
    pub(in super::super) fn is_full(&self) -> bool {
        self.records.len() + self.malformed.len() >= self.capacity
    }

    /// Adds the well-formed record between two positions of the window.
    #[inline(always)]
    pub(in super::super) fn push(&mut self, window: &[u8], record: Range<usize>, cells: &[Cell]) {
        for (column, &cell) in self.columns.iter_mut().zip(cells) {
            column.push(window, cell);
        }
        let start = (record.start - self.origin) as u32;
        self.records.push(RecordSpan { number: self.number, start, len: record.len() as u32 });
        self.number += 1;
    }

    /// Adds a malformed record that begins at `start`, is `len` bytes long and of which the window holds `kept`.
    pub(in super::super) fn reject(&mut self, start: usize, len: u64, kept: usize, rule: &'static str, detail: String) {
        let raw = start - self.origin..start - self.origin + kept;
        let (number, offset) = (self.number, self.window + start as u64);
        self.malformed.push(Malformed { number, offset, len, raw, rule, detail });
        self.number += 1;
    }

    /// The batch, whose bytes are `raw`.
    pub(super) fn finish(&mut self, raw: Buffer) -> DecodedBatch {
        let rows = self.records.len();
        let built = self.columns.iter_mut().map(Column::finish).collect::<Vec<ArrayRef>>();
        let arrays = self.places.iter().map(|&place| Arc::clone(&built[place])).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .expect("every column got a cell for every row");
        let records = std::mem::replace(&mut self.records, Vec::with_capacity(rows + rows / 8));
        let malformed = std::mem::take(&mut self.malformed);
        DecodedBatch { columns, records, malformed, offset: self.window + self.origin as u64, raw }
    }
}
