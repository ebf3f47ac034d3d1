//! A host at work on one lake: the three roles, each a tick that reads the catalog, does what the plan says, and commits.

mod generate;
mod tidy;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use arrow_array::RecordBatch;
use chrono::TimeDelta;

pub use generate::Generation;

use crate::Error;
use crate::aggregate::Aggregation;
use crate::catalog::{BRONZE, Catalog, Commit, State};
use crate::clean::{Cleaning, Indexes};
use crate::clock::Clock;
use crate::error::{Kind, Result};
use crate::pipeline::Pipeline;
use crate::plan::{DatasetPlan, Plan};
use crate::progress::Progress;
use crate::silver::Fresh;
use crate::store::Store;

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
    /// Whether a dataset is made anew though bronze no longer holds all that it was made from.
    pub forget_missing: bool,
    indexes: Indexes,
    /// Whether something was written in this tick that no commit names.
    untidy: AtomicBool,
    /// Datasets of which an object was found gone or damaged, and which.
    damaged: Mutex<BTreeMap<String, String>>,
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

impl Host {
    /// A host for that pipeline on that lake.
    pub fn new(store: Box<dyn Store>, pipeline: Pipeline, clock: Clock, progress: Progress) -> Self {
        Self {
            store,
            pipeline,
            clock,
            progress,
            forget_missing: false,
            indexes: Indexes::default(),
            untidy: AtomicBool::new(false),
            damaged: Mutex::default(),
        }
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
        self.plan_for(Catalog::load(self.store())?.state())
    }

    fn plan_for(&self, state: &State) -> Result<Plan> {
        Plan::make(self.store(), &self.pipeline, state, self.as_of(), &self.damaged())
    }

    fn damaged(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.damaged.lock().expect("no one panics while holding it")
    }

    /// The time that plugins are told if they ask: the beginning of the UTC day, so that results change once a day.
    fn as_of(&self) -> i64 {
        let day = TimeDelta::days(1).num_microseconds().expect("a day has few microseconds");
        self.clock.now().timestamp_micros().div_euclid(day) * day
    }

