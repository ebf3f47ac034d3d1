//! Reads relations for the tables. Each object is read once for all tables, and one guest gets many small objects.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::aggregation::{Aggregation, Work};
use super::delta::GivenRows;
use super::row_stage::RowStage;
use super::taker::Taker;
use crate::silver;
use smelt_catalog::ObjectRef;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_runtime::Accumulator;
use smelt_runtime::sums::Sign;
use smelt_storage::sorted_runs::AdditiveRuns;

/// About how many bytes of silver an accumulator reads before its state is added up.
const BUNDLE_BYTES: u64 = 4 << 20;

/// An input of a table that reads an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WorkInput {
    /// The index of the table among those that are computed.
    pub(super) work: usize,
    /// The index of the table's input.
    pub(super) input: usize,
}

/// The place of rows.
#[derive(Clone, Copy)]
pub(super) enum Place<'t> {
    /// An object in the format of silver.
    Object(&'t ObjectRef),
    /// The rows of a table, as they are kept.
    Kept(&'t AdditiveRuns),
    /// Rows of a relation of the host.
    Given(&'t GivenRows),
}

impl<'t> Place<'t> {
    /// Returns the key of the object, or of the first run, which is that of no object, or the name of the rows.
    pub(super) fn key(self) -> &'t str {
        match self {
            Self::Object(object) => &object.key,
            Self::Kept(runs) => runs.runs().first().map_or("", |run| &run.key),
            Self::Given(given) => &given.name,
        }
    }

    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Object(object) => object.bytes,
            Self::Kept(runs) => runs.runs().iter().map(|run| run.bytes).sum(),
            Self::Given(given) => given.rows.get_array_memory_size() as u64,
        }
    }
}

/// Rows that some tables add to their sums or subtract from them.
pub(super) struct Task<'t> {
    /// The place of the rows.
    pub(super) place: Place<'t>,
    /// The relation's name.
    pub(super) relation: &'t str,
    /// The rows that were removed and are subtracted, as ranges of row numbers. With `None`, all rows of the object are
    /// added.
    pub(super) ranges: Option<&'t [(usize, usize)]>,
    /// The inputs that read the rows.
    pub(super) readers: Vec<WorkInput>,
}

impl Task<'_> {
    fn sign(&self) -> Sign {
        match self.place {
            Place::Given(given) => given.sign,
            _ if self.ranges.is_none() => Sign::Plus,
            _ => Sign::Minus,
        }
    }
}

/// Bundles tasks with the same readers, so that guests are opened once for many small objects. The largest bundle comes
/// first.
pub(super) fn bundles(mut tasks: Vec<Task<'_>>) -> Vec<Vec<Task<'_>>> {
    let kind = |task: &Task<'_>| (task.sign() == Sign::Minus, task.readers.clone());
    tasks.sort_by(|a, b| kind(a).cmp(&kind(b)).then(b.place.bytes().cmp(&a.place.bytes())));
    let mut bundles: Vec<(u64, Vec<Task<'_>>)> = Vec::new();
    for task in tasks {
        match bundles.last_mut() {
            Some((bytes, bundle)) if *bytes < BUNDLE_BYTES && kind(&bundle[0]) == kind(&task) => {
                *bytes += task.place.bytes();
                bundle.push(task);
            }
            _ => bundles.push((task.place.bytes(), vec![task])),
        }
    }
    bundles.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    bundles.into_iter().map(|(_, bundle)| bundle).collect()
}

impl Aggregation<'_> {
    /// Reads the rows of a bundle and adds them to the tables' sums or subtracts them. Returns the datasets with an
    /// object that is gone or damaged, each with the reason.
    pub(super) fn run_bundle(&self, bundle: &[Task<'_>], works: &[Work<'_>]) -> BTreeMap<String, String> {
        let mut damaged = BTreeMap::new();
        let mut open: Vec<(WorkInput, Accumulator<'_>)> = Vec::new();
        for &reader in &bundle[0].readers {
            match works[reader.work].step.accumulator(reader.input, self.as_of) {
                Ok(accumulator) => open.push((reader, accumulator)),
                Err(error) => works[reader.work].fail(error),
            }
        }
        for task in bundle {
            open.retain(|(reader, _)| !works[reader.work].has_failed());
            if let Err(error) = self.read(task, &mut open, works) {
                if error.kind() == Kind::Damaged && task.ranges.is_none() {
                    damaged.insert(task.relation.to_owned(), error.to_string());
                }
                for (reader, _) in &open {
                    works[reader.work].fail(error.clone());
                }
            }
            self.progress.advance(task.place.bytes());
        }
        for (reader, mut accumulator) in open {
            let work = &works[reader.work];
            if work.has_failed() {
                continue;
            }
            let sums = &work.sums[work.step.target(reader.input)];
            let added = accumulator.state();
            let added = added.and_then(|state| Taker::of_input(work.step, sums).add(&state, bundle[0].sign()));
            sums.spend(accumulator.cost());
            if let Err(error) = added {
                work.fail(error);
            }
        }
        damaged
    }

    /// Reads the columns that at least one of the open accumulators takes, and gives them to these.
    fn read(&self, task: &Task<'_>, open: &mut [(WorkInput, Accumulator<'_>)], works: &[Work<'_>]) -> Result<()> {
        let Task { place, relation, ranges, .. } = task;
        let columns_of = |reader: &WorkInput| &works[reader.work].step.inputs[reader.input].columns;
        let mut give = |batch: &RecordBatch| {
            for (reader, accumulator) in open.iter_mut().filter(|_| batch.num_rows() > 0) {
                let taken =
                    silver::project(batch, columns_of(reader)).and_then(|projected| accumulator.update(&projected));
                if let Err(error) = taken {
                    works[reader.work].fail(error.context(place.key()));
                }
            }
        };
        match place {
            Place::Object(object) => {
                let schema = self.pipeline.schema(relation)?;
                let wanted = |name: &str| task.readers.iter().any(|reader| columns_of(reader).index_of(name).is_ok());
                let fields: Vec<_> = schema.fields().iter().filter(|field| wanted(field.name())).cloned().collect();
                let columns: SchemaRef = Schema::new(fields).into();
                let batches = silver::read(self.store, object, schema, &columns)?;
                let batches = match ranges {
                    None => batches,
                    Some(ranges) => in_ranges(&batches, ranges),
                };
                batches.iter().for_each(&mut give);
                Ok(())
            }
            Place::Given(given) => {
                give(&given.rows);
                Ok(())
            }
            Place::Kept(runs) => {
                let step = self.pipeline.table(relation);
                let step = step.ok_or_else(|| Error::internal("only a table keeps its rows by key"))?;
                RowStage::of(step.plugin.spec()).scan(self.store, runs, |batch| {
                    give(batch);
                    Ok(())
                })
            }
        }
    }
}

/// Returns the rows in the ranges. Row numbers count over all batches.
fn in_ranges(batches: &[RecordBatch], ranges: &[(usize, usize)]) -> Vec<RecordBatch> {
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
