//! A host at work on one lake: the three roles, each a tick that reads the catalog, does what the plan says, and commits.

use std::collections::{BTreeMap, HashSet};

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::catalog::{BRONZE, Catalog, Commit, State};
use crate::clean::{Cleaning, Indexes};
use crate::clock::Clock;
use crate::error::{Kind, Result};
use crate::pipeline::{Pipeline, SourceStep};
use crate::plan::{DatasetPlan, Plan};
use crate::progress::Progress;
use crate::silver::Fresh;
use crate::store::{Store, put_new};
use crate::wasm::check_parameters;
use crate::{Error, aggregate};

/// About how many bytes of bronze are cleaned before a commit, so that memory does not grow with their number.
const WAVE_BYTES: u64 = 512 << 20;
/// How often a tick is made anew because another host committed first.
const ATTEMPTS: usize = 16;

/// A host at work on one lake.
pub struct Host {
    store: Box<dyn Store>,
    pipeline: Pipeline,
    clock: Clock,
    progress: Progress,
    indexes: Indexes,
}

/// What a tick did, and what it could not do.
#[derive(Default)]
pub struct Report {
    /// Bronze objects that were cleaned.
    pub cleaned: usize,
    /// The tables that were computed, by KPI.
    pub tables: BTreeMap<String, RecordBatch>,
    /// Objects and KPIs that failed, and why. They are tried again in the next tick; everything else went on.
    pub failures: Vec<(String, Error)>,
    /// Things people should look at.
    pub warnings: Vec<String>,
    /// Bronze objects that no dataset's pattern matches.
    pub unmatched: Vec<String>,
}

/// What `generate` is to make.
#[derive(Debug, Clone, Default)]
pub struct Generation {
    /// How many ticks; each makes the objects of every source.
    pub ticks: u64,
    /// The number of the first tick; by default, as many as bronze holds already.
    pub first: Option<u64>,
    /// The time of the first tick; by default, now.
    pub start: Option<DateTime<Utc>>,
    /// The time between ticks.
    pub interval: TimeDelta,
    /// In place of the manifest's seeds.
    pub seed: Option<u64>,
    /// On top of the manifest's parameters.
    pub parameters: Map<String, Value>,
}

impl Host {
    /// A host for that pipeline on that lake.
    pub fn new(store: Box<dyn Store>, pipeline: Pipeline, clock: Clock, progress: Progress) -> Self {
        Self { store, pipeline, clock, progress, indexes: Indexes::default() }
    }

    /// The lake.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// What the lake holds now.
    pub fn state(&self) -> Result<State> {
        Ok(Catalog::load(self.store())?.state().clone())
    }

    /// What would run and why.
    pub fn plan(&self) -> Result<Plan> {
        Plan::make(self.store(), &self.pipeline, Catalog::load(self.store())?.state(), self.as_of())
    }

    /// The time that plugins are told if they ask: the beginning of the UTC day, so that results change once a day.
    fn as_of(&self) -> i64 {
        let day = TimeDelta::days(1).num_microseconds().expect("a day has few microseconds");
        self.clock.now().timestamp_micros().div_euclid(day) * day
    }

    /// The source's role: writes the objects of some ticks; returns their keys.
    pub fn generate(&self, generation: &Generation) -> Result<Vec<String>> {
        let start = generation.start.unwrap_or_else(|| self.clock.now());
        let mut keys = Vec::new();
        for step in &self.pipeline.sources {
            let mut parameters = step.parameters.clone();
            parameters.extend(generation.parameters.clone());
            let parameters = Value::Object(parameters);
            check_parameters(step.plugin.identity(), &parameters)?;
            let first = generation.first.map_or_else(|| self.ticks_so_far(step), Ok)?;
            self.progress.begin("generating", 0);
            for tick in 0..generation.ticks {
                let at =
                    start + generation.interval * i32::try_from(tick).map_err(|_| Error::config("too many ticks"))?;
                let seed = generation.seed.unwrap_or(step.seed);
                let objects =
                    step.plugin.generate(&parameters.to_string(), seed, first + tick, at.timestamp_micros())?;
                for object in objects {
                    let dot = object.name.find('.').unwrap_or(object.name.len());
                    let (stem, extension) = object.name.split_at(dot);
                    keys.push(put_new(self.store(), &format!("{BRONZE}{stem}"), '_', extension, &object.bytes)?);
                    self.progress.advance(object.bytes.len() as u64);
                }
            }
            self.progress.end();
        }
        Ok(keys)
    }

    /// How many ticks of the source bronze holds: its objects, over the families that a tick makes.
    fn ticks_so_far(&self, step: &SourceStep) -> Result<u64> {
        let Some((prefix, _)) = step.plugin.spec().objects.first().and_then(|glob| glob.split_once('*')) else {
            return Ok(0);
        };
        Ok(self.store.list(&format!("{BRONZE}{prefix}"), "")?.len() as u64)
    }

    /// The cleaner's role: cleans whatever bronze holds until nothing is left.
    pub fn clean(&self) -> Result<Report> {
        let mut report = Report::default();
        self.clean_into(&mut report).map(|_| report)
    }

    /// The aggregator's role: brings every KPI up to date with silver.
    pub fn aggregate(&self) -> Result<Report> {
        let mut report = Report::default();
        self.aggregate_into(&Fresh::default(), &mut report)?;
        Ok(report)
    }

    /// Cleans, then aggregates.
    pub fn run(&self) -> Result<Report> {
        let mut report = Report::default();
        let fresh = self.clean_into(&mut report)?;
        self.aggregate_into(&fresh, &mut report)?;
        Ok(report)
    }

