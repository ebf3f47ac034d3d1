//! What KPIs take in of silver while it is written, so that it need not be read again in the same run.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;

use crate::pipeline::{KpiStep, Pipeline};
use crate::silver;
use crate::tables::first_stage::first_stage;
use smelt_catalog::State;
use smelt_common::error::Result;
use smelt_runtime::Accumulator;
use smelt_runtime::sums::{Shards, Sign};

/// After so many rows what an accumulator took in is added up and a new one is opened, so that guests stay small.
const MOST_ROWS: usize = 1 << 19;

/// The index of a KPI's input and the key of a silver object.
pub type Taken = HashSet<(usize, String)>;

/// What a KPI took in, and what that adds up to.
type Held = (Taken, Arc<Shards>);

/// What the KPIs took in, by KPI.
#[derive(Default)]
pub struct PartialAggregates {
    /// `None` for a KPI that failed: it will fail again where that is reported.
    kpis: Mutex<HashMap<String, Option<Held>>>,
}

/// Accumulators of all KPIs that read one dataset, on one worker.
pub struct Feed<'f> {
    partials: &'f PartialAggregates,
    state: &'f State,
    as_of: i64,
    accumulators: Vec<Fed<'f>>,
}

struct Fed<'f> {
    step: &'f KpiStep,
    input: usize,
    /// The accumulator, unless it failed.
    accumulator: Option<Accumulator<'f>>,
    rows: usize,
    taken: Taken,
}

impl PartialAggregates {
    /// Opens an accumulator for each KPI that reads the dataset, as of that time in microseconds since the epoch.
    pub fn feed<'f>(&'f self, pipeline: &'f Pipeline, state: &'f State, dataset: &str, as_of: i64) -> Feed<'f> {
        let mut accumulators = Vec::new();
        for step in &pipeline.kpis {
            let inputs = step.inputs.iter().enumerate().filter(|(_, input)| input.relation == dataset);
            for (input, _) in inputs {
                accumulators.push(Fed {
                    step,
                    input,
                    accumulator: step.open(as_of).ok(),
                    rows: 0,
                    taken: Taken::new(),
                });
            }
        }
        Feed { partials: self, state, as_of, accumulators }
    }

    /// What the KPI took in, if all of it is among the silver that it is to take in.
    pub fn take<'s>(&self, kpi: &str, wanted: impl Iterator<Item = (usize, &'s str)>) -> Option<(Taken, Arc<Shards>)> {
        let (taken, sums) = self.kpis.lock().expect("no one panics while holding it").remove(kpi)??;
        let wanted: HashSet<(usize, &str)> = wanted.collect();
        taken.iter().all(|(input, key)| wanted.contains(&(*input, key.as_str()))).then_some((taken, sums))
    }

    fn add(&self, step: &KpiStep, state: &State, accumulator: Option<Accumulator<'_>>, taken: Taken) {
        let rows = accumulator.and_then(|mut accumulator| Some((accumulator.state().ok()?, accumulator.cost())));
        let kpis = || self.kpis.lock().expect("no one panics while holding it");
        let new = || Some((Taken::new(), Arc::new(first_stage(step, state).ok()?)));
        let Some(sums) = kpis().entry(step.name.clone()).or_insert_with(new).as_ref().map(|(_, sums)| Arc::clone(sums))
        else {
            return;
        };
        let added = rows.is_some_and(|(rows, cost)| {
            sums.spend(cost);
            sums.add(&rows, Sign::Plus);
            true
        });
        if let Some(held) = kpis().get_mut(&step.name) {
            match held {
                Some((all, _)) if added => all.extend(taken),
                _ => *held = None,
            }
        }
    }
}

impl Feed<'_> {
    /// Takes in rows that are about to be written.
    pub fn take_in(&mut self, batch: &RecordBatch) -> Result<()> {
        for Fed { step, input, accumulator, rows, .. } in &mut self.accumulators {
            let input = &step.inputs[*input];
            let projected = silver::project(batch, &input.columns)?;
            if let Some(held) = accumulator
                && held.update(&input.name, &projected).is_err()
            {
                *accumulator = None;
            }
            *rows += projected.num_rows();
            if *rows >= MOST_ROWS && accumulator.is_some() {
                self.partials.add(step, self.state, accumulator.take(), Taken::new());
                (*accumulator, *rows) = (step.open(self.as_of).ok(), 0);
            }
        }
        Ok(())
    }

    /// Whether any column of that name is wanted.
    pub fn wants(&self, column: &str) -> bool {
        self.accumulators.iter().any(|fed| fed.step.inputs[fed.input].columns.index_of(column).is_ok())
    }

    /// All that was taken in since the last call of this is the silver object under that key.
    pub fn written(&mut self, key: &str) {
        for Fed { input, taken, .. } in &mut self.accumulators {
            taken.insert((*input, key.to_owned()));
        }
    }

    /// Adds up what was taken in.
    pub fn finish(self) {
        for Fed { step, accumulator, taken, .. } in self.accumulators {
            self.partials.add(step, self.state, accumulator, taken);
        }
    }
}
