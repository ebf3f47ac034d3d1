//! Reads silver for the KPIs. Each object is read once for all KPIs, and one guest gets many small objects.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::aggregation::{Aggregation, Work};
use crate::silver;
use smelt_catalog::ObjectRef;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_runtime::Accumulator;
use smelt_runtime::sums::Sign;

/// About how many bytes of silver an accumulator reads before its state is added up.
const BUNDLE_BYTES: u64 = 4 << 20;

/// An input of a KPI that reads an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WorkInput {
    /// The index of the KPI among those that are computed.
    pub(super) work: usize,
    /// The index of the KPI's input.
    pub(super) input: usize,
}

/// Rows of one object that some KPIs add to their sums or subtract from them.
pub(super) struct Task<'t> {
    /// The object that holds the rows.
    pub(super) object: &'t ObjectRef,
    /// The dataset's name.
    pub(super) dataset: &'t str,
    /// The rows that were removed and are subtracted, as ranges of row numbers. With `None`, all rows of the object are
    /// added.
    pub(super) ranges: Option<&'t [(usize, usize)]>,
    /// The inputs that read the rows.
    pub(super) readers: Vec<WorkInput>,
}

impl Task<'_> {
    fn sign(&self) -> Sign {
        if self.ranges.is_none() { Sign::Plus } else { Sign::Minus }
    }
}

/// Bundles tasks with the same readers, so that guests are opened once for many small objects. The largest bundle comes
/// first.
pub(super) fn bundles(mut tasks: Vec<Task<'_>>) -> Vec<Vec<Task<'_>>> {
    let kind = |task: &Task<'_>| (task.ranges.is_some(), task.readers.clone());
    tasks.sort_by(|a, b| kind(a).cmp(&kind(b)).then(b.object.bytes.cmp(&a.object.bytes)));
    let mut bundles: Vec<(u64, Vec<Task<'_>>)> = Vec::new();
    for task in tasks {
        match bundles.last_mut() {
            Some((bytes, bundle)) if *bytes < BUNDLE_BYTES && kind(&bundle[0]) == kind(&task) => {
                *bytes += task.object.bytes;
                bundle.push(task);
            }
            _ => bundles.push((task.object.bytes, vec![task])),
        }
    }
    bundles.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    bundles.into_iter().map(|(_, bundle)| bundle).collect()
}

impl Aggregation<'_> {
    /// Reads the rows of a bundle and adds them to the KPIs' sums or subtracts them. Returns the datasets with an
    /// object that is gone or damaged, each with the reason.
    pub(super) fn run_bundle(&self, bundle: &[Task<'_>], works: &[Work<'_>]) -> BTreeMap<String, String> {
        let mut damaged = BTreeMap::new();
        let mut open: Vec<(WorkInput, Accumulator<'_>)> = Vec::new();
        for &reader in &bundle[0].readers {
            match works[reader.work].step.plugin.accumulator(reader.input, self.as_of) {
                Ok(accumulator) => open.push((reader, accumulator)),
                Err(error) => works[reader.work].fail(error),
            }
        }
        for task in bundle {
            let Task { object, dataset, ranges, .. } = task;
            open.retain(|(reader, _)| !works[reader.work].has_failed());
            match self.read(object, dataset, *ranges, &open, works) {
                Ok(batches) => {
                    for (reader, accumulator) in &mut open {
                        if let Err(error) = update(accumulator, works, *reader, &batches) {
                            works[reader.work].fail(error.context(&object.key));
                        }
                    }
                }
                Err(error) => {
                    if error.kind() == Kind::Damaged && ranges.is_none() {
                        damaged.insert((*dataset).to_owned(), error.to_string());
                    }
                    for (reader, _) in &open {
                        works[reader.work].fail(error.clone());
                    }
                }
            }
            self.progress.advance(object.bytes);
        }
        for (reader, mut accumulator) in open {
            let work = &works[reader.work];
            if work.has_failed() {
                continue;
            }
            let added = accumulator.state().map(|state| work.sums.add(&state, bundle[0].sign()));
            work.sums.spend(accumulator.cost());
            if let Err(error) = added {
                work.fail(error);
            }
        }
        damaged
    }

    /// Reads the columns of an object that at least one of the open KPIs reads.
    fn read(
        &self,
        object: &ObjectRef,
        dataset: &str,
        ranges: Option<&[(usize, usize)]>,
        open: &[(WorkInput, Accumulator<'_>)],
        works: &[Work<'_>],
    ) -> Result<Vec<RecordBatch>> {
        let step = self
            .pipeline
            .dataset(dataset)
            .ok_or_else(|| Error::internal("a KPI reads a dataset that the pipeline lacks"))?;
        let schema = &step.plugin.spec().output;
        let columns = |reader: &WorkInput| &works[reader.work].step.inputs[reader.input].columns;
        let wanted = |name: &str| open.iter().any(|(reader, _)| columns(reader).index_of(name).is_ok());
        let fields: Vec<_> = schema.fields().iter().filter(|field| wanted(field.name())).cloned().collect();
        let columns: SchemaRef = Schema::new(fields).into();
        let batches = silver::read(self.store, object, schema, &columns)?;
        match ranges {
            None => Ok(batches),
            Some(ranges) => Ok(rows_of(&batches, ranges)),
        }
    }
}

fn update(
    accumulator: &mut Accumulator<'_>,
    works: &[Work<'_>],
    reader: WorkInput,
    batches: &[RecordBatch],
) -> Result<()> {
    let input = &works[reader.work].step.inputs[reader.input];
    let mut batches = batches.iter().filter(|batch| batch.num_rows() > 0);
    batches.try_for_each(|batch| accumulator.update(&silver::project(batch, &input.columns)?))
}

/// Returns the rows in the ranges. Row numbers count over all batches.
fn rows_of(batches: &[RecordBatch], ranges: &[(usize, usize)]) -> Vec<RecordBatch> {
    let mut rows = Vec::new();
    let mut base = 0;
    for batch in batches {
        let end = base + batch.num_rows();
        for &(from, to) in ranges {
            let (from, to) = (from.clamp(base, end), to.clamp(base, end));
            if from < to {
                rows.push(batch.slice(from - base, to - from));
            }
        }
        base = end;
    }
    rows
}
