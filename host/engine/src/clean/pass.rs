//! Turns new bronze objects into silver, and removes rows from silver that another row with the same key supersedes.

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

/// The most bytes of memory for rows that wait until they are compared with other rows of their keys.
const SPOOL_BYTES: i64 = 512 << 20;

/// The most bytes of memory for the keys of these rows.
const KEYS_BYTES: usize = 128 << 20;

/// A bronze object that is to be cleaned.
#[derive(Clone, Copy)]
struct ObjectJob<'j> {
    work: &'j DatasetWork<'j>,
    object: &'j PlannedObject,
    /// The object's number in its dataset.
    id: u32,
}

impl Cleaning<'_> {
    /// Cleans the bronze objects in the plans and writes silver. The lake changes only when the returned change is
    /// committed.
    ///
    /// # Errors
    /// An error that stops every dataset. If one object or one dataset fails, the outcome says so.
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
            // The plan has the objects in the order of their names, so their numbers follow it.
            let numbered = work.plan.objects.iter().zip(work.before.bronze.next_id..);
            jobs.extend(numbered.map(|(object, id)| ObjectJob { work, object, id }));
        }
        // The longest objects come first, so that workers end at about the same time.
        jobs.sort_by_key(|job| std::cmp::Reverse(job.object.bytes));
        self.progress.begin("cleaning", jobs.iter().map(|job| job.object.bytes).sum());
        let batches = |job: &ObjectJob<'_>| 1 + job.object.bytes as usize / self.pipeline.decode.batch_bytes;
        let parts = jobs.iter().map(batches).sum();
        let (cleaned, _) = workers::share(
            jobs,
            parts,
            |job| (job, Object::begin(job.work, &job.object.name, job.id)),
            |(_, object), (): &mut ()| object.iter().for_each(Object::work),
            |(ObjectJob { work, object: PlannedObject { name, bytes, .. }, id }, object), ()| {
                let cleaned = object.and_then(Object::end);
                self.progress.advance(*bytes);
                (work.step.name.as_str(), name.as_str(), id, cleaned)
            },
        );
        self.progress.end();

        let mut outcome = Outcome::new(Change::new("clean"), ());
        let mut by_dataset: BTreeMap<&str, BTreeMap<u32, (&str, CleanObject<'_>)>> = BTreeMap::new();
        // The names of the objects, by dataset and text of the warning.
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
        // If thousands of objects lack the same key, people need to read that once.
        outcome.warnings =
            warnings.into_iter().flat_map(|((_, warning), objects)| summarize(objects, &warning)).collect();
        // A failed object may have left orphans. An object that changed while it was read left none: it stopped before.
        outcome.orphans = outcome.failures.iter().any(|(_, error)| error.kind() != Kind::Unsettled);
        // A remote store creates an object in one step, so no writer can go on with one that was read.
        let clock = if self.store.is_remote() { None } else { Some(self.store.clock()?) };
        for work in &works {
            let plan = work.plan;
            // If a rebuild fails at an object that the dataset has rows of, these rows would be lost. The dataset stays
            // as it is.
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
        // If every dataset fails, the cause is the lake.
        if !stopped.is_empty() && stopped.len() == planned {
            return Err(stopped.swap_remove(0).1);
        }
        outcome.failures.extend(stopped.into_iter().map(|(dataset, error)| (Subject::Dataset(dataset), error)));
        Ok(outcome)
    }
}

/// The most objects that are listed for one warning.
const MOST_LISTED: usize = 3;

/// Returns the warning once for each object. If there are many objects, lists a few and says how many more there are.
fn summarize(mut objects: Vec<&str>, warning: &str) -> Vec<String> {
    objects.sort_unstable();
    let more = objects.len().saturating_sub(MOST_LISTED);
    let listed = if more > 1 { MOST_LISTED } else { objects.len() };
    let mut lines: Vec<_> = objects[..listed].iter().map(|name| format!("{BRONZE}{name}: {warning}")).collect();
    if more > 1 {
        lines.push(format!("{more} more objects: {warning}"));
    }
    lines
}
