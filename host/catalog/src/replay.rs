//! Finds the entries of a dataset as of an earlier commit. The map of entries only has the current ones, but the logs
//! of changes are kept for good.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::Dataset;
use crate::entries::Entries;
use crate::entry::Entry;
use crate::file::read_commit;
use crate::log::{LogEntry, RelationChange};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// The objects whose entries are not found yet.
enum Wanted {
    /// All objects of the dataset.
    All,
    /// The objects with these names.
    These(BTreeSet<String>),
}

/// Returns the entries of the dataset `name` as of the earlier state `held`, in the order of the objects' names. If the
/// dataset was not rebuilt since, the entries of its current state `now` save reading most logs.
///
/// # Errors
/// [`Kind::Damaged`] if a log or a current entry is gone or damaged.
pub fn entries_as_of(
    store: &dyn Store,
    name: &str,
    held: &Dataset,
    now: Option<&Dataset>,
) -> Result<Vec<(String, Entry)>> {
    let mut found = BTreeMap::new();
    let mut wanted = Wanted::All;
    if let Some(now) =
        now.filter(|now| now.relation.since == held.relation.since && now.relation.revision >= held.relation.revision)
    {
        found.extend(Entries::of(store, now).all()?);
        let mut before = BTreeSet::new();
        let mut at = now.relation.revision;
        while at > held.relation.revision {
            let change = change_of(store, name, at)?;
            for LogEntry { object, .. } in change.read_log(store)? {
                // Objects get rising numbers, so an object that came after `held` has a greater number.
                if found.remove(&object).is_some_and(|entry| entry.id < held.bronze.next_id) {
                    before.insert(object);
                }
            }
            at = change.previous;
        }
        wanted = Wanted::These(before);
    }
    let mut at = held.relation.revision;
    while at > 0 && !matches!(&wanted, Wanted::These(names) if names.is_empty()) {
        let change = change_of(store, name, at)?;
        for LogEntry { object, entry, .. } in change.read_log(store)? {
            // The loop runs from the newest change to the oldest, so the first entry of an object is the one that
            // `held` had.
            let is_wanted = match &mut wanted {
                Wanted::All => !found.contains_key(&object),
                Wanted::These(names) => names.remove(&object),
            };
            if is_wanted {
                found.insert(object, entry);
            }
        }
        at = if change.reset { 0 } else { change.previous };
    }
    Ok(found.into_iter().collect())
}

/// Reads the change that the commit made to the dataset.
fn change_of(store: &dyn Store, name: &str, sequence: u64) -> Result<RelationChange> {
    let change = read_commit(store, sequence)?.relations.remove(name);
    change.ok_or_else(|| {
        let why = format!("commit {sequence} changed dataset `{name}`, but does not say how");
        Error::new(Kind::Damaged, why)
    })
}
