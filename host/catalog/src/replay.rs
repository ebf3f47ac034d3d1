//! The entries of a dataset as of a former commit. A dataset's entries are merged and deleted as it goes on; the logs of its
//! changes are kept for good.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::Dataset;
use crate::entries::Entries;
use crate::entry::Entry;
use crate::file::read_commit;
use crate::log::{LogEntry, RelationChange};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// The objects whose entries are still to be found.
enum Wanted {
    All,
    These(BTreeSet<String>),
}

/// The entries of the dataset of that name as it was `held`, in the order of their names; told from what it is now where
/// it was not made anew since.
///
/// # Errors
/// [`Kind::Damaged`] if a log is gone, or what is known now was deleted meanwhile.
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
                // Numbers rise, so those that came since are told by theirs.
                if found.remove(&object).is_some_and(|entry| entry.id < held.bronze.next_id) {
                    before.insert(object);
                }
            }
            at = change.previous;
        }
        wanted = Wanted::These(before);
    }
    let mut at = held.relation.revision;
    while at > 0 && !matches!(&wanted, Wanted::These(left) if left.is_empty()) {
        let change = change_of(store, name, at)?;
        for LogEntry { object, entry, .. } in change.read_log(store)? {
            // From the newest change to the oldest: what was met first is what there was.
            let is_wanted = match &mut wanted {
                Wanted::All => !found.contains_key(&object),
                Wanted::These(left) => left.remove(&object),
            };
            if is_wanted {
                found.insert(object, entry);
            }
        }
        at = if change.reset { 0 } else { change.previous };
    }
    Ok(found.into_iter().collect())
}

fn change_of(store: &dyn Store, name: &str, sequence: u64) -> Result<RelationChange> {
    let change = read_commit(store, sequence)?.relations.remove(name);
    change.ok_or_else(|| {
        let why = format!("commit {sequence} says nothing of dataset `{name}`, which it changed");
        Error::new(Kind::Damaged, why)
    })
}
