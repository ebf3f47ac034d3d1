//! A host: a pipeline at work on one lake, and what it knows of that lake.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::TimeDelta;

use crate::pipeline::Pipeline;
use crate::plan::{Plan, Planning};
use smelt_catalog::{Catalog, Known, Promotion, State, look};
use smelt_common::clock::{Clock, apart};
use smelt_common::error::{Kind, Result};
use smelt_common::progress::Progress;
use smelt_common::{Error, workers};
use smelt_runtime::privacy::KEY_VARIABLE;
use smelt_storage::{Store, Writes};

/// A dataset of at most so many objects is compared with bronze in full at every tick: that costs next to nothing.
const FEW_OBJECTS: u64 = 256;

/// A host at work on one lake.
pub struct Host {
    pub(super) store: Box<dyn Store>,
    pub(super) pipeline: Pipeline,
    pub(super) clock: Clock,
    pub(super) progress: Arc<dyn Progress>,
    /// Whether rows are given up if bronze no longer holds their object: the datasets are rebuilt without them.
    pub forget_missing: bool,
    /// Whether a lake that has lost its catalog is rebuilt.
    pub rebuild: bool,
    /// Whether the next tick compares bronze with the catalog in full, whenever that was last done.
    pub reconcile: bool,
    /// Whether what is parked is tried again.
    pub retry_parked: bool,
    /// Whether pseudonyms may be made with another key than the lake's; the datasets that have some are then rebuilt.
    pub new_key: bool,
    /// Whether something was written in this tick that no commit names.
    pub(super) orphaned: AtomicBool,
    /// The promotions that the pipeline was loaded with.
    pub(super) promoted: BTreeMap<String, Promotion>,
    /// The newest commit that was seen.
    pub(super) known: Mutex<Known>,
    /// Whether the store has proven that it can hold commits.
    pub(super) proven: AtomicBool,
    /// Datasets of which an object was found gone or damaged, and which.
    pub(super) damaged: Mutex<BTreeMap<String, String>>,
    /// By source: the number of the tick that it makes next.
    pub(super) next_ticks: Mutex<BTreeMap<String, u64>>,
    /// The lock that tells others that this host is writing, while it is.
    pub(super) writes: Mutex<Option<Writes>>,
    /// Up to which commit this host, when it began to write, left nothing beside what commits name; 0 if it did not look.
    pub(super) orphans_checked: AtomicU64,
    /// By key of a bronze object that a source made: how many of the names that it may get were taken at least.
    pub(super) taken: Mutex<BTreeMap<String, u32>>,
}

/// Returns whether a task that was last done at `last` is due. A `last` that lies ahead was noted by a clock that was ahead:
/// the task is due at once.
fn is_due(last: i64, now: i64, every: Duration) -> bool {
    last > now || apart(last, now) >= every
}

impl Host {
    /// A host for that pipeline on that lake.
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
            new_key: false,
            orphaned: AtomicBool::new(false),
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

    /// The same for a pipeline that was loaded with what that state promotes, as of that commit.
    pub fn as_of_commit(self, state: &State, known: Known) -> Self {
        Self { promoted: state.promoted.clone(), known: Mutex::new(known), ..self }
    }

    /// The same in place of another host: what that one knows of the lake must still be so.
    pub fn in_place_of(self, other: &Self) -> Self {
        let known = other.known();
        if known.sequence > 0 { Self { known: Mutex::new(known), ..self } } else { self }
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
        Ok(Catalog::load_from(self.store(), &self.known())?.state().clone())
    }

    /// Fails with [`Kind::Stale`] if another component was promoted since the pipeline was loaded.
    pub fn expect_current(&self) -> Result<()> {
        self.catalog().map(drop)
    }

    pub(super) fn catalog(&self) -> Result<Catalog<'_>> {
        let known = self.known();
        if known.sequence == 0 {
            // Otherwise the commit tells whether the lake is there.
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
            false => Err(Error::new(Kind::Stale, "another component was promoted meanwhile; the next run has it")),
        }
    }

    /// What would run and why.
    pub fn plan(&self) -> Result<Plan> {
        self.expect_key(self.catalog()?.state())?;
        let damaged = self.damaged().clone();
        look(self.store(), |state| {
            self.expect_promoted(state)?;
            if state.sequence == 0 {
                // Someone may be at work who has not committed yet.
                self.expect_no_catalog(true)?;
            }
            self.planning(state, &damaged).plan()
        })
    }

    /// Refuses to make pseudonyms with another key than those in that lake, or without one: they would say nothing of each
    /// other, and plain ones can be guessed back.
    pub fn expect_key(&self, state: &State) -> Result<()> {
        let own = self.pipeline.key_id.as_deref();
        let of_lake = state.pseudonym_key.as_deref();
        let lacks_new_key = self.new_key && own.is_none();
        if !self.pipeline.pseudonymises() || own == of_lake && !lacks_new_key {
            return Ok(());
        }
        let place = format!("{KEY_VARIABLE}, in `privacy.key_file` or beside the lake");
        match (of_lake, own) {
            _ if lacks_new_key => {
                Err(Error::config(format!("--new-key starts a key, and there is none: it would be in {place}")))
            }
            // A first key makes nothing worse.
            (None, _) => Ok(()),
            (Some(_), Some(_)) if self.new_key => Ok(()),
            (Some(of_lake), own) => {
                let (own, init) = match own {
                    Some(own) => (format!("not with `{own}`"), ""),
                    None => ("and there is none".to_owned(), "`smelt init` makes one, and "),
                };
                Err(Error::config(format!(
                    "the pseudonyms in this lake were made with key `{of_lake}`, {own}: put that key back, in {place}; if it is \
                     lost, {init}`smelt run --new-key` makes anew what has pseudonyms"
                )))
            }
        }
    }

    pub(super) fn planning<'p>(&'p self, state: &'p State, damaged: &'p BTreeMap<String, String>) -> Planning<'p> {
        let in_full = if self.reconcile_is_due(state) { u64::MAX } else { FEW_OBJECTS };
        let max_attempts = if self.retry_parked { u32::MAX } else { self.pipeline.max_attempts };
        let (store, pipeline, forget_missing) = (self.store(), &self.pipeline, self.forget_missing);
        let (as_of, now) = (self.as_of(), self.now());
        Planning { store, pipeline, state, as_of, now, damaged, in_full, max_attempts, forget_missing }
    }

    /// Whether it is time to compare bronze with the catalog in full.
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

    /// The time that plugins are told if they ask: the beginning of the UTC day, so that results change once a day.
    pub fn as_of(&self) -> i64 {
        let day = TimeDelta::days(1).num_microseconds().expect("a day has few microseconds");
        self.clock.now().timestamp_micros().div_euclid(day) * day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_last_done_in_the_future_is_due() {
        let due = |last| is_due(last, 1_000_000, Duration::from_millis(100));
        assert_eq!(
            [0, 900_000, 900_001, 1_000_000, 1_000_001, i64::MAX].map(due),
            [true, true, false, false, true, true]
        );
    }
}
