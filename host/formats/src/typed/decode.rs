//! Reads canonical CSV back. Only what is projected is parsed; the lines' shape is always checked.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use std::sync::Arc;

use super::super::decode::{Cell, Kind as CellKind, Utf8Check};
use super::super::scan::Specials;
use super::builder::Builder;
use super::{Formulas, TypedError, encode_csv_header};

/// Longest stretch of a file that one batch is read from: cells are kept as 32-bit positions in it.
const LONGEST_BATCH: usize = 1 << 29;

/// No column is projected at this place.
const UNPROJECTED: usize = usize::MAX;

/// Reads what `encode_csv_header` and `encode_csv` (with `Formulas::Keep`) have written for `schema`: the columns
/// named, in the order named, in batches of at most `batch_rows`.
///
/// Strict, so that a file that was cut or edited is found out: the header must be the schema's, every line must have
/// its fields and its line end, every projected cell must be as `encode_csv` writes it. (Text may be in quotes it does
/// not need.)
///
/// # Errors
/// A column is unknown or its type not supported, or the file deviates: the error names the line and the column.
pub fn decode_csv_typed(
    bytes: &[u8],
    schema: &SchemaRef,
    columns: &[impl AsRef<str>],
    batch_rows: usize,
) -> Result<Vec<RecordBatch>, TypedError> {
    let mut table = Table::new(bytes, schema, columns)?;
    let mut batches = Vec::new();
    while let Some(batch) = table.batch(batch_rows.max(1))? {
        batches.push(batch);
    }
    Ok(batches)
}

struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    schema: &'a SchemaRef,
    projected: SchemaRef,
    /// For each field of the file its builder.
    slots: Vec<usize>,
    builders: Vec<Builder>,
    /// For each projected column its builder: a column named twice is built once.
    places: Vec<usize>,
}

impl<'a> Table<'a> {
    fn new(bytes: &'a [u8], schema: &'a SchemaRef, columns: &[impl AsRef<str>]) -> Result<Self, TypedError> {
        let fields = schema.fields();
        if fields.is_empty() {
            return Err(TypedError::Shape("a table without columns has no CSV form".to_owned()));
        }
        let mut header = Vec::new();
        encode_csv_header(schema, Formulas::Keep, &mut header);
        if !bytes.starts_with(&header) {
            let header = String::from_utf8_lossy(header.trim_ascii_end());
            return Err(TypedError::Line { line: 1, expected: format!("the header {header}") });
        }
        let mut slots = vec![UNPROJECTED; fields.len()];
        let (mut builders, mut places, mut projected) = (Vec::new(), Vec::new(), Vec::new());
        for column in columns {
            let Some((place, field)) = fields.find(column.as_ref()) else {
                let known = fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
                return Err(TypedError::NoColumn { column: column.as_ref().to_owned(), known });
            };
            if slots[place] == UNPROJECTED {
                slots[place] = builders.len();
                builders.push(Builder::new(field, fields.len() == 1)?);
            }
            places.push(slots[place]);
            projected.push(Arc::clone(field));
        }
        let projected = Arc::new(Schema::new_with_metadata(projected, schema.metadata().clone()));
        Ok(Self { bytes, at: header.len(), schema, projected, slots, builders, places })
    }

    /// The next rows.
    fn batch(&mut self, most: usize) -> Result<Option<RecordBatch>, TypedError> {
        let window = &self.bytes[self.at..];
        let mut specials = Specials::new(window, 0);
        let mut utf8 = Utf8Check::new();
        let (mut at, mut rows) = (0, 0);
        while at < window.len() && rows < most && at < LONGEST_BATCH {
            let end = self.line(window, at, &mut specials)?;
            if !utf8.is_good(window, at, end) {
                return Err(self.line_error(at, "valid UTF-8"));
            }
            at = end + 1;
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        self.at += at;
        let built = self.builders.iter_mut().map(Builder::finish).collect::<Vec<_>>();
        let arrays = self.places.iter().map(|&place| Arc::clone(&built[place])).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.projected), arrays, &options)
            .expect("every builder got a cell of its field's type for every row");
        Ok(Some(batch))
    }

    /// Reads the line at `start` and gives the position of its line end.
    #[inline(always)]
    fn line(&mut self, window: &[u8], start: usize, specials: &mut Specials<'_>) -> Result<usize, TypedError> {
        let mut at = start;
        let last = self.slots.len() - 1;
        for field in 0..=last {
            let begin = at;
            let Some(mut end) = specials.next() else {
                return Err(self.line_error(window.len(), "a line end: the file is cut short"));
            };
            let mut cell = Cell::new(begin, end, CellKind::Plain);
            let mut quoted = false;
            if window[end] == b'"' && end == begin {
                (cell, end) = self.quoted(window, begin, field, specials)?;
                quoted = true;
            }
            if end - start > LONGEST_BATCH {
                return Err(self.line_error(begin, "a line of at most half a GiB"));
            }
            let expected = if field == last { b'\n' } else { b',' };
            if window[end] != expected {
                let expected = match (window[end], field == last) {
                    (b'"' | b'\r', _) => "quotes around a cell with quotes or line ends",
                    (_, true) => "a line end after the last column",
                    (_, false) => "a comma and further columns",
                };
                return Err(self.cell_error(end, field, expected));
            }
            if let Some(builder) = self.builders.get_mut(self.slots[field])
                && let Err(expected) = builder.push(window, cell, quoted)
            {
                return Err(self.cell_error(begin, field, expected));
            }
            at = end + 1;
        }
        Ok(at - 1)
    }

    /// Reads on from an opening quote: the cell, and the position of the comma or line end after it.
    #[inline(never)]
    fn quoted(
        &self,
        window: &[u8],
        begin: usize,
        field: usize,
        specials: &mut Specials<'_>,
    ) -> Result<(Cell, usize), TypedError> {
        let mut kind = CellKind::Plain;
        while let Some(at) = specials.next() {
            if window[at] != b'"' {
                continue;
            }
            match window.get(at + 1) {
                Some(b'"') => kind = CellKind::CsvQuoted,
                Some(b',' | b'\n') => {
                    specials.next();
                    return Ok((Cell::new(begin + 1, at, kind), at + 1));
                }
                _ => return Err(self.cell_error(begin, field, "a comma or the line's end after a closing quote")),
            }
            specials.next();
        }
        Err(self.cell_error(begin, field, "a closing quote"))
    }

    #[cold]
    fn line_error(&self, at: usize, expected: &str) -> TypedError {
        TypedError::Line { line: self.line_at(at), expected: expected.to_owned() }
    }

    #[cold]
    fn cell_error(&self, at: usize, field: usize, expected: &str) -> TypedError {
        let column = self.schema.field(field).name().clone();
        TypedError::Cell { line: self.line_at(at), column, expected: expected.to_owned() }
    }

    /// The number of the line that a position of the current batch is in.
    fn line_at(&self, at: usize) -> u64 {
        memchr::memchr_iter(b'\n', &self.bytes[..self.at + at]).count() as u64 + 1
    }
}
