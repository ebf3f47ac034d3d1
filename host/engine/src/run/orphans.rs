//! What a writer that died left behind.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;

use super::host::Host;
use crate::integrity::owner;
use smelt_catalog::{
    CHANGES, COMPONENTS, Catalog, Commit, Dataset, ENTRIES, Entries, INDEX, ROLLBACK_POINTS, SUMS, State, commit_key,
    read_commit,
};
use smelt_common::error::{Kind, Result};
use smelt_common::workers;
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};

impl Host {
    /// Deletes what no commit names, and notes which datasets lack something that one does. Only for when no one else is
    /// writing. Returns whether that is done: should others have waited in vain for this to end, they have committed, and
    /// what they write looks left over.
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
        let mut left = Vec::new();
        for layer in [SILVER, QUARANTINE, INDEX, ENTRIES, SUMS, ROLLBACK_POINTS] {
            for meta in self.store.list(layer, "")? {
                match referenced.get(&meta.key) {
                    None if self.is_ours(state, layer, &meta.key) => left.push(meta.key),
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
                left.push(meta.key);
            }
        }
        left.extend(self.left_of_history(state)?);
        for key in &left {
            tracing::warn!(
                "no commit names `{key}`: a run ended before it committed it, or the lake was restored; it is removed"
            );
            if !self.delete_as_of(state, key)? {
                return Ok(false);
            }
        }
        if self.has_newer(state)? {
            return Ok(false);
        }
        // Quarantine may have been emptied by hand, and no result depends on it; sums are made anew when they are wanted.
        let lost = |key: &str| [SILVER, INDEX, ENTRIES].iter().any(|layer| key.starts_with(layer));
        for (key, (_, dataset)) in referenced.into_iter().filter(|(key, _)| lost(key)) {
            if let Some(dataset) = dataset {
                self.damaged().insert(dataset, format!("`{key}` is gone or damaged"));
            }
        }
        self.orphans_checked.store(state.sequence, Ordering::Relaxed);
        Ok(true)
    }

    /// Logs of changes and tables that no commit names, former ones included. They lie there for good and so are very many;
    /// what was looked through before is not looked at again: whatever came since is of a later commit, or was left over.
    fn left_of_history(&self, state: &State) -> Result<Vec<String>> {
        let before = match state.orphans_checked {
            0 => None,
            orphans_checked => match read_commit(self.store(), orphans_checked) {
                Err(error) if error.kind() == Kind::Damaged => None,
                read => Some(read?.state),
            },
        };
        let tables = self.store.list(GOLD, "")?.into_iter().filter(|meta| self.is_ours(state, GOLD, &meta.key));
        let tables: Vec<String> = tables.map(|meta| meta.key).collect();
        // A KPI that was none then may have tables from before.
        let is_known = |before: &State| {
            let kpis: BTreeSet<&str> = tables.iter().filter_map(|key| owner(GOLD, key)).collect();
            kpis.into_iter().all(|kpi| before.gold.contains_key(kpi))
        };
        let before = before.filter(is_known).unwrap_or_default();
        let commits: Vec<u64> = (before.sequence + 1..=state.sequence).collect();
        let mut referenced = HashSet::new();
        for commit in workers::map(commits, |sequence| read_commit(self.store(), sequence)) {
            let Commit { relations, kpis, state, .. } = commit?;
            for change in relations.into_values() {
                let removed = change.removed.map(|removed| removed.rows);
                referenced.extend(removed.into_iter().chain(change.log).map(|stored| stored.key));
            }
            referenced.extend(
                state.gold.into_iter().filter(|(kpi, _)| kpis.contains(kpi)).map(|(_, gold)| gold.table().key.clone()),
            );
        }
        let next = format!("{:020}", before.sequence + 1);
        let came_since = |key: &str| key.rsplit_once('/').is_some_and(|(_, file)| file >= next.as_str());
        let logs = self.store.list(CHANGES, "")?.into_iter().map(|meta| meta.key);
        let logs = logs.filter(|key| self.is_ours(state, CHANGES, key) && came_since(key));
        let newest: HashMap<&str, &str> =
            before.gold.iter().map(|(kpi, gold)| (kpi.as_str(), gold.table().key.as_str())).collect();
        // Stamps rise.
        let came_since = |key: &String| {
            let newest = owner(GOLD, key).and_then(|kpi| newest.get(kpi));
            newest.is_none_or(|newest| key.as_str() > *newest)
        };
        let tables = tables.iter().filter(|key| came_since(key)).cloned();
        Ok(tables.chain(logs).filter(|key| !referenced.contains(key)).collect())
    }

    /// Returns whether there is a newer commit: then another host does not wait for this one to tidy up.
    fn has_newer(&self, state: &State) -> Result<bool> {
        self.store.exists(&commit_key(state.sequence + 1))
    }

    /// Deletes what the state's commit does not name, if that is the newest one; returns whether it is. Where someone commits
    /// in between, what they write has other names.
    fn delete_as_of(&self, state: &State, key: &str) -> Result<bool> {
        let is_newest = !self.has_newer(state)?;
        if is_newest {
            self.store.delete(key)?;
        }
        Ok(is_newest)
    }

    /// What commits name: by key its size, and the dataset if it is current.
    fn referenced(&self, state: &State) -> Result<BTreeMap<String, (u64, Option<String>)>> {
        let mut referenced = BTreeMap::new();
        for (name, dataset) in &state.datasets {
            match self.named_by(dataset, Some(name), &mut referenced) {
                // Everything of the dataset is made anew, and what it had is retired then.
                Err(error) if error.kind() == Kind::Damaged => {
                    drop(self.damaged().insert(name.clone(), error.to_string()))
                }
                scanned => scanned?,
            }
        }
        for dataset in state.rollback_points.values().flat_map(|former| former.datasets.values()) {
            match self.named_by(dataset, None, &mut referenced) {
                // It cannot be brought back; what is lost of it is removed.
                Err(error) if error.kind() == Kind::Damaged => {}
                scanned => scanned?,
            }
        }
        for gold in state.gold.values().chain(state.rollback_points.values().flat_map(|former| former.gold.values())) {
            let runs = gold.stages.iter().flat_map(|stage| stage.runs());
            referenced.extend(runs.map(|run| (run.key.clone(), (run.bytes, None))));
        }
        Ok(referenced)
    }

    fn named_by(
        &self,
        dataset: &Dataset,
        name: Option<&String>,
        referenced: &mut BTreeMap<String, (u64, Option<String>)>,
    ) -> Result<()> {
        let segments = dataset.entries().runs().iter().chain(dataset.bronze.keys.runs());
        referenced.extend(segments.map(|run| (run.key.clone(), (run.bytes, name.cloned()))));
        Entries::of(self.store(), dataset).scan(|_, entry| {
            let stored = std::iter::once(entry.silver).chain(entry.quarantine);
            referenced.extend(stored.map(|stored| (stored.key, (stored.bytes, name.cloned()))));
            Ok(())
        })
    }

    /// Returns whether this pipeline, or a former one of this lake, may have written the object. Anything else in the lake is
    /// someone else's.
    pub(super) fn is_ours(&self, state: &State, layer: &str, key: &str) -> bool {
        owner(layer, key).is_some_and(|owner| match layer {
            GOLD | SUMS => self.pipeline.kpi(owner).is_some() || state.gold.contains_key(owner),
            _ => self.pipeline.dataset(owner).is_some() || state.datasets.contains_key(owner),
        })
    }
}
