//! Cells as parsers stage them: positions in a window, not copies.

use super::escapes::{undouble, unescape};

/// How to read the bytes of a staged cell.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum CellKind {
    /// The cell has no value.
    Null,
    /// The bytes are the text itself.
    Plain,
    /// The bytes are the inside of a JSON string that holds escapes.
    JsonEscaped,
    /// The bytes are the inside of a quoted CSV cell that holds doubled quotes.
    CsvQuoted,
}

/// A staged cell: a range of the window.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(super) start: u32,
    pub(super) len: u32,
    pub(super) kind: CellKind,
}

impl Cell {
    /// A cell without a value.
    pub(crate) const NULL: Self = Self { start: 0, len: 0, kind: CellKind::Null };

    /// Returns the cell between two positions. They fit into 32 bits, because a window is shorter than 2 GiB
    /// (`LONGEST` in `decode/read_ahead.rs`).
    #[inline(always)]
    pub(crate) fn new(start: usize, end: usize, kind: CellKind) -> Self {
        Self { start: start as u32, len: (end - start) as u32, kind }
    }

    pub(crate) fn kind(self) -> CellKind {
        self.kind
    }

    /// Returns the position of the cell's first byte in the window.
    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    /// Returns the cell's bytes in the window, with their escapes.
    #[inline(always)]
    pub(crate) fn raw(self, window: &[u8]) -> &[u8] {
        let start = self.start as usize;
        window.get(start..start + self.len as usize).unwrap_or_default()
    }

    /// Appends the cell's text, without escapes.
    pub(crate) fn write(self, window: &[u8], text: &mut Vec<u8>) {
        let raw = self.raw(window);
        match self.kind {
            CellKind::Null => {}
            CellKind::Plain => text.extend_from_slice(raw),
            CellKind::JsonEscaped => unescape(raw, text),
            CellKind::CsvQuoted => undouble(raw, text),
        }
    }
}
