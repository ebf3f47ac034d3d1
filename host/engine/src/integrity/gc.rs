//! Removes orphans: objects that no commit references. A host that died or that lost a race leaves them.
//!
//! A slow writer may be about to commit an object that looks like an orphan. So a commit retires the object first. A
//! writer that has it in a change of its own then fails and begins again. What is committed before that is left alone.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::owner::{OURS, owner};
use super::reached::Reached;
use crate::attempt::{Attempts, Committer};
use crate::outcome::Outcome;
use smelt_catalog::{CHANGES, COMMITS, Catalog, Change, GC, Known, Look, State};
use smelt_common::Error;
use smelt_common::clock::apart;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::GOLD;
use smelt_storage::{Store, Unfinished, WRITERS};

/// An object that no commit references, or an upload that was to become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Garbage {
    /// Its key.
    pub object: String,
    /// Its size.
    pub bytes: u64,
    /// The time since it was written, by the store's clock. If that clock was ahead then, the time by which it was
    /// ahead.
    #[serde(with = "humantime_serde")]
    pub age: Duration,
    /// The id of the upload, if it was begun and never finished. No one sees its object then, and its size is not
    /// known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
}

/// Returns the objects that no commit references, whose keys are of the kind that a host writes, and that were written
/// or begun longer than `grace` ago. With `rollback_points`, also returns what is kept for rollbacks.
///
/// If the newest commits are damaged, the answer is as of the newest one that is not. The second list has the error of
/// each damaged commit. If those commits are removed, what they alone reference becomes orphans.
pub fn garbage(store: &dyn Store, grace: Duration, rollback_points: bool) -> Result<(Vec<Garbage>, Vec<Error>)> {
    let (catalog, damaged) = Catalog::load_readable(store)?;
    let mut damaged: Vec<Error> = damaged.into_iter().map(|(_, error)| error).collect();
    if damaged.is_empty()
        && let Err(error) = catalog.check_gaps()
    {
        match error.kind() {
            Kind::Damaged => damaged.push(error),
            _ => return Err(error),
        }
    }
    let (garbage, _) = search(&mut Look::at(catalog), grace, rollback_points)?;
    Ok((garbage, damaged))
}

fn search(look: &mut Look<'_>, grace: Duration, rollback_points: bool) -> Result<(Vec<Garbage>, Reached)> {
    let store = look.store();
    // Rollback points that are discarded need not be readable.
    let mut reached = Reached::by(look, !rollback_points)?;
    // A previous commit alone tells which tables and logs it referenced; the newest commit tells everything else.
    let is_commit = |(what, _): &&(String, Error)| what.starts_with(COMMITS);
    let mut layers = OURS.to_vec();
    for (_, error) in reached.unreadable.iter().filter(is_commit) {
        tracing::warn!(
            "{error}; so smelt cannot tell which objects in gold/ and catalog/changes/ are orphans, and keeps them"
        );
        layers.retain(|layer| ![GOLD, CHANGES].contains(layer));
    }
    if let Some((what, error)) = reached.unreadable.iter().find(|it| !is_commit(it)) {
        let why = format!(
            "`{what}` cannot be read, so it is unknown which objects are orphans: {error}; `smelt run` rebuilds a dataset, and \
             --rollback-points discards rollback points"
        );
        return Err(Error::new(Kind::Damaged, why));
    }
    let change = discarded(store, look.state(), rollback_points)?;
    let discarded: HashSet<&str> = change.retired.iter().map(String::as_str).collect();
    let mut garbage = Vec::new();
    let now = store.clock()?;
    let age = |since: i64| apart(now, since);
    for layer in layers {
        for meta in store.list(layer, "")? {
            let is_orphan = owner(layer, &meta.key).is_some() && meta.key != WRITERS && !reached.references(&meta.key);
            let age = age(meta.modified);
            if is_orphan && age >= grace || discarded.contains(meta.key.as_str()) {
                garbage.push(Garbage { object: meta.key, bytes: meta.bytes, age, upload: None });
            }
        }
    }
    for Unfinished { key, id, begun } in store.unfinished()? {
        let ours = OURS.iter().any(|layer| owner(layer, &key).is_some());
        let age = age(begun);
        if ours && age >= grace {
            garbage.push(Garbage { object: key, bytes: 0, age, upload: Some(id) });
        }
    }
    still_garbage(store, &mut garbage, &mut reached, &discarded)?;
    Ok((garbage, reached))
}

