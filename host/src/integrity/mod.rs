//! Whether the lake holds what its catalog says, and what it holds beside that.

mod gc;
mod verify;

pub use gc::{Garbage, collect, garbage};
pub use verify::{Found, Problem, Verified, verify};

use std::collections::{BTreeMap, BTreeSet};

use crate::Error;
use crate::catalog::{
    BRONZE, CHANGES, COMPONENTS, Catalog, Commit, Dataset, ENTRIES, Entries, FORMER, GOLD, INDEX, Parts, QUARANTINE,
    SILVER, SUMS, Stored, commit_key, component_key,
};
use crate::error::Result;
use crate::segments::Segments;
use crate::store::{PROOFS, Store};

/// Where only objects lie that some commit names, or is about to.
const OURS: [&str; 10] = [SILVER, GOLD, QUARANTINE, CHANGES, ENTRIES, INDEX, SUMS, FORMER, COMPONENTS, PROOFS];

/// What the catalog names.
#[derive(Default)]
struct Reached {
    /// Objects with their sha256, by key.
    objects: BTreeMap<String, Stored>,
    /// Maps, each with what it is for.
    maps: Vec<Segments>,
    /// What could not be read, by key or by what keys begin with, and why: what it names is not known.
    unreadable: Vec<(String, Error)>,
}

impl Reached {
    /// Everything that the newest commit reaches, former commits included, and, if `former`, what is kept for rollbacks.
    fn by(store: &dyn Store, catalog: &Catalog<'_>, former: bool) -> Result<Self> {
        let mut reached = Self::default();
        let state = catalog.state();
        for (sequence, commit) in catalog.commits(1..=state.sequence) {
            match commit {
                Ok(commit) => reached.add_commit(commit),
                Err(error) => reached.unreadable.push((commit_key(sequence), error)),
            }
        }
        let current = state.datasets.iter().map(|(name, dataset)| (name, dataset, true));
        let kept: Vec<_> = state.former.values().filter(|_| former).collect();
        let former = kept.iter().flat_map(|former| &former.datasets);
        for (name, dataset, is_current) in current.chain(former.map(|(name, dataset)| (name, dataset, false))) {
            if let Err(error) = reached.add_dataset(store, dataset, is_current) {
                reached.unreadable.push((format!("{ENTRIES}{name}"), error));
            }
        }
        for (sha256, &bytes) in &state.components {
            reached.add(Stored { key: component_key(sha256), sha256: sha256.clone(), bytes, rows: 0 });
        }
        let former = kept.iter().flat_map(|former| former.gold.values());
        reached.maps.extend(state.gold.values().chain(former).flat_map(|gold| gold.stages.iter().cloned()));
        Ok(reached)
    }

    fn add_commit(&mut self, commit: Commit) {
        // Nothing of what earlier commits made of them is there any more.
        let Parts { datasets, kpis } = &commit.dropped;
        if !commit.dropped.is_empty() {
            self.objects.retain(|key, _| {
                let is_of =
                    |layer, parts: &BTreeSet<String>| owner(layer, key).is_some_and(|owner| parts.contains(owner));
                !(is_of(CHANGES, datasets) || is_of(GOLD, kpis))
            });
        }
        for change in commit.datasets.into_values() {
            self.add(change.log);
            change.removed.into_iter().for_each(|removed| self.add(removed.rows));
        }
        let mut state = commit.state;
        commit.kpis.iter().filter_map(|kpi| state.gold.remove(kpi)).for_each(|gold| self.add(gold.table));
    }

    /// Bronze may have changed since a former dataset was current.
    fn add_dataset(&mut self, store: &dyn Store, dataset: &Dataset, is_current: bool) -> Result<()> {
        self.maps.extend([dataset.entries.clone(), dataset.keys.clone()]);
        Entries::of(store, dataset).scan(|name, entry| {
            let key = format!("{BRONZE}{name}");
            if is_current {
                self.add(Stored { key, sha256: entry.sha256, bytes: entry.bytes, rows: entry.read });
            }
            self.add(entry.silver);
            entry.quarantine.into_iter().for_each(|quarantine| self.add(quarantine));
            Ok(())
        })
    }

    fn add(&mut self, stored: Stored) {
        self.objects.insert(stored.key.clone(), stored);
    }

    fn names(&self, key: &str) -> bool {
        // A signature lies beside its component.
        let key = key.strip_suffix(".minisig").filter(|key| key.starts_with(COMPONENTS)).unwrap_or(key);
        let run = |map: &Segments| map.runs().iter().any(|run| run.key == key);
        self.objects.contains_key(key) || self.maps.iter().any(run)
    }
}

/// Whose the object is, if it is named as a host names what it writes; anything else in the lake is someone else's.
pub(crate) fn owner<'k>(layer: &str, key: &'k str) -> Option<&'k str> {
    if layer == PROOFS || layer == COMPONENTS {
        return key.starts_with(layer).then_some("");
    }
    if layer == FORMER {
        let key = key.strip_prefix(FORMER)?;
        return [SILVER, QUARANTINE].iter().find_map(|layer| owner(layer, key));
    }
    let (owner, file) = key.strip_prefix(layer)?.split_once('/')?;
    let rest = file.strip_prefix(owner);
    let ours = match layer {
        SILVER => rest.is_some_and(|rest| rest.starts_with("_clean_")),
        QUARANTINE => rest.is_some_and(|rest| rest.starts_with("_rejected_")),
        GOLD => rest.and_then(|rest| rest.strip_prefix('_')?.strip_suffix(".csv")).is_some_and(is_stamp),
        _ => true,
    };
    ours.then_some(owner)
}

/// `YYYYMMDDTHHMMSS`
fn is_stamp(text: &str) -> bool {
    text.len() == 15
        && text.bytes().enumerate().all(|(at, byte)| if at == 8 { byte == b'T' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_name_otherwise_is_not_ours() {
        let ours = |key| OURS.iter().any(|layer| owner(layer, key).is_some());
        for key in ["silver/d/d_clean_1.csv", "quarantine/d/d_rejected_1", "gold/k/k_20250101T000000.csv"] {
            assert!(ours(key), "{key}");
        }
        for key in [
            "catalog/former/silver/d/d_clean_1.csv",
            "catalog/proof-1",
            "catalog/components/x.wasm",
            "catalog/entries/d/x",
            "catalog/index/d/x",
        ] {
            assert!(ours(key), "{key}");
        }
        for key in ["bronze/d_1.csv", "silver/d/notes.csv", "gold/k/k.csv", "catalog/commits/1", "elsewhere/x"] {
            assert!(!ours(key), "{key}");
        }
    }
}
