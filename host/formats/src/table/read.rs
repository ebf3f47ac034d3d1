//! Reads tables back.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use super::format::TableFormat;
#[cfg(feature = "parquet")]
use super::parquet::read_parquet;
use crate::csv::decode_csv_typed;
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
