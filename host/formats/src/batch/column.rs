//! Builds the text columns of a batch. A cell is staged as a range of the window. It is copied once its whole record is
//! known to be good, so a malformed record leaves nothing to undo.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::cell::{Cell, CellKind};
use crate::scan::array_at;

/// The longest cell that is copied as one block of fixed size: that is cheaper than a call of `memcpy`.
const BLOCK: usize = 32;

/// One text column under construction.
pub(crate) struct Column {
    /// Written up to `used`; the rest is room for block copies.
    values: Vec<u8>,
    used: usize,
    offsets: Vec<i32>,
    /// The rows without a value.
    nulls: Vec<u32>,
    /// Working memory for a cell with escapes.
    unescaped: Vec<u8>,
}

impl Column {
    /// Returns an empty column with room for `text` bytes, `rows` rows and `nulls` rows without a value.
    pub(crate) fn with_capacity(text: usize, rows: usize, nulls: usize) -> Self {
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
    pub(crate) fn push(&mut self, window: &[u8], cell: Cell) {
        let (start, len) = (cell.start as usize, cell.len as usize);
        match cell.kind {
            CellKind::Plain => {
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
            CellKind::Null => self.nulls.push(self.offsets.len() as u32 - 1),
            CellKind::JsonEscaped | CellKind::CsvQuoted => {
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

    /// Returns the column. The builder is empty afterwards, with room for a little more than the same again.
    pub(crate) fn finish(&mut self) -> ArrayRef {
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
