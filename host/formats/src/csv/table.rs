//! Writes a complete table as CSV.

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::typed::{Formulas, encode_csv, encode_csv_header};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, profile};

/// Returns the table as CSV, with its header.
///
/// # Errors
/// Returns an error of the plugin that made the table, if a value or a type has no CSV form.
pub fn encode_table(schema: &Schema, batches: &[RecordBatch], formulas: Formulas) -> Result<Vec<u8>> {
    let mut span = profile::span("encode CSV", "");
    let mut body = Vec::new();
    encode_csv_header(schema, formulas, &mut body);
    for batch in batches {
        encode_csv(batch, None, formulas, &mut body).map_err(|error| Error::new(Kind::Plugin, error.to_string()))?;
        span.through(batch.num_rows(), 0);
    }
    span.through(0, body.len());
    Ok(body)
}
