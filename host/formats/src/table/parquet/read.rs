//! Reads tables from Parquet.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::super::guard::guarded;
use super::super::rows::same_columns;
use crate::values::{TypedError, check_range};

/// Reads the named columns, in that order, of a Parquet file of `schema`. Returns batches of at most `batch_rows` rows.
///
/// It is strict, as [`decode_csv_typed`](crate::decode_csv_typed) is: the file must have the columns of the schema, in
/// their order and of their types, and every value must be in range. The format has no checksum, so a value that was
/// changed to another valid one goes unnoticed: compare the file's hash first.
///
/// # Errors
/// Fails if a column is unknown or its type is not supported, or if the file is damaged or of another schema.
pub fn read_parquet(
    bytes: impl Into<Bytes>,
    schema: &SchemaRef,
    columns: &[impl AsRef<str>],
    batch_rows: usize,
) -> Result<Vec<RecordBatch>, TypedError> {
    let mut batches = Vec::new();
    visit_parquet(bytes, schema, columns, batch_rows, &mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    Ok(batches)
}

/// Gives the batches of [`read_parquet`] one by one, so that one at a time is in memory.
///
/// # Errors
/// Those of [`read_parquet`], and those of `visit`.
pub(crate) fn visit_parquet(
    bytes: impl Into<Bytes>,
    schema: &SchemaRef,
    columns: &[impl AsRef<str>],
    batch_rows: usize,
    visit: &mut dyn FnMut(RecordBatch) -> Result<(), TypedError>,
) -> Result<(), TypedError> {
    let columns = columns.iter().map(AsRef::as_ref).collect::<Vec<_>>();
    // The library expects of some damaged files what they do not have.
    guarded(|| read(bytes.into(), schema, &columns, batch_rows, visit))
        .unwrap_or_else(|| Err(damaged("it is damaged, and the reader gave up")))
}

fn read(
    bytes: Bytes,
    schema: &SchemaRef,
    columns: &[&str],
    batch_rows: usize,
    visit: &mut dyn FnMut(RecordBatch) -> Result<(), TypedError>,
) -> Result<(), TypedError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).map_err(damaged)?;
    if !same_columns(file.schema(), schema) {
        let (found, expected) = (file.schema(), schema);
        return Err(TypedError::Parquet(format!("it has the columns {found}, expected {expected}")));
    }
    let mut projected = Vec::new();
    for column in columns {
        projected.push(schema.fields().find(column).map(|(at, _)| at).ok_or_else(|| {
            let known = schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
            TypedError::NoColumn { column: (*column).to_owned(), known }
        })?);
    }
    // The library returns each column once, in the order of the file.
    let mut read = projected.clone();
    read.sort_unstable();
    read.dedup();
    let order = projected.iter().map(|at| read.binary_search(at).expect("every projected column is read"));
    let order = order.collect::<Vec<_>>();
    let fields = projected.iter().map(|&at| Arc::clone(&schema.fields()[at])).collect::<Vec<_>>();
    let projected = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));

    let mask = ProjectionMask::roots(file.parquet_schema(), read);
    let reader = file.with_projection(mask).with_batch_size(batch_rows.max(1)).build().map_err(damaged)?;
    for batch in reader {
        let batch = batch.map_err(damaged)?;
        let arrays = order.iter().map(|&at| Arc::clone(batch.column(at))).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&projected), arrays, &options).map_err(damaged)?;
        check_range(&batch)?;
        visit(batch)?;
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> TypedError {
    TypedError::Parquet(error.to_string())
}
