//! The lake as of one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::facts::Facts;
use smelt_catalog::{Commit, ObjectRef, RelationChange, State, commit_key, read_commit};
use smelt_common::error::Result;
use smelt_storage::Store;

/// The most commits of which summaries are kept: some megabytes.
const SUMMARIES: usize = 5_000;
/// The commits that are read before anybody asks for them.
const RECENT: usize = 50;

/// The lake as of one commit. It does not change, however the lake goes on.
pub struct Snapshot {
    /// The state after the commit.
    pub state: State,
    /// The time of the commit, in RFC 3339; empty in a lake without commits.
    pub at: String,
    /// What tells the commit's object from another one in its place; `None` where it is not looked at.
    etag: Option<String>,
    /// What commits did, by number.
    runs: Arc<Mutex<BTreeMap<u64, Arc<RunSummary>>>>,
}

/// What a commit did, in brief.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RunSummary {
    /// Its number.
    pub commit: u64,
    /// Its time, in RFC 3339.
    pub at: String,
    /// The role that made it.
    pub role: String,
    /// The sources that it took files from.
    pub arrived: Vec<String>,
    /// The datasets and tables that it changed, each with the number of objects that were cleaned.
    pub changed: Vec<(String, u64)>,
    /// The tables that it made, with the time of the plugin's calls for it, in microseconds.
    pub made: Vec<(String, u64)>,
    /// The plugin of which a component was promoted.
    pub promoted: Option<String>,
    /// The tables and datasets that were dropped.
    pub dropped: Vec<String>,
    /// Set if tables are held since this commit or an earlier one.
    pub is_held: bool,
    /// The checks of which some verdict held tables back.
    pub failed_checks: Vec<String>,
    /// The names of what failed when the commit was made.
    pub failing: Vec<String>,
    /// Of each of [`changed`](Self::changed), how it changed.
    #[serde(skip)]
    pub(super) steps: Vec<Step>,
}

/// How a relation changed in a commit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// The commit that changed it before; 0 if none did.
    pub(super) previous: u64,
    /// Set if it was made anew.
    pub(super) is_reset: bool,
    /// The rows that came, and those that left, as far as that is noted.
    pub(super) came: u64,
    pub(super) left: u64,
}

impl Step {
    fn of(change: &RelationChange) -> Self {
        let rows = |object: Option<&ObjectRef>| object.map_or(0, |object| object.rows);
        Self {
            previous: change.previous,
            is_reset: change.reset,
            came: rows(change.added.as_ref()),
            left: rows(change.removed.as_ref().map(|removed| &removed.rows)),
        }
    }
}

impl RunSummary {
    /// Returns how the relation of that name changed; `None` if it did not.
    pub(super) fn step(&self, name: &str) -> Option<Step> {
        let at = self.changed.iter().position(|(changed, _)| changed == name)?;
        self.steps.get(at).copied()
    }

    fn of(commit: Commit) -> Self {
        let Commit { sequence, at, role, relations, kpis, promoted, dropped, arrived, state, .. } = commit;
        let micros = |name: &String| state.gold.get(name).map_or(0, |gold| gold.cost.micros);
        let mut failed_checks: Vec<_> = state.holding().map(|(check, _)| check.clone()).collect();
        failed_checks.dedup();
        Self {
            commit: sequence,
            at,
            role,
            arrived: arrived.into_iter().collect(),
            changed: relations.iter().map(|(name, change)| (name.clone(), change.cleaned)).collect(),
            made: kpis.iter().map(|name| (name.clone(), micros(name))).collect(),
            promoted,
            dropped: dropped.datasets.iter().chain(&dropped.kpis).cloned().collect(),
            is_held: state.held.is_some(),
            failed_checks,
            steps: relations.values().map(Step::of).collect(),
            failing: state.failing.keys().chain(state.failing_kpis.keys()).cloned().collect(),
        }
    }
}

impl Snapshot {
    /// Returns the lake before its first commit.
    pub(super) fn empty() -> Self {
        Self { state: State::default(), at: String::new(), etag: None, runs: Arc::default() }
    }

    /// Returns the lake in this state, which follows `before`.
    pub(super) fn after(before: &Self, store: &dyn Store, state: State) -> Result<Self> {
        let etag = etag(store, state.sequence)?;
        let at = if state.sequence == 0 { String::new() } else { read_commit(store, state.sequence)?.at };
        Ok(Self { state, at, etag, runs: Arc::clone(&before.runs) })
    }

    /// Returns whether the lake still has the commit, rather than none or another one of that number.
    pub(super) fn is_still_in(&self, store: &dyn Store) -> Result<bool> {
        if self.commit() == 0 {
            return Ok(true);
        }
        Ok(store.exists(&commit_key(self.commit()))? && etag(store, self.commit())? == self.etag)
    }

    /// Returns the number of the commit; 0 before the first one.
    pub fn commit(&self) -> u64 {
        self.state.sequence
    }

    /// Returns what a commit did; `None` if the lake has no such commit any more, or it cannot be read.
    pub fn run(&self, store: &dyn Store, commit: u64) -> Option<Arc<RunSummary>> {
        let runs = || self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if commit == 0 || commit > self.commit() {
            return None;
        }
        if let Some(found) = runs().get(&commit) {
            return Some(Arc::clone(found));
        }
        let summary = Arc::new(RunSummary::of(read_commit(store, commit).ok()?));
        let mut kept = runs();
        if kept.len() >= SUMMARIES {
            kept.pop_first();
        }
        kept.insert(commit, Arc::clone(&summary));
        Some(summary)
    }

    /// Reads what the commits did that pages tell of.
    pub(super) fn warm_up(&self, store: &dyn Store) {
        let made: BTreeSet<u64> = Facts::all(&self.state).map(|facts| facts.commit()).collect();
        made.into_iter().for_each(|commit| drop(self.run(store, commit)));
        self.runs(store, self.commit(), RECENT);
    }

    /// Returns what the last commits did, the newest one first, from `newest` on.
    pub fn runs(&self, store: &dyn Store, newest: u64, most: usize) -> Vec<Arc<RunSummary>> {
        (1..=newest.min(self.commit())).rev().take(most).filter_map(|commit| self.run(store, commit)).collect()
    }
}

/// Returns what tells the object of a commit from another one in its place. A remote store would have to open it at each look,
/// which is too much for a lake that is rarely replaced by one of as many commits.
fn etag(store: &dyn Store, commit: u64) -> Result<Option<String>> {
    if commit == 0 || store.is_remote() {
        return Ok(None);
    }
    Ok(store.look(&commit_key(commit))?.map(|meta| meta.etag))
}
