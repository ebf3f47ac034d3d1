//! Builds the text columns of a batch. Cells are staged as spans of the window and copied once their whole record is
//! known to be good, so that a malformed record leaves no trace to undo.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::super::scan::array_at;
use super::super::{csv, json};

/// Longest cell that is copied as one fixed block, whatever its length: cheaper than a call to `memcpy`.
const BLOCK: usize = 32;

/// What a staged cell's bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in super::super) enum Kind {
    /// No value.
    Null,
    /// The text itself.
    Plain,
    /// The inside of a JSON string that holds escapes.
    JsonEscaped,
    /// The inside of a quoted CSV cell that holds doubled quotes.
    CsvQuoted,
}

/// One staged cell: a span of the window.
#[derive(Clone, Copy)]
pub(in super::super) struct Cell {
    start: u32,
    len: u32,
    kind: Kind,
}

impl Cell {
    /// No value.
    pub(in super::super) const NULL: Self = Self { start: 0, len: 0, kind: Kind::Null };

    /// The cell between two positions. A window is shorter than 2 GiB (`Source`), so they fit.
    #[inline(always)]
    pub(in super::super) fn new(start: usize, end: usize, kind: Kind) -> Self {
        Self { start: start as u32, len: (end - start) as u32, kind }
    }

    /// The cell's bytes in the window, escapes and all.
    #[inline(always)]
    pub(in super::super) fn raw(self, window: &[u8]) -> &[u8] {
        let start = self.start as usize;
        window.get(start..start + self.len as usize).unwrap_or_default()
    }

    /// Appends the cell's text.
    pub(in super::super) fn write(self, window: &[u8], text: &mut Vec<u8>) {
        let raw = self.raw(window);
        match self.kind {
            Kind::Null => {}
            Kind::Plain => text.extend_from_slice(raw),
            Kind::JsonEscaped => json::unescape(raw, text),
            Kind::CsvQuoted => csv::undouble(raw, text),
        }
    }
}

/// One text column under construction.
pub(in super::super) struct Column {
    /// Written up to `used`; the rest is room for block copies.
    values: Vec<u8>,
    used: usize,
    offsets: Vec<i32>,
    nulls: Vec<u32>,
    unescaped: Vec<u8>,
}

impl Column {
    /// With room for so many bytes of text, rows and nulls.
    pub(in super::super) fn with_capacity(text: usize, rows: usize, nulls: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            values: vec![0; text + BLOCK],
            used: 0,
            offsets,
            nulls: Vec::with_capacity(nulls),
            unescaped: Vec::new(),
        }
    }

    /// Adds a cell of a record that is known to be UTF-8.
    #[inline(always)]
    pub(in super::super) fn push(&mut self, window: &[u8], cell: Cell) {
        let (start, len) = (cell.start as usize, cell.len as usize);
        match cell.kind {
            Kind::Plain => {
                let block = array_at::<BLOCK>(window, start);
                let room = self.values.get_mut(self.used..).and_then(|room| room.first_chunk_mut::<BLOCK>());
                match (block, room) {
                    (Some(block), Some(room)) if len <= BLOCK => {
                        *room = *block;
                        self.used += len;
                    }
                    _ => self.copy(&window[start..start + len]),
                }
            }
            Kind::Null => self.nulls.push(self.offsets.len() as u32 - 1),
            Kind::JsonEscaped | Kind::CsvQuoted => {
                let mut text = std::mem::take(&mut self.unescaped);
                text.clear();
                cell.write(window, &mut text);
                self.copy(&text);
                self.unescaped = text;
            }
        }
        self.offsets.push(self.used as i32);
    }

    #[inline(never)]
    fn copy(&mut self, text: &[u8]) {
        let end = self.used + text.len();
        if end + BLOCK > self.values.len() {
            self.values.resize((self.values.len() * 2).max(end + BLOCK).max(1024), 0);
        }
        self.values[self.used..end].copy_from_slice(text);
        self.used = end;
    }

    /// The column, leaving an empty builder with room for a little more than as much again.
    pub(in super::super) fn finish(&mut self) -> ArrayRef {
        let rows = self.offsets.len() - 1;
        let next = Self::with_capacity(self.used + self.used / 8, rows + rows / 8, self.nulls.len());
        let Self { mut values, used, offsets, nulls, unescaped: _ } = std::mem::replace(self, next);
        values.truncate(used);
        let nulls = (!nulls.is_empty()).then(|| {
            let mut valid = BooleanBufferBuilder::new(rows);
            valid.append_n(rows, true);
            nulls.iter().for_each(|&row| valid.set_bit(row as usize, false));
            NullBuffer::new(valid.finish())
        });
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Arc::new(
            StringArray::try_new(offsets, Buffer::from_vec(values), nulls)
                .expect("cells are cut at ASCII bytes from records checked to be UTF-8"),
        )
    }
}
