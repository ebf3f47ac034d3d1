//! New bronze objects become silver, and rows that lose to others of their key leave it.

use super::cleaning::Cleaning;
use std::collections::BTreeMap;

use super::context::DatasetWork;
use super::object::{CleanObject, Object};

use crate::clean::keys::Budget;
use crate::clean::spool::Spools;
use crate::outcome::{Outcome, Subject};
use crate::plan::{DatasetPlan, PlannedObject};
use smelt_catalog::Change;
use smelt_common::error::{Kind, Result};
use smelt_common::workers;
use smelt_storage::layers::BRONZE;

/// How much memory rows may take that wait to be compared with others of their keys.
const SPOOL_BYTES: i64 = 512 << 20;

/// And how much their keys.
const KEYS_BYTES: usize = 128 << 20;

/// One object to be cleaned.
#[derive(Clone, Copy)]
struct Job<'j> {
    work: &'j DatasetWork<'j>,
    object: &'j PlannedObject,
    /// Its number in its dataset.
    id: u32,
}

impl Cleaning<'_> {
    /// Reads and cleans what the plans name, and writes silver. Nothing is part of the lake before the commit is made.
    pub fn run(&self, plans: &[DatasetPlan]) -> Result<Outcome> {
        let (spools, keys) = (Spools::new(SPOOL_BYTES), Budget::new(KEYS_BYTES));
        let plans = plans.iter().filter(|plan| !plan.is_empty());
        let (mut works, mut stopped, mut planned) = (Vec::new(), Vec::new(), 0);
        for plan in plans {
            planned += 1;
            match DatasetWork::new(self, plan, &spools, &keys) {
                Ok(work) => works.push(work),
                Err(error) => stopped.push((plan.dataset.clone(), error)),
            }
        }
        let mut jobs = Vec::new();
        for work in &works {
            // Numbered in the order of their names.
            let numbered = work.plan.objects.iter().zip(work.before.bronze.next_id..);
            jobs.extend(numbered.map(|(object, id)| Job { work, object, id }));
        }
        // Longest first: the last ones to finish are then short.
        jobs.sort_by_key(|job| std::cmp::Reverse(job.object.bytes));
        self.progress.begin("cleaning", jobs.iter().map(|job| job.object.bytes).sum());
        let batches = |job: &Job<'_>| 1 + job.object.bytes as usize / self.pipeline.decode.batch_bytes;
        let parts = jobs.iter().map(batches).sum();
        let (cleaned, _) = workers::share(
            jobs,
            parts,
            |job| (job, Object::begin(job.work, &job.object.name, job.id)),
            |(_, object), (): &mut ()| object.iter().for_each(Object::work),
            |(Job { work, object: PlannedObject { name, bytes, .. }, id }, object), ()| {
                let cleaned = object.and_then(Object::end);
                self.progress.advance(*bytes);
                (work.step.name.as_str(), name.as_str(), id, cleaned)
            },
        );
        self.progress.end();

        let mut outcome = Outcome::new(Change::new("clean"), ());
        let mut by_dataset: BTreeMap<&str, BTreeMap<u32, (&str, CleanObject<'_>)>> = BTreeMap::new();
        // By dataset and words, the objects of which they are true.
        let mut warnings: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
        for (dataset, name, id, result) in cleaned {
            match result {
                Ok(mut object) => {
                    for warning in object.warnings.drain(..) {
                        warnings.entry((dataset, warning)).or_default().push(name);
                    }
                    by_dataset.entry(dataset).or_default().insert(id, (name, object));
                }
                Err(error) => {
                    let subject = Subject::Object { dataset: dataset.to_owned(), name: name.to_owned() };
                    outcome.failures.push((subject, error));
                }
            }
        }
        // Thousands of objects that lack the same key are one thing to tell.
        outcome.warnings = warnings.into_iter().flat_map(|((_, warning), of)| told_of(of, &warning)).collect();
        // What failed may have been written in part; an object that changed while it was read was given up before.
        outcome.orphans = outcome.failures.iter().any(|(_, error)| error.kind() != Kind::Unsettled);
        // Where objects are created whole, none is young.
        let clock = if self.store.is_remote() { None } else { Some(self.store.clock()?) };
        for work in &works {
            let plan = work.plan;
            // A dataset made anew without an object that it has rows of would lose them: it stays as it is.
            let failed = |object: &String| {
                outcome.failures.iter().any(|(subject, _)| {
                    matches!(subject, Subject::Object { dataset, name } if (dataset, name) == (&plan.dataset, object))
                })
            };
            if plan.rebuild.is_some() && plan.objects.iter().any(|object| object.known && failed(&object.name)) {
                outcome.orphans = true;
                continue;
            }
            let objects = by_dataset.remove(plan.dataset.as_str()).unwrap_or_default();
            let retired = outcome.change.retired.len();
            match work.finish(objects, clock, &mut outcome) {
                Err(error) if error.kind() == Kind::Damaged => {
                    outcome.change.retired.truncate(retired);
                    outcome.orphans = true;
                    outcome.damaged.insert(plan.dataset.clone(), error.to_string());
                }
                Err(error) => {
                    outcome.change.retired.truncate(retired);
                    outcome.orphans = true;
                    stopped.push((plan.dataset.clone(), error));
                }
                Ok(()) => {}
            }
        }
        // An error that concerns every dataset is the lake's.
        if !stopped.is_empty() && stopped.len() == planned {
            return Err(stopped.swap_remove(0).1);
        }
        outcome.failures.extend(stopped.into_iter().map(|(dataset, error)| (Subject::Dataset(dataset), error)));
        Ok(outcome)
    }
}

/// How many of the objects that a warning is true of are named.
const NAMED: usize = 3;

/// The warning for each of the objects that it is true of; of many, for a few, and how many more there are.
fn told_of(mut objects: Vec<&str>, warning: &str) -> Vec<String> {
    objects.sort_unstable();
    let more = objects.len().saturating_sub(NAMED);
    let named = if more > 1 { NAMED } else { objects.len() };
    let mut told: Vec<_> = objects[..named].iter().map(|name| format!("{BRONZE}{name}: {warning}")).collect();
    if more > 1 {
        told.push(format!("{more} more objects: {warning}"));
    }
    told
}
