//! Finds the rows that were added and removed since a KPI last read a relation, in the logs of the commits in between.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use crate::history::changes_since;
use crate::host_relation::{Given, HostRelation};
use smelt_catalog::{Commit, Entries, Entry, Files, LogEntry, ObjectRef, Relation, Removed, State};
use smelt_common::error::Result;
use smelt_runtime::sums::Sign;
use smelt_storage::Store;
use smelt_storage::layers::BRONZE;
use smelt_storage::sorted_runs::AdditiveRuns;

/// The rows that were added to a relation and removed from it.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Objects all of whose rows are new to the reader.
    pub(super) added: Vec<ObjectRef>,
    /// Kept rows that are all new to the reader.
    pub(super) whole: Option<AdditiveRuns>,
    /// Removed rows of objects that the reader has read.
    pub(super) removed: Vec<RemovedRows>,
    /// Rows of a relation of the host.
    pub(super) given: Vec<GivenRows>,
}

/// Rows that lie nowhere but here.
#[derive(Debug)]
pub(super) struct GivenRows {
    /// A name that no other rows have.
    pub(super) name: String,
    pub(super) rows: RecordBatch,
    pub(super) sign: Sign,
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
                delta.added = entries.into_iter().filter_map(|(object, entry)| rows_of(&object, entry)).collect();
            }
            Files::One(file) => delta.added.push(file.clone()),
            Files::Rows(rows) => delta.whole = Some(rows.clone()),
        }
        Ok(delta)
    }

    /// Returns the rows that changed in the relation after the commit `revision`. Returns `None` if that cannot be followed.
    /// `pending` is the commit that is to follow. The relation may be as of that one.
    ///
    /// # Errors
    /// [`Kind::Damaged`](smelt_common::error::Kind::Damaged) if a commit or a log is gone or damaged.
    pub(super) fn since(
        store: &dyn Store,
        pending: &Commit,
        name: &str,
        relation: &Relation,
        revision: u64,
    ) -> Result<Option<Self>> {
        let Some(changes) = changes_since(store, pending, name, relation, revision)? else { return Ok(None) };
        let mut added: BTreeMap<String, ObjectRef> = BTreeMap::new();
        let mut newest: BTreeMap<String, Option<ObjectRef>> = BTreeMap::new();
        let mut removed = Vec::new();
        for change in changes {
            for LogEntry { object, cleaned, entry, .. } in change.read_log(store)? {
                // The newest change comes first, so the first entry of an object is its current one.
                let rows = newest.entry(object.clone()).or_insert_with(|| rows_of(&object, entry)).clone();
                if let Some(rows) = rows.filter(|_| cleaned) {
                    added.insert(object, rows);
                }
            }
            added.extend(change.added.map(|rows| (rows.key.clone(), rows)));
            removed.extend(change.removed);
        }
        let removed = removed.into_iter().map(|removed| without(removed, &added));
        let removed = removed.filter(|removed| !removed.ranges.is_empty()).collect();
        Ok(Some(Self { added: added.into_values().collect(), removed, ..Self::default() }))
    }

    /// Returns rows of a relation of the host: all of them or, with `revisions`, those that changed since the datasets were
    /// at these commits. Returns `None` if that cannot be followed.
    pub(super) fn of_host(
        store: &dyn Store,
        pending: &Commit,
        state: &State,
        relation: HostRelation,
        revisions: Option<&[u64]>,
    ) -> Result<Option<Self>> {
        let given = match revisions {
            Some(revisions) => relation.since(store, pending, state, revisions)?,
            None => Some(relation.all_rows(store, state)?),
        };
        Ok(given.map(|given| Self::of_given(relation, revisions, given)))
    }

    /// Returns these rows of a relation of the host, which came and left since the revisions.
    pub(super) fn of_given(relation: HostRelation, revisions: Option<&[u64]>, given: Vec<Given>) -> Self {
        let named = |(number, (rows, sign)): (usize, Given)| GivenRows {
            name: format!("{} since {revisions:?}, {number}", relation.name()),
            rows,
            sign,
        };
        Self { given: given.into_iter().enumerate().map(named).collect(), ..Self::default() }
    }
}

/// Returns the object with the rows of an object of bronze: one of silver, or itself if its records are read as they are.
/// `None` if it is held, or unreadable.
fn rows_of(object: &str, entry: Entry) -> Option<ObjectRef> {
    match &entry.staged {
        None => Some(entry.silver).filter(|silver| !silver.key.is_empty()),
        Some(staged) if staged.unreadable.is_some() => None,
        Some(_) => Some(ObjectRef {
            key: format!("{BRONZE}{object}"),
            sha256: entry.sha256,
            bytes: entry.bytes,
            rows: entry.read,
        }),
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
