//! A batch under construction: its columns, the place of each row's record, and the malformed records.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::cell::Cell;
use super::column::Column;
use super::decoded::{DecodedBatch, Malformed, RecordSpan};

/// Collects the records of one batch from one window.
pub(crate) struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<Column>,
    /// For each declared column the index of the built one. A name that is declared twice is built once.
    built: Vec<usize>,
    records: Vec<RecordSpan>,
    malformed: Vec<Malformed>,
    capacity: usize,
    /// The number of the next record.
    number: u64,
    /// The window's offset in the object.
    window: u64,
    /// The batch's offset in the window.
    origin: usize,
}

impl BatchBuilder {
    pub(crate) fn new(names: &[String], capacity: usize) -> Self {
        let fields = names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>();
        let built = names.iter().map(|name| names.iter().position(|other| other == name).unwrap_or_default()).collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            columns: names.iter().map(|_| Column::with_capacity(0, 0, 0)).collect(),
            built,
            records: Vec::new(),
            malformed: Vec::new(),
            capacity: capacity.max(1),
            number: 0,
            window: 0,
            origin: 0,
        }
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Begins a batch at position `origin` of a window that begins at `window` in the object.
    pub(crate) fn begin(&mut self, window: u64, origin: usize) {
        (self.window, self.origin) = (window, origin);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.malformed.is_empty()
    }

    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.records.len() + self.malformed.len() >= self.capacity
    }

    /// Adds the well-formed record between two positions of the window.
    #[inline(always)]
    pub(crate) fn push(&mut self, window: &[u8], record: Range<usize>, cells: &[Cell]) {
        for (column, &cell) in self.columns.iter_mut().zip(cells) {
            column.push(window, cell);
        }
        let start = (record.start - self.origin) as u32;
        self.records.push(RecordSpan { number: self.number, start, len: record.len() as u32 });
        self.number += 1;
    }

    /// Adds a malformed record that begins at `start` and is `len` bytes long. The window holds its first `kept` bytes.
    pub(crate) fn reject(&mut self, start: usize, len: u64, kept: usize, rule: &'static str, detail: String) {
        let raw = start - self.origin..start - self.origin + kept;
        let (number, offset) = (self.number, self.window + start as u64);
        self.malformed.push(Malformed { number, offset, len, raw, rule, detail });
        self.number += 1;
    }

    /// Returns the batch of an object of which nothing counts, for the reason that is given. It has one record without
    /// bytes.
    pub(crate) fn unreadable(&mut self, rule: &'static str, detail: String) -> DecodedBatch {
        drop(self.finish(Buffer::from_vec(Vec::<u8>::new())));
        self.number = 0;
        self.begin(0, 0);
        self.reject(0, 0, 0, rule, detail);
        DecodedBatch { unreadable: true, ..self.finish(Buffer::from_vec(Vec::<u8>::new())) }
    }

    /// Returns the batch, whose bytes are `raw`. The builder is empty afterwards.
    pub(crate) fn finish(&mut self, raw: Buffer) -> DecodedBatch {
        let rows = self.records.len();
        let columns = self.columns.iter_mut().map(Column::finish).collect::<Vec<ArrayRef>>();
        let arrays = self.built.iter().map(|&at| Arc::clone(&columns[at])).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .expect("every column got a cell for every row");
        let records = std::mem::replace(&mut self.records, Vec::with_capacity(rows + rows / 8));
        let malformed = std::mem::take(&mut self.malformed);
        DecodedBatch { columns, records, malformed, offset: self.window + self.origin as u64, raw, unreadable: false }
    }
}
