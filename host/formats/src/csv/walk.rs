//! Walks over one record. One pass over commas, quotes and line ends serves all records of a window.

use super::super::decode::{Cell, Input, Kind};
use super::super::scan::Specials;

/// What was found at the beginning of a record.
pub(super) enum Found {
    /// A record of so many fields, up to here.
    Record { fields: usize, end: usize },
    /// The window ends first.
    More,
    /// Wrongly quoted: only its first line can be told to belong to it.
    Quoting(&'static str),
}

/// Walks over the record at `start`, where `specials` must be, giving each field's cell to `stage`.
#[inline(always)]
pub(super) fn record(
    specials: &mut Specials<'_>,
    input: &Input<'_>,
    start: usize,
    most: usize,
    mut stage: impl FnMut(usize, Cell),
) -> Found {
    let bytes = input.bytes;
    let last = start.saturating_add(input.record_bytes);
    let mut field = 0;
    let mut cell = start;
    loop {
        let Some(mut at) = specials.next() else {
            return at_end(input, start, field, cell, stage);
        };
        if at > last {
            return Found::Quoting(TOO_LONG);
        }
        let staged = if bytes[at] != b'"' {
            if at == cell { Cell::NULL } else { Cell::new(cell, at, Kind::Plain) }
        } else if at == cell {
            match quoted(specials, input, start, cell, field < most) {
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
            Some(b',') => cell = at + 1,
            _ => return Found::Record { fields: field, end: at },
        }
    }
}

const TOO_LONG: &str = "the record to end, quoted line ends included, within the longest record allowed";

/// The last record of a window: whole only if nothing follows.
#[cold]
fn at_end(input: &Input<'_>, start: usize, field: usize, cell: usize, mut stage: impl FnMut(usize, Cell)) -> Found {
    let end = input.bytes.len();
    if end - start > input.record_bytes {
        return Found::Quoting(TOO_LONG);
    }
    if !input.ended {
        return Found::More;
    }
    stage(field, if cell == end { Cell::NULL } else { Cell::new(cell, end, Kind::Plain) });
    Found::Record { fields: field + 1, end }
}

/// Reads on from an opening quote: the cell, and the position of the comma or line end after it.
#[inline]
fn quoted(
    specials: &mut Specials<'_>,
    input: &Input<'_>,
    start: usize,
    cell: usize,
    known: bool,
) -> Result<(Cell, usize), Found> {
    let bytes = input.bytes;
    let last = start.saturating_add(input.record_bytes);
    let mut kind = Kind::Plain;
    loop {
        let Some(at) = specials.next() else {
            return Err(if bytes.len() - start > input.record_bytes {
                Found::Quoting(TOO_LONG)
            } else if input.ended {
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
                    kind = Kind::CsvQuoted;
                }
                Some(b',' | b'\n' | b'\r') => {
                    specials.next();
                    return Ok((Cell::new(cell + 1, at, kind), at + 1));
                }
                Some(_) => return Err(Found::Quoting("a comma or the line's end after a closing quote")),
                None if input.ended => return Ok((Cell::new(cell + 1, at, kind), at + 1)),
                None => return Err(Found::More),
            },
            // The record has too many fields anyway. Were it to go on over any number of lines, each of which may begin
            // such a record in its turn, an object could cost its length squared.
            b'\n' | b'\r' if !known => return Err(Found::Quoting("no more fields than the header has")),
            _ => {}
        }
    }
}
