//! The cleaner's role: new bronze objects become silver, and rows that lose to others of their key leave it.

mod dataset;
mod object;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use dataset::DatasetWork;
use object::CleanObject;

use crate::catalog::{BRONZE, Commit, DatasetChange, Segment, State};
use crate::error::{Kind, Result};
use crate::keys::KeyIndex;
use crate::pipeline::Pipeline;
use crate::plan::{DatasetPlan, PlannedObject};
use crate::progress::Progress;
use crate::silver::Fresh;
use crate::store::Store;
use crate::{Error, workers};

/// Key indexes kept from one tick to the next, each with the segments it was read from.
pub type Indexes = Mutex<HashMap<String, (Vec<Segment>, KeyIndex)>>;

/// What cleaning needs.
pub struct Cleaning<'c> {
    /// The lake.
    pub store: &'c dyn Store,
    /// What to do.
    pub pipeline: &'c Pipeline,
    /// What the lake holds.
    pub state: &'c State,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// Where silver goes that a KPI is about to read.
    pub fresh: &'c Fresh,
    /// Kept between ticks.
    pub indexes: &'c Indexes,
    /// Told of every object read.
    pub progress: &'c Progress,
}

/// What came of cleaning: a commit to be made, and what could not be done.
pub struct Outcome {
    /// The change; may be empty.
    pub commit: Commit,
    /// Objects that could not be cleaned, by dataset and name, and why; they are tried again in the next run.
    pub failures: Vec<((String, String), Error)>,
    /// Things people should look at, such as a column that an object lacks.
    pub warnings: Vec<String>,
    /// Whether objects were written that the commit does not name.
    pub untidy: bool,
    /// Datasets of which an object is gone or damaged, and which; they must be made anew.
    pub damaged: BTreeMap<String, String>,
    /// The indexes after the commit.
    pub indexes: HashMap<String, (Vec<Segment>, KeyIndex)>,
}

/// One object's way through a worker.
struct Job<'j> {
    work: &'j DatasetWork<'j>,
    object: &'j PlannedObject,
}

impl Cleaning<'_> {
    /// Reads and cleans what the plans name, and writes silver. Nothing is part of the lake before the commit is made.
    pub fn run(&self, plans: &[DatasetPlan]) -> Result<Outcome> {
        let works = plans.iter().map(|plan| DatasetWork::new(self, plan)).collect::<Result<Vec<_>>>()?;
        let mut jobs = Vec::new();
        for work in &works {
            jobs.extend(work.plan.objects.iter().map(|object| Job { work, object }));
        }
        // Longest first: the last ones to finish are then short.
        jobs.sort_by_key(|job| std::cmp::Reverse(job.object.bytes));
        self.progress.begin("cleaning", jobs.iter().map(|job| job.object.bytes).sum());
        let cleaned = workers::map(jobs, |Job { work, object: PlannedObject { name, bytes, known: _ } }| {
            let key = format!("{BRONZE}{name}");
            let cleaned = object::clean(self.store, self.pipeline, work.step, &key, name, self.as_of)
                .and_then(|mut object| work.receive(name, &mut object).map(|()| object));
            self.progress.advance(*bytes);
            ((work.step.name.as_str(), name.clone()), cleaned)
        });
        self.progress.end();

        let mut outcome = Outcome {
            commit: Commit::new("clean"),
            failures: vec![],
            warnings: vec![],
            untidy: false,
            damaged: BTreeMap::new(),
            indexes: HashMap::new(),
        };
        let mut by_dataset: BTreeMap<&str, BTreeMap<String, CleanObject>> = BTreeMap::new();
        for ((dataset, name), result) in cleaned {
            match result {
                Ok(object) => {
                    outcome.warnings.extend(object.warnings.iter().map(|warning| format!("{BRONZE}{name}: {warning}")));
                    by_dataset.entry(dataset).or_default().insert(name, object);
                }
                Err(error) => outcome.failures.push(((dataset.to_owned(), name), error)),
            }
        }
        // What failed may have been written in part.
        outcome.untidy = !outcome.failures.is_empty();
        for work in &works {
            let plan = work.plan;
            // A dataset made anew without an object that it has rows of would lose them: it stays as it is.
            let failed = |name: &String| outcome.failures.iter().any(|(of, _)| (&of.0, &of.1) == (&plan.dataset, name));
            if plan.rebuild.is_some() && plan.objects.iter().any(|object| object.known && failed(&object.name)) {
                outcome.untidy = true;
                continue;
            }
            let objects = by_dataset.remove(plan.dataset.as_str()).unwrap_or_default();
            let retired = outcome.commit.retired.len();
            match work.finish(objects, &mut outcome) {
                Err(error) if error.kind() == Kind::Damaged => {
                    outcome.commit.retired.truncate(retired);
                    outcome.indexes.remove(&plan.dataset);
                    outcome.untidy = true;
                    outcome.damaged.insert(plan.dataset.clone(), error.to_string());
                }
                finished => finished?,
            }
        }
        Ok(outcome)
    }
}

impl Outcome {
    fn change(&mut self, dataset: &str, change: DatasetChange) {
        self.commit.datasets.insert(dataset.to_owned(), change);
    }
}
