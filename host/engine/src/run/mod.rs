//! A host at work on one lake: the three roles, each a tick that reads the catalog, does what the plan says, and commits.

mod aggregate;
mod clean;
mod drop;
mod generate;
mod orphans;
mod promote;
mod purge;
mod rollback;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arrow_array::RecordBatch;
use chrono::TimeDelta;

pub use drop::Dropped;
pub use generate::{Generated, Generation};
pub use promote::{Done, Way};

use crate::outcome::first;
use crate::pipeline::Pipeline;
use crate::plan::{Parked, Plan, Planning};
use crate::tables::partial::PartialAggregates;
use smelt_catalog::{Catalog, Change, GC, Known, Promotion, State, commit_key, component_key, keep_component, look};
use smelt_common::binary::Binary;
use smelt_common::clock::{Clock, apart};
use smelt_common::error::{Kind, Result};
use smelt_common::progress::Progress;
use smelt_common::{Error, profile, workers};
use smelt_runtime::privacy::KEY_VARIABLE;
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};
use smelt_storage::{Durability, Store, WRITERS, Writes};

/// How often a tick is made anew because another host committed first.
pub const ATTEMPTS: usize = 16;

/// A dataset of at most so many objects is compared with bronze in full at every tick: that costs next to nothing.
const FEW_OBJECTS: u64 = 256;

/// A host at work on one lake.
pub struct Host {
    store: Box<dyn Store>,
    pipeline: Pipeline,
    clock: Clock,
    progress: Arc<dyn Progress>,
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
    orphaned: AtomicBool,
    /// The promotions that the pipeline was loaded with.
    promoted: BTreeMap<String, Promotion>,
    /// The newest commit that was seen.
    known: Mutex<Known>,
    /// Whether the store has proven that it can hold commits.
    proven: AtomicBool,
    /// Datasets of which an object was found gone or damaged, and which.
    damaged: Mutex<BTreeMap<String, String>>,
    /// By source: the number of the tick that it makes next.
    next_ticks: Mutex<BTreeMap<String, u64>>,
    /// The lock that tells others that this host is writing, while it is.
    writes: Mutex<Option<Writes>>,
    /// Up to which commit this host, when it began to write, left nothing beside what commits name; 0 if it did not look.
    orphans_checked: AtomicU64,
    /// By key of a bronze object that a source made: how many of the names that it may get were taken at least.
    taken: Mutex<BTreeMap<String, u32>>,
}

/// What a tick did, and what it could not do.
#[derive(Default)]
pub struct Report {
    /// Bronze objects that were cleaned.
    pub cleaned: usize,
    /// The tables that were computed, by KPI.
    pub tables: BTreeMap<String, RecordBatch>,
    /// Objects, KPIs and sources that failed, and why. They are tried again in the next tick; everything else went on.
    pub failures: Vec<(String, Error)>,
    /// Things people should look at.
    pub warnings: Vec<String>,
    /// Bronze objects that no dataset's pattern matches.
    pub unmatched: Vec<String>,
    /// What was left alone, because its plugin failed at it as often as it may.
    pub parked: Vec<Parked>,
}

/// Returns whether a task that was last done at `last` is due. A `last` that lies ahead was noted by a clock that was ahead:
/// the task is due at once.
fn is_due(last: i64, now: i64, every: Duration) -> bool {
    last > now || apart(last, now) >= every
}

impl Report {
    /// The report, if all was done; else the first thing that was not.
    pub fn complete(mut self) -> Result<Self> {
        first(self.failures.drain(..), &BTreeMap::new())?;
        Ok(self)
    }
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

    fn catalog(&self) -> Result<Catalog<'_>> {
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

