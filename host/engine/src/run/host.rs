//! A host: a pipeline that works on one lake, and what it knows of that lake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arrow_array::RecordBatch;
use chrono::TimeDelta;

use super::settling::Settling;
use crate::clean::Cleaning;
use crate::pipeline::Pipeline;
use crate::plan::{Plan, Planning};
use crate::sources::Sources;
use crate::tables::partial::PartialAggregates;
use crate::tables::{Aggregation, rows_of};
use smelt_catalog::{Catalog, Fingerprint, Known, Promotion, State, look};
use smelt_common::clock::{Clock, apart};
use smelt_common::error::{Kind, Result};
use smelt_common::progress::Progress;
use smelt_common::{Error, workers};
use smelt_connectors::Sink;
use smelt_runtime::privacy::KEY_VARIABLE;
use smelt_storage::{Store, Writes};

/// The most objects of a dataset that every tick compares with bronze in full. So few cost next to nothing.
const FEW_OBJECTS: u64 = 256;

/// The datasets of a source's files, each with the commits that rebuilt and changed it last, and the time of a look at them.
pub(super) type Looked = (Vec<(String, u64, u64)>, i64);

/// A pipeline that works on one lake.
pub struct Host {
    pub(super) store: Box<dyn Store>,
    pub(super) pipeline: Pipeline,
    pub(super) clock: Clock,
    pub(super) progress: Arc<dyn Progress>,
    /// If set, the host gives up rows whose object bronze no longer holds: it rebuilds their datasets without them.
    pub forget_missing: bool,
    /// If set, the host rebuilds a lake that has lost its catalog.
    pub rebuild: bool,
    /// If set, the next tick compares bronze with the catalog in full, whenever that was last done.
    pub reconcile: bool,
    /// If set, the host tries again what is parked.
    pub retry_parked: bool,
    /// If set, files of sources that others may still be writing are taken only when two calls found them the same.
    pub(super) settling: Option<Mutex<BTreeMap<String, Settling>>>,
    /// The datasets of each source's files, as they were when all of these lay where they should, and the time of that look.
    pub(super) put_away: Mutex<BTreeMap<String, Looked>>,
    /// The datasets and tables that the host works on; `None` if it works on all.
    pub selected: Option<BTreeSet<String>>,
    /// If set, the host may make pseudonyms with another key than the lake's. It then rebuilds the datasets that have
    /// some.
    pub new_key: bool,
    /// Set once this tick has written an object that no commit references.
    pub(super) orphaned: AtomicBool,
    /// The places from which raw files come.
    pub sources: Sources,
    /// The places outside of the lake's own objects that get what is published.
    pub sinks: Vec<Box<dyn Sink>>,
    /// The last that each sink was told by this host: the versions of the relations that it carries, by sink.
    pub(super) told: Mutex<BTreeMap<String, Vec<String>>>,
    /// The promotions that the pipeline was loaded with.
    pub(super) promoted: BTreeMap<String, Promotion>,
    /// The newest commit that was seen.
    pub(super) known: Mutex<Known>,
    /// Set once the store has proven that it can hold commits.
    pub(super) proven: AtomicBool,
    /// The datasets of which an object was found gone or damaged, each with the reason.
    pub(super) damaged: Mutex<BTreeMap<String, String>>,
    /// The number of the tick that each source makes next, by source.
    pub(super) next_ticks: Mutex<BTreeMap<String, u64>>,
    /// The lock that tells others that this host is writing, while it is.
    pub(super) writes: Mutex<Option<Writes>>,
    /// The newest commit when this host began to write and removed all orphans; 0 if it did not look for them.
    pub(super) orphans_checked: AtomicU64,
    /// The number of the attempt that found a free key, by the key that a source wanted for an object. The next object
    /// that wants the same key tries from there.
    pub(super) taken: Mutex<BTreeMap<String, u32>>,
}

/// Returns whether a task that was last done at `last` is due. If `last` lies in the future, a clock that was ahead
/// noted it, and the task is due at once.
fn is_due(last: i64, now: i64, every: Duration) -> bool {
    last > now || apart(last, now) >= every
}

impl Host {
    /// Returns a host that runs the pipeline on the lake in the store.
    pub fn new(store: Box<dyn Store>, pipeline: Pipeline, clock: Clock, progress: Arc<dyn Progress>) -> Self {
        if store.is_remote() {
            workers::expect_to_wait();
        }
        Self {
            store,
            pipeline,
            clock,
            progress,
            forget_missing: false,
            rebuild: false,
            reconcile: false,
            retry_parked: false,
            settling: None,
            put_away: Mutex::default(),
            selected: None,
            new_key: false,
            orphaned: AtomicBool::new(false),
            sources: Sources::default(),
            sinks: vec![],
            told: Mutex::default(),
            promoted: BTreeMap::new(),
            known: Mutex::default(),
            proven: AtomicBool::new(false),
            damaged: Mutex::default(),
            next_ticks: Mutex::default(),
            writes: Mutex::default(),
            orphans_checked: AtomicU64::new(0),
            taken: Mutex::default(),
        }
    }

