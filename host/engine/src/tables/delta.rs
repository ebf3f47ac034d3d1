//! Which rows came and went since a KPI last read a dataset, from the logs of the commits in between.

use std::collections::BTreeMap;

use smelt_catalog::{Entries, Files, LogEntry, ObjectRef, Relation, Removed, read_commit};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// The most commits that are looked through: beyond, it is cheaper to begin anew.
const MOST_COMMITS: usize = 256;

/// Rows that came and went.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Silver objects all of whose rows came.
    pub(super) added: Vec<ObjectRef>,
    /// Rows that went, of objects that were read before.
    pub(super) removed: Vec<RemovedRows>,
}

/// Some of the rows that a commit removed from silver.
#[derive(Debug)]
pub(super) struct RemovedRows {
    pub(super) rows: ObjectRef,
    /// Which of them, as ranges of row numbers.
    pub(super) ranges: Vec<(usize, usize)>,
}

impl Delta {
    /// Returns everything that the relation has.
    pub(super) fn all(store: &dyn Store, relation: &Relation) -> Result<Self> {
        let added = match &relation.files {
            Files::Entries(entries) => {
                Entries::in_map(store, entries).all()?.into_iter().map(|(_, entry)| entry.silver).collect()
            }
            Files::One(file) => vec![file.clone()],
        };
        Ok(Self { added, removed: vec![] })
    }

    /// Returns what changed in the relation after the commit `revision`; `None` if that cannot be told, or not cheaply.
    pub(super) fn since(store: &dyn Store, name: &str, relation: &Relation, revision: u64) -> Result<Option<Self>> {
        if revision < relation.since {
            return Ok(None);
        }
        let mut added: BTreeMap<String, ObjectRef> = BTreeMap::new();
        let mut newest: BTreeMap<String, ObjectRef> = BTreeMap::new();
        let mut removed = Vec::new();
        let mut at = relation.revision;
        for _ in 0..MOST_COMMITS {
            if at <= revision {
                let removed = removed.into_iter().map(|removed| without(removed, &added));
                let removed = removed.filter(|removed| !removed.ranges.is_empty()).collect();
                return Ok(Some(Self { added: added.into_values().collect(), removed }));
            }
            let mut commit = read_commit(store, at)?;
            let change = commit.relations.remove(name).ok_or_else(|| {
                Error::new(Kind::Damaged, format!("commit {at} says nothing of `{name}`, which it changed"))
            })?;
            if change.reset {
                return Ok(None);
            }
            for LogEntry { object, cleaned, entry } in change.read_log(store)? {
                // From the newest commit to the oldest: what was met first is what there is now.
                let silver = newest.entry(object.clone()).or_insert(entry.silver).clone();
                if cleaned {
                    added.insert(object, silver);
                }
            }
            removed.extend(change.removed);
            at = change.previous;
        }
        Ok(None)
    }
}

/// What was removed from objects that were there before: of those that came since, silver as it is now has what is left.
fn without(Removed { rows, objects }: Removed, added: &BTreeMap<String, ObjectRef>) -> RemovedRows {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (object, count) in objects {
        let end = start + count as usize;
        if !added.contains_key(&object) {
            ranges.push((start, end));
        }
        start = end;
    }
    RemovedRows { rows, ranges }
}
