//! Removes the orphans that a dead writer left: objects of the lake that no commit references.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;

use super::host::Host;
use crate::integrity::owner;
use smelt_catalog::{
    ARRIVALS, Arrivals, CHANGES, COMPONENTS, Catalog, Commit, Dataset, ENTRIES, Entries, HELD, Held, INDEX,
    ROLLBACK_POINTS, SUMS, State, commit_key, read_commit,
};
use smelt_common::error::{Kind, Result};
use smelt_common::workers;
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};

impl Host {
    /// Deletes the objects that no commit references, and notes the datasets and tables that lack an object which a commit
    /// references. Call it only while no one else is writing. Returns `false` if it stopped early: a host that waited
    /// too long for this one has committed, and what that host writes now would look like orphans.
    pub(super) fn remove_orphans(&self) -> Result<bool> {
        let catalog = Catalog::load_from(self.store(), &self.known())?;
        catalog.check_gaps()?;
        let state = catalog.state();
        for key in &state.retired {
            if !self.delete_as_of(state, key)? {
                return Ok(false);
            }
        }
        let mut referenced = self.referenced(state)?;
        let mut orphans = Vec::new();
        for layer in [SILVER, QUARANTINE, INDEX, ENTRIES, SUMS, HELD, ROLLBACK_POINTS, ARRIVALS] {
            for meta in self.store.list(layer, "")? {
                match referenced.get(&meta.key) {
                    None if self.is_ours(state, layer, &meta.key) => orphans.push(meta.key),
                    None => {}
                    Some((bytes, _)) if *bytes == meta.bytes => drop(referenced.remove(&meta.key)),
                    Some(_) => {}
                }
            }
        }
        for meta in self.store.list(COMPONENTS, "")? {
            let component = meta.key.strip_suffix(".minisig").unwrap_or(&meta.key);
            let sha256 = component.strip_prefix(COMPONENTS).and_then(|name| name.strip_suffix(".wasm"));
            if sha256.is_some_and(|sha256| sha256.len() == 64 && !state.components.contains_key(sha256)) {
                orphans.push(meta.key);
            }
        }
        orphans.extend(self.orphans_of_history(state)?);
        for key in &orphans {
            tracing::warn!(
                "no commit references `{key}`, because a run ended before its commit, or the lake was restored; smelt removes it"
            );
            if !self.delete_as_of(state, key)? {
                return Ok(false);
            }
        }
        if self.has_newer(state)? {
            return Ok(false);
        }
        // Quarantine may have been emptied by hand, and no result depends on it.
        let lost = |key: &str| [SILVER, INDEX, ENTRIES, SUMS].iter().any(|layer| key.starts_with(layer));
        for (key, (_, relation)) in referenced.into_iter().filter(|(key, _)| lost(key)) {
            if let Some(relation) = relation {
                self.damaged().insert(relation, format!("`{key}` is gone or damaged"));
            }
        }
        self.orphans_checked.store(state.sequence, Ordering::Relaxed);
        Ok(true)
    }

    /// Returns the logs of changes and the tables that no commit references, not even a previous one. Both are kept for
    /// good, so there are very many. What was searched before, up to commit `orphans_checked`, is not searched again:
    /// whatever came since belongs to a later commit or is an orphan.
    fn orphans_of_history(&self, state: &State) -> Result<Vec<String>> {
        let before = match state.orphans_checked {
            0 => None,
            orphans_checked => match read_commit(self.store(), orphans_checked) {
                Err(error) if error.kind() == Kind::Damaged => None,
                read => Some(read?.state),
            },
        };
        let tables = self.store.list(GOLD, "")?.into_iter().filter(|meta| self.is_ours(state, GOLD, &meta.key));
        let tables: Vec<String> = tables.map(|meta| meta.key).collect();
        // A KPI that the lake did not have at that commit may have tables from before it.
        let is_known = |before: &State| {
            let kpis: BTreeSet<&str> = tables.iter().filter_map(|key| owner(GOLD, key)).collect();
            kpis.into_iter().all(|kpi| before.published(kpi).is_some())
        };
        let before = before.filter(is_known).unwrap_or_default();
        let commits: Vec<u64> = (before.sequence + 1..=state.sequence).collect();
        let mut referenced = HashSet::new();
        for commit in workers::map(commits, |sequence| read_commit(self.store(), sequence)) {
            let Commit { relations, kpis, state, .. } = commit?;
            for change in relations.into_values() {
                referenced.extend(change.into_objects().map(|object| object.key));
            }
            let made = state.gold.iter().filter(|(kpi, _)| kpis.contains(*kpi));
            referenced.extend(made.filter_map(|(_, gold)| Some(gold.table()?.key.clone())));
        }
        let next = format!("{:020}", before.sequence + 1);
        let is_later = |key: &str| key.rsplit_once('/').is_some_and(|(_, file)| file >= next.as_str());
        let logs = self.store.list(CHANGES, "")?.into_iter().map(|meta| meta.key);
        let logs = logs.filter(|key| self.is_ours(state, CHANGES, key) && is_later(key));
        let published = |kpi: &'_ String| before.published(kpi)?.table().map(|table| table.key.as_str());
        let newest: HashMap<&str, &str> =
            before.gold.keys().filter_map(|kpi| Some((kpi.as_str(), published(kpi)?))).collect();
        // The stamps in the names of tables rise.
        let is_later = |key: &String| {
            let newest = owner(GOLD, key).and_then(|kpi| newest.get(kpi));
            newest.is_none_or(|newest| key.as_str() > *newest)
        };
        let tables = tables.iter().filter(|key| is_later(key)).cloned();
        Ok(tables.chain(logs).filter(|key| !referenced.contains(key)).collect())
    }