    /// Returns the silver of the last wave, for the KPIs.
    fn clean_into(&self, report: &mut Report) -> Result<Fresh> {
        let mut failed: HashSet<String> = HashSet::new();
        let mut conflicts = 0;
        loop {
            let mut catalog = Catalog::load(self.store())?;
            let plan = Plan::make(self.store(), &self.pipeline, catalog.state(), self.as_of())?;
            let missing = plan.datasets.iter().flat_map(|plan| &plan.missing);
            let missing: Vec<_> =
                missing.map(|name| format!("{BRONZE}{name}: is gone; what was read of it stays in silver")).collect();
            let plans = wave(plan.datasets, &failed);
            let fresh = Fresh::default();
            if plans.iter().all(DatasetPlan::is_empty) {
                report.warnings.extend(missing);
                report.unmatched = plan.unmatched;
                return Ok(fresh);
            }
            let cleaning = Cleaning {
                store: self.store(),
                pipeline: &self.pipeline,
                state: catalog.state(),
                as_of: self.as_of(),
                fresh: &fresh,
                indexes: &self.indexes,
                progress: &self.progress,
            };
            let outcome = cleaning.run(&plans)?;
            let cleaned = outcome.commit.datasets.values().map(|change| change.put.len()).sum::<usize>();
            match self.commit(&mut catalog, outcome.commit) {
                Err(error) if error.kind() == Kind::Conflict && conflicts < ATTEMPTS => {
                    conflicts += 1;
                    continue;
                }
                committed => committed?,
            }
            self.indexes.lock().expect("no one panics while holding it").extend(outcome.indexes);
            report.cleaned += cleaned;
            report.warnings.extend(outcome.warnings);
            failed.extend(outcome.failures.iter().map(|(key, _)| key[BRONZE.len()..].to_owned()));
            report.failures.extend(outcome.failures);
            // Was this the last wave? Then the KPIs take its silver from memory.
            let again = Plan::make(self.store(), &self.pipeline, catalog.state(), self.as_of())?;
            if wave(again.datasets, &failed).iter().all(DatasetPlan::is_empty) {
                report.warnings.extend(missing);
                report.unmatched = again.unmatched;
                return Ok(fresh);
            }
        }
    }

    fn aggregate_into(&self, fresh: &Fresh, report: &mut Report) -> Result<()> {
        for attempt in 1.. {
            let mut catalog = Catalog::load(self.store())?;
            let plan = Plan::make_kpis(&self.pipeline, catalog.state(), self.as_of());
            if plan.iter().all(|kpi| kpi.reason.is_none()) {
                return self.sweep(catalog.state());
            }
            let aggregation = aggregate::Aggregation {
                store: self.store(),
                pipeline: &self.pipeline,
                state: catalog.state(),
                now: self.clock.now(),
                as_of: self.as_of(),
                fresh,
                progress: &self.progress,
            };
            let outcome = aggregation.run(&plan)?;
            match self.commit(&mut catalog, outcome.commit) {
                Err(error) if error.kind() == Kind::Conflict && attempt < ATTEMPTS => continue,
                committed => committed?,
            }
            report.tables.extend(outcome.tables);
            report.failures.extend(outcome.failures);
            return Ok(());
        }
        unreachable!("the loop ends only by returning")
    }

    /// Makes the commit, and then deletes what it and earlier ones retired.
    fn commit(&self, catalog: &mut Catalog<'_>, mut commit: Commit) -> Result<()> {
        if commit.is_empty() {
            return Ok(());
        }
        self.sweep(catalog.state())?;
        commit.swept = catalog.state().retired.clone();
        catalog.commit(commit, self.clock.now())?;
        self.sweep(catalog.state())
    }

    fn sweep(&self, state: &State) -> Result<()> {
        state.retired.iter().try_for_each(|key| self.store.delete(key))
    }
}

/// As much of the plan as fits in one commit. What makes a dataset anew is done whole: readers see the old or the new.
fn wave(plans: Vec<DatasetPlan>, failed: &HashSet<String>) -> Vec<DatasetPlan> {
    let mut left = WAVE_BYTES;
    let mut take = |bytes: u64| {
        let fits = left > 0;
        left = left.saturating_sub(bytes);
        fits
    };
    plans
        .into_iter()
        .filter(|plan| plan.rebuild.is_none() || !plan.objects.iter().any(|object| failed.contains(&object.name)))
        .map(|mut plan| {
            plan.objects
                .retain(|object| !failed.contains(&object.name) && (plan.rebuild.is_some() || take(object.bytes)));
            plan
        })
        .collect()
}

impl State {
    /// The totals of each dataset.
    pub fn totals(&self) -> Vec<Totals> {
        self.datasets
            .iter()
            .map(|(name, dataset)| {
                let mut totals = Totals { dataset: name.clone(), objects: dataset.objects.len(), ..Totals::default() };
                for entry in dataset.objects.values() {
                    totals.read += entry.read;
                    totals.kept += entry.kept();
                    totals.superseded += entry.superseded.len() as u64;
                    for (sums, rules) in
                        [(&mut totals.rejected, &entry.rejected), (&mut totals.repaired, &entry.repaired)]
                    {
                        for (rule, rows) in rules {
                            *sums.entry(rule.clone()).or_default() += rows;
                        }
                    }
                }
                totals
            })
            .collect()
    }
}

/// What became of all rows of a dataset: read = kept + rejected + superseded.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// The dataset's name.
    pub dataset: String,
    /// Bronze objects read.
    pub objects: usize,
    /// Rows in them.
    pub read: u64,
    /// Rows in silver.
    pub kept: u64,
    /// Rows that lost to another row of the same key.
    pub superseded: u64,
    /// Rows in quarantine, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// Rows in silver with a value changed, by rule.
    pub repaired: BTreeMap<String, u64>,
}
