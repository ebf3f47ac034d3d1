//! Collects everything that the catalog references.

use super::owner::owner;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use smelt_catalog::{
    Arrivals, CHANGES, COMPONENTS, Catalog, Commit, Dataset, ENTRIES, Entries, Gold, LOOKS, LogEntry, Look, ObjectRef,
    Parts, State, busy, commit_key, component_key, read_commit,
};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;
use smelt_storage::layers::{BRONZE, GOLD};
use smelt_storage::sorted_runs::SortedRun;

/// The objects that the catalog references, as of one commit.
#[derive(Default)]
pub(super) struct Reached {
    /// Objects with their sha256, by key.
    pub(super) objects: BTreeMap<String, ObjectRef>,
    /// The runs of sorted entries, by key.
    pub(super) runs: BTreeMap<String, SortedRun>,
    /// The objects that could not be read, by key or by the beginning of their keys, each with the error. What they
    /// reference is not known.
    pub(super) unreadable: Vec<(String, Error)>,
    /// The number of the commit.
    pub(super) sequence: u64,
    /// The keys that later commits reference or have retired.
    pub(super) since: HashSet<String>,
}

impl Reached {
    /// Returns everything that the newest commit and the previous ones reference, and, if `rollback_points` is set,
    /// what is kept for rollbacks. If something is retired while it is read, the search begins again with the commit
    /// that is newest then; `look` is at that commit afterwards.
    pub(super) fn by(look: &mut Look<'_>, rollback_points: bool) -> Result<Self> {
        let mut history = Self::default();
        let mut lost = String::new();
        for _ in 0..LOOKS {
            // The range begins with the last commit that was read already, because each commit is compared with the one
            // before it.
            let commits = history.sequence.max(1)..=look.state().sequence;
            for (sequence, commit) in Catalog::commits(look.store(), commits) {
                match commit {
                    _ if sequence <= history.sequence => {}
                    Ok(commit) => history.add_commit(commit),
                    Err(error) => history.unreadable.push((commit_key(sequence), error)),
                }
            }
            history.sequence = look.state().sequence;
            match Self::of_state(look, rollback_points)? {
                Ok(mut reached) => {
                    reached.objects.extend(history.objects);
                    reached.unreadable.extend(history.unreadable);
                    reached.sequence = history.sequence;
                    return Ok(reached);
                }
                Err(retired) => lost = retired.to_string(),
            }
            look.renew()?;
        }
        Err(busy(lost))
    }

    /// Collects what the state itself references. The inner error means that some of it was retired while it was read.
    pub(super) fn of_state(look: &mut Look<'_>, rollback_points: bool) -> Result<Result<Self>> {
        let mut reached = Self::default();
        let (store, state) = (look.store(), look.state().clone());
        let current = state.datasets.iter().map(|(name, dataset)| (name, dataset, true));
        let kept: Vec<_> = state.rollback_points.values().filter(|_| rollback_points).collect();
        let previous = kept.iter().flat_map(|point| &point.datasets);
        for (name, dataset, is_current) in current.chain(previous.map(|(name, dataset)| (name, dataset, false))) {
            if let Err(error) = reached.add_dataset(store, dataset, is_current) {
                for run in dataset.entries().runs() {
                    if look.has_retired(&run.key)? {
                        return Ok(Err(error));
                    }
                }
                reached.unreadable.push((format!("{ENTRIES}{name}"), error));
            }
        }
        for (sha256, &bytes) in &state.components {
            reached.add(ObjectRef { key: component_key(sha256), sha256: sha256.clone(), bytes, rows: 0 });
        }
        let previous = kept.iter().flat_map(|point| point.gold.values());
        for gold in state.tables().chain(previous) {
            reached.add_runs(gold.runs());
            gold.held_file().into_iter().for_each(|file| reached.add(file.clone()));
        }
        reached.add_runs(state.arrivals.values().flat_map(Arrivals::runs));
        Ok(Ok(reached))
    }

