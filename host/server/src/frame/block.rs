//! Reads frames.

use std::any::Any;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::interleave::interleave;
use smelt_common::Error;
use smelt_common::error::Result;

use super::chunk::{BLOCK_ROWS, Chunk, failed};

/// A table on this machine. Many threads may read it at once.
pub struct Frame {
    schema: SchemaRef,
    key: Vec<usize>,
    rows: usize,
    bytes: u64,
    blocks: Vec<Vec<Chunk>>,
    file: File,
    /// Answers to questions about the table, by the question.
    answers: Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>,
}

/// The most answers of a frame that are kept.
const ANSWERS: usize = 64;

impl Frame {
    pub(super) fn of(
        schema: SchemaRef,
        key: Vec<usize>,
        rows: usize,
        bytes: u64,
        blocks: Vec<Vec<Chunk>>,
        file: File,
    ) -> Self {
        Self { schema, key, rows, bytes, blocks, file, answers: Mutex::default() }
    }

    /// Returns the columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the indices of the columns of the key.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the size of its file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the number of blocks. Each but the last has [`BLOCK_ROWS`] rows.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the index of the column of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.schema.index_of(name).ok()
    }

    /// Reads a column of a block.
    pub fn chunk(&self, block: usize, column: usize) -> Result<ArrayRef> {
        let Chunk { at, bytes } = self.blocks[block][column];
        let mut body = vec![0; bytes];
        self.file.read_exact_at(&mut body, at).map_err(failed)?;
        let mut reader = StreamReader::try_new(&body[..], None).map_err(failed)?;
        let batch = reader.next().ok_or_else(|| Error::internal("a block has no rows"))?.map_err(failed)?;
        Ok(Arc::clone(batch.column(0)))
    }

    /// Reads these rows, in this order, with these columns.
    pub fn fetch(&self, rows: &[u32], columns: &[usize]) -> Result<RecordBatch> {
        let fields: Vec<_> = columns.iter().map(|&column| Arc::clone(&self.schema.fields()[column])).collect();
        let schema = Arc::new(Schema::new(fields));
        // Rows of one block are read once, whatever their order.
        let mut blocks: Vec<usize> = rows.iter().map(|&row| row as usize / BLOCK_ROWS).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let place = |&row: &u32| {
            let (block, within) = (row as usize / BLOCK_ROWS, row as usize % BLOCK_ROWS);
            (blocks.partition_point(|&other| other < block), within)
        };
        let places: Vec<(usize, usize)> = rows.iter().map(place).collect();
        let mut arrays = Vec::with_capacity(columns.len());
        for (&column, field) in columns.iter().zip(schema.fields()) {
            let chunks = blocks.iter().map(|&block| self.chunk(block, column)).collect::<Result<Vec<_>>>()?;
            let chunks: Vec<&dyn arrow_array::Array> = chunks.iter().map(AsRef::as_ref).collect();
            arrays.push(match chunks.is_empty() {
                true => arrow_array::new_empty_array(field.data_type()),
                false => interleave(&chunks, &places).map_err(|error| Error::internal(error.to_string()))?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(schema, arrays, &options).map_err(|error| Error::internal(error.to_string()))
    }

    /// Returns the answer to a question about the table that was asked before, or makes it.
    pub(crate) fn remembered<T: Any + Send + Sync>(
        &self,
        asked: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let kept = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Ok(found)) = kept().get(asked).map(|found| Arc::clone(found).downcast()) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        let mut kept = kept();
        if kept.len() >= ANSWERS {
            kept.clear();
        }
        kept.insert(asked.to_owned(), Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
        Ok(made)
    }
}
