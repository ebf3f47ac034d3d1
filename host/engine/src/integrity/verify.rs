//! Reads again everything that the catalog references.

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
use smelt_connectors::{files_of, is_record};
use smelt_storage::layers::{CATALOG, GOLD, QUARANTINE, SILVER};
use smelt_storage::sorted_runs::SortedRun;
use smelt_storage::{Meta, Store, WRITERS};

/// The result of [`verify`]: what was read, and what is wrong.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// The newest commit.
    pub sequence: u64,
    /// The number of objects that were read.
    pub objects: usize,
    /// The number of bytes that these have.
    pub bytes: u64,
    /// The number of objects that no commit references yet, with keys of the kind that a host writes. A host may be
    /// about to commit them.
    pub pending: usize,
    /// The problems, in the order of keys.
    pub problems: Vec<Problem>,
}

/// An object that is not as it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Its key.
    pub object: String,
    /// The kind of defect.
    pub found: Defect,
    /// The defect in words.
    pub detail: String,
}

/// A kind of defect of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Defect {
    /// A commit references the object, and it is not there.
    Missing,
    /// The object's bytes are not what they were.
    Damaged,
    /// No commit references the object, and no host is about to commit it, as far as that can be told.
    Foreign,
}

/// Reads everything that the newest commit references, and lists what no commit references. What others retire
/// meanwhile is left out, and so is what they are about to commit.
///
/// # Errors
/// Fails if the store cannot be read, or if others commit faster than the catalog can be read. What is wrong with a
/// single object is part of the result.
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
        verified.problems.push(Problem { object, found: Defect::Missing, detail: error.to_string() });
    }
    let unreadable = reached.unreadable.iter().map(|(object, error)| Problem {
        object: object.clone(),
        found: Defect::Damaged,
        detail: error.to_string(),
    });
    verified.problems.extend(unreadable);
    let objects: Vec<&ObjectRef> = reached.objects.values().collect();
    progress.begin("verifying", objects.iter().map(|object| object.bytes).sum());
    let read = workers::map(objects, |object| {
        let problem = read_again(store, CATALOG_SAYS, object);
        progress.advance(object.bytes);
        (object, problem)
    });
    progress.end();
    for (object, problem) in read {
        verified.objects += 1;
        verified.bytes += object.bytes;
        if problem?.is_some() && !look.has_retired(&object.key)? {
            // A second look is needed: a component, for example, may just have been replaced by another copy of itself.
            verified.problems.extend(read_again(store, CATALOG_SAYS, object)?);
        }
    }
    verified.objects += reached.runs.len();
    verified.bytes += reached.runs.values().map(|run| run.bytes).sum::<u64>();
    for problem in workers::map(reached.runs.values().collect(), |run| read_run_again(store, run)) {
        if let Some(problem) = problem?
            && !look.has_retired(&problem.object)?
        {
            verified.problems.push(problem);
        }
    }
    // If a part of the catalog is unreadable, what it references cannot be told from what nothing references.
    if reached.unreadable.is_empty() {
        foreign(&look, reached, &mut verified)?;
    }
    verified.problems.sort_unstable();
    verified.problems.dedup_by(|a, b| a.object == b.object);
    Ok(verified)
}

/// The name of the one that says how the objects of the lake have to be.
const CATALOG_SAYS: &str = "the catalog";

/// Reads an object that has to have that size and sha256, as `who` says. Returns what is wrong with it.
fn read_again(
    store: &dyn Store,
    who: &str,
    ObjectRef { key, sha256, bytes, .. }: &ObjectRef,
) -> Result<Option<Problem>> {
    let problem = |found, detail| Ok(Some(Problem { object: key.clone(), found, detail }));
    let reader = match store.open(key) {
        Err(error) if error.kind() == Kind::Damaged => {
            return problem(Defect::Missing, "there is no such object".into());
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
            Defect::Damaged,
            format!("{} bytes with sha256 {}; {who} says {bytes} with {sha256}", found.0, found.1),
        ),
    }
}

/// Returns the first problem of the run.
fn read_run_again(store: &dyn Store, run: &SortedRun) -> Result<Option<Problem>> {
    let found = match store.exists(&run.key)? {
        true => Defect::Damaged,
        false => Defect::Missing,
    };
    match run.verify(store) {
        Err(error) if error.kind() == Kind::Damaged => {
            Ok(Some(Problem { object: run.key.clone(), found, detail: error.to_string() }))
        }
        verified => verified.map(|()| None),
    }
}

/// Lists what no commit references.
fn foreign(look: &Look<'_>, mut reached: Reached, verified: &mut Verified) -> Result<()> {
    let store = look.store();
    let retired: HashSet<&String> = look.state().retired.iter().collect();
    let mut unreferenced = Vec::new();
    let mut now = 0;
    for layer in [SILVER, GOLD, QUARANTINE, CATALOG] {
        for meta in store.list(layer, "")? {
            now = now.max(meta.modified);
            // Commits that came since have not been read.
            let known = meta.key.starts_with(COMMITS)
                || meta.key == WRITERS
                || retired.contains(&meta.key)
                || reached.references(&meta.key);
            if !known {
                unreferenced.push(meta);
            }
        }
    }
    of_sinks(store, &mut unreferenced, verified)?;
    if unreferenced.is_empty() {
        return Ok(());
    }
    // The order matters. If a host that wrote an object is no longer at work, the newest commit references the object,
    // or no commit ever will.
    let at_work = store.may_be_written()?;
    reached.follow(store).map_err(|error| if error.kind() == Kind::Conflict { busy(error) } else { error })?;
    for meta in unreferenced {
        // Objects that were deleted since are gone, and the catalog may no longer list them as retired.
        if reached.references(&meta.key) || !store.exists(&meta.key)? {
            continue;
        }
        let age = Duration::from_micros(now.saturating_sub(meta.modified).try_into().unwrap_or(0));
        if at_work && age < GRACE && OURS.iter().any(|layer| owner(layer, &meta.key).is_some()) {
            verified.pending += 1;
            continue;
        }
        let detail = "no commit references it".to_owned();
        verified.problems.push(Problem { object: meta.key, found: Defect::Foreign, detail });
    }
    Ok(())
}

/// Reads the files that sinks have written into the layers, as their records list them, and takes them from the list.
fn of_sinks(store: &dyn Store, unreferenced: &mut Vec<Meta>, verified: &mut Verified) -> Result<()> {
    let mut theirs = HashSet::new();
    for record in unreferenced.iter().map(|meta| &meta.key).filter(|key| is_record(key)) {
        theirs.insert(record.clone());
        let files = files_of(store, record)?;
        for (key, bytes, sha256) in &files {
            theirs.insert(key.clone());
            let file = ObjectRef { key: key.clone(), sha256: sha256.clone(), bytes: *bytes, rows: 0 };
            let problem = read_again(store, &format!("`{record}`"), &file)?;
            verified.objects += 1;
            verified.bytes += bytes;
            // A sink may have written them again meanwhile.
            if let Some(problem) = problem.filter(|_| files_of(store, record).is_ok_and(|now| now == files)) {
                let detail = format!("{}; `smelt run --reconcile` writes it again", problem.detail);
                verified.problems.push(Problem { detail, ..problem });
            }
        }
    }
    unreferenced.retain(|meta| !theirs.contains(&meta.key));
    Ok(())
}
