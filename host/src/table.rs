//! Tables as text, cell by cell, for what people are shown.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};

use crate::Error;
use crate::codec::{DecodeLimits, Decoder, Format, Formulas};
use crate::error::Result;
use crate::silver;

/// The cells of each row, as they stand in gold or, with formulas kept, in silver.
pub fn cells(table: &RecordBatch, formulas: Formulas) -> Result<Vec<Vec<String>>> {
    let body = silver::encode(table.schema_ref(), std::slice::from_ref(table), formulas)?;
    let columns: Vec<String> = table.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
    let mut decoder = Decoder::new(body.as_slice(), Format::Csv, &columns, DecodeLimits::default());
    let mut rows = Vec::with_capacity(table.num_rows());
    while let Some(part) = decoder.next_batch().map_err(|error| Error::internal(error.to_string()))? {
        let columns: Vec<_> = part.columns.columns().iter().map(|column| column.as_string::<i32>()).collect();
        let text = |column: &arrow_array::StringArray, row: usize| match column.is_null(row) {
            true => String::new(),
            false => column.value(row).to_owned(),
        };
        rows.extend((0..part.columns.num_rows()).map(|row| columns.iter().map(|column| text(column, row)).collect()));
    }
    Ok(rows)
}
