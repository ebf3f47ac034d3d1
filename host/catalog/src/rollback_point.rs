//! What ran before another component was promoted, and what it made: kept, so that it can be brought back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Change, Dataset, Entries, Entry, Gold, LogEntry, ObjectRef, State};
use smelt_common::clock::LongAgo;
use smelt_common::error::{Kind, Result};
use smelt_common::workers;
use smelt_storage::sorted_runs::SortedRuns;
use smelt_storage::{Store, copy_new};

/// Where former silver lies, under its keys after this: all objects in a dataset's own place are its rows, for whoever reads
/// them without the catalog.
pub const ROLLBACK_POINTS: &str = "catalog/rollback/";

/// Where former rejected rows lie, under their keys without the layer. They are raw, so that they stay in the layer that
/// readers may be kept out of; no dataset has a name with a hyphen.
pub const ROLLBACK_QUARANTINE: &str = "quarantine/for-rollback/";

/// The component of a plugin that ran before another one was promoted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackPoint {
    /// Its sha256; the lake keeps it.
    pub component: String,
    /// The version that it gives itself.
    pub version: String,
    /// The commit that made another component current in its place.
    #[serde(default)]
    pub until: u64,
    /// The datasets that the component made of bronze, with silver below [`ROLLBACK_POINTS`] and rejected rows below
    /// [`ROLLBACK_QUARANTINE`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub datasets: BTreeMap<String, Dataset>,
    /// The tables that it made, or that were made from those datasets, by KPI.
    pub gold: BTreeMap<String, Gold>,
}

impl RollbackPoint {
    /// The same without those datasets, and without tables that were made from them.
    pub fn without(mut self, datasets: &BTreeSet<String>) -> Self {
        self.datasets.retain(|name, _| !datasets.contains(name));
        self.gold.retain(|_, gold| !gold.inputs.values().any(|input| datasets.contains(&input.dataset)));
        self
    }

    /// Adds the keys of all that is kept of it, but for tables and the component. Returns whether that is all: where the
    /// catalog is damaged it cannot be told.
    pub fn objects(&self, store: &dyn Store, keys: &mut Vec<String>) -> Result<bool> {
        keys.extend(self.gold.values().flat_map(Gold::sums).map(ToOwned::to_owned));
        self.datasets.values().try_fold(true, |all, dataset| Ok(dataset.objects(store, keys)? && all))
    }
}

impl Gold {
    /// The keys of the sums that it is made from.
    pub fn sums(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().flat_map(SortedRuns::runs).map(|run| run.key.as_str())
    }
}

impl State {
    /// The keys of all sums that can still be wanted.
    pub fn sums(&self) -> HashSet<&str> {
        let former = self.rollback_points.values().flat_map(|former| former.gold.values());
        self.gold.values().chain(former).flat_map(Gold::sums).collect()
    }
}

impl Dataset {
    /// Adds the keys of all that it consists of. Returns whether that is all: where the catalog is damaged it cannot be told.
    pub fn objects(&self, store: &dyn Store, keys: &mut Vec<String>) -> Result<bool> {
        keys.extend(self.entries.runs().iter().chain(self.keys.runs()).map(|run| run.key.clone()));
        let scanned = Entries::of(store, self).scan(|_, entry| {
            keys.push(entry.silver.key);
            keys.extend(entry.quarantine.map(|stored| stored.key));
            Ok(())
        });
        match scanned {
            Err(error) if error.kind() == Kind::Damaged => Ok(false),
            scanned => scanned.map(|()| true),
        }
    }

    /// Returns whether rejected rows of that bronze object, or of any, were written at such a time, or the entries cannot be
    /// read. For copies, whose entries hold the time.
    pub fn has_rejected(&self, store: &dyn Store, object: Option<&str>, then: LongAgo) -> Result<bool> {
        let entries = Entries::of(store, self);
        let is_old = |entry: &Entry| entry.quarantine.is_some() && entry.rejected_at.is_none_or(|at| then.has(at));
        let found = match object {
            Some(object) => entries.by_name(&[object]).map(|found| found.iter().flatten().any(is_old)),
            None => {
                let mut found = false;
                let scanned = entries.scan(|_, entry| {
                    found |= is_old(&entry);
                    Ok(())
                });
                scanned.map(|()| found)
            }
        };
        match found {
            Err(error) if error.kind() == Kind::Damaged => Ok(true),
            found => found,
        }
    }

    /// The same dataset over copies of its silver and rejected rows, each under the key, but for the extension, that `stem`
    /// has for the bronze object's name and what is copied; and what is known of each bronze object then. What was written is
    /// added to `named`.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if some of it is gone.
    pub fn copied(
        &self,
        store: &dyn Store,
        entries: &str,
        stem: &(dyn Fn(&str, &ObjectRef) -> String + Sync),
        referenced: &mut BTreeSet<String>,
    ) -> Result<(Self, Vec<LogEntry>)> {
        let copy = |object: &str, stored: &mut ObjectRef| {
            let ObjectRef { key, sha256, bytes, .. } = &*stored;
            let extension = key.rfind('.').map_or("", |dot| &key[dot..]);
            let copy = copy_new(store, (key, *bytes, sha256), &stem(object, stored), '.', extension)?;
            stored.key = copy;
            Ok(())
        };
        let entries_now = Entries::of(store, self).all()?;
        // A copy is as old as what was copied.
        let quarantine = entries_now.iter().find_map(|(_, entry)| entry.quarantine.as_ref());
        let listed = quarantine.map_or(Ok(vec![]), |stored| {
            let directory = stored.key.rfind('/').map_or("", |slash| &stored.key[..=slash]);
            store.list(directory, "")
        })?;
        let written: HashMap<String, i64> = listed.into_iter().map(|meta| (meta.key, meta.modified)).collect();
        let copied = workers::map(entries_now, |(object, mut entry)| {
            copy(&object, &mut entry.silver)?;
            if let Some(stored) = &mut entry.quarantine {
                entry.rejected_at = entry.rejected_at.or_else(|| written.get(&stored.key).copied());
                copy(&object, stored)?;
            }
            Ok(LogEntry { object, cleaned: false, entry })
        });
        let log = copied.into_iter().collect::<Result<Vec<_>>>()?;
        let mut after = Self { entries: SortedRuns::default(), ..self.clone() };
        let mut pairs = Vec::new();
        for LogEntry { object, entry, .. } in &log {
            pairs.extend(Entries::pairs(object, entry)?);
            referenced.extend([&entry.silver].into_iter().chain(&entry.quarantine).map(|stored| stored.key.clone()));
        }
        after.entries.put(store, entries, pairs, &mut vec![])?;
        referenced.extend(after.entries.runs().iter().chain(after.keys.runs()).map(|run| run.key.clone()));
        Ok((after, log))
    }
}

impl Change {
    /// Lets go of what is kept for rollbacks of those plugins. Returns whether that is all, as [`RollbackPoint::objects`] does.
    pub fn discard(&mut self, store: &dyn Store, state: &State, plugins: BTreeSet<String>) -> Result<bool> {
        let (mut keys, mut all) = (Vec::new(), true);
        for former in plugins.iter().filter_map(|plugin| state.rollback_points.get(plugin)) {
            all &= former.objects(store, &mut keys)?;
        }
        self.discarded = plugins;
        let after = self.applied_to(state);
        let wanted = after.sums();
        keys.retain(|key| !wanted.contains(key.as_str()));
        self.retired.extend(keys);
        Ok(all)
    }
}
