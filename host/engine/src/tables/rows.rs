//! Reads relations for the tables. Each object is read once for all tables, and one guest gets many small objects.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::aggregation::{Aggregation, Work};
use super::delta::GivenRows;
use super::row_stage::RowStage;
use super::taker::{Taker, is_full};
use crate::silver;
use smelt_catalog::ObjectRef;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_runtime::Accumulator;
use smelt_runtime::sums::Sign;
use smelt_storage::sorted_runs::AdditiveRuns;

/// About how many bytes of silver an accumulator reads before its state is added up.
const BUNDLE_BYTES: u64 = 4 << 20;
/// The rows of a large table are read in parts: the first bits of a hash are the number of the part.
const PART_BITS: u32 = 4;

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
    /// A part of the rows of a table, as they are kept: those of which the group's hash is in the range.
    Kept(&'t AdditiveRuns, (u64, u64)),
    /// Rows of a relation of the host.
    Given(&'t GivenRows),
}

impl<'t> Place<'t> {
    /// Returns the key of the object, or of the first run, which is that of no object, or the name of the rows; and where
    /// the part of it begins.
    pub(super) fn key(self) -> (&'t str, u64) {
        match self {
            Self::Object(object) => (&object.key, 0),
            Self::Kept(runs, (first, _)) => (runs.runs().first().map_or("", |run| &run.key), first),
            Self::Given(given) => (&given.name, 0),
        }
    }

    /// Returns the places of the rows of a table: several, if there are many rows, so that several workers read them.
    pub(super) fn of_rows(runs: &'t AdditiveRuns) -> impl Iterator<Item = Self> {
        let bytes: u64 = runs.runs().iter().map(|run| run.bytes).sum();
        let bits = if bytes < BUNDLE_BYTES { 0 } else { PART_BITS };
        (0..1 << bits).map(move |part: u64| {
            let first = part.checked_shl(u64::BITS - bits).unwrap_or(0);
            Self::Kept(runs, (first, first | u64::MAX >> bits))
        })
    }

    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Object(object) => object.bytes,
            Self::Kept(runs, (first, last)) => {
                let bytes: u64 = runs.runs().iter().map(|run| run.bytes).sum();
                (bytes as f64 * ((last - first) as f64 / u64::MAX as f64)) as u64
            }
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

/// An accumulator at work on an input.
struct Open<'w> {
    reader: WorkInput,
    accumulator: Accumulator<'w>,
    /// The number of rows that it has taken in.
    rows: usize,
}

impl<'w> Open<'w> {
    /// Opens another accumulator if this one has taken in much after these rows.
    fn after(&mut self, rows: usize, work: &Work<'w>, sign: Sign, as_of: i64) -> Result<()> {
        self.rows += rows;
        if is_full(&self.accumulator, self.rows) {
            let next = work.step.accumulator(self.reader.input, as_of)?;
            add_up(work, self.reader.input, std::mem::replace(&mut self.accumulator, next), sign);
            self.rows = 0;
        }
        Ok(())
    }
}

/// Adds what an accumulator of an input has added up to the table's sums, or subtracts it.
fn add_up(work: &Work<'_>, input: usize, mut accumulator: Accumulator<'_>, sign: Sign) {
    if work.has_failed() {
        return;
    }
    let sums = &work.sums[work.step.target(input)];
    let added = accumulator.state();
    let added = added.and_then(|state| Taker::of_input(work.step, sums).add(&state, sign));
    sums.spend(accumulator.cost());
    if let Err(error) = added {
        work.fail(error);
    }
}

impl Aggregation<'_> {
    /// Reads the rows of a bundle and adds them to the tables' sums or subtracts them. Returns the datasets with an
    /// object that is gone or damaged, each with the reason.
    pub(super) fn run_bundle(&self, bundle: &[Task<'_>], works: &[Work<'_>]) -> BTreeMap<String, String> {
        let mut damaged = BTreeMap::new();
        let sign = bundle[0].sign();
        let mut open: Vec<Open<'_>> = Vec::new();
        for &reader in &bundle[0].readers {
            match works[reader.work].step.accumulator(reader.input, self.as_of) {
                Ok(accumulator) => open.push(Open { reader, accumulator, rows: 0 }),
                Err(error) => works[reader.work].fail(error),
            }
        }
        for task in bundle {
            open.retain(|open| !works[open.reader.work].has_failed());
            if let Err(error) = self.read(task, &mut open, works) {
                if error.kind() == Kind::Damaged && task.ranges.is_none() {
                    damaged.insert(task.relation.to_owned(), error.to_string());
                }
                for Open { reader, .. } in &open {
                    works[reader.work].fail(error.clone());
                }
            }
            self.progress.advance(task.place.bytes());
        }
        for Open { reader, accumulator, .. } in open {
            add_up(&works[reader.work], reader.input, accumulator, sign);
        }
        damaged
    }

    /// Reads the columns that at least one of the open accumulators takes, and gives them to these.
    fn read<'w>(&self, task: &Task<'_>, open: &mut [Open<'w>], works: &[Work<'w>]) -> Result<()> {
        let Task { place, relation, ranges, .. } = task;
        let columns_of = |reader: &WorkInput| &works[reader.work].step.inputs[reader.input].columns;
        let mut give = |batch: &RecordBatch| {
            for open in open.iter_mut().filter(|_| batch.num_rows() > 0) {
                let work = &works[open.reader.work];
                let taken = silver::project(batch, columns_of(&open.reader))
                    .and_then(|projected| open.accumulator.update(&projected))
                    .and_then(|()| open.after(batch.num_rows(), work, task.sign(), self.as_of));
                if let Err(error) = taken {
                    work.fail(error.context(place.key().0));
                }
            }
        };
        match place {
            Place::Object(object) => {
                let schema = self.pipeline.schema(relation)?;
                let wanted = |name: &str| task.readers.iter().any(|reader| columns_of(reader).index_of(name).is_ok());
                let fields: Vec<_> = schema.fields().iter().filter(|field| wanted(field.name())).cloned().collect();
                let columns: SchemaRef = Schema::new(fields).into();
                if let Some(step) = self.pipeline.dataset(relation).filter(|step| step.is_of_bronze()) {
                    return step.visit_records(self.store, &object.key, self.pipeline.decode, &columns, &mut give);
                }
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
            Place::Kept(runs, hashes) => {
                let step = self.pipeline.table(relation);
                let step = step.ok_or_else(|| Error::internal("only a table keeps its rows by key"))?;
                RowStage::of(step.plugin.spec()).scan(self.store, runs, *hashes, |batch| {
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
