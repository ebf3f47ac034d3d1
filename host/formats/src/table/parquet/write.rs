//! Writes tables as Parquet.

use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use super::super::options::{Compression, TableOptions};
use super::super::writer::WriteTable;

/// The author in every file, in the form that the format asks for. The version is that of the files' layout, which does
/// not change with every release: equal tables stay equal bytes.
const AUTHOR: &str = "smelt version 1";

/// The library is given so many rows at a time, whatever batches come, because pages end where its batches do.
const ROWS_AT_ONCE: usize = 1024;

/// The most rows of a row group: what one reader reads at once.
const GROUP_ROWS: usize = 1 << 20;

/// A row group ends when it has about so many bytes, because it is in memory until then.
const GROUP_BYTES: usize = 128 << 20;

/// A page ends when it has so many rows or bytes, whichever comes first: what a reader with the column index can skip.
const PAGE_ROWS: usize = 20 * ROWS_AT_ONCE;
const PAGE_BYTES: usize = 1 << 20;

/// Writes rows, some at a time.
pub(in crate::table) struct ParquetWriter<W: Write + Send> {
    schema: SchemaRef,
    writer: ArrowWriter<W>,
    /// Rows that are not yet written, and their number.
    waiting: Vec<RecordBatch>,
    rows: usize,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(in crate::table) fn new(schema: &Schema, options: &TableOptions, out: W) -> Result<Self> {
        let codec = match options.compression {
            Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
            Compression::Snappy => Codec::SNAPPY,
            Compression::None => Codec::UNCOMPRESSED,
        };
        let sorted_by = options.sorted_by.iter().map(|&column| match i32::try_from(column) {
            Ok(at) if column < schema.fields().len() => {
                Ok(SortingColumn { column_idx: at, descending: false, nulls_first: true })
            }
            _ => Err(Error::internal(format!("a table is sorted by column {column}, which it does not have"))),
        });
        let sorted_by = sorted_by.collect::<Result<Vec<_>>>()?;
        let properties = WriterProperties::builder()
            .set_created_by(AUTHOR.to_owned())
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(codec)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_sorting_columns((!sorted_by.is_empty()).then_some(sorted_by))
            .set_write_batch_size(ROWS_AT_ONCE)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_data_page_size_limit(PAGE_BYTES)
            .build();
        // Parquet's own types say all, so the schema of Arrow would only be more bytes. Metadata of plugins stays out.
        let schema = Arc::new(Schema::new(schema.fields().clone()));
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options).map_err(unwritten)?;
        Ok(Self { schema, writer, waiting: Vec::new(), rows: 0 })
    }

    /// Hands the waiting rows to the library.
    fn hand_on(&mut self) -> Result<()> {
        let rows = concat_batches(&self.schema, &self.waiting)
            .map_err(|error| Error::new(Kind::LimitExceeded, format!("{} rows of a table: {error}", self.rows)))?;
        self.waiting.clear();
        self.rows = 0;
        self.writer.write(&rows).map_err(unwritten)
    }
}

impl<W: Write + Send> WriteTable<W> for ParquetWriter<W> {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let mut rest = RecordBatch::try_new(Arc::clone(&self.schema), rows.columns().to_vec())
            .map_err(|error| Error::internal(error.to_string()))?;
        while rest.num_rows() > 0 {
            let taken = rest.num_rows().min(ROWS_AT_ONCE - self.rows);
            self.waiting.push(rest.slice(0, taken));
            self.rows += taken;
            rest = rest.slice(taken, rest.num_rows() - taken);
            if self.rows == ROWS_AT_ONCE {
                self.hand_on()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<W> {
        if self.rows > 0 {
            self.hand_on()?;
        }
        self.writer.into_inner().map_err(unwritten)
    }
}

fn unwritten(error: ParquetError) -> Error {
    Error::new(Kind::Unavailable, format!("cannot write the table's bytes: {error}"))
}
