//! Reads canonical CSV back. It parses only the projected columns, and checks the shape of every line.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};

use super::builder::Builder;
use super::encode::{Formulas, encode_csv_header};
use crate::batch::{Cell, CellKind, Utf8Check};
use crate::scan::Specials;
use crate::values::TypedError;

/// The longest stretch of a file from which one batch is read, because positions in it are kept in 32 bits.
const LONGEST_BATCH: usize = 1 << 29;

/// Marks a field of the file that is not projected.
const UNPROJECTED: usize = usize::MAX;

/// Reads the named columns, in that order, of a file that `encode_csv_header` and `encode_csv` have written for
/// `schema` with `Formulas::Keep`. Returns batches of at most `batch_rows` rows.
///
/// It is strict, so that it detects a file that was cut or edited. The header must be that of the schema. Every line
/// must have its fields and its line end. Every projected cell must be as `encode_csv` writes it, except that text may
/// have quotes that it does not need.
///
/// # Errors
/// Fails if a column is unknown, if its type is not supported, or if the file deviates. The error names the line and
/// the column.
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
    /// For each field of the file the index of its builder.
    slots: Vec<usize>,
    builders: Vec<Builder>,
    /// For each projected column the index of its builder. A column that is named twice is built once.
    built: Vec<usize>,
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
        let (mut builders, mut built, mut projected) = (Vec::new(), Vec::new(), Vec::new());
        for column in columns {
            let Some((at, field)) = fields.find(column.as_ref()) else {
                let known = fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
                return Err(TypedError::NoColumn { column: column.as_ref().to_owned(), known });
            };
            if slots[at] == UNPROJECTED {
                slots[at] = builders.len();
                builders.push(Builder::new(field, fields.len() == 1)?);
            }
            built.push(slots[at]);
            projected.push(Arc::clone(field));
        }
        let projected = Arc::new(Schema::new_with_metadata(projected, schema.metadata().clone()));
        Ok(Self { bytes, at: header.len(), schema, projected, slots, builders, built })
    }

    /// Returns the next rows.
    fn batch(&mut self, most: usize) -> Result<Option<RecordBatch>, TypedError> {
        let window = &self.bytes[self.at..];
        let mut specials = Specials::new(window, 0, b',');
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
        let columns = self.builders.iter_mut().map(Builder::finish).collect::<Vec<_>>();
        let arrays = self.built.iter().map(|&at| Arc::clone(&columns[at])).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.projected), arrays, &options)
            .expect("every builder got a cell of its field's type for every row");
        Ok(Some(batch))
    }

    /// Reads the line at `start`. Returns the position of its line end.
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

    /// Reads on from an opening quote. Returns the cell, and the position of the comma or line end after it.
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

    /// Returns the number of the line at a position of the current batch.
    fn line_at(&self, at: usize) -> u64 {
        memchr::memchr_iter(b'\n', &self.bytes[..self.at + at]).count() as u64 + 1
    }
}
