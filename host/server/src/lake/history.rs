//! What commits did to a relation.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use smelt_catalog::{ObjectRef, RelationChange, read_commit};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::ordered::Column;
use smelt_formats::Formulas;

use super::facts::{Facts, RelationKind};
use super::rows::{schema_of, visit_file};
use super::watch::Seen;
use crate::frame::{Cell, cell};

/// The most commits that are followed.
const MOST: usize = 100;
/// The most rows of a difference.
const MOST_ROWS: u64 = 200_000;

/// A change of a relation.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ChangeSummary {
    /// The commit.
    pub commit: u64,
    /// Its time, in RFC 3339.
    pub at: String,
    /// The commit that changed the relation before; 0 if none did.
    pub previous: u64,
    /// Set if the relation was made anew, so that how it differs is not noted.
    pub is_reset: bool,
    /// The rows that came, if that is noted.
    pub came: Option<u64>,
    /// The rows that left, if that is noted.
    pub left: Option<u64>,
}

/// The rows by which a relation differs between two commits.
pub struct Difference {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows that came, each with how often.
    pub came: Vec<(Vec<Cell>, i64)>,
    /// The rows that left.
    pub left: Vec<(Vec<Cell>, i64)>,
}

fn changes(seen: &Seen, facts: &Facts<'_>) -> Vec<(u64, String, RelationChange)> {
    let (mut found, mut at) = (Vec::new(), facts.relation.revision);
    while at > 0 && found.len() < MOST {
        // Commits before a restored backup may be gone; what is there is shown.
        let Ok(mut commit) = read_commit(seen.store(), at) else { break };
        let Some(change) = commit.relations.remove(facts.name) else { break };
        let previous = change.previous;
        found.push((at, commit.at, change));
        if previous >= at {
            break;
        }
        at = previous;
    }
    found
}

/// Returns the commits that changed the relation, the newest one first.
pub fn changes_of(seen: &Seen, facts: &Facts<'_>) -> Vec<ChangeSummary> {
    let is_dataset = facts.kind == RelationKind::Dataset;
    let summary = |(commit, at, change): (u64, String, RelationChange)| {
        let rows = |object: Option<&ObjectRef>| object.map_or(0, |object| object.rows);
        let came = rows(change.added.as_ref());
        let left = rows(change.removed.as_ref().map(|removed| &removed.rows));
        let is_noted = !change.reset && !is_dataset;
        ChangeSummary {
            commit,
            at,
            previous: change.previous,
            is_reset: change.reset,
            came: is_noted.then_some(came),
            left: is_noted.then_some(left),
        }
    };
    changes(seen, facts).into_iter().map(summary).collect()
}

/// Returns the rows by which a table differs between two commits.
///
/// # Errors
/// The difference is not noted, or no longer; the message says why.
pub fn difference(seen: &Seen, facts: &Facts<'_>, from: u64, to: u64) -> Result<Difference> {
    let name = facts.name;
    let (from, to, is_back) = if from <= to { (from, to, false) } else { (to, from, true) };
    if facts.kind == RelationKind::Dataset {
        return Err(Error::config(format!(
            "`{name}` is a dataset: `smelt history --objects` has what became of each object's rows"
        )));
    }
    let shape = facts.relation.shape.as_ref().ok_or_else(|| Error::config("its columns are not noted"))?;
    let schema = schema_of(name, shape)?;
    let mut counts: HashMap<Vec<u8>, (Vec<Cell>, i64)> = HashMap::new();
    let mut rows = 0;
    let mut reached = facts.relation.revision <= to;
    let mut last = facts.relation.revision;
    for (commit, _, change) in changes(seen, facts) {
        reached |= commit <= to;
        last = change.previous;
        if commit <= from {
            last = commit;
            break;
        }
        if commit > to {
            continue;
        }
        if change.reset {
            return Err(Error::config(format!(
                "commit {commit} made `{name}` anew, and does not note how its rows differ; choose a difference after it"
            )));
        }
        for (object, sign) in [(change.added, 1), (change.removed.map(|removed| removed.rows), -1)] {
            let Some(object) = object else { continue };
            rows += object.rows;
            if rows > MOST_ROWS {
                return Err(Error::config(format!(
                    "more than {MOST_ROWS} rows changed; choose commits that are nearer to each other"
                )));
            }
            count(seen, &object, &schema, sign, &mut counts).map_err(|error| match error.kind() {
                Kind::Damaged => Error::config(format!("the lake no longer has the rows that commit {commit} changed")),
                _ => error,
            })?;
        }
    }
    if !reached || last > from {
        return Err(Error::config(format!("the lake does not tell what changed in `{name}` since commit {from}")));
    }
    let mut all: Vec<_> = counts.into_iter().filter(|(_, (_, count))| *count != 0).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    let (came, left): (Vec<_>, Vec<_>) =
        all.into_iter().map(|(_, row)| row).partition(|(_, count)| (*count > 0) != is_back);
    Ok(Difference { schema, came, left })
}

fn count(
    seen: &Seen,
    object: &ObjectRef,
    schema: &SchemaRef,
    sign: i64,
    counts: &mut HashMap<Vec<u8>, (Vec<Cell>, i64)>,
) -> Result<()> {
    visit_file(seen.store(), object, schema, Formulas::Keep, &mut |rows| {
        let columns: Vec<_> = rows.columns().iter().map(|column| Column::of(column.as_ref())).collect();
        for row in 0..rows.num_rows() {
            let mut key = Vec::new();
            columns.iter().for_each(|column| column.encode(row, &mut key));
            let values = || rows.columns().iter().map(|column| cell(&Arc::clone(column), row)).collect();
            counts.entry(key).or_insert_with(|| (values(), 0)).1 += sign;
        }
        Ok(())
    })
}
