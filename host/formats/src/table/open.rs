//! Opens a writer for a format.

use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use smelt_common::Error;
use smelt_common::error::Result;

use super::csv::CsvWriter;
use super::format::TableFormat;
use super::json::{JsonWriter, Layout};
use super::options::TableOptions;
#[cfg(feature = "parquet")]
use super::parquet::ParquetWriter;
use super::rows::Rows;
use super::writer::WriteTable;

/// Returns a writer for a table of that schema. It writes to `out` in large pieces, so `out` needs no buffer.
///
/// # Errors
/// Fails if the format is none of a single table (a [`Workbook`](super::Workbook) has several), if this build lacks it,
/// or if a column has a type that no format has.
pub fn table_writer<'w, W: Write + Send + 'w>(
    format: TableFormat,
    schema: SchemaRef,
    options: &TableOptions,
    out: W,
) -> Result<Box<dyn WriteTable<W> + 'w>> {
    format.check_built()?;
    let rows = Rows::new(schema)?;
    let schema = rows.schema();
    let writer: Box<dyn WriteTable<W> + 'w> = match format {
        TableFormat::Csv => Box::new(CsvWriter::new(schema, options.formulas, out)),
        TableFormat::Json => {
            let layout = if options.at_most_one_row { Layout::Single } else { Layout::Array };
            Box::new(JsonWriter::new(schema.clone(), layout, out))
        }
        TableFormat::Jsonl => Box::new(JsonWriter::new(schema.clone(), Layout::Lines, out)),
        #[cfg(feature = "parquet")]
        TableFormat::Parquet => Box::new(ParquetWriter::new(schema, options, out)?),
        _ => return Err(Error::internal("a workbook has sheets: it is no file of a single table")),
    };
    Ok(Box::new(Checked { rows, writer }))
}

/// Returns a whole table as the bytes of a file.
///
/// # Errors
/// As [`table_writer`], and if a value has no form in the format.
pub fn table_bytes(
    format: TableFormat,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    options: &TableOptions,
) -> Result<Vec<u8>> {
    let mut writer = table_writer(format, Arc::clone(schema), options, Vec::new())?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()
}

/// Hands on the rows that every format can write.
struct Checked<'w, W> {
    rows: Rows,
    writer: Box<dyn WriteTable<W> + 'w>,
}

impl<W> WriteTable<W> for Checked<'_, W> {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.rows.next(rows)?;
        self.writer.write(rows)
    }

    fn finish(self: Box<Self>) -> Result<W> {
        self.writer.finish()
    }
}
