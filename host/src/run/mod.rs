//! A host at work on one lake: the three roles, each a tick that reads the catalog, does what the plan says, and commits.

mod aggregate;
mod clean;
mod generate;
mod tidy;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use arrow_array::RecordBatch;
use chrono::TimeDelta;

pub use generate::Generation;

use crate::catalog::{Catalog, Commit, State};
use crate::clean::Indexes;
use crate::clock::Clock;
use crate::error::{Kind, Result};
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::silver::Fresh;
use crate::store::Store;
use crate::{Error, profile};

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
        let _span = profile::span("plan", "");
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

    /// Makes the commit, and then deletes what it and earlier ones retired.
    fn commit(&self, catalog: &mut Catalog<'_>, mut commit: Commit) -> Result<()> {
        if commit.is_empty() {
            return Ok(());
        }
        let _span = profile::span("commit", "");
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