    /// Returns whether there is a newer commit. If so, another host does not wait until this one has removed the
    /// orphans.
    fn has_newer(&self, state: &State) -> Result<bool> {
        self.store.exists(&commit_key(state.sequence + 1))
    }

    /// Deletes the object, which the state's commit does not reference, if that commit is the newest one; returns
    /// whether it is. If someone commits in between, the objects of that commit have other keys.
    fn delete_as_of(&self, state: &State, key: &str) -> Result<bool> {
        let is_newest = !self.has_newer(state)?;
        if is_newest {
            self.store.delete(key)?;
        }
        Ok(is_newest)
    }

    /// Returns what the newest commit references: for each key the object's size and, if the object is current, its
    /// dataset or table.
    fn referenced(&self, state: &State) -> Result<BTreeMap<String, (u64, Option<String>)>> {
        let mut referenced = BTreeMap::new();
        for (name, dataset) in &state.datasets {
            match self.add_referenced(dataset, Some(name), &mut referenced) {
                // smelt rebuilds the whole dataset then, and retires what it had.
                Err(error) if error.kind() == Kind::Damaged => {
                    drop(self.damaged().insert(name.clone(), error.to_string()))
                }
                scanned => scanned?,
            }
        }
        for dataset in state.rollback_points.values().flat_map(|point| point.datasets.values()) {
            match self.add_referenced(dataset, None, &mut referenced) {
                // A damaged rollback point cannot be brought back, so the rest of it may be removed.
                Err(error) if error.kind() == Kind::Damaged => {}
                scanned => scanned?,
            }
        }
        let kept = state.rollback_points.values().flat_map(|point| point.gold.values());
        let seen = state.held.iter().flat_map(Held::tables);
        let kept = kept.chain(seen).map(|gold| (None, gold));
        // A run that both have counts as the current table's.
        for (table, gold) in kept.chain(state.gold.iter().map(|(name, gold)| (Some(name), gold))) {
            let runs = gold.runs().map(|run| (&run.key, run.bytes));
            let objects = runs.chain(gold.held_file().map(|file| (&file.key, file.bytes)));
            referenced.extend(objects.map(|(key, bytes)| (key.clone(), (bytes, table.cloned()))));
        }
        let arrivals = state.arrivals.values().flat_map(Arrivals::runs);
        referenced.extend(arrivals.map(|run| (run.key.clone(), (run.bytes, None))));
        Ok(referenced)
    }

    fn add_referenced(
        &self,
        dataset: &Dataset,
        name: Option<&String>,
        referenced: &mut BTreeMap<String, (u64, Option<String>)>,
    ) -> Result<()> {
        let runs = dataset.entries().runs().iter().chain(dataset.bronze.keys.runs());
        referenced.extend(runs.map(|run| (run.key.clone(), (run.bytes, name.cloned()))));
        Entries::of(self.store(), dataset).scan(|_, entry| {
            referenced.extend(entry.objects().map(|object| (object.key.clone(), (object.bytes, name.cloned()))));
            Ok(())
        })
    }

    /// Returns whether this pipeline, or a previous one of this lake, may have written the object. Any other object in
    /// the lake belongs to someone else.
    pub(super) fn is_ours(&self, state: &State, layer: &str, key: &str) -> bool {
        let Some(owner) = owner(layer, key) else { return false };
        let is_table = || self.pipeline.table(owner).is_some() || state.gold.contains_key(owner);
        let is_dataset = || self.pipeline.dataset(owner).is_some() || state.datasets.contains_key(owner);
        let is_source = || self.sources.connected.iter().any(|source| source.name() == owner);
        match layer {
            ARRIVALS => is_source() || state.arrivals.contains_key(owner),
            GOLD | SUMS | HELD => is_table(),
            CHANGES => is_table() || is_dataset(),
            _ => is_dataset(),
        }
    }
}
