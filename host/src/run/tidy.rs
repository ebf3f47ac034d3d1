//! What a writer that died left behind.

use std::collections::{BTreeMap, BTreeSet};

use super::Host;
use crate::catalog::{
    CHANGES, Catalog, Dataset, ENTRIES, Entries, FORMER, GOLD, INDEX, QUARANTINE, SILVER, SUMS, State,
};
use crate::error::{Kind, Result};
use crate::integrity::owner;

impl Host {
    /// Deletes what no commit names, and notes which datasets lack something that one does. Only for when no one else is
    /// writing.
    pub(super) fn tidy(&self) -> Result<()> {
        let catalog = Catalog::load_from(self.store(), &self.known())?;
        catalog.check_gaps()?;
        let state = catalog.state();
        self.sweep(state)?;
        let mut named = self.named(state)?;
        for layer in [SILVER, QUARANTINE, INDEX, ENTRIES, SUMS, FORMER] {
            for meta in self.store.list(layer, "")? {
                match named.get(&meta.key) {
                    None if self.is_ours(layer, &meta.key) => self.remove(&meta.key)?,
                    None => {}
                    Some((bytes, _)) if *bytes == meta.bytes => drop(named.remove(&meta.key)),
                    Some(_) => {}
                }
            }
        }
        // Logs of commits that were made stay.
        let next = format!("{:020}", state.sequence + 1);
        for meta in self.store.list(CHANGES, "")? {
            let file = meta.key.rsplit_once('/').map_or("", |(_, file)| file);
            if file >= next.as_str() && self.is_ours(CHANGES, &meta.key) {
                self.remove(&meta.key)?;
            }
        }
        // Quarantine may have been emptied by hand, and no result depends on it; sums are made anew when they are wanted.
        let lost = |key: &str| [SILVER, INDEX, ENTRIES].iter().any(|layer| key.starts_with(layer));
        for (key, (_, dataset)) in named.into_iter().filter(|(key, _)| lost(key)) {
            if let Some(dataset) = dataset {
                self.damaged().insert(dataset, format!("`{key}` is gone or damaged"));
            }
        }
        // Former tables stay: those that sort after the newest one were never committed.
        let newest: BTreeSet<&str> = state.gold.values().map(|gold| gold.table.key.as_str()).collect();
        for meta in self.store.list(GOLD, "")? {
            if !self.is_ours(GOLD, &meta.key) {
                continue;
            }
            let directory = meta.key.rsplit_once('/').map_or("", |(directory, _)| directory);
            let of_kpi = newest.iter().find(|key| key.rsplit_once('/').is_some_and(|(parent, _)| parent == directory));
            if of_kpi.is_none_or(|newest| *newest < meta.key.as_str()) {
                self.remove(&meta.key)?;
            }
        }
        Ok(())
    }

    /// What commits name: by key its size, and the dataset if it is current.
    fn named(&self, state: &State) -> Result<BTreeMap<String, (u64, Option<String>)>> {
        let mut named = BTreeMap::new();
        for (name, dataset) in &state.datasets {
            match self.named_by(dataset, Some(name), &mut named) {
                // Everything of the dataset is made anew, and what it had is retired then.
                Err(error) if error.kind() == Kind::Damaged => {
                    drop(self.damaged().insert(name.clone(), error.to_string()))
                }
                scanned => scanned?,
            }
        }
        for dataset in state.former.values().flat_map(|former| former.datasets.values()) {
            match self.named_by(dataset, None, &mut named) {
                // It cannot be brought back; what is lost of it is removed.
                Err(error) if error.kind() == Kind::Damaged => {}
                scanned => scanned?,
            }
        }
        for gold in state.gold.values().chain(state.former.values().flat_map(|former| former.gold.values())) {
            let runs = gold.stages.iter().flat_map(|stage| stage.runs());
            named.extend(runs.map(|run| (run.key.clone(), (run.bytes, None))));
        }
        Ok(named)
    }

    fn named_by(
        &self,
        dataset: &Dataset,
        name: Option<&String>,
        named: &mut BTreeMap<String, (u64, Option<String>)>,
    ) -> Result<()> {
        let segments = dataset.entries.runs().iter().chain(dataset.keys.runs());
        named.extend(segments.map(|run| (run.key.clone(), (run.bytes, name.cloned()))));
        Entries::of(self.store(), dataset).scan(|_, entry| {
            let stored = std::iter::once(entry.silver).chain(entry.quarantine);
            named.extend(stored.map(|stored| (stored.key, (stored.bytes, name.cloned()))));
            Ok(())
        })
    }

    /// Whether this pipeline may have written it; anything else in the lake is someone else's.
    pub(super) fn is_ours(&self, layer: &str, key: &str) -> bool {
        owner(layer, key).is_some_and(|owner| match layer {
            GOLD | SUMS => self.pipeline.kpis.iter().any(|step| step.name == owner),
            _ => self.pipeline.dataset(owner).is_some(),
        })
    }

    fn remove(&self, key: &str) -> Result<()> {
        tracing::warn!(
            "no commit names `{key}`: a run ended before it committed it, or the lake was restored; it is removed"
        );
        self.store.delete(key)
    }
}
