//! The key of a row, and what rows of one key are compared by, as bytes that compare as the values do.

use arrow_array::RecordBatch;

use smelt_common::ordered::Column;
use smelt_runtime::{CleanerSpec, Preference};

/// Encodes the rows of a batch.
pub(super) struct Encoder<'b> {
    key: Vec<Column<'b>>,
    /// Each with whether the least value wins.
    order: Vec<(Column<'b>, bool)>,
}

impl<'b> Encoder<'b> {
    pub(super) fn new(batch: &'b RecordBatch, spec: &CleanerSpec) -> Self {
        let column = |at: usize| Column::of(batch.column(at));
        let least = |prefer| matches!(prefer, Preference::Least);
        Self {
            key: spec.key.iter().map(|&at| column(at)).collect(),
            order: spec.order_by.iter().map(|by| (column(by.column), least(by.prefer))).collect(),
        }
    }

    /// Appends the row's key and its order. Returns where the order begins.
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
