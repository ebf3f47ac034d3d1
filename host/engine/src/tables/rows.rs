//! Reading silver for the KPIs: each object once for all of them, small ones many to a guest.

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

/// About how many bytes of silver an accumulator takes in before its state is added up.
const BUNDLE_BYTES: u64 = 4 << 20;

/// Which KPI reads an object, and as which of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) work: usize,
    pub(super) input: usize,
}

/// Rows that some KPIs take in, or take back.
pub(super) struct Task<'t> {
    pub(super) stored: &'t ObjectRef,
    pub(super) dataset: &'t str,
    /// Rows that went, as ranges of row numbers; if `None`, all rows, and they came.
    pub(super) ranges: Option<&'t [(usize, usize)]>,
    pub(super) parts: Vec<Part>,
}

impl Task<'_> {
    fn sign(&self) -> Sign {
        if self.ranges.is_none() { Sign::Plus } else { Sign::Minus }
    }
}

/// Tasks for the same guests, so that those are opened once for many small objects; the longest first.
pub(super) fn bundles(mut tasks: Vec<Task<'_>>) -> Vec<Vec<Task<'_>>> {
    let kind = |task: &Task<'_>| (task.ranges.is_some(), task.parts.clone());
    tasks.sort_by(|a, b| kind(a).cmp(&kind(b)).then(b.stored.bytes.cmp(&a.stored.bytes)));
    let mut bundles: Vec<(u64, Vec<Task<'_>>)> = Vec::new();
    for task in tasks {
        match bundles.last_mut() {
            Some((bytes, bundle)) if *bytes < BUNDLE_BYTES && kind(&bundle[0]) == kind(&task) => {
                *bytes += task.stored.bytes;
                bundle.push(task);
            }
            _ => bundles.push((task.stored.bytes, vec![task])),
        }
    }
    bundles.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    bundles.into_iter().map(|(_, bundle)| bundle).collect()
}

impl Aggregation<'_> {
    /// Takes a bundle in. Returns datasets of which an object is gone or damaged, and which.
    pub(super) fn take_in(&self, bundle: &[Task<'_>], works: &[Work<'_>]) -> BTreeMap<String, String> {
        let mut damaged = BTreeMap::new();
        let mut open: Vec<(Part, Accumulator<'_>)> = Vec::new();
        for &part in &bundle[0].parts {
            match works[part.work].step.open(self.as_of) {
                Ok(accumulator) => open.push((part, accumulator)),
                Err(error) => works[part.work].fail(error),
            }
        }
        for task in bundle {
            let Task { stored, dataset, ranges, .. } = task;
            open.retain(|(part, _)| !works[part.work].has_failed());
            match self.read(stored, dataset, *ranges, &open, works) {
                Ok(batches) => {
                    for (part, accumulator) in &mut open {
                        if let Err(error) = update(accumulator, works, *part, &batches) {
                            works[part.work].fail(error.context(&stored.key));
                        }
                    }
                }
                Err(error) => {
                    if error.kind() == Kind::Damaged && ranges.is_none() {
                        damaged.insert((*dataset).to_owned(), error.to_string());
                    }
                    for (part, _) in &open {
                        works[part.work].fail(error.clone());
                    }
                }
            }
            self.progress.advance(stored.bytes);
        }
        for (part, mut accumulator) in open {
            let work = &works[part.work];
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

    /// The columns of a silver object that any of the KPIs reads.
    fn read(
        &self,
        stored: &ObjectRef,
        dataset: &str,
        ranges: Option<&[(usize, usize)]>,
        open: &[(Part, Accumulator<'_>)],
        works: &[Work<'_>],
    ) -> Result<Vec<RecordBatch>> {
        let step = self.pipeline.dataset(dataset).ok_or_else(|| Error::internal("a KPI reads no dataset"))?;
        let schema = &step.plugin.spec().output;
        let columns = |part: &Part| &works[part.work].step.inputs[part.input].columns;
        let wanted = |name: &str| open.iter().any(|(part, _)| columns(part).index_of(name).is_ok());
        let fields: Vec<_> = schema.fields().iter().filter(|field| wanted(field.name())).cloned().collect();
        let columns: SchemaRef = Schema::new(fields).into();
        let batches = silver::read(self.store, stored, schema, &columns)?;
        match ranges {
            None => Ok(batches),
            Some(ranges) => Ok(rows_of(&batches, ranges)),
        }
    }
}

fn update(accumulator: &mut Accumulator<'_>, works: &[Work<'_>], part: Part, batches: &[RecordBatch]) -> Result<()> {
    let input = &works[part.work].step.inputs[part.input];
    let mut batches = batches.iter().filter(|batch| batch.num_rows() > 0);
    batches.try_for_each(|batch| accumulator.update(&input.name, &silver::project(batch, &input.columns)?))
}

/// The rows in the ranges, whose numbers count over all batches.
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