    /// The cleaner's role: cleans whatever bronze holds until nothing is left.
    pub fn clean(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| self.clean_into(&mut report))?;
        Ok(report)
    }

    /// The aggregator's role: brings every KPI up to date with silver. Silver that is gone or damaged is made anew first.
    pub fn aggregate(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| match self.aggregate_into(&Fresh::default(), &mut report)? {
            true => Ok(()),
            false => self.clean_and_aggregate(&mut report),
        })?;
        Ok(report)
    }

    /// Cleans, then aggregates.
    pub fn run(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| self.clean_and_aggregate(&mut report))?;
        Ok(report)
    }

    fn clean_and_aggregate(&self, report: &mut Report) -> Result<()> {
        for _ in 0..2 {
            let fresh = self.clean_into(report)?;
            if self.aggregate_into(&fresh, report)? {
                return Ok(());
            }
        }
        // Why it could not be made anew is among the failures, or it is damaged as fast as it is made.
        let damaged = self.damaged().clone();
        let failed = |why| Error::new(Kind::Damaged, format!("{why}; the dataset could not be made anew"));
        report.failures.extend(damaged.into_iter().map(|(dataset, why)| (dataset, failed(why))));
        Ok(())
    }

    /// Does the work while others can see that this host is writing, and first removes what a dead one left behind.
    fn writing<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let unavailable =
            |error: std::io::Error| Error::new(Kind::Unavailable, format!("cannot lock the lake: {error}"));
        let mut writes = self.store.begin()?;
        if writes.after_crash() {
            self.tidy()?;
        }
        writes.share().map_err(unavailable)?;
        let done = work()?;
        // Otherwise the mark stays, and whoever writes next tidies up.
        if !self.untidy.swap(false, Ordering::Relaxed) {
            writes.done().map_err(unavailable)?;
        }
        Ok(done)
    }

    /// Returns the silver of the last wave, for the KPIs.
    fn clean_into(&self, report: &mut Report) -> Result<Fresh> {
        let mut done = Done::default();
        let mut fresh = Fresh::default();
        let mut conflicts = 0;
        loop {
            let mut catalog = Catalog::load(self.store())?;
            let plan = self.plan_for(catalog.state())?;
            let plans = self.wave(plan.datasets, &mut done, report);
            if plans.iter().all(DatasetPlan::is_empty) {
                let missing = plans.iter().flat_map(|plan| &plan.missing);
                report.warnings.extend(
                    missing.map(|name| format!("{BRONZE}{name}: is gone; what was read of it stays in silver")),
                );
                report.unmatched = plan.unmatched;
                return Ok(fresh);
            }
            fresh = Fresh::default();
            let cleaning = Cleaning {
                store: self.store(),
                pipeline: &self.pipeline,
                state: catalog.state(),
                as_of: self.as_of(),
                fresh: &fresh,
                indexes: &self.indexes,
                progress: &self.progress,
            };
            let sequence = catalog.state().sequence;
            let outcome = cleaning.run(&plans)?;
            self.untidy.fetch_or(outcome.untidy, Ordering::Relaxed);
            if !outcome.damaged.is_empty() && conflicts < ATTEMPTS {
                // Another host may have replaced what was about to be read: then the newer catalog names other objects.
                catalog.refresh()?;
                if catalog.state().sequence != sequence {
                    conflicts += 1;
                    continue;
                }
            }
            let planned = plans.iter().flat_map(|plan| plan.objects.iter().map(|object| (&plan.dataset, &object.name)));
            let planned: HashSet<_> = planned.collect();
            let changes = outcome.commit.datasets.iter();
            let cleaned = changes.flat_map(|(dataset, change)| change.put.keys().map(move |name| (dataset, name)));
            let cleaned = cleaned.filter(|change| planned.contains(change)).count();
            let changed: HashSet<String> = outcome.commit.datasets.keys().cloned().collect();
            match self.commit(&mut catalog, outcome.commit) {
                Err(error) if error.kind() == Kind::Conflict && conflicts < ATTEMPTS => {
                    self.untidy.store(true, Ordering::Relaxed);
                    conflicts += 1;
                    continue;
                }
                committed => committed?,
            }
            for plan in plans.iter().filter(|plan| plan.rebuild.is_some() && changed.contains(&plan.dataset)) {
                self.damaged().remove(&plan.dataset);
                done.made_anew.insert(plan.dataset.clone());
            }
            self.damaged().extend(outcome.damaged);
            self.indexes.lock().expect("no one panics while holding it").extend(outcome.indexes);
            report.cleaned += cleaned;
            report.warnings.extend(outcome.warnings);
            for (object, error) in outcome.failures {
                report.failures.push((format!("{BRONZE}{}", object.1), error));
                done.failed.insert(object);
            }
        }
    }

    /// As much of the plan as fits in one commit. What makes a dataset anew is done whole, so that readers see the old or
    /// the new, and once in a call: an object that is being written to all the time would keep us busy for ever.
    fn wave(&self, plans: Vec<DatasetPlan>, done: &mut Done, report: &mut Report) -> Vec<DatasetPlan> {
        let mut left = WAVE_BYTES;
        let mut take = |bytes: u64| {
            let fits = left > 0;
            left = left.saturating_sub(bytes);
            fits
        };
        let mut chosen = Vec::new();
        for mut plan in plans {
            let failed = |name: &String| done.failed.contains(&(plan.dataset.clone(), name.clone()));
            if plan.rebuild.is_some() {
                if let Some(error) = plan.blocked().filter(|_| !self.forget_missing) {
                    if done.blocked.insert(plan.dataset.clone()) {
                        report.failures.push((plan.dataset.clone(), error));
                    }
                    continue;
                }
                let stays = plan.objects.iter().any(|object| object.known && failed(&object.name));
                if stays || done.made_anew.contains(&plan.dataset) {
                    continue;
                }
            }
            let whole = plan.rebuild.is_some();
            let failed: HashSet<String> =
                plan.objects.iter().map(|object| object.name.clone()).filter(|name| failed(name)).collect();
            plan.objects.retain(|object| !failed.contains(&object.name) && (whole || take(object.bytes)));
            chosen.push(plan);
        }
        chosen
    }

    /// Returns whether silver was whole; if not, cleaning makes it anew.
    fn aggregate_into(&self, fresh: &Fresh, report: &mut Report) -> Result<bool> {
        for attempt in 1.. {
            let mut catalog = Catalog::load(self.store())?;
            let plan = Plan::make_kpis(&self.pipeline, catalog.state(), self.as_of());
            if plan.iter().all(|kpi| kpi.reason.is_none()) {
                return self.sweep(catalog.state()).map(|()| true);
            }
            let aggregation = Aggregation {
                store: self.store(),
                pipeline: &self.pipeline,
                state: catalog.state(),
                now: self.clock.now(),
                as_of: self.as_of(),
                fresh,
                progress: &self.progress,
            };
            let sequence = catalog.state().sequence;
            let outcome = aggregation.run(&plan)?;
            if !outcome.damaged.is_empty() {
                // Another host may have replaced what was about to be read: then the newer catalog names other objects.
                catalog.refresh()?;
                if catalog.state().sequence != sequence && attempt < ATTEMPTS {
                    continue;
                }
            }
            match self.commit(&mut catalog, outcome.commit) {
                Err(error) if error.kind() == Kind::Conflict && attempt < ATTEMPTS => {
                    self.untidy.store(true, Ordering::Relaxed);
                    continue;
                }
                committed => committed?,
            }
            report.tables.extend(outcome.tables);
            if outcome.damaged.is_empty() {
                report.failures.extend(outcome.failures);
                return Ok(true);
            }
            // What failed for it is computed again once silver is whole.
            self.damaged().extend(outcome.damaged);
            return Ok(false);
        }
        unreachable!("the loop ends only by returning")
    }

    /// Makes the commit, and then deletes what it and earlier ones retired.
    fn commit(&self, catalog: &mut Catalog<'_>, mut commit: Commit) -> Result<()> {
        if commit.is_empty() {
            return Ok(());
        }
        let named: HashSet<&str> = commit.named().collect();
        let swept: Vec<_> =
            catalog.state().retired.iter().filter(|key| !named.contains(key.as_str())).cloned().collect();
        swept.iter().try_for_each(|key| self.store.delete(key))?;
        commit.swept = swept;
        catalog.commit(commit, self.clock.now())?;
        self.sweep(catalog.state())
    }

    fn sweep(&self, state: &State) -> Result<()> {
        state.retired.iter().try_for_each(|key| self.store.delete(key))
    }
}

/// What one call of a role has been through.
#[derive(Default)]
struct Done {
    /// Objects that failed, by dataset and name.
    failed: HashSet<(String, String)>,
    /// Datasets that were made anew.
    made_anew: HashSet<String>,
    /// Datasets that cannot be made anew.
    blocked: HashSet<String>,
}
