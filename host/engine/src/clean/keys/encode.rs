//! Encodes a row's key and its order values as bytes. The bytes compare as the values do.

use arrow_array::RecordBatch;

use smelt_common::ordered::Column;
use smelt_runtime::{CleanerSpec, Preference};

/// Encodes the rows of a batch.
pub(super) struct Encoder<'b> {
    key: Vec<Column<'b>>,
    /// The order columns. The flag is true if the least value wins.
    order: Vec<(Column<'b>, bool)>,
}

impl<'b> Encoder<'b> {
    /// Returns an encoder for the rows of the batch.
    pub(super) fn new(batch: &'b RecordBatch, spec: &CleanerSpec) -> Self {
        let column = |at: usize| Column::of(batch.column(at));
        let least = |prefer| matches!(prefer, Preference::Least);
        Self {
            key: spec.key.iter().map(|&at| column(at)).collect(),
            order: spec.order_by.iter().map(|by| (column(by.column), least(by.prefer))).collect(),
        }
    }

    /// Appends the row's key and then its order values. Returns the index in `out` at which the order values begin.
    pub(super) fn encode(&self, row: usize, out: &mut Vec<u8>) -> usize {
        self.key.iter().for_each(|column| column.encode(row, out));
        let middle = out.len();
        for (column, least) in &self.order {
            let from = out.len();
            column.encode(row, out);
            if *least {
                out[from..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
        middle
    }
}
