//! Reads tables back.

use std::io::Read;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, SchemaRef};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use super::format::TableFormat;
#[cfg(feature = "parquet")]
use super::parquet::{read_parquet, visit_parquet};
use crate::csv::{Formulas, decode_csv_typed, encode_csv_header, is_formula};
use crate::values::TypedError;

/// Reads the named columns, in that order, of a CSV or Parquet file of `schema` whose text is exact. Returns batches of at
/// most `batch_rows` rows.
///
/// # Errors
/// [`Kind::InvalidInput`] if a column is unknown, or if the file deviates from what a writer makes of that schema. Fails if this
/// build lacks the format.
pub fn read_table(
    format: TableFormat,
    bytes: Vec<u8>,
    schema: &SchemaRef,
    columns: &[impl AsRef<str>],
    batch_rows: usize,
) -> Result<Vec<RecordBatch>> {
    let deviates = |error: TypedError| Error::new(Kind::InvalidInput, error.to_string());
    match format {
        TableFormat::Csv => decode_csv_typed(&bytes, schema, columns, batch_rows).map_err(deviates),
        #[cfg(feature = "parquet")]
        TableFormat::Parquet => read_parquet(bytes, schema, columns, batch_rows).map_err(deviates),
        #[cfg(not(feature = "parquet"))]
        TableFormat::Parquet => {
            Err(Error::config("this smelt was built without the feature `parquet`, so it reads no parquet"))
        }
        _ => Err(Error::internal(format!("no {} file is read back", format.extension()))),
    }
}

/// The bytes of CSV that become batches at a time.
const STRETCH: usize = 4 << 20;

/// Gives the rows of a CSV or Parquet file of `schema` batch by batch; of a CSV file, little is in memory at a time. Text that
/// was written with `formulas` comes back as it was.
///
/// # Errors
/// Those of [`read_table`], of the reader and of `visit`.
pub fn visit_table(
    format: TableFormat,
    mut file: impl Read,
    schema: &SchemaRef,
    formulas: Formulas,
    batch_rows: usize,
    visit: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    match format {
        TableFormat::Csv => visit_csv(file, schema, formulas, STRETCH, &mut |records| {
            let batches = read_table(format, records, schema, &names, batch_rows)?;
            batches.into_iter().try_for_each(|batch| visit(unescaped(batch, formulas)?))
        }),
        _ => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(unread)?;
            visit_binary(format, bytes, schema, &names, batch_rows, visit)
        }
    }
}

#[cfg(feature = "parquet")]
fn visit_binary(
    _format: TableFormat,
    bytes: Vec<u8>,
    schema: &SchemaRef,
    names: &[&str],
    batch_rows: usize,
    visit: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let mut failed = None;
    let read = visit_parquet(bytes, schema, names, batch_rows, &mut |batch| {
        visit(batch).map_err(|error| {
            let why = error.to_string();
            failed = Some(error);
            TypedError::Parquet(why)
        })
    });
    match failed {
        Some(error) => Err(error),
        None => read.map_err(|error| Error::new(Kind::InvalidInput, error.to_string())),
    }
}

#[cfg(not(feature = "parquet"))]
fn visit_binary(
    format: TableFormat,
    bytes: Vec<u8>,
    schema: &SchemaRef,
    names: &[&str],
    batch_rows: usize,
    visit: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    read_table(format, bytes, schema, names, batch_rows)?.into_iter().try_for_each(visit)
}

fn unread(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot read the table: {error}"))
}

/// Gives the records of a CSV file in stretches of about so many bytes, each below the header that [`decode_csv_typed`] expects.
fn visit_csv(
    mut file: impl Read,
    schema: &SchemaRef,
    formulas: Formulas,
    bytes: usize,
    visit: &mut dyn FnMut(Vec<u8>) -> Result<()>,
) -> Result<()> {
    let (mut written, mut expected) = (Vec::new(), Vec::new());
    encode_csv_header(schema, formulas, &mut written);
    encode_csv_header(schema, Formulas::Keep, &mut expected);
    let mut header = vec![0; written.len()];
    let is_header = file.read_exact(&mut header).is_ok() && header == written;
    if !is_header {
        let header = String::from_utf8_lossy(written.trim_ascii_end()).into_owned();
        return Err(Error::new(Kind::InvalidInput, format!("line 1: expected the header {header}")));
    }
    let mut stretch = expected.clone();
    loop {
        let whole = stretch.len();
        let read = file.by_ref().take(bytes as u64).read_to_end(&mut stretch).map_err(unread)?;
        if read == 0 {
            return if whole > expected.len() { visit(stretch) } else { Ok(()) };
        }
        // A line end within quotes is no end of a record. Outside of them, the number of quotes so far is even.
        let mut quotes = 0;
        let mut end = expected.len();
        for at in memchr::memchr2_iter(b'"', b'\n', &stretch[expected.len()..]) {
            match stretch[expected.len() + at] {
                b'"' => quotes += 1,
                _ if quotes % 2 == 0 => end = expected.len() + at + 1,
                _ => {}
            }
        }
        if end > expected.len() {
            let rest = stretch.split_off(end);
            visit(std::mem::replace(&mut stretch, expected.clone()))?;
            stretch.extend_from_slice(&rest);
        }
    }
}

/// Returns the rows with texts as they were before they were written so that no spreadsheet runs them.
fn unescaped(batch: RecordBatch, formulas: Formulas) -> Result<RecordBatch> {
    let is_text = |array: &ArrayRef| matches!(array.data_type(), DataType::Utf8);
    if formulas == Formulas::Keep || !batch.columns().iter().any(is_text) {
        return Ok(batch);
    }
    let plain = |array: &ArrayRef| -> ArrayRef {
        match array.as_string_opt::<i32>() {
            Some(texts) => Arc::new(texts.iter().map(|text| text.map(unescaped_text)).collect::<StringArray>()),
            None => Arc::clone(array),
        }
    };
    let columns = batch.columns().iter().map(plain).collect();
    RecordBatch::try_new(batch.schema(), columns).map_err(|error| Error::internal(error.to_string()))
}

fn unescaped_text(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest.as_bytes())).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::encode_table;
    use arrow_array::Int64Array;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_file_comes_back_in_stretches(
            texts in proptest::collection::vec(proptest::option::of("[-=\"\n, a]{0,6}"), 0..60),
            formulas in prop_oneof![Just(Formulas::Keep), Just(Formulas::Escape)],
            most in 1_usize..40,
        ) {
            let numbers = Int64Array::from_iter_values(0..texts.len() as i64);
            let table = RecordBatch::try_from_iter_with_nullable([
                ("n", Arc::new(numbers) as ArrayRef, false),
                ("=t", Arc::new(StringArray::from(texts)) as ArrayRef, true),
            ]).expect("a table");
            let bytes = encode_table(table.schema_ref(), std::slice::from_ref(&table), formulas).expect("it is written");
            let (schema, mut rows) = (table.schema(), Vec::new());
            visit_csv(&bytes[..], &schema, formulas, most, &mut |records| {
                let batches = read_table(TableFormat::Csv, records, &schema, &["n", "=t"], 7)?;
                for batch in batches {
                    rows.push(unescaped(batch, formulas)?);
                }
                Ok(())
            }).expect("it is read");
            let found = arrow_select::concat::concat_batches(&table.schema(), &rows).expect("one table");
            prop_assert_eq!(found, table);
        }
    }
}
