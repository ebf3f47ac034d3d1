//! Turns tables into text, cell by cell, to show them to people.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};

use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_formats::{DecodeLimits, Decoder, Format, Formulas, encode_csv};

/// Returns the cells of each row, as they stand in gold; or as they stand in silver, if formulas are kept.
pub fn cells(table: &RecordBatch, formulas: Formulas) -> Result<Vec<Vec<String>>> {
    // The header has numbers, because encoding may change a column's name.
    let columns: Vec<String> = (0..table.num_columns()).map(|number| number.to_string()).collect();
    let mut body = (columns.join(",") + "\n").into_bytes();
    encode_csv(table, None, formulas, &mut body).map_err(|error| Error::new(Kind::Plugin, error.to_string()))?;
    let mut decoder = Decoder::new(body.as_slice(), Format::Csv, &columns, DecodeLimits::default());
    let mut rows = Vec::with_capacity(table.num_rows());
    while let Some(batch) = decoder.next_batch().map_err(|error| Error::internal(error.to_string()))? {
        let columns: Vec<_> = batch.columns.columns().iter().map(|column| column.as_string::<i32>()).collect();
        let text = |column: &arrow_array::StringArray, row: usize| match column.is_null(row) {
            true => String::new(),
            false => column.value(row).to_owned(),
        };
        rows.extend((0..batch.columns.num_rows()).map(|row| columns.iter().map(|column| text(column, row)).collect()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    #[test]
    fn cells_are_found_whatever_the_columns_are_called() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["=1", "x"]));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![-1, 2]));
        let table = RecordBatch::try_from_iter([("=a", text), (" b ", number)]).expect("it is a table");
        assert_eq!(cells(&table, Formulas::Escape).expect("it can be written"), [["'=1", "-1"], ["x", "2"]]);
        assert_eq!(cells(&table, Formulas::Keep).expect("it can be written"), [["=1", "-1"], ["x", "2"]]);
    }
}
