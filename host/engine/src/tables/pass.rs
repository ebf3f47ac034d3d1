//! KPIs over silver, each brought up to date by the rows that came and went since it last ran.

use super::aggregation::{Aggregation, Tables, Work};
use super::delta::Delta;
use super::first_stage::first_stage;
use super::rows::{Part, Task, bundles};
use crate::outcome::{Outcome, Subject};
use crate::pipeline::KpiStep;
use crate::plan::{KpiPlan, inputs};
use smelt_catalog::Change;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, workers};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// By object and rows: of what left, a KPI that missed a commit takes back other rows than one that did not.
type Tasks<'t> = BTreeMap<(&'t str, Option<&'t [(usize, usize)]>), Task<'t>>;

impl Aggregation<'_> {
    /// Computes the KPIs that the plans name. Nothing is part of the lake before the change is committed.
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

    /// Computes the KPIs, incrementally where that is possible and wanted. Returns those whose sums, or the log of what
    /// changed since, turned out to be gone or damaged: they have to be made anew.
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
        self.progress.begin("aggregating", bundles.iter().flatten().map(|task| task.stored.bytes).sum());
        let damaged = workers::map(bundles, |bundle| self.take_in(&bundle, &works));
        self.progress.end();
        outcome.damaged.extend(damaged.into_iter().flatten());

        let finished = workers::map(works, |work| {
            let Work { step, incremental, sums, failure } = work;
            let result = match failure.into_inner().expect("no one panics while holding it") {
                Some(error) => Err(error),
                None => self.finish(step, incremental, &sums),
            };
            (step, incremental, result)
        });
        for (step, incremental, result) in finished {
            match result {
                Ok(finished) => {
                    outcome.change.retired.extend(finished.retired);
                    outcome.change.referenced.extend(finished.referenced);
                    outcome.change.gold.insert(step.name.clone(), finished.gold);
                    outcome.made.insert(step.name.clone(), finished.table);
                }
                Err(error) if error.kind() == Kind::Damaged && incremental => {
                    tracing::warn!("the sums of KPI `{}` are made anew: {error}", step.name);
                    broken.push(step);
                }
                Err(error) => outcome.failures.push((Subject::Kpi(step.name.clone()), error)),
            }
        }
        Ok(broken)
    }

    /// What the KPI has read of each dataset, if its sums can be added to.
    fn since(&self, step: &KpiStep) -> Option<BTreeMap<String, u64>> {
        let gold = self.state.gold.get(&step.name)?;
        let now = inputs(step, self.state);
        let same = gold.relation.fingerprint.difference(&step.fingerprint.at(self.as_of)).is_none()
            && now.len() == gold.inputs.len()
            && now.iter().all(|(name, now)| {
                gold.inputs.get(name).is_some_and(|former| {
                    (&former.relation, &former.schema, former.since) == (&now.relation, &now.schema, now.since)
                })
            });
        same.then(|| gold.inputs.iter().map(|(name, input)| (name.clone(), input.revision)).collect())
    }

    /// Finds what came and went in each dataset that the KPI reads; returns whether its sums can be added to, or of which
    /// dataset that cannot be told.
    fn collect<'s>(
        &self,
        step: &'s KpiStep,
        since: Option<&BTreeMap<String, u64>>,
        deltas: &mut HashMap<(&'s str, Option<u64>), Delta>,
    ) -> Result<bool, (String, Error)> {
        let of = |dataset: &str| {
            let dataset = dataset.to_owned();
            move |error| (dataset, error)
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

    /// Makes tasks of what the KPI has to take in, but for what it took in while silver was written.
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
            added.map(move |stored| (input, stored.key.as_str()))
        });
        let taken = self.partials.take(&step.name, added);
        // Only parts of the same places can be added to what is kept.
        let taken = taken.filter(|(_, sums)| !work.incremental || sums.place() == work.sums.place());
        for (input, of) in step.inputs.iter().enumerate() {
            let Some(delta) = of_input(input) else { continue };
            let part = Part { work: number, input };
            for stored in &delta.added {
                if taken.as_ref().is_none_or(|(included, _)| !included.contains(&(input, stored.key.clone()))) {
                    let task = || Task { stored, dataset: &of.relation, ranges: None, parts: vec![] };
                    tasks.entry((&stored.key, None)).or_insert_with(task).parts.push(part);
                }
            }
            for removed in &delta.removed {
                let ranges = Some(removed.ranges.as_slice());
                let task = || Task { stored: &removed.rows, dataset: &of.relation, ranges, parts: vec![] };
                tasks.entry((&removed.rows.key, ranges)).or_insert_with(task).parts.push(part);
            }
        }
        if let Some((_, sums)) = taken {
            work.sums = sums;
        }
    }
}