    /// Returns the host for a pipeline that was loaded with the promotions of that state, as of the commit `known`.
    pub fn as_of_commit(self, state: &State, known: Known) -> Self {
        Self { promoted: state.promoted.clone(), known: Mutex::new(known), ..self }
    }

    /// Returns the host in place of another one: what the other one knows of the lake must still hold.
    pub fn in_place_of(self, other: &Self) -> Self {
        let known = other.known();
        if known.sequence > 0 { Self { known: Mutex::new(known), ..self } } else { self }
    }

    /// Makes the host take files only after it has seen them unchanged twice, for one that looks again and again.
    pub fn watch(&mut self) {
        self.settling = Some(Mutex::default());
    }

    /// Returns the lake.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Returns the pipeline.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Makes the plugins be told that time in place of today, in microseconds since the epoch.
    pub fn tell(&mut self, told: i64) {
        self.pipeline.tell(told);
    }

    /// Returns the rows of a table as readers see them, in the order of its key, or as they were written if all rows are made
    /// at once. With `newest`, also returns rows that are held.
    ///
    /// # Errors
    /// The pipeline or the lake has no such table, or its rows are gone or damaged.
    pub fn rows(&self, table: &str, newest: bool) -> Result<RecordBatch> {
        let step = self.pipeline.table(table).ok_or_else(|| {
            let known: Vec<_> = self.pipeline.tables.iter().map(|step| step.name.as_str()).collect();
            Error::config(format!("the pipeline has no table `{table}`; it has {}", known.join(", ")))
        })?;
        look(self.store(), |state| match (state.shown(table), state.gold.get(table)) {
            (_, Some(gold)) if newest => rows_of(self.store(), step, gold),
            (Some(gold), _) => rows_of(self.store(), step, gold),
            (None, Some(_)) => Err(Error::config(format!(
                "the rows of `{table}` are held, and none were published before; `smelt show {table} --newest` shows them"
            ))),
            (None, None) => {
                Err(Error::config(format!("the lake has no rows of `{table}` yet; `smelt run` makes them")))
            }
        })
    }

    /// Returns whether readers see rows of the table that another component or other parameters made than those that make it
    /// now, because the newest rows are held.
    pub fn shows_former(&self, table: &str) -> Result<bool> {
        let state = self.state()?;
        let made = state.held.as_ref().and(state.shown(table)).map(|gold| &gold.relation.fingerprint);
        let is_other = |made: &Fingerprint| {
            let now = self.pipeline.table(table).map(|step| step.fingerprint.at(made.as_of.unwrap_or_default()));
            now.is_some_and(|now| made.difference(&now).is_some())
        };
        Ok(made.is_some_and(is_other))
    }

    /// Returns what the lake holds now.
    pub fn state(&self) -> Result<State> {
        Ok(Catalog::load_from(self.store(), &self.known())?.state().clone())
    }

    /// Fails with [`Kind::Stale`] if another component was promoted since the pipeline was loaded.
    pub fn expect_current(&self) -> Result<()> {
        self.catalog().map(drop)
    }

