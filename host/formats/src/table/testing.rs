//! Writes tables to memory, in batches cut anyhow.

use std::sync::Arc;

use arrow_array::RecordBatch;
use smelt_common::error::Result;

use super::{TableFormat, TableOptions, table_bytes};

/// Returns the rows in batches of those sizes, over and over.
pub(super) fn cut(table: &RecordBatch, sizes: &[usize]) -> Vec<RecordBatch> {
    let (mut batches, mut at) = (Vec::new(), 0);
    for size in sizes.iter().cycle() {
        let rows = (table.num_rows() - at).min(*size);
        batches.push(table.slice(at, rows));
        at += rows;
        if at == table.num_rows() {
            return batches;
        }
    }
    batches
}

/// Returns the file of a table.
pub(super) fn try_file(format: TableFormat, options: &TableOptions, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    table_bytes(format, batches[0].schema_ref(), batches, options)
}

/// As [`try_file`], with the defaults, of a table that can be written.
pub(super) fn file(format: TableFormat, batches: &[RecordBatch]) -> Vec<u8> {
    try_file(format, &TableOptions::default(), batches).expect("the table can be written")
}

/// Returns the table without its rows.
pub(super) fn empty(table: &RecordBatch) -> RecordBatch {
    RecordBatch::new_empty(Arc::clone(table.schema_ref()))
}
