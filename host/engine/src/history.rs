//! Follows what commits did to a relation.

use smelt_catalog::{Commit, Relation, RelationChange, read_commit};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// The most commits whose logs are read. With more commits, it is cheaper to read all rows.
const MOST_COMMITS: usize = 256;

/// Returns what each commit after `revision` did to the relation, the newest first. Returns `None` if the relation was
/// rebuilt since, or if more than [`MOST_COMMITS`] commits changed it. `pending` is the commit that is to follow. The
/// relation may be as of that one.
///
/// # Errors
/// [`Kind::Damaged`] if a commit is gone or damaged.
pub(crate) fn changes_since(
    store: &dyn Store,
    pending: &Commit,
    name: &str,
    relation: &Relation,
    revision: u64,
) -> Result<Option<Vec<RelationChange>>> {
    if revision < relation.since {
        return Ok(None);
    }
    let (mut changes, mut at) = (Vec::new(), relation.revision);
    while at > revision {
        if changes.len() == MOST_COMMITS {
            return Ok(None);
        }
        let change = match at == pending.sequence {
            true => pending.relations.get(name).cloned(),
            false => read_commit(store, at)?.relations.remove(name),
        };
        let change = change
            .ok_or_else(|| Error::new(Kind::Damaged, format!("commit {at} changed `{name}`, but does not say how")))?;
        if change.reset {
            return Ok(None);
        }
        at = change.previous;
        changes.push(change);
    }
    Ok(Some(changes))
}
