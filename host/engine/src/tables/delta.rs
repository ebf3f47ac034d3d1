//! Finds the rows that were added and removed since a KPI last read a relation, in the logs of the commits in between.

use std::collections::BTreeMap;

use smelt_catalog::{Commit, Entries, Files, LogEntry, ObjectRef, Relation, Removed, read_commit};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;
use smelt_storage::sorted_runs::AdditiveRuns;

/// The most commits whose logs are read. With more commits, it is cheaper to rebuild the sums from all rows.
const MOST_COMMITS: usize = 256;

/// The rows that were added to a relation and removed from it.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Objects all of whose rows are new to the reader.
    pub(super) added: Vec<ObjectRef>,
    /// Kept rows that are all new to the reader.
    pub(super) whole: Option<AdditiveRuns>,
    /// Removed rows of objects that the reader has read.
    pub(super) removed: Vec<RemovedRows>,
}

/// Some of the rows that one commit removed from a relation.
#[derive(Debug)]
pub(super) struct RemovedRows {
    /// The object with all rows that the commit removed.
    pub(super) rows: ObjectRef,
    /// The ranges of row numbers, in that object, of the rows that are meant.
    pub(super) ranges: Vec<(usize, usize)>,
}

impl Delta {
    /// Returns all rows of the relation as added.
    pub(super) fn all(store: &dyn Store, relation: &Relation) -> Result<Self> {
        let mut delta = Self::default();
        match &relation.files {
            Files::Entries(entries) => {
                let entries = Entries::in_map(store, entries).all()?;
                delta.added = entries.into_iter().map(|(_, entry)| entry.silver).collect();
            }
            Files::One(file) => delta.added.push(file.clone()),
            Files::Rows(rows) => delta.whole = Some(rows.clone()),
        }
        Ok(delta)
    }

    /// Returns the rows that changed in the relation after the commit `revision`. Returns `None` if the relation was
    /// rebuilt since, or if more than [`MOST_COMMITS`] commits changed it. `pending` is the commit that is to follow.
    /// The relation may be as of that one.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if a commit or a log is gone or damaged.
    pub(super) fn since(
        store: &dyn Store,
        pending: &Commit,
        name: &str,
        relation: &Relation,
        revision: u64,
    ) -> Result<Option<Self>> {
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
                return Ok(Some(Self { added: added.into_values().collect(), whole: None, removed }));
            }
            let change = match at == pending.sequence {
                true => pending.relations.get(name).cloned(),
                false => read_commit(store, at)?.relations.remove(name),
            };
            let change = change.ok_or_else(|| {
                Error::new(Kind::Damaged, format!("commit {at} changed `{name}`, but does not say how"))
            })?;
            if change.reset {
                return Ok(None);
            }
            for LogEntry { object, cleaned, entry } in change.read_log(store)? {
                // The loop runs from the newest commit to the oldest, so the first entry of an object is its current
                // one.
                let silver = newest.entry(object.clone()).or_insert(entry.silver).clone();
                if cleaned {
                    added.insert(object, silver);
                }
            }
            added.extend(change.added.map(|rows| (rows.key.clone(), rows)));
            removed.extend(change.removed);
            at = change.previous;
        }
        Ok(None)
    }
}

/// Returns the removed rows without those of `added` objects. The reader has not read these objects, and their current
/// silver already lacks the removed rows.
fn without(Removed { rows, objects }: Removed, added: &BTreeMap<String, ObjectRef>) -> RemovedRows {
    if objects.is_empty() {
        // A table does not tell where its rows lie. One that came and went is added and subtracted.
        let all = (0, rows.rows as usize);
        return RemovedRows { rows, ranges: vec![all] };
    }
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
