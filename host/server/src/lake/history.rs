//! What commits did to a relation.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use smelt_catalog::{ObjectRef, read_commit};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::ordered::Column;
use smelt_formats::Formulas;

use super::facts::{Facts, RelationKind};
use super::rows::{schema_of, visit_file};
use super::snapshot::{RunSummary, Step};
use super::watch::Seen;
use crate::frame::{Cell, cell};

/// The most changes that a difference adds up.
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

/// Returns the newest change of the relation in the commits up to this one; 0 if there is none.
fn newest(seen: &Seen, facts: &Facts<'_>, commit: u64) -> u64 {
    if commit >= seen.snapshot().commit() {
        return facts.relation.revision;
    }
    // Commits before a restored backup may be gone; what is there is shown.
    let then = read_commit(seen.store(), commit).ok();
    then.and_then(|then| Some(Facts::of(&then.state, facts.name)?.relation.revision)).unwrap_or(0)
}

/// Returns the changes of a relation, from the newest one in the commits up to `last` back to the first.
fn steps<'s>(seen: &'s Seen, facts: &Facts<'s>, last: u64) -> impl Iterator<Item = (Arc<RunSummary>, Step)> + 's {
    let (name, mut at) = (facts.name, newest(seen, facts, last));
    std::iter::from_fn(move || {
        let run = seen.snapshot().run(seen.store(), at)?;
        let step = run.step(name)?;
        // The one before is older, or this would not end.
        at = if step.previous < at { step.previous } else { 0 };
        Some((run, step))
    })
}

/// Returns the last commits up to `last` that changed the relation, the newest one first.
pub fn changes_of(seen: &Seen, facts: &Facts<'_>, last: u64, most: usize) -> Vec<ChangeSummary> {
    let is_dataset = facts.kind == RelationKind::Dataset;
    let summary = |(run, step): (Arc<RunSummary>, Step)| {
        let Step { previous, is_reset, came, left } = step;
        let is_noted = !is_reset && !is_dataset;
        let (came, left) = (is_noted.then_some(came), is_noted.then_some(left));
        ChangeSummary { commit: run.commit, at: run.at.clone(), previous, is_reset, came, left }
    };
    steps(seen, facts, last).take(most).map(summary).collect()
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
    let untold = || Error::config(format!("the lake does not tell what changed in `{name}` since commit {from}"));
    let mut counts: HashMap<Vec<u8>, (Vec<Cell>, i64)> = HashMap::new();
    let (mut rows, mut followed) = (0, 0);
    let mut last = newest(seen, facts, to);
    if last == 0 {
        return Err(untold());
    }
    for (run, step) in steps(seen, facts, last) {
        let commit = run.commit;
        if commit <= from {
            last = commit;
            break;
        }
        if step.is_reset {
            return Err(Error::config(format!(
                "commit {commit} made `{name}` anew, and does not note how its rows differ; choose a difference after it"
            )));
        }
        followed += 1;
        rows += step.came + step.left;
        if followed > MOST || rows > MOST_ROWS {
            let many = if followed > MOST { format!("{MOST} commits") } else { format!("{MOST_ROWS} rows") };
            return Err(Error::config(format!(
                "more than {many} changed `{name}` between them; choose commits that are nearer to each other"
            )));
        }
        let Some(change) = read_commit(seen.store(), commit)?.relations.remove(name) else { return Err(untold()) };
        for (object, sign) in [(change.added, 1), (change.removed.map(|removed| removed.rows), -1)] {
            let Some(object) = object else { continue };
            count(seen, &object, &schema, sign, &mut counts).map_err(|error| match error.kind() {
                Kind::Damaged => Error::config(format!("the lake no longer has the rows that commit {commit} changed")),
                _ => error,
            })?;
        }
        last = step.previous;
    }
    if last > from {
        return Err(untold());
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
