//! Removes what no commit names: what hosts that died have left, or that lost a race.
//!
//! What looks left over may be about to be committed by a slow writer. So it is retired by a commit first: whoever has it in
//! a change of their own then fails and begins anew, and what is committed before is left alone.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::owner::{OURS, owner};
use super::reached::Reached;
use crate::attempt::{Attempts, Committer};
use crate::outcome::Outcome;
use smelt_catalog::{CHANGES, COMMITS, Catalog, Change, GC, Look, State};
use smelt_common::Error;
use smelt_common::clock::apart;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::GOLD;
use smelt_storage::{Store, Unfinished, WRITERS};

/// An object that no commit reaches, or what was to become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Garbage {
    /// Its key.
    pub object: String,
    /// Its size.
    pub bytes: u64,
    /// How long ago it was written, by the store's clock; or how far ahead that clock was then.
    #[serde(with = "humantime_serde")]
    pub age: Duration,
    /// The id of the upload, if it was begun and never finished: then no one sees it, and its size is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
}

/// What no commit reaches, is named as a host names what it writes, and was written or begun longer ago than `grace`; and, if
/// `former`, what is kept for rollbacks.
///
/// Where the newest commits are damaged, this is as of the newest one that is not; also returns what is wrong with each of the
/// others. If they are removed, what they alone name is left over.
pub fn garbage(store: &dyn Store, grace: Duration, former: bool) -> Result<(Vec<Garbage>, Vec<Error>)> {
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
    let (garbage, _) = found(&mut Look::at(catalog), grace, former)?;
    Ok((garbage, damaged))
}

fn found(look: &mut Look<'_>, grace: Duration, former: bool) -> Result<(Vec<Garbage>, Reached)> {
    let store = look.store();
    // What is let go of need not be readable.
    let mut reached = Reached::by(look, !former)?;
    // A former commit alone tells which tables and logs it named; the newest commit tells everything else.
    let is_commit = |(what, _): &&(String, Error)| what.starts_with(COMMITS);
    let mut layers = OURS.to_vec();
    for (_, error) in reached.unreadable.iter().filter(is_commit) {
        tracing::warn!("{error}: what is left over in gold/ and catalog/changes/ is unknown and stays");
        layers.retain(|layer| ![GOLD, CHANGES].contains(layer));
    }
    if let Some((what, error)) = reached.unreadable.iter().find(|it| !is_commit(it)) {
        let why = format!(
            "`{what}` cannot be read, so it is unknown which objects are orphans: {error}; `smelt run` rebuilds a dataset, and \
             --rollback-points discards rollback points"
        );
        return Err(Error::new(Kind::Damaged, why));
    }
    let change = discarded(store, look.state(), former)?;
    let discarded: HashSet<&str> = change.retired.iter().map(String::as_str).collect();
    let mut garbage = Vec::new();
    let now = store.clock()?;
    let age = |since: i64| apart(now, since);
    for layer in layers {
        for meta in store.list(layer, "")? {
            let left_over = owner(layer, &meta.key).is_some() && meta.key != WRITERS && !reached.names(&meta.key);
            let age = age(meta.modified);
            if left_over && age >= grace || discarded.contains(meta.key.as_str()) {
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

/// Leaves what no commit names that came since, nor has retired: someone else deletes that.
fn still_garbage(
    store: &dyn Store,
    garbage: &mut Vec<Garbage>,
    reached: &mut Reached,
    discarded: &HashSet<&str>,
) -> Result<()> {
    reached.follow(store)?;
    let is = |garbage: &Garbage| {
        let Garbage { object, upload, .. } = garbage;
        upload.is_some() || discarded.contains(object.as_str()) || !reached.names(object)
    };
    garbage.retain(is);
    Ok(())
}

/// The change that lets go of what is kept for rollbacks, if that is wanted.
fn discarded(store: &dyn Store, state: &State, former: bool) -> Result<Change> {
    let mut change = Change::new(GC);
    let plugins =
        state.rollback_points.iter().filter(|(_, it)| former && !(it.datasets.is_empty() && it.gold.is_empty()));
    change.discard(store, state, plugins.map(|(plugin, _)| plugin.clone()).collect())?;
    Ok(change)
}

/// Deletes what [`garbage`] finds; returns it.
///
/// # Errors
/// [`Kind::Conflict`] if others commit again and again before it can; then nothing was deleted.
pub fn collect(store: &dyn Store, grace: Duration, former: bool, now: DateTime<Utc>) -> Result<Vec<Garbage>> {
    let cannot_lock = |error: std::io::Error| Error::new(Kind::Unavailable, format!("cannot lock the lake: {error}"));
    let mut writes = store.begin()?;
    if writes.after_crash() || writes.after_others() {
        // Only a host knows all that is named as its pipeline names it: the next one tidies up.
        writes.leave_marks().map_err(cannot_lock)?;
    }
    // Who is killed from here on has left a mark.
    writes.share().map_err(cannot_lock)?;
    let garbage = collect_all(store, grace, former, now)?;
    writes.done().map_err(cannot_lock)?;
    Ok(garbage)
}

fn collect_all(store: &dyn Store, grace: Duration, former: bool, now: DateTime<Utc>) -> Result<Vec<Garbage>> {
    let mut look = Look::begin(store)?;
    let (mut garbage, mut reached) = found(&mut look, grace, former)?;
    let outcome = Attempts::default().at(&Collector { store, now }, |catalog| {
        let change = discarded(store, catalog.state(), former)?;
        let discarded: HashSet<&str> = change.retired.iter().map(String::as_str).collect();
        // Someone may have committed meanwhile, perhaps what was found. That is told from the new commits alone, so that gc is
        // as fast as anyone.
        match still_garbage(store, &mut garbage, &mut reached, &discarded) {
            Err(error) if error.kind() == Kind::Conflict => {
                look.renew()?;
                (garbage, reached) = found(&mut look, grace, former)?;
                return Err(error);
            }
            is => is?,
        }
        let mut outcome = Outcome::new(Change::default(), garbage.clone());
        let objects = garbage.iter().filter(|garbage| garbage.upload.is_none());
        let retired: Vec<String> = objects.map(|garbage| garbage.object.clone()).collect();
        if !retired.is_empty() {
            // The newer commits that were just taken in do not fit an older state.
            if catalog.state().sequence != reached.sequence {
                let why = format!("commit {} came after {}", reached.sequence, catalog.state().sequence);
                return Err(Error::new(Kind::Conflict, why));
            }
            outcome.change = Change { retired, ..change };
        }
        Ok(outcome)
    })?;
    // No commit can reference them: whoever wants to finish one of them learns that it is gone.
    for Garbage { object, upload, .. } in &outcome.made {
        upload.iter().try_for_each(|id| store.abort(object, id))?;
    }
    Ok(outcome.made)
}

/// Commits for gc, which knows no pipeline.
struct Collector<'s> {
    store: &'s dyn Store,
    now: DateTime<Utc>,
}

impl Committer for Collector<'_> {
    fn read(&self) -> Result<Catalog<'_>> {
        Catalog::load(self.store)
    }

    /// Commits the change, and then deletes all that is retired. If gc is stopped while it does, the maker of the next commit
    /// goes on.
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

    fn begin_again(&self) -> Result<()> {
        Ok(())
    }
}
