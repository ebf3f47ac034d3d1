//! Partial aggregates: KPIs read the rows of silver while it is written, so that the run need not read them again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;

use super::empty_stages::empty_stages;
use super::taker::{Taker, is_full};
use crate::pipeline::{Pipeline, TableStep};
use crate::silver;
use smelt_catalog::State;
use smelt_common::error::Result;
use smelt_runtime::Accumulator;
use smelt_runtime::sums::{Shards, Sign};

/// The silver objects whose rows a partial aggregate contains: the index of the KPI's input and the object's key.
pub type Included = HashSet<(usize, String)>;

/// The objects that a KPI has read, and the sums of their rows: for each stage, and for the rows of the table.
type PartialAggregate = (Included, Vec<Arc<Shards>>);

/// The partial aggregates of all KPIs, by KPI.
#[derive(Default)]
pub struct PartialAggregates {
    /// `None` for a KPI that failed. It fails again when the KPIs are computed, and that failure is reported.
    kpis: Mutex<HashMap<String, Option<PartialAggregate>>>,
}

/// One worker's accumulators of all KPIs that read one dataset.
pub struct PartialAggregator<'a> {
    partials: &'a PartialAggregates,
    state: &'a State,
    /// The number of the pipeline's tables.
    tables: usize,
    as_of: i64,
    inputs: Vec<InputAccumulator<'a>>,
}

/// The accumulator for one input of a KPI.
struct InputAccumulator<'a> {
    step: &'a TableStep,
    /// The index of the input.
    input: usize,
    /// The accumulator; `None` if it failed.
    accumulator: Option<Accumulator<'a>>,
    /// The number of rows that the accumulator has read.
    rows: usize,
    /// The objects that were read.
    included: Included,
}

impl PartialAggregates {
    /// Opens an accumulator for each KPI that reads the dataset. The KPIs are told the time `as_of`, in microseconds
    /// since the epoch.
    pub fn aggregator<'a>(
        &'a self,
        pipeline: &'a Pipeline,
        state: &'a State,
        dataset: &str,
        as_of: i64,
    ) -> PartialAggregator<'a> {
        let mut opened = Vec::new();
        for step in &pipeline.tables {
            let inputs = step.inputs.iter().enumerate().filter(|(_, input)| input.relation == dataset);
            for (input, _) in inputs {
                opened.push(InputAccumulator {
                    step,
                    input,
                    accumulator: step.accumulator(input, as_of).ok(),
                    rows: 0,
                    included: Included::new(),
                });
            }
        }
        PartialAggregator { partials: self, state, tables: pipeline.tables.len(), as_of, inputs: opened }
    }

    /// Takes the partial aggregate of the KPI. Returns `None` if there is none, or if it contains an object that is not
    /// wanted.
    pub fn take<'s>(
        &self,
        kpi: &str,
        wanted: impl Iterator<Item = (usize, &'s str)>,
    ) -> Option<(Included, Vec<Arc<Shards>>)> {
        let (included, sums) = self.kpis.lock().expect("no one panics while holding it").remove(kpi)??;
        let wanted: HashSet<(usize, &str)> = wanted.collect();
        included.iter().all(|(input, key)| wanted.contains(&(*input, key.as_str()))).then_some((included, sums))
    }

    /// Adds the state of an accumulator, which has read the objects, to the KPI's partial aggregate.
    fn add(
        &self,
        step: &TableStep,
        input: usize,
        (state, tables): (&State, usize),
        accumulator: Option<Accumulator<'_>>,
        included: Included,
    ) {
        let rows = accumulator.and_then(|mut accumulator| Some((accumulator.state().ok()?, accumulator.cost())));
        let kpis = || self.kpis.lock().expect("no one panics while holding it");
        let new = || Some((Included::new(), empty_stages(step, state, tables).ok()?));
        let to = step.target(input);
        let Some(sums) =
            kpis().entry(step.name.clone()).or_insert_with(new).as_ref().map(|(_, sums)| Arc::clone(&sums[to]))
        else {
            return;
        };
        let added = rows.is_some_and(|(rows, cost)| {
            sums.spend(cost);
            Taker::of_input(step, &sums).add(&rows, Sign::Plus).is_ok()
        });
        if let Some(partial) = kpis().get_mut(&step.name) {
            match partial {
                Some((all, _)) if added => all.extend(included),
                _ => *partial = None,
            }
        }
    }
}

impl PartialAggregator<'_> {
    /// Adds rows that are about to be written.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        for InputAccumulator { step, input, accumulator, rows, .. } in &mut self.inputs {
            let projected = silver::project(batch, &step.inputs[*input].columns)?;
            if let Some(open) = accumulator
                && open.update(&projected).is_err()
            {
                *accumulator = None;
            }
            *rows += projected.num_rows();
            if accumulator.as_ref().is_some_and(|open| is_full(open, *rows)) {
                self.partials.add(step, *input, (self.state, self.tables), accumulator.take(), Included::new());
                (*accumulator, *rows) = (step.accumulator(*input, self.as_of).ok(), 0);
            }
        }
        Ok(())
    }

    /// Returns whether a KPI reads the column of this name.
    pub fn wants(&self, column: &str) -> bool {
        self.inputs.iter().any(|of| of.step.inputs[of.input].columns.index_of(column).is_ok())
    }

    /// Notes that the rows that were added since the last call are the silver object under this key.
    pub fn end_object(&mut self, key: &str) {
        for InputAccumulator { input, included, .. } in &mut self.inputs {
            included.insert((*input, key.to_owned()));
        }
    }

    /// Adds the accumulators' states to the partial aggregates.
    pub fn finalize(self) {
        for InputAccumulator { step, input, accumulator, included, .. } in self.inputs {
            self.partials.add(step, input, (self.state, self.tables), accumulator, included);
        }
    }
}