    fn expect_promoted(&self, state: &State) -> Result<()> {
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

    fn planning<'p>(&'p self, state: &'p State, damaged: &'p BTreeMap<String, String>) -> Planning<'p> {
        let in_full = if self.reconcile_is_due(state) { u64::MAX } else { FEW_OBJECTS };
        let max_attempts = if self.retry_parked { u32::MAX } else { self.pipeline.max_attempts };
        let (store, pipeline, forget_missing) = (self.store(), &self.pipeline, self.forget_missing);
        let (as_of, now) = (self.as_of(), self.now());
        Planning { store, pipeline, state, as_of, now, damaged, in_full, max_attempts, forget_missing }
    }

    /// Whether it is time to compare bronze with the catalog in full.
    fn reconcile_is_due(&self, state: &State) -> bool {
        let (now, every) = (self.clock.now().timestamp_micros(), self.pipeline.schedule.reconcile);
        self.reconcile || self.forget_missing || state.reconciled.is_some_and(|last| is_due(last, now, every))
    }

    fn known(&self) -> Known {
        self.known.lock().expect("no one panics while holding it").clone()
    }

    fn know(&self, catalog: &Catalog<'_>) {
        *self.known.lock().expect("no one panics while holding it") = catalog.known();
    }

    fn damaged(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.damaged.lock().expect("no one panics while holding it")
    }

    /// Returns the time now, in microseconds since the epoch.
    fn now(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    /// The time that plugins are told if they ask: the beginning of the UTC day, so that results change once a day.
    pub fn as_of(&self) -> i64 {
        let day = TimeDelta::days(1).num_microseconds().expect("a day has few microseconds");
        self.clock.now().timestamp_micros().div_euclid(day) * day
    }

    /// The cleaner's role: cleans whatever bronze holds until nothing is left.
    pub fn clean(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| self.clean_into(false, &mut report))?;
        Ok(report)
    }

    /// The aggregator's role: brings every KPI up to date with silver. Silver that is gone or damaged is made anew first.
    pub fn aggregate(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| {
            let is_whole =
                self.damaged().is_empty() && self.aggregate_into(&PartialAggregates::default(), &mut report)?;
            if is_whole { Ok(()) } else { self.clean_and_aggregate(&mut report) }
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
            let fresh = self.clean_into(true, report)?;
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
        self.expect_lake()?;
        let is_first = !self.proven.load(Ordering::Relaxed);
        if is_first {
            self.store.prove()?;
        }
        let mut writes = self.store.begin()?;
        self.orphans_checked.store(0, Ordering::Relaxed);
        let is_new = self.known().sequence == 0 && !self.store.exists(&commit_key(1))?;
        // Where someone is writing, a lake without commits may be one that is just being made.
        if is_new && is_first && (writes.is_alone() || self.store.is_remote()) {
            self.expect_no_catalog(writes.after_crash())?;
        }
        if writes.after_crash() || writes.after_others() && !is_new {
            let is_tidy = match self.remove_orphans() {
                // An object that cannot be read now holds up only what needs it. The mark stays, so whoever writes next looks
                // again.
                Err(error) if error.kind() == Kind::Unavailable => {
                    tracing::warn!("what an earlier run left behind was not all removed: {error}");
                    false
                }
                orphans_checked => orphans_checked?,
            };
            if !is_tidy {
                writes.leave_marks().map_err(cannot_lock)?;
            }
        }
        self.proven.store(true, Ordering::Relaxed);
        writes.share().map_err(cannot_lock)?;
        if writes.is_beside() {
            self.announce()?;
        }
        *self.writes() = Some(writes);
        let done = work();
        let writes = self.writes().take();
        // Otherwise the mark stays, and whoever writes next tidies up.
        let tidy = !self.orphaned.swap(false, Ordering::Relaxed);
        let done = done?;
        writes.filter(|_| tidy).map_or(Ok(()), Writes::done).map_err(cannot_lock)?;
        Ok(done)
    }

    /// Fails if the lake is not there any more, before anything is made in its place.
    fn expect_lake(&self) -> Result<()> {
        let known = self.known().sequence;
        match known == 0 || self.store.is_remote() {
            // Reading the catalog tells the same, at the price of no other request.
            true => Ok(()),
            false => Catalog::expect(self.store(), known),
        }
    }

    /// Fails if the lake, which has no commit, has what only a commit can have named, so that its catalog is lost; unless it is to
    /// be made anew: then that is removed.
    fn expect_no_catalog(&self, may_be_left: bool) -> Result<()> {
        // A host that died before the first commit leaves silver, but no gold. In buckets nothing tells whether one did.
        let may_be_left = may_be_left || self.store.is_remote();
        let layers: &[&str] = if may_be_left { &[GOLD] } else { &[SILVER, GOLD, QUARANTINE] };
        for layer in layers {
            let listed = self.store.list(layer, "")?;
            let is_ours = |key: &str| self.is_ours(&State::default(), layer, key);
            let Some(found) = listed.iter().find(|meta| is_ours(&meta.key)) else { continue };
            if self.rebuild {
                return self.remove_orphans().map(drop);
            }
            if self.store.exists(&commit_key(1))? {
                return Ok(());
            }
            return Err(Error::config(format!(
                "{} holds `{}`, but no commit: its catalog is gone. Put `catalog/` back; or `smelt run --rebuild` removes what \
                 silver, gold and quarantine hold of this pipeline, and makes it anew from bronze",
                self.store.describe(),
                found.key
            )));
        }
        Ok(())
    }

    fn writes(&self) -> MutexGuard<'_, Option<Writes>> {
        self.writes.lock().expect("no one panics while holding it")
    }

    /// After a lost race: begins anew when no one else is writing, and lets no one begin until this host is done, so that it
    /// does not lose to the same one for ever. Nothing that it has written is wanted any more.
    fn insist(&self) -> Result<()> {
        let mut writes = self.writes();
        let Some(writes) = writes.as_mut() else { return Ok(()) };
        writes.insist().map_err(cannot_lock)?;
        if writes.is_beside() { self.announce() } else { Ok(()) }
    }

    /// Where this host works beside one that keeps the lake to itself: should that one be gone, a third one may have removed orphans,
    /// and removed what this one wrote. Then nothing is committed.
    fn rejoin(&self, change: &Change) -> Result<()> {
        let mut writes = self.writes();
        let Some(writes) = writes.as_mut().filter(|writes| writes.is_beside()) else { return Ok(()) };
        writes.rejoin().map_err(cannot_lock)?;
        for key in &change.referenced {
            if !self.store.exists(key)? {
                return Err(Error::new(Kind::Conflict, format!("another host orphans_checked up and removed `{key}`")));
            }
        }
        Ok(())
    }

    /// An object that seems damaged as of that commit may only have been retired by a newer one. If there is a newer commit,
    /// the host begins again on it; else the error is returned.
    fn anew_after(&self, catalog: &mut Catalog<'_>, error: Error) -> Result<()> {
        let sequence = catalog.state().sequence;
        if error.kind() == Kind::Damaged {
            catalog.refresh()?;
            if catalog.state().sequence != sequence {
                self.orphaned.store(true, Ordering::Relaxed);
                return self.insist();
            }
        }
        Err(error)
    }

    /// Someone keeps the lake to itself and may be tidying up, or be stopped while it does. It removes nothing more once
    /// anyone has committed; so this commits, before anything is written. What is written then has a name with the
    /// number of its commit, which nothing has that was left over before.
    fn announce(&self) -> Result<()> {
        tracing::warn!("another process keeps `{WRITERS}` locked and does not go on; this one works beside it");
        loop {
            let mut catalog = Catalog::load_from(self.store(), &self.known())?;
            match catalog.commit(&Change::new(GC), self.clock.now()) {
                Err(error) if error.kind() == Kind::Conflict => continue,
                committed => return committed,
            }
        }
    }

    /// Commits the change, and then deletes what it and earlier ones retired.
    fn commit(&self, catalog: &mut Catalog<'_>, mut change: Change) -> Result<()> {
        if change.is_empty() {
            return Ok(());
        }
        let _span = profile::span("commit", "");
        if catalog.state().reconciled.is_none() {
            // All that there is was just read.
            change.reconciled = Some(self.clock.now().timestamp_micros());
        }
        self.keep_components(catalog.state(), &mut change)?;
        let retired = catalog.state().retired.iter();
        change.orphans_checked = self.orphans_checked.load(Ordering::Relaxed);
        change.deleted = self.delete_all(retired.filter(|key| !change.referenced.contains(*key)))?;
        let committed = self.rejoin(&change).and_then(|()| catalog.commit(&change, self.clock.now()));
        if committed.as_ref().is_err_and(|error| error.kind() == Kind::Conflict) {
            // What it names was written for nothing; whoever makes it anew writes it again.
            self.orphaned.store(true, Ordering::Relaxed);
        }
        committed?;
        self.know(catalog);
        self.sweep(catalog.state())
    }

    /// Puts the components of what the change makes into the lake, where it lacks them.
    fn keep_components(&self, state: &State, change: &mut Change) -> Result<()> {
        let datasets = change.datasets.values().map(|(_, dataset)| &dataset.fingerprint);
        let made_by = datasets.chain(change.gold.values().map(|gold| &gold.fingerprint));
        let missing: BTreeSet<&str> = made_by
            .map(|fingerprint| fingerprint.component.as_str())
            .filter(|sha256| !state.components.contains_key(*sha256))
            .collect();
        let missing: Vec<_> = self.pipeline.binaries().filter(|binary| missing.contains(binary.sha256())).collect();
        // Whoever lost it has it where it was loaded from.
        self.keep(missing, Durability::Rebuildable, change)
    }

    /// Puts those components into the lake.
    fn keep(&self, components: Vec<&Binary>, durability: Durability, change: &mut Change) -> Result<()> {
        for kept in workers::map(components, |binary| keep_component(self.store(), binary, durability).map(|()| binary))
        {
            let binary = kept?;
            change.referenced.insert(component_key(binary.sha256()));
            change.components.insert(binary.sha256().to_owned(), binary.bytes().len() as u64);
        }
        Ok(())
    }

    fn sweep(&self, state: &State) -> Result<()> {
        self.delete_all(&state.retired).map(drop)
    }

    /// Deletes the objects and returns those that are gone now. One that cannot be deleted stays retired, and holds up nothing.
    fn delete_all<'k>(&self, keys: impl IntoIterator<Item = &'k String>) -> Result<Vec<String>> {
        let mut gone = Vec::new();
        for key in keys {
            match self.store.delete(key) {
                Ok(()) => gone.push(key.clone()),
                // A server that does not answer would be waited for at each of them.
                Err(error) if self.store.is_remote() => return Err(error),
                Err(error) => tracing::warn!("{error}; the lake no longer needs it, and the next run tries again"),
            }
        }
        Ok(gone)
    }
}

fn cannot_lock(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot lock the lake: {error}"))
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
