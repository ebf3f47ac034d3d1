//! What a writer that died left behind.

use std::collections::{BTreeMap, BTreeSet};

use super::Host;
use crate::catalog::{Catalog, GOLD, INDEX, QUARANTINE, SILVER};
use crate::error::Result;

impl Host {
    /// Deletes what no commit names, and notes which datasets lack something that one does. Only for when no one else is
    /// writing.
    pub(super) fn tidy(&self) -> Result<()> {
        let catalog = Catalog::load(self.store())?;
        let state = catalog.state();
        self.sweep(state)?;
        let mut named: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
        for (name, dataset) in &state.datasets {
            let stored =
                dataset.objects.values().flat_map(|entry| std::iter::once(&entry.silver).chain(&entry.quarantine));
            named.extend(stored.map(|stored| (stored.key.as_str(), (stored.bytes, name.as_str()))));
            named.extend(dataset.index.iter().map(|segment| (segment.key.as_str(), (segment.bytes, name.as_str()))));
        }
        for layer in [SILVER, QUARANTINE, INDEX] {
            for meta in self.store.list(layer, "")? {
                match named.get(meta.key.as_str()) {
                    None if self.is_ours(layer, &meta.key) => self.remove(&meta.key)?,
                    None => {}
                    Some((bytes, _)) if *bytes == meta.bytes => drop(named.remove(meta.key.as_str())),
                    Some(_) => {}
                }
            }
        }
        // Quarantine may have been emptied by hand, and no result depends on it.
        for (key, (_, dataset)) in named.into_iter().filter(|(key, _)| !key.starts_with(QUARANTINE)) {
            self.damaged().insert(dataset.to_owned(), format!("`{key}` is gone or damaged"));
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

    /// Whether this pipeline may have written it; anything else in the lake is someone else's.
    fn is_ours(&self, layer: &str, key: &str) -> bool {
        let rest = key.strip_prefix(layer).unwrap_or_default();
        let Some((owner, file)) = rest.split_once('/') else { return false };
        let named = |what: &str| file.strip_prefix(owner).is_some_and(|rest| rest.starts_with(what));
        match layer {
            SILVER => self.pipeline.dataset(owner).is_some() && named("_clean_"),
            QUARANTINE => self.pipeline.dataset(owner).is_some() && named("_rejected_"),
            GOLD => {
                let stamp = file.strip_prefix(owner).and_then(|rest| rest.strip_prefix('_')?.strip_suffix(".csv"));
                self.pipeline.kpis.iter().any(|step| step.name == owner) && stamp.is_some_and(is_stamp)
            }
            _ => self.pipeline.dataset(owner).is_some(),
        }
    }

    fn remove(&self, key: &str) -> Result<()> {
        tracing::warn!("`{key}` was written by a run that ended before it committed it; it is removed");
        self.store.delete(key)
    }
}

/// `YYYYMMDDTHHMMSS`
fn is_stamp(text: &str) -> bool {
    text.len() == 15
        && text.bytes().enumerate().all(|(at, byte)| if at == 8 { byte == b'T' } else { byte.is_ascii_digit() })
}
