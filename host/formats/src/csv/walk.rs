//! Walks over one record. One pass over delimiters, quotes and line ends serves all records of a window.

use crate::batch::{Cell, CellKind, Window};
use crate::scan::Specials;

/// The characters between and around cells.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub(super) delimiter: u8,
    /// A cell may be in quotes.
    pub(super) quotes: bool,
}

/// The result of a walk over a record.
pub(super) enum Found {
    /// A record of `fields` fields that ends at `end`.
    Record { fields: usize, end: usize },
    /// The window ends before the record does.
    More,
    /// Wrong quotes: only the first line certainly belongs to the record.
    Quoting(&'static str),
}

/// Walks over the record at `start`, where `specials` must be, and passes the cell of each field to `stage`. `most` is
/// the number of fields that the header has.
#[inline(always)]
pub(super) fn record(
    specials: &mut Specials<'_>,
    window: &Window<'_>,
    start: usize,
    marks: Marks,
    most: usize,
    mut stage: impl FnMut(usize, Cell),
) -> Found {
    let bytes = window.bytes;
    let last = start.saturating_add(window.record_bytes);
    let mut field = 0;
    let mut cell = start;
    loop {
        let Some(mut at) = specials.next() else {
            return at_end(window, start, field, cell, stage);
        };
        if at > last {
            return Found::Quoting(TOO_LONG);
        }
        let staged = if bytes[at] != b'"' {
            if at == cell { Cell::NULL } else { Cell::new(cell, at, CellKind::Plain) }
        } else if at == cell && marks.quotes {
            match quoted(specials, window, start, marks, cell, field < most) {
                Ok(found) => {
                    at = found.1;
                    found.0
                }
                Err(found) => return found,
            }
        } else {
            // A quote inside an unquoted cell is a character like any other.
            continue;
        };
        stage(field, staged);
        field += 1;
        match bytes.get(at) {
            Some(&byte) if byte == marks.delimiter => cell = at + 1,
            _ => return Found::Record { fields: field, end: at },
        }
    }
}

const TOO_LONG: &str = "the record to end, quoted line ends included, within the longest record allowed";

/// Ends the walk at the end of the window. The record is complete only if the object ends there too.
#[cold]
fn at_end(window: &Window<'_>, start: usize, field: usize, cell: usize, mut stage: impl FnMut(usize, Cell)) -> Found {
    let end = window.bytes.len();
    if end - start > window.record_bytes {
        return Found::Quoting(TOO_LONG);
    }
    if !window.ended {
        return Found::More;
    }
    stage(field, if cell == end { Cell::NULL } else { Cell::new(cell, end, CellKind::Plain) });
    Found::Record { fields: field + 1, end }
}

/// Reads on from an opening quote. Returns the cell, and the position of the delimiter or line end after it. `known` says
/// whether the header has this field.
#[inline]
fn quoted(
    specials: &mut Specials<'_>,
    window: &Window<'_>,
    start: usize,
    marks: Marks,
    cell: usize,
    known: bool,
) -> Result<(Cell, usize), Found> {
    let bytes = window.bytes;
    let last = start.saturating_add(window.record_bytes);
    let mut kind = CellKind::Plain;
    loop {
        let Some(at) = specials.next() else {
            return Err(if bytes.len() - start > window.record_bytes {
                Found::Quoting(TOO_LONG)
            } else if window.ended {
                Found::Quoting("a closing quote")
            } else {
                Found::More
            });
        };
        if at >= last {
            return Err(Found::Quoting(TOO_LONG));
        }
        match bytes[at] {
            b'"' => match bytes.get(at + 1) {
                Some(b'"') => {
                    specials.next();
                    kind = CellKind::CsvQuoted;
                }
                Some(&byte) if byte == marks.delimiter || matches!(byte, b'\n' | b'\r') => {
                    specials.next();
                    return Ok((Cell::new(cell + 1, at, kind), at + 1));
                }
                Some(_) if marks.delimiter == b',' => {
                    return Err(Found::Quoting("a comma or the line's end after a closing quote"));
                }
                Some(_) => return Err(Found::Quoting("the delimiter or the line's end after a closing quote")),
                None if window.ended => return Ok((Cell::new(cell + 1, at, kind), at + 1)),
                None => return Err(Found::More),
            },
            // The record has too many fields anyway. If it could go on over any number of lines, each line could begin
            // another such record. An object would then cost its length squared.
            b'\n' | b'\r' if !known => return Err(Found::Quoting("no more fields than the header has")),
            _ => {}
        }
    }
}
