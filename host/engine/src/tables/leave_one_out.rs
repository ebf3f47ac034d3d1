//! What a KPI's table would be without one silver object.

use std::collections::HashMap;
use std::sync::Mutex;

use arrow_array::RecordBatch;

use super::finish::{fold, stored};
use crate::pipeline::{KpiStep, Pipeline};
use crate::silver;
use smelt_catalog::{Gold, ObjectRef};
use smelt_common::error::Result;
use smelt_common::{Error, workers};
use smelt_runtime::Accumulator;
use smelt_runtime::sums::{Shards, Sign, Sums};
use smelt_storage::Store;
use smelt_storage::sorted_runs::Reader;

/// A KPI's table with what it is made from, ready to leave something out.
pub struct LeaveOneOut<'w> {
    store: &'w dyn Store,
    pipeline: &'w Pipeline,
    step: &'w KpiStep,
    as_of: i64,
    /// What is kept of each stage that is folded.
    kept: Vec<Reader<'w>>,
    /// All of the last stage.
    last: Sums,
}

/// The sums of single silver objects under one KPI's component and parameters, by input, key and sha256.
#[derive(Default)]
pub struct States(Mutex<HashMap<(usize, String, String), RecordBatch>>);

impl States {
    fn of(&self, input: usize, object: &ObjectRef, make: impl FnOnce() -> Result<RecordBatch>) -> Result<RecordBatch> {
        let key = (input, object.key.clone(), object.sha256.clone());
        let known = self.0.lock().expect("no one panics while holding it").get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = make()?;
        self.0.lock().expect("no one panics while holding it").insert(key, made.clone());
        Ok(made)
    }
}

impl<'w> LeaveOneOut<'w> {
    /// The table of the KPI, which `pipeline` has as it was made.
    pub fn open(store: &'w dyn Store, pipeline: &'w Pipeline, step: &'w KpiStep, gold: &'w Gold) -> Result<Self> {
        let specs = &step.plugin.spec().stages;
        let Some((stage, folded)) = gold.stages.split_last().filter(|_| gold.stages.len() == specs.len()) else {
            return Err(Error::internal("a table has other stages than its plugin"));
        };
        let mut last = Sums::new(&specs[folded.len()]);
        stage.scan(store, |key, rows| last.load(key, rows, Sign::Plus))?;
        let kept = folded.iter().map(|stage| stage.open(store)).collect::<Result<_>>()?;
        Ok(Self { store, pipeline, step, as_of: gold.relation.fingerprint.as_of.unwrap_or_default(), kept, last })
    }

    /// The table as it is.
    pub fn table(&self) -> Result<RecordBatch> {
        self.accumulator()?.evaluate(&self.last.batch()?)
    }

    /// The table without each of these silver objects, of the input of that number, by itself.
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
        let mut accumulator = self.accumulator()?;
        let state = states.of(input, object, || self.state(&mut accumulator, input, object))?;
        let key_hash = |stage: usize| self.kept.get(stage).map(Reader::key_hash).copied().unwrap_or_default();
        let mut changed = Shards::new(&specs[0], key_hash(0));
        changed.add(&state, Sign::Minus);
        for (stage, kept) in self.kept.iter().enumerate() {
            let next = Shards::new(&specs[stage + 1], key_hash(stage + 1));
            let changed_here = changed.all();
            let mut groups = stored(kept, &changed_here)?;
            fold(&mut accumulator, stage, &groups.sorted_by_hash(kept.key_hash()), Sign::Minus, &next)?;
            groups.add_all(&changed_here, Sign::Plus);
            fold(&mut accumulator, stage, &groups.sorted_by_hash(kept.key_hash()), Sign::Plus, &next)?;
            changed = next;
        }
        let mut last = self.last.like();
        last.add_all(&self.last, Sign::Plus);
        last.add_all(&changed.all(), Sign::Plus);
        accumulator.evaluate(&last.batch()?)
    }

    /// Returns the sums of one silver object.
    fn state(&self, accumulator: &mut Accumulator<'_>, input: usize, object: &ObjectRef) -> Result<RecordBatch> {
        let input = &self.step.inputs[input];
        let cleaner =
            self.pipeline.dataset(&input.relation).ok_or_else(|| Error::internal("a KPI reads no dataset"))?;
        for batch in silver::read(self.store, object, &cleaner.plugin.spec().output, &input.columns)? {
            accumulator.update(&input.name, &silver::project(&batch, &input.columns)?)?;
        }
        accumulator.state()
    }

    fn accumulator(&self) -> Result<Accumulator<'w>> {
        self.step.open(self.as_of)
    }
}