/// Removes from the list what a later commit references or has retired. Whoever retired an object deletes it.
fn still_garbage(
    store: &dyn Store,
    garbage: &mut Vec<Garbage>,
    reached: &mut Reached,
    discarded: &HashSet<&str>,
) -> Result<()> {
    reached.follow(store)?;
    let is = |garbage: &Garbage| {
        let Garbage { object, upload, .. } = garbage;
        upload.is_some() || discarded.contains(object.as_str()) || !reached.references(object)
    };
    garbage.retain(is);
    Ok(())
}

/// Returns the change that discards the rollback points, if `rollback_points` is set.
fn discarded(store: &dyn Store, state: &State, rollback_points: bool) -> Result<Change> {
    let mut change = Change::new(GC);
    let plugins = state
        .rollback_points
        .iter()
        .filter(|(_, it)| rollback_points && !(it.datasets.is_empty() && it.gold.is_empty()));
    change.discard(store, state, plugins.map(|(plugin, _)| plugin.clone()).collect())?;
    Ok(change)
}

/// Deletes what [`garbage`] finds, and returns it.
///
/// # Errors
/// [`Kind::Conflict`] if others commit again and again before it can; nothing was deleted then.
pub fn collect(store: &dyn Store, grace: Duration, rollback_points: bool, now: DateTime<Utc>) -> Result<Vec<Garbage>> {
    let cannot_lock = |error: std::io::Error| Error::new(Kind::Unavailable, format!("cannot lock the lake: {error}"));
    let mut writes = store.begin()?;
    if writes.after_crash() || writes.after_others() {
        // Only a host knows every object that its pipeline may have written, so the next host removes the orphans.
        writes.leave_marks().map_err(cannot_lock)?;
    }
    // If gc is killed from here on, it has left a mark.
    writes.share().map_err(cannot_lock)?;
    let garbage = collect_all(store, grace, rollback_points, now)?;
    writes.done().map_err(cannot_lock)?;
    Ok(garbage)
}

fn collect_all(store: &dyn Store, grace: Duration, rollback_points: bool, now: DateTime<Utc>) -> Result<Vec<Garbage>> {
    let mut look = Look::begin(store)?;
    let (mut garbage, mut reached) = search(&mut look, grace, rollback_points)?;
    let known = look.catalog().known();
    let outcome = Attempts::default().at(&Collector { store, now, known }, |attempt| {
        let state = attempt.state();
        let change = discarded(store, state, rollback_points)?;
        let discarded: HashSet<&str> = change.retired.iter().map(String::as_str).collect();
        // Someone may have committed meanwhile, perhaps an object that the search found. The new commits alone tell
        // that, so gc is as fast as anyone.
        match still_garbage(store, &mut garbage, &mut reached, &discarded) {
            Err(error) if error.kind() == Kind::Conflict => {
                look.renew()?;
                (garbage, reached) = search(&mut look, grace, rollback_points)?;
                return Err(error);
            }
            is => is?,
        }
        let mut outcome = Outcome::new(Change::default(), garbage.clone());
        let objects = garbage.iter().filter(|garbage| garbage.upload.is_none());
        let retired: Vec<String> = objects.map(|garbage| garbage.object.clone()).collect();
        if !retired.is_empty() {
            // This state is older than the commits that were just taken in, so they do not fit together.
            if state.sequence != reached.sequence {
                let why = format!("commit {} came after {}", reached.sequence, state.sequence);
                return Err(Error::new(Kind::Conflict, why));
            }
            outcome.change = Change { retired, ..change };
        }
        Ok(outcome)
    })?;
    // No commit can reference an unfinished upload. A writer that wants to finish one of them learns that it is gone.
    for Garbage { object, upload, .. } in &outcome.made {
        upload.iter().try_for_each(|id| store.abort(object, id))?;
    }
    Ok(outcome.made)
}

/// Commits for gc, which knows no pipeline.
struct Collector<'s> {
    store: &'s dyn Store,
    now: DateTime<Utc>,
    /// The commit that the search began with: the newest one is found in few questions from there.
    known: Known,
}

impl Committer for Collector<'_> {
    fn read(&self) -> Result<Catalog<'_>> {
        Catalog::load_from(self.store, &self.known)
    }

    /// Commits the change, and then deletes everything that is retired. If gc is stopped while it does, the host that
    /// makes the next commit goes on.
    fn commit(&self, catalog: &mut Catalog<'_>, change: Change) -> Result<()> {
        if change.is_empty() {
            return Ok(());
        }
        catalog.commit(&change, self.now)?;
        for key in catalog.state().retired.clone() {
            // An object that someone else has deleted may be there again.
            catalog.refresh()?;
            if catalog.state().retired.contains(&key) {
                self.store.delete(&key)?;
            }
        }
        Ok(())
    }

    /// gc writes no objects but commits.
    fn leaves_orphans(&self) {}

    fn begin_again(&self) -> Result<()> {
        Ok(())
    }
}
