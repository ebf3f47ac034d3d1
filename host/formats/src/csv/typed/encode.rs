//! Writes batches as canonical CSV.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow_schema::{Field, Schema};
use serde::{Deserialize, Serialize};

use crate::values::{Kind, TypedError, Values, View, write_date, write_decimal, write_f64, write_i64, write_timestamp};
use smelt_common::text::is_unseen;

/// How many bytes of a text are searched for the beginning of a formula, which may come after quotes and blanks.
const FORMULA_BYTES: usize = 256;

/// Decides how to write text that a spreadsheet would take for a formula.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Formulas {
    /// Writes it unchanged, so that it reads back the same.
    Keep,
    /// Puts a `'` before text that begins with `=`, `+`, `-` or `@`, or with TAB, CR or LF (OWASP, "CSV Injection").
    /// The sign may be of double width, and may come after quotes and white space. Names of columns are text too;
    /// numbers are not.
    Escape,
}

struct Column<'a> {
    view: View<'a>,
    /// None of its texts has a comma, a quote or a line end.
    plain: bool,
    /// The bytes of a null.
    null: &'static [u8],
    /// The bytes of an empty text.
    empty: &'static [u8],
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef, field: &Field, alone: bool) -> Result<Self, TypedError> {
        let view = View::new(array, field)?;
        let (text, plain) = match &view.values {
            Values::Text(texts) => (true, !has_special(bytes_of(texts))),
            _ => (false, false),
        };
        let null: &[u8] = if alone && !text { b"\"\"" } else { b"" };
        let empty: &[u8] = if alone || field.is_nullable() { b"\"\"" } else { b"" };
        Ok(Self { view, plain, null, empty })
    }

    /// Writes a cell. Returns `None` if its value is out of range.
    #[inline(always)]
    fn write(&self, row: usize, formulas: Formulas, out: &mut Vec<u8>) -> Option<()> {
        if self.view.is_null(row) {
            out.extend_from_slice(self.null);
            return Some(());
        }
        match &self.view.values {
            Values::Bool(values) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
            Values::Int(values) => write_i64(values[row], out),
            Values::Float(values) => write_f64(values[row], out),
            Values::Text(texts) => match texts.value(row).as_bytes() {
                [] => out.extend_from_slice(self.empty),
                text => write_text(text, self.plain, formulas, out),
            },
            Values::Date(values) => write_date(values[row], out)?,
            Values::Timestamp(values) => write_timestamp(values[row], out)?,
            Values::Decimal { values, scale, most } => {
                if values[row].unsigned_abs() > *most {
                    return None;
                }
                write_decimal(values[row], *scale, out);
            }
        }
        Some(())
    }
}

fn bytes_of(texts: &StringArray) -> &[u8] {
    let offsets = texts.value_offsets();
    let (first, last) = (offsets[0] as usize, offsets[texts.len()] as usize);
    &texts.value_data()[first..last]
}

/// Returns whether a comma, a quote or a line end is among the bytes.
fn has_special(bytes: &[u8]) -> bool {
    memchr::memchr3(b',', b'"', b'\n', bytes).is_some() || memchr::memchr(b'\r', bytes).is_some()
}

/// Writes text that is not empty. `plain` text needs no quotes, unless it begins or ends with a blank.
#[inline(always)]
fn write_text(text: &[u8], plain: bool, formulas: Formulas, out: &mut Vec<u8>) {
    let (first, last) = (text[0], text[text.len() - 1]);
    let formula = formulas == Formulas::Escape && !first.is_ascii_alphanumeric() && is_formula(text);
    let blank = |byte| byte == b' ' || byte == b'\t';
    if blank(last) || (blank(first) && !formula) || (!plain && has_special(text)) {
        write_quoted(text, formula, out);
    } else {
        if formula {
            out.push(b'\'');
        }
        out.extend_from_slice(text);
    }
}

/// Returns whether a spreadsheet would run the text. Some spreadsheets trim it first, and some take signs of double
/// width (from East Asian keyboards) for plain ones.
pub(crate) fn is_formula(text: &[u8]) -> bool {
    // The cut may split the last character, but the first ones decide.
    let text = String::from_utf8_lossy(&text[..text.len().min(FORMULA_BYTES)]);
    let trimmed = |character: char| character.is_whitespace() || is_unseen(character) || character == '"';
    text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start_matches(trimmed)
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−'])
}

#[cold]
fn write_quoted(text: &[u8], formula: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if formula { b"\"'" } else { b"\"" });
    let mut rest = text;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=quote]);
        out.push(b'"');
        rest = &rest[quote + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Writes the header line: the names of the columns.
pub fn encode_csv_header(schema: &Schema, formulas: Formulas, out: &mut Vec<u8>) {
    for (i, field) in schema.fields().iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        match field.name().as_bytes() {
            [] => out.extend_from_slice(b"\"\""),
            name => write_text(name, false, formulas, out),
        }
    }
    out.push(b'\n');
}

/// Writes rows of a batch and returns their number. Without `keep` it writes all rows, otherwise those where `keep` is
/// true; a null in `keep` counts as false.
///
/// # Errors
/// Fails if the type of a column is not supported, a value is out of range, or `keep` has another length than the
/// batch. `out` is then unchanged.
pub fn encode_csv(
    batch: &RecordBatch,
    keep: Option<&BooleanArray>,
    formulas: Formulas,
    out: &mut Vec<u8>,
) -> Result<usize, TypedError> {
    let schema = batch.schema_ref();
    let fields = schema.fields();
    let columns = batch.columns().iter().zip(fields.iter());
    let columns =
        columns.map(|(array, field)| Column::new(array, field, fields.len() == 1)).collect::<Result<Vec<_>, _>>()?;
    let Some((last, others)) = columns.split_last() else {
        return Err(TypedError::Shape("a table without columns has no CSV form".to_owned()));
    };
    if let Some(keep) = keep.filter(|keep| keep.len() != batch.num_rows()) {
        let (rows, len) = (batch.num_rows(), keep.len());
        return Err(TypedError::Shape(format!("the selection has {len} rows, expected {rows} as in the batch")));
    }
    let start = out.len();
    out.reserve(room(batch));
    let mut written = 0;
    for row in 0..batch.num_rows() {
        if keep.is_some_and(|keep| keep.is_null(row) || !keep.value(row)) {
            continue;
        }
        let cells = (|| {
            for column in others {
                column.write(row, formulas, out)?;
                out.push(b',');
            }
            last.write(row, formulas, out)
        })();
        if cells.is_none() {
            out.truncate(start);
            return Err(out_of_range(&columns, schema, row));
        }
        out.push(b'\n');
        written += 1;
    }
    Ok(written)
}

/// Returns about how many bytes the batch takes.
fn room(batch: &RecordBatch) -> usize {
    let cell = |array: &ArrayRef| match array.as_string_opt::<i32>() {
        Some(texts) => bytes_of(texts).len() + 2 * texts.len(),
        None => 22 * array.len(),
    };
    batch.columns().iter().map(cell).sum()
}

/// Returns the error that names the column of the row whose value is out of range.
#[cold]
fn out_of_range(columns: &[Column<'_>], schema: &Schema, row: usize) -> TypedError {
    let mut scratch = Vec::new();
    let bad = columns.iter().position(|column| column.write(row, Formulas::Keep, &mut scratch).is_none());
    let field = schema.field(bad.unwrap_or_default());
    let expected = Kind::of(field).map_or("another type", Kind::range);
    TypedError::OutOfRange { column: field.name().clone(), row, expected }
}
