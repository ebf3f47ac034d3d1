//! Computes KPIs over silver. Each is brought up to date with the rows that were added and removed since it last ran.

use super::aggregation::{Aggregation, Tables, Work};
use super::delta::Delta;
use super::first_stage::first_stage;
use super::rows::{Task, WorkInput, bundles};
use crate::outcome::{Outcome, Subject};
use crate::pipeline::KpiStep;
use crate::plan::{KpiPlan, inputs};
use smelt_catalog::Change;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, workers};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// Tasks by object and row ranges. KPIs that last ran at different commits must subtract different rows of the same
/// object.
type Tasks<'t> = BTreeMap<(&'t str, Option<&'t [(usize, usize)]>), Task<'t>>;

impl Aggregation<'_> {
    /// Computes the KPIs in the plans. The lake changes only when the returned change is committed.
    ///
    /// # Errors
    /// An error that stops every KPI. If one KPI fails, the outcome says so.
    pub fn run(&self, plans: &[KpiPlan]) -> Result<Outcome<Tables>> {
        let is_due = |step: &&KpiStep| plans.iter().any(|plan| plan.kpi == step.name && plan.reason.is_some());
        let due: Vec<&KpiStep> = self.pipeline.kpis.iter().filter(is_due).collect();
        let mut outcome = Outcome::new(Change::new("aggregate"), Tables::new());
        let broken = self.pass(&due, true, &mut outcome)?;
        if !broken.is_empty() {
            self.pass(&broken, false, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Computes the KPIs, incrementally if that is possible and `incremental` is true. Returns the KPIs whose sums, or
    /// a log that they need, are gone or damaged. These must be rebuilt.
    fn pass<'s>(
        &self,
        due: &[&'s KpiStep],
        incremental: bool,
        outcome: &mut Outcome<Tables>,
    ) -> Result<Vec<&'s KpiStep>> {
        let mut works = Vec::new();
        let mut deltas: HashMap<(&str, Option<u64>), Delta> = HashMap::new();
        let mut broken = Vec::new();
        for &step in due {
            let since = if incremental { self.since(step) } else { None };
            match self.collect(step, since.as_ref(), &mut deltas) {
                Ok(incremental) => match first_stage(step, self.state) {
                    Ok(sums) => works.push(Work { step, incremental, sums: Arc::new(sums), failure: Mutex::default() }),
                    Err(error) => outcome.failures.push((Subject::Kpi(step.name.clone()), error)),
                },
                Err((_, error)) if error.kind() == Kind::Damaged && since.is_some() => broken.push(step),
                Err((dataset, error)) if error.kind() == Kind::Damaged => {
                    outcome.damaged.insert(dataset, error.to_string());
                }
                Err((_, error)) => outcome.failures.push((Subject::Kpi(step.name.clone()), error)),
            }
        }
        let mut tasks = Tasks::new();
        for (number, work) in works.iter_mut().enumerate() {
            let since = if work.incremental { self.since(work.step) } else { None };
            self.assign(work, number, since.as_ref(), &deltas, &mut tasks);
        }
        let bundles = bundles(tasks.into_values().collect());
        self.progress.begin("aggregating", bundles.iter().flatten().map(|task| task.object.bytes).sum());
        let damaged = workers::map(bundles, |bundle| self.run_bundle(&bundle, &works));
        self.progress.end();
        outcome.damaged.extend(damaged.into_iter().flatten());

        let finalized = workers::map(works, |work| {
            let Work { step, incremental, sums, failure } = work;
            let result = match failure.into_inner().expect("no one panics while holding it") {
                Some(error) => Err(error),
                None => self.finalize(step, incremental, &sums),
            };
            (step, incremental, result)
        });
        for (step, incremental, result) in finalized {
            match result {
                Ok(finalized) => {
                    outcome.change.retired.extend(finalized.retired);
                    outcome.change.referenced.extend(finalized.referenced);
                    outcome.change.gold.insert(step.name.clone(), finalized.gold);
                    outcome.made.insert(step.name.clone(), finalized.table);
                }
                Err(error) if error.kind() == Kind::Damaged && incremental => {
                    tracing::warn!("the sums of KPI `{}` are rebuilt: {error}", step.name);
                    broken.push(step);
                }
                Err(error) => outcome.failures.push((Subject::Kpi(step.name.clone()), error)),
            }
        }
        Ok(broken)
    }

    /// Returns the revision that the KPI last read, by input. Returns `None` if the KPI's sums cannot be added to.
    fn since(&self, step: &KpiStep) -> Option<BTreeMap<String, u64>> {
        let gold = self.state.gold.get(&step.name)?;
        let now = inputs(step, self.state);
        let same = gold.relation.fingerprint.difference(&step.fingerprint.at(self.as_of)).is_none()
            && now.len() == gold.inputs.len()
            && now.iter().all(|(name, now)| {
                gold.inputs.get(name).is_some_and(|read| {
                    (&read.relation, &read.schema, read.since) == (&now.relation, &now.schema, now.since)
                })
            });
        same.then(|| gold.inputs.iter().map(|(name, input)| (name.clone(), input.revision)).collect())
    }

    /// Finds the rows that were added and removed in each relation that the KPI reads. Returns whether the KPI's sums
    /// can be added to.
    ///
    /// # Errors
    /// The catalog cannot be read; with the name of the relation.
    fn collect<'s>(
        &self,
        step: &'s KpiStep,
        since: Option<&BTreeMap<String, u64>>,
        deltas: &mut HashMap<(&'s str, Option<u64>), Delta>,
    ) -> Result<bool, (String, Error)> {
        let of = |relation: &str| {
            let relation = relation.to_owned();
            move |error| (relation, error)
        };
        let mut incremental = since.is_some();
        for input in &step.inputs {
            let Some(relation) = self.state.relation(&input.relation) else { continue };
            let Some(&revision) = since.and_then(|since| since.get(&input.name)) else { continue };
            let key = (input.relation.as_str(), Some(revision));
            if deltas.contains_key(&key) {
                continue;
            }
            match Delta::since(self.store, &input.relation, relation, revision).map_err(of(&input.relation))? {
                Some(delta) => drop(deltas.insert(key, delta)),
                None => incremental = false,
            }
        }
        if !incremental {
            for input in &step.inputs {
                let key = (input.relation.as_str(), None);
                if let Some(relation) = self.state.relation(&input.relation)
                    && !deltas.contains_key(&key)
                {
                    deltas.insert(key, Delta::all(self.store, relation).map_err(of(&input.relation))?);
                }
            }
        }
        Ok(incremental)
    }

    /// Adds tasks for the rows that the KPI must add or subtract, except those that its partial aggregate contains.
    fn assign<'t, 's: 't>(
        &self,
        work: &mut Work<'s>,
        number: usize,
        since: Option<&BTreeMap<String, u64>>,
        deltas: &'t HashMap<(&str, Option<u64>), Delta>,
        tasks: &mut Tasks<'t>,
    ) {
        let step = work.step;
        let of_input = |input: usize| {
            let of = &step.inputs[input];
            let revision = since.and_then(|since| since.get(&of.name)).copied();
            deltas.get(&(of.relation.as_str(), revision))
        };
        let added = (0..step.inputs.len()).flat_map(|input| {
            let added = of_input(input).into_iter().flat_map(|delta| &delta.added);
            added.map(move |object| (input, object.key.as_str()))
        });
        let partial = self.partials.take(&step.name, added);
        // Only sums with the same key hash can be added to the kept sums.
        let partial = partial.filter(|(_, sums)| !work.incremental || sums.key_hash() == work.sums.key_hash());
        for (input, of) in step.inputs.iter().enumerate() {
            let Some(delta) = of_input(input) else { continue };
            let reader = WorkInput { work: number, input };
            for object in &delta.added {
                if partial.as_ref().is_none_or(|(included, _)| !included.contains(&(input, object.key.clone()))) {
                    let task = || Task { object, dataset: &of.relation, ranges: None, readers: vec![] };
                    tasks.entry((&object.key, None)).or_insert_with(task).readers.push(reader);
                }
            }
            for removed in &delta.removed {
                let ranges = Some(removed.ranges.as_slice());
                let task = || Task { object: &removed.rows, dataset: &of.relation, ranges, readers: vec![] };
                tasks.entry((&removed.rows.key, ranges)).or_insert_with(task).readers.push(reader);
            }
        }
        if let Some((_, sums)) = partial {
            work.sums = sums;
        }
    }
}
