//! Computes a KPI's table as it would be without one silver object.

use std::collections::HashMap;
use std::sync::Mutex;

use arrow_array::RecordBatch;

use super::finalize::{kept_groups, reduce, table};
use crate::pipeline::{KpiStep, Pipeline};
use crate::silver;
use smelt_catalog::{Gold, ObjectRef};
use smelt_common::error::Result;
use smelt_common::{Error, workers};
use smelt_runtime::sums::{Shards, Sign, Sums};
use smelt_storage::Store;
use smelt_storage::sorted_runs::Reader;

/// A KPI's sums, from which its table can be computed without one of the silver objects.
pub struct LeaveOneOut<'w> {
    store: &'w dyn Store,
    pipeline: &'w Pipeline,
    step: &'w KpiStep,
    as_of: i64,
    /// The kept sums of each stage before the last.
    kept: Vec<Reader<'w>>,
    /// All sums of the last stage.
    last: Sums,
}

/// The sums of single silver objects under one KPI's component and parameters, by input, key and sha256.
#[derive(Default)]
pub struct States(Mutex<HashMap<(usize, String, String), RecordBatch>>);

impl States {
    /// Returns the object's sums. Calls `make` if they are not known yet.
    fn of(&self, input: usize, object: &ObjectRef, make: impl FnOnce() -> Result<RecordBatch>) -> Result<RecordBatch> {
        let key = (input, object.key.clone(), object.sha256.clone());
        let known = self.0.lock().expect("no one panics while holding it").get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let state = make()?;
        self.0.lock().expect("no one panics while holding it").insert(key, state.clone());
        Ok(state)
    }
}

impl<'w> LeaveOneOut<'w> {
    /// Opens the sums of the table `gold`. The pipeline must have the components and parameters that the table was made
    /// with.
    pub fn open(store: &'w dyn Store, pipeline: &'w Pipeline, step: &'w KpiStep, gold: &'w Gold) -> Result<Self> {
        let specs = &step.plugin.spec().stages;
        let Some((stage, folded)) = gold.stages.split_last().filter(|_| gold.stages.len() == specs.len()) else {
            let (kpi, kept, declared) = (&step.name, gold.stages.len(), specs.len());
            return Err(Error::internal(format!(
                "the table of KPI `{kpi}` has {kept} stages, but its plugin declares {declared}"
            )));
        };
        let mut last = Sums::new(&specs[folded.len()]);
        stage.scan(store, |key, rows| last.load(key, rows, Sign::Plus))?;
        let kept = folded.iter().map(|stage| stage.open(store)).collect::<Result<_>>()?;
        Ok(Self { store, pipeline, step, as_of: gold.relation.fingerprint.as_of.unwrap_or_default(), kept, last })
    }

    /// Returns the table with all silver objects.
    pub fn table(&self) -> Result<RecordBatch> {
        self.table_of(&self.last)
    }

    /// Returns one table for each object: the table without that object alone. An object is given with the index of the
    /// KPI's input that reads it.
    pub fn without(&self, objects: Vec<(usize, &ObjectRef)>, states: &States) -> Result<Vec<RecordBatch>> {
        let failed = Mutex::new(None);
        let tables = workers::map(objects, |(input, object)| {
            self.without_one(input, object, states).map_err(|error| {
                failed.lock().expect("no one panics while holding it").get_or_insert(error);
            })
        });
        match failed.into_inner().expect("no one panics while holding it") {
            Some(error) => Err(error),
            None => Ok(tables.into_iter().flatten().collect()),
        }
    }

    fn without_one(&self, input: usize, object: &ObjectRef, states: &States) -> Result<RecordBatch> {
        let specs = &self.step.plugin.spec().stages;
        let state = states.of(input, object, || self.state(input, object))?;
        let hash = |stage: usize| self.kept.get(stage).map(Reader::key_hash).copied().unwrap_or_default();
        let mut changed = Shards::new(&specs[0], hash(0));
        changed.add(&state, Sign::Minus);
        for (stage, kept) in self.kept.iter().enumerate() {
            let next = Shards::new(&specs[stage + 1], hash(stage + 1));
            let changed_here = changed.all();
            let mut reducer = self.step.plugin.reducer(stage, self.as_of)?;
            let mut groups = kept_groups(kept, &changed_here)?;
            reduce(&mut reducer, &groups.sorted_by_hash(kept.key_hash()), Sign::Minus, &next)?;
            groups.add_all(&changed_here, Sign::Plus);
            reduce(&mut reducer, &groups.sorted_by_hash(kept.key_hash()), Sign::Plus, &next)?;
            changed = next;
        }
        let mut last = self.last.like();
        last.add_all(&self.last, Sign::Plus);
        last.add_all(&changed.all(), Sign::Plus);
        self.table_of(&last)
    }

    /// Returns the table of all sums of the last stage.
    fn table_of(&self, last: &Sums) -> Result<RecordBatch> {
        table(self.step, &mut self.step.plugin.reducer(self.kept.len(), self.as_of)?, &last.batch()?)
    }

    /// Returns the sums of one silver object.
    fn state(&self, input: usize, object: &ObjectRef) -> Result<RecordBatch> {
        let mut accumulator = self.step.plugin.accumulator(input, self.as_of)?;
        let input = &self.step.inputs[input];
        let cleaner = self
            .pipeline
            .dataset(&input.relation)
            .ok_or_else(|| Error::internal("a KPI reads a dataset that the pipeline lacks"))?;
        for batch in silver::read(self.store, object, &cleaner.plugin.spec().output, &input.columns)? {
            accumulator.update(&silver::project(&batch, &input.columns)?)?;
        }
        accumulator.state()
    }
}
