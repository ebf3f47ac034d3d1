//! Reads again everything that the catalog names.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;

use super::owner::{GRACE, OURS, owner};
use super::reached::Reached;
use smelt_catalog::{COMMITS, Catalog, Look, ObjectRef, busy, commit_key};
use smelt_common::digest::HashingReader;
use smelt_common::error::{Kind, Result};
use smelt_common::progress::Progress;
use smelt_common::{Error, workers};
use smelt_storage::layers::{CATALOG, GOLD, QUARANTINE, SILVER};
use smelt_storage::sorted_runs::SortedRuns;
use smelt_storage::{Store, WRITERS};

/// What was looked at, and what is wrong.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// The newest commit.
    pub sequence: u64,
    /// Objects that were read.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that no commit names yet, as a host writes them: one may be about to commit them.
    pub pending: usize,
    /// In the order of keys.
    pub problems: Vec<Problem>,
}

/// An object that is not as it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Its key.
    pub object: String,
    /// What is wrong with it.
    pub found: Found,
    /// In words.
    pub detail: String,
}

/// What may be wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// A commit names it, and it is not there.
    Missing,
    /// Its bytes are not what they were.
    Damaged,
    /// No commit names it, nor is a host about to, as far as that can be told.
    Foreign,
}

/// Reads everything that the newest commit names, and lists what none does. What others retire meanwhile is none of its
/// business any more, and what they are about to commit is not yet.
///
/// # Errors
/// If the store cannot be read, or others commit faster than the catalog can be read; what is wrong with single objects is
/// told in the result.
pub fn verify(store: &dyn Store, progress: &dyn Progress) -> Result<Verified> {
    let (catalog, damaged) = Catalog::load_readable(store)?;
    let gap = if damaged.is_empty() { catalog.check_gaps().err() } else { None };
    let mut look = Look::at(catalog);
    let mut reached = Reached::by(&mut look, true)?;
    reached.unreadable.extend(damaged);
    let mut verified = Verified { sequence: reached.sequence, ..Verified::default() };
    if let Some(error) = gap {
        if error.kind() != Kind::Damaged {
            return Err(error);
        }
        let object = commit_key(look.state().sequence + 1);
        verified.problems.push(Problem { object, found: Found::Missing, detail: error.to_string() });
    }
    let unreadable = reached.unreadable.iter().map(|(object, error)| Problem {
        object: object.clone(),
        found: Found::Damaged,
        detail: error.to_string(),
    });
    verified.problems.extend(unreadable);
    let objects: Vec<&ObjectRef> = reached.objects.values().collect();
    progress.begin("verifying", objects.iter().map(|object| object.bytes).sum());
    let checked = workers::map(objects, |object| {
        let checked = check(store, object);
        progress.advance(object.bytes);
        (object, checked)
    });
    progress.end();
    for (object, problem) in checked {
        verified.objects += 1;
        verified.bytes += object.bytes;
        if problem?.is_some() && !look.has_retired(&object.key)? {
            // Such as a component that was just put in place of another copy of itself.
            verified.problems.extend(check(store, object)?);
        }
    }
    for map in &reached.maps {
        verified.objects += map.runs().len();
        verified.bytes += map.runs().iter().map(|run| run.bytes).sum::<u64>();
    }
    for problems in workers::map(reached.maps.iter().collect(), |map| check_map(store, map)) {
        for problem in problems? {
            if !look.has_retired(&problem.object)? {
                verified.problems.push(problem);
            }
        }
    }
    // What an unreadable part of the catalog names cannot be told from what nothing names.
    if reached.unreadable.is_empty() {
        foreign(&look, reached, &mut verified)?;
    }
    verified.problems.sort_unstable();
    verified.problems.dedup_by(|a, b| a.object == b.object);
    Ok(verified)
}

fn check(store: &dyn Store, ObjectRef { key, sha256, bytes, .. }: &ObjectRef) -> Result<Option<Problem>> {
    let problem = |found, detail| Ok(Some(Problem { object: key.clone(), found, detail }));
    let reader = match store.open(key) {
        Err(error) if error.kind() == Kind::Damaged => {
            return problem(Found::Missing, "there is no such object".into());
        }
        opened => opened?.1,
    };
    let mut reader = HashingReader::new(reader);
    std::io::copy(&mut reader, &mut std::io::sink())
        .map_err(|error| Error::new(Kind::Unavailable, format!("cannot read `{key}`: {error}")))?;
    let found = reader.finish();
    match found == (*bytes, sha256.clone()) {
        true => Ok(None),
        false => problem(
            Found::Damaged,
            format!("{} bytes with sha256 {}; the catalog says {bytes} with {sha256}", found.0, found.1),
        ),
    }
}

/// The first thing that is wrong with each run.
fn check_map(store: &dyn Store, map: &SortedRuns) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for (run, map) in map.runs().iter().zip(map.each_run()) {
        let found = match store.exists(&run.key)? {
            true => Found::Damaged,
            false => Found::Missing,
        };
        match map.scan(store, |_, _| Ok(())) {
            Err(error) if error.kind() == Kind::Damaged => {
                problems.push(Problem { object: run.key.clone(), found, detail: error.to_string() });
            }
            scanned => scanned?,
        }
    }
    Ok(problems)
}

/// Lists what no commit names.
fn foreign(look: &Look<'_>, mut reached: Reached, verified: &mut Verified) -> Result<()> {
    let store = look.store();
    let retired: HashSet<&String> = look.state().retired.iter().collect();
    let mut unnamed = Vec::new();
    let mut now = 0;
    for layer in [SILVER, GOLD, QUARANTINE, CATALOG] {
        for meta in store.list(layer, "")? {
            now = now.max(meta.modified);
            // Those that came since have not been read.
            let known = meta.key.starts_with(COMMITS)
                || meta.key == WRITERS
                || retired.contains(&meta.key)
                || reached.names(&meta.key);
            if !known {
                unnamed.push(meta);
            }
        }
    }
    if unnamed.is_empty() {
        return Ok(());
    }
    // In this order: what a host wrote that is no longer at work is named by the newest commit, or will never be.
    let at_work = store.may_be_written()?;
    reached.follow(store).map_err(|error| if error.kind() == Kind::Conflict { busy(error) } else { error })?;
    for meta in unnamed {
        // Those that were deleted since are gone, and may be retired no longer.
        if reached.names(&meta.key) || !store.exists(&meta.key)? {
            continue;
        }
        let age = Duration::from_micros(now.saturating_sub(meta.modified).try_into().unwrap_or(0));
        if at_work && age < GRACE && OURS.iter().any(|layer| owner(layer, &meta.key).is_some()) {
            verified.pending += 1;
            continue;
        }
        let detail = "no commit names it".to_owned();
        verified.problems.push(Problem { object: meta.key, found: Found::Foreign, detail });
    }
    Ok(())
}
