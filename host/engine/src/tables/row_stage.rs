//! The rows of a table as a stage: all columns are the key, those of the table's key first, and one sum counts how often
//! each row is there. So what changes in a table is found as what changes in any stage: by adding and subtracting.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::take::take_record_batch;

use super::feed::BATCH_ROWS;
use super::kept;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::sums::{OrderedRows, Sorted};
use smelt_runtime::{KpiSpec, Setting, StageSpec};
use smelt_storage::sorted_runs::AdditiveRuns;
use smelt_storage::{Sorter, Store};

/// The name of the sum. A stage's columns are told apart by their places, so it does not matter that a table may have a
/// column of the same name.
const COUNT: &str = "rows";

/// The rows of a table as a stage.
#[derive(Debug, Clone)]
pub(crate) struct RowStage {
    /// The stage.
    pub(crate) spec: StageSpec,
    /// The table's columns.
    output: SchemaRef,
    /// The place in the table of each column of the stage's key.
    places: Vec<usize>,
}

/// The rows that came to a table, and those that left it.
#[derive(Default)]
pub(crate) struct Differences {
    pub(crate) added: Vec<RecordBatch>,
    pub(crate) removed: Vec<RecordBatch>,
}

impl RowStage {
    /// Returns the rows of a table as a stage.
    pub(crate) fn of(spec: &KpiSpec) -> Self {
        Self::by_key(&spec.output, spec.key.as_deref().unwrap_or_default())
    }

    /// Returns rows of these columns as a stage. `key` has the indices of those of the key.
    pub(crate) fn by_key(output: &SchemaRef, key: &[usize]) -> Self {
        let others = (0..output.fields().len()).filter(|at| !key.contains(at));
        let places: Vec<usize> = key.iter().copied().chain(others).collect();
        let fields = places.iter().map(|&at| Arc::clone(&output.fields()[at]));
        let count = Arc::new(Field::new(COUNT, DataType::Int64, false));
        let schema = Arc::new(Schema::new(fields.chain([count]).collect::<Vec<_>>()));
        let stage = StageSpec { schema, keys: places.len(), group: key.len(), reducer: Setting::default() };
        Self { spec: stage, output: Arc::clone(output), places }
    }

    /// Returns rows of the table as rows of the stage, each counted once.
    pub(crate) fn counted(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let once: ArrayRef = Arc::new(Int64Array::from(vec![1; rows.num_rows()]));
        let columns = self.places.iter().map(|&at| Arc::clone(rows.column(at))).chain([once]).collect();
        RecordBatch::try_new(Arc::clone(&self.spec.schema), columns).map_err(|error| Error::internal(error.to_string()))
    }

    /// Returns rows of the stage as rows of the table. A row is repeated as often as it is counted.
    pub(crate) fn rows(&self, counted: &RecordBatch) -> Result<RecordBatch> {
        self.repeated(counted, |count| count)
    }

    /// Gives the sorted rows of the stage as rows of the table, batch by batch.
    pub(crate) fn in_order(&self, sorter: Sorter, visit: &mut dyn FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        let mut ordered = OrderedRows::new(&self.spec);
        sorter.finish(|key, numbers| {
            ordered.push(key, numbers)?;
            if ordered.len() == BATCH_ROWS { visit(&self.rows(&ordered.take()?)?) } else { Ok(()) }
        })?;
        if ordered.is_empty() { Ok(()) } else { visit(&self.rows(&ordered.take()?)?) }
    }

    /// Returns all kept rows, in the order of the table's key.
    pub(crate) fn all(&self, store: &dyn Store, kept: &AdditiveRuns) -> Result<RecordBatch> {
        self.rows(&kept::load(store, &self.spec, kept)?.batch()?)
    }

    /// Visits the kept rows of which the key has a hash in the range, batch by batch, in no particular order.
    pub(crate) fn scan(
        &self,
        store: &dyn Store,
        kept: &AdditiveRuns,
        hashes: (u64, u64),
        mut visit: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        kept::for_each(&kept.open(store)?, &self.spec, hashes, |rows| visit(&self.rows(rows)?))
    }

    /// Returns the rows that are counted up and those that are counted down.
    pub(crate) fn differences(&self, changed: &Sorted<'_>) -> Result<Differences> {
        let mut differences = Differences::default();
        for batch in changed.batches(BATCH_ROWS) {
            let counted = batch?.rows;
            for (rows, sign) in [(&mut differences.added, 1), (&mut differences.removed, -1)] {
                let some = self.repeated(&counted, |count| sign * count)?;
                if some.num_rows() > 0 {
                    rows.push(some);
                }
            }
        }
        Ok(differences)
    }

    fn repeated(&self, counted: &RecordBatch, times: impl Fn(i64) -> i64) -> Result<RecordBatch> {
        let internal = |error: arrow_schema::ArrowError| Error::internal(error.to_string());
        let counts = counted.column(self.spec.keys).as_primitive::<Int64Type>().values();
        let mut columns = vec![None; self.places.len()];
        for (column, &at) in self.places.iter().enumerate() {
            columns[at] = Some(Arc::clone(counted.column(column)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(counted.num_rows()));
        let columns = columns.into_iter().flatten().collect();
        let table = RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options).map_err(internal)?;
        if counts.iter().all(|&count| times(count) == 1) {
            return Ok(table);
        }
        let repeat = |(row, &count): (usize, &i64)| (0..times(count).max(0)).map(move |_| row as u64);
        let rows = UInt64Array::from_iter_values(counts.iter().enumerate().flat_map(repeat));
        take_record_batch(&table, &rows).map_err(internal)
    }
}
