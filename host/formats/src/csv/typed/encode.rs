//! Writes batches as canonical CSV.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{Field, Schema};
use serde::{Deserialize, Serialize};

use super::error::TypedError;
use super::kind::Kind;
use super::number::{write_date, write_decimal, write_f64, write_i64, write_timestamp};
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

enum Values<'a> {
    Bool(&'a BooleanArray),
    Int(&'a [i64]),
    Float(&'a [f64]),
    Text { texts: &'a StringArray, plain: bool },
    Date(&'a [i32]),
    Timestamp(&'a [i64]),
    Decimal { values: &'a [i128], scale: u8, most: u128 },
}

struct Column<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
    /// The bytes of a null.
    null: &'static [u8],
    /// The bytes of an empty text.
    empty: &'static [u8],
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef, field: &Field, alone: bool) -> Result<Self, TypedError> {
        let kind = Kind::of(field)?;
        let values = match kind {
            Kind::Bool => Values::Bool(array.as_boolean()),
            Kind::Int => Values::Int(array.as_primitive::<Int64Type>().values()),
            Kind::Float => Values::Float(array.as_primitive::<Float64Type>().values()),
            Kind::Text => {
                let texts = array.as_string::<i32>();
                Values::Text { texts, plain: !has_special(bytes_of(texts)) }
            }
            Kind::Date => Values::Date(array.as_primitive::<Date32Type>().values()),
            Kind::Timestamp => Values::Timestamp(array.as_primitive::<TimestampMicrosecondType>().values()),
            Kind::Decimal { precision, scale } => {
                let values = array.as_primitive::<Decimal128Type>().values();
                Values::Decimal { values, scale, most: 10_u128.pow(u32::from(precision)) - 1 }
            }
        };
        let text = kind == Kind::Text;
        let null: &[u8] = if alone && !text { b"\"\"" } else { b"" };
        let empty: &[u8] = if alone || field.is_nullable() { b"\"\"" } else { b"" };
        Ok(Self { values, nulls: array.nulls().filter(|nulls| nulls.null_count() > 0), null, empty })
    }

    /// Writes a cell. Returns `None` if its value is out of range.
    #[inline(always)]
    fn write(&self, row: usize, formulas: Formulas, out: &mut Vec<u8>) -> Option<()> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(self.null);
            return Some(());
        }
        match &self.values {
            Values::Bool(values) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
            Values::Int(values) => write_i64(values[row], out),
            Values::Float(values) => write_f64(values[row], out),
            Values::Text { texts, plain } => match texts.value(row).as_bytes() {
                [] => out.extend_from_slice(self.empty),
                text => write_text(text, *plain, formulas, out),
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
fn is_formula(text: &[u8]) -> bool {
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