    pub(super) fn catalog(&self) -> Result<Catalog<'_>> {
        let known = self.known();
        if known.sequence == 0 {
            // Otherwise reading the commit tells whether the lake is there.
            self.store.check_place()?;
        }
        let catalog = Catalog::load_from(self.store(), &known)?;
        self.know(&catalog);
        self.expect_promoted(catalog.state())?;
        Ok(catalog)
    }

    pub(super) fn expect_promoted(&self, state: &State) -> Result<()> {
        match state.promoted == self.promoted {
            true => Ok(()),
            false => Err(Error::new(Kind::Stale, "another component was promoted meanwhile; the next run loads it")),
        }
    }

    /// Returns what would run and why.
    pub fn plan(&self) -> Result<Plan> {
        self.expect_key(self.catalog()?.state())?;
        let damaged = self.damaged().clone();
        look(self.store(), |state| {
            self.expect_promoted(state)?;
            self.expect_names(state)?;
            if state.sequence == 0 {
                // Another host that has not committed yet may be at work.
                self.expect_no_catalog(true)?;
            }
            self.planning(state, &damaged).plan()
        })
    }

    /// Refuses a manifest in which a name has become that of a table and was that of a dataset, or the other way round, as
    /// long as the lake has the former one: those who read the name would get its rows.
    pub fn expect_names(&self, state: &State) -> Result<()> {
        let datasets = self.pipeline.datasets.iter().filter(|step| state.gold.contains_key(&step.name));
        let tables = self.pipeline.tables.iter().filter(|step| state.datasets.contains_key(&step.name));
        let datasets = datasets.map(|step| (&step.name, "a dataset", "a table"));
        match datasets.chain(tables.map(|step| (&step.name, "a table", "a dataset"))).next() {
            None => Ok(()),
            Some((name, now, before)) => Err(Error::config(format!(
                "`{name}` is {now} now, but the lake holds {before} of that name; `smelt drop {name}` shows what would leave the \
                 lake, or give it another name"
            ))),
        }
    }

    /// Refuses to make pseudonyms with another key than those in the lake, or without a key. Pseudonyms of two keys
    /// cannot be compared, and plain ones can be guessed back.
    pub fn expect_key(&self, state: &State) -> Result<()> {
        let own = self.pipeline.key_id.as_deref();
        let of_lake = state.pseudonym_key.as_deref();
        let lacks_new_key = self.new_key && own.is_none();
        if !self.pipeline.pseudonymises() || own == of_lake && !lacks_new_key {
            return Ok(());
        }
        let place = format!("{KEY_VARIABLE}, in `privacy.key_file` or beside the lake");
        match (of_lake, own) {
            _ if lacks_new_key => Err(Error::config(format!(
                "--new-key needs a new key, but there is none; smelt looks for it in {place}"
            ))),
            // The first key of a lake makes nothing worse.
            (None, _) => Ok(()),
            (Some(_), Some(_)) if self.new_key => Ok(()),
            (Some(of_lake), own) => {
                let (own, init) = match own {
                    Some(own) => (format!("not with `{own}`"), ""),
                    None => ("and now there is no key".to_owned(), "`smelt init` makes one, and "),
                };
                Err(Error::config(format!(
                    "the pseudonyms in this lake were made with key `{of_lake}`, {own}: put that key back, in {place}; if it is \
                     lost, {init}`smelt run --new-key` rebuilds every dataset that has pseudonyms"
                )))
            }
        }
    }

    /// Returns a cleaning pass over the state. With `partials`, the KPIs add up what it cleans.
    pub(super) fn cleaning<'c>(&'c self, state: &'c State, partials: Option<&'c PartialAggregates>) -> Cleaning<'c> {
        let (store, pipeline, progress) = (self.store(), &self.pipeline, &*self.progress);
        Cleaning { store, pipeline, state, as_of: self.as_of(), now: self.now(), partials, progress }
    }

    /// Returns an aggregation over the state, which need not read again what `partials` contains.
    pub(super) fn aggregation<'a>(
        &'a self,
        state: &'a State,
        partials: &'a PartialAggregates,
        damaged: &'a BTreeMap<String, String>,
    ) -> Aggregation<'a> {
        let (store, pipeline, progress) = (self.store(), &self.pipeline, &*self.progress);
        let (now, as_of) = (self.clock.now(), self.as_of());
        Aggregation { store, pipeline, state, now, as_of, damaged, partials, progress }
    }

    pub(super) fn planning<'p>(&'p self, state: &'p State, damaged: &'p BTreeMap<String, String>) -> Planning<'p> {
        let in_full = if self.reconcile_is_due(state) { u64::MAX } else { FEW_OBJECTS };
        let max_attempts = if self.retry_parked { u32::MAX } else { self.pipeline.max_attempts };
        let (store, pipeline, forget_missing) = (self.store(), &self.pipeline, self.forget_missing);
        let (as_of, now) = (self.as_of(), self.now());
        let selected = self.selected.as_ref();
        Planning { store, pipeline, state, as_of, now, damaged, in_full, max_attempts, forget_missing, selected }
    }

    /// Returns whether it is time to compare bronze with the catalog in full.
    pub(super) fn reconcile_is_due(&self, state: &State) -> bool {
        let (now, every) = (self.clock.now().timestamp_micros(), self.pipeline.schedule.reconcile);
        self.reconcile || self.forget_missing || state.reconciled.is_some_and(|last| is_due(last, now, every))
    }

    pub(super) fn known(&self) -> Known {
        self.known.lock().expect("no one panics while holding it").clone()
    }

    pub(super) fn know(&self, catalog: &Catalog<'_>) {
        *self.known.lock().expect("no one panics while holding it") = catalog.known();
    }

    pub(super) fn damaged(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.damaged.lock().expect("no one panics while holding it")
    }

    /// Returns the time now, in microseconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    /// Returns the time that plugins are told if they ask, unless [`Host::tell`] has set another: the beginning of the UTC
    /// day, so that results change once a day.
    pub fn as_of(&self) -> i64 {
        let day = TimeDelta::days(1).num_microseconds().expect("a day has few microseconds");
        self.clock.now().timestamp_micros().div_euclid(day) * day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_was_last_done_in_the_future_is_due() {
        let due = |last| is_due(last, 1_000_000, Duration::from_millis(100));
        assert_eq!(
            [0, 900_000, 900_001, 1_000_000, 1_000_001, i64::MAX].map(due),
            [true, true, false, false, true, true]
        );
    }
}
