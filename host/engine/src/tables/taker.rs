//! Passes the rows that a plugin gives on: to the sums of a stage, or to those of the rows of the table.

use arrow_array::RecordBatch;

use super::row_stage::RowStage;
use crate::pipeline::TableStep;
use smelt_common::error::Result;
use smelt_runtime::Accumulator;
use smelt_runtime::sums::{Shards, Sign};

/// After this many rows, or once its guest has so much memory, the state of an accumulator is added up and a new accumulator
/// is opened. So guests stay small, and what they give in one call does.
const MOST_ROWS: usize = 1 << 19;
const MOST_MEMORY: u64 = 64 << 20;

/// Returns whether the accumulator, which has taken in so many rows, is to be used up.
pub(super) fn is_full(accumulator: &Accumulator<'_>, rows: usize) -> bool {
    rows >= MOST_ROWS || accumulator.cost().memory_bytes >= MOST_MEMORY
}

/// Takes the rows that the accumulators or reducers of a table give, and adds them to the sums of what comes next.
pub(super) struct Taker<'t> {
    next: &'t Shards,
    /// Set if they are rows of the table.
    rows: Option<RowStage>,
}

impl<'t> Taker<'t> {
    /// Returns what takes the rows that the accumulators of an input give, which are added to `sums`.
    pub(super) fn of_input(step: &TableStep, sums: &'t Shards) -> Self {
        let spec = step.plugin.spec();
        Self { next: sums, rows: spec.stages.is_empty().then(|| RowStage::of(spec)) }
    }

    /// Returns what takes the rows that the reducers of a stage give: the next stage, or the rows of the table.
    pub(super) fn of_stage(step: &TableStep, stage: usize, next: &'t Shards) -> Self {
        let spec = step.plugin.spec();
        Self { next, rows: (stage + 1 == spec.stages.len()).then(|| RowStage::of(spec)) }
    }

    pub(super) fn add(&self, given: &RecordBatch, sign: Sign) -> Result<()> {
        match &self.rows {
            Some(rows) => self.next.add(&rows.counted(given)?, sign),
            None => self.next.add(given, sign),
        }
        Ok(())
    }
}
