//! Makes frames.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use smelt_common::Error;
use smelt_common::error::Result;

use super::block::Frame;
use super::chunk::{BLOCK_ROWS, Chunk, failed};

/// A frame that is being written.
pub struct NewFrame {
    schema: SchemaRef,
    file: BufWriter<File>,
    written: u64,
    rows: usize,
    /// For each block the place of each column.
    blocks: Vec<Vec<Chunk>>,
    /// Rows that are no whole block yet.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
}

impl NewFrame {
    /// Begins a table of these columns, in the directory for temporary files.
    pub fn begin(schema: SchemaRef) -> Result<Self> {
        let file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        Ok(Self { schema, file, written: 0, rows: 0, blocks: vec![], waiting: vec![], waiting_rows: 0 })
    }

    /// Appends rows.
    pub fn push(&mut self, rows: &RecordBatch) -> Result<()> {
        let mut at = 0;
        while at < rows.num_rows() {
            let some = (rows.num_rows() - at).min(BLOCK_ROWS - self.waiting_rows);
            self.waiting.push(rows.slice(at, some));
            self.waiting_rows += some;
            at += some;
            if self.waiting_rows == BLOCK_ROWS {
                self.write_block()?;
            }
        }
        Ok(())
    }

    fn write_block(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let block = concat_batches(&self.schema, &waiting).map_err(|error| Error::internal(error.to_string()))?;
        self.rows += std::mem::take(&mut self.waiting_rows);
        let mut chunks = Vec::with_capacity(block.num_columns());
        for (field, column) in self.schema.fields().iter().zip(block.columns()) {
            let schema = Schema::new(vec![Arc::clone(field)]);
            let options = RecordBatchOptions::new().with_row_count(Some(block.num_rows()));
            let one = RecordBatch::try_new_with_options(Arc::new(schema), vec![Arc::clone(column)], &options);
            let one = one.map_err(|error| Error::internal(error.to_string()))?;
            let mut bytes = Vec::new();
            let mut writer = StreamWriter::try_new(&mut bytes, one.schema_ref()).map_err(failed)?;
            writer.write(&one).and_then(|()| writer.finish()).map_err(failed)?;
            drop(writer);
            self.file.write_all(&bytes).map_err(failed)?;
            chunks.push(Chunk { at: self.written, bytes: bytes.len() });
            self.written += bytes.len() as u64;
        }
        self.blocks.push(chunks);
        Ok(())
    }

    /// Returns the whole table. `key` has the indices of the columns of its key.
    pub fn finish(mut self, key: Vec<usize>) -> Result<Frame> {
        if self.waiting_rows > 0 {
            self.write_block()?;
        }
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        Ok(Frame::of(self.schema, key, self.rows, self.written, self.blocks, file))
    }
}