    /// Takes in what later commits reference and have retired. Reads only those commits and their logs, so it is done
    /// soon, however fast others commit.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if a commit does not tell by itself what it references.
    pub(super) fn follow(&mut self, store: &dyn Store) -> Result<()> {
        let newest = Catalog::newest_after(store, self.sequence)?;
        for sequence in self.sequence + 1..=newest {
            let commit = match read_commit(store, sequence) {
                // Nothing can be committed after a damaged commit, so nothing is deleted either.
                Err(error) if error.kind() == Kind::Damaged => return Ok(()),
                commit => commit?,
            };
            for change in commit.relations.values() {
                for LogEntry { entry, .. } in change.read_log(store)? {
                    self.since.extend(entry.objects().map(|object| object.key.clone()));
                }
            }
            let promoted = commit.promoted.iter().filter_map(|plugin| commit.state.rollback_points.get(plugin));
            for point in promoted {
                let mut keys = Vec::new();
                if !point.objects(store, &mut keys)? {
                    let why =
                        format!("commit {sequence} promoted another component; its rollback point cannot be read");
                    return Err(Error::new(Kind::Conflict, why));
                }
                self.since.extend(keys);
            }
            let State { datasets, retired, components, arrivals, .. } = &commit.state;
            let maps = datasets.values().flat_map(|dataset| [dataset.entries(), &dataset.bronze.keys]);
            let runs = maps.flat_map(|map| map.runs()).chain(arrivals.values().flat_map(Arrivals::runs));
            self.since.extend(runs.map(|run| run.key.clone()));
            self.since.extend(commit.state.tables().flat_map(Gold::sums).map(str::to_owned));
            self.since.extend(retired.iter().cloned().chain(components.keys().map(|sha256| component_key(sha256))));
            self.add_commit(commit);
            self.sequence = sequence;
        }
        Ok(())
    }

    pub(super) fn add_commit(&mut self, commit: Commit) {
        // Nothing that earlier commits made of the dropped parts is there any more.
        let Parts { datasets, kpis } = &commit.dropped;
        if !commit.dropped.is_empty() {
            self.objects.retain(|key, _| {
                let is_of =
                    |layer, parts: &BTreeSet<String>| owner(layer, key).is_some_and(|owner| parts.contains(owner));
                !(is_of(CHANGES, datasets) || is_of(CHANGES, kpis) || is_of(GOLD, kpis))
            });
        }
        for change in commit.relations.into_values() {
            change.into_objects().for_each(|object| self.add(object));
        }
        let mut state = commit.state;
        commit
            .kpis
            .iter()
            .filter_map(|kpi| state.gold.remove(kpi))
            // The file of a table that is held lasts no longer than that.
            .filter(|gold| gold.held_file().is_none())
            .for_each(|gold| gold.table().into_iter().for_each(|table| self.add(table.clone())));
    }

    /// Adds what the dataset references. Its bronze objects are added only if it is current, because bronze may have
    /// changed since a previous dataset was current.
    pub(super) fn add_dataset(&mut self, store: &dyn Store, dataset: &Dataset, is_current: bool) -> Result<()> {
        self.add_runs(dataset.entries().runs());
        self.add_runs(dataset.bronze.keys.runs());
        Entries::of(store, dataset).scan(|name, entry| {
            let key = format!("{BRONZE}{name}");
            entry.objects().for_each(|object| self.add(object.clone()));
            if is_current {
                self.add(ObjectRef { key, sha256: entry.sha256, bytes: entry.bytes, rows: entry.read });
            }
            Ok(())
        })
    }

    pub(super) fn add_runs<'r>(&mut self, runs: impl IntoIterator<Item = &'r SortedRun>) {
        self.runs.extend(runs.into_iter().map(|run| (run.key.clone(), run.clone())));
    }

    pub(super) fn add(&mut self, object: ObjectRef) {
        self.objects.insert(object.key.clone(), object);
    }

    pub(super) fn references(&self, key: &str) -> bool {
        // The signature of a component lies beside it.
        let key = key.strip_suffix(".minisig").filter(|key| key.starts_with(COMPONENTS)).unwrap_or(key);
        self.objects.contains_key(key) || self.runs.contains_key(key) || self.since.contains(key)
    }
}
