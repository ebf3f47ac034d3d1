//! Finds the objects that a row of gold came from: those without which it would be another row.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::Serialize;

use super::reproduce::Reproduction;
use super::target::{Origins, Target, as_seen, find, is_behind};
use crate::cells::cells;
use crate::pipeline::Pipeline;
use crate::tables::{LeaveOneOut, States, Without};
use smelt_catalog::{Entry, Fingerprint};
use smelt_catalog::{State, look};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_formats::Formulas;
use smelt_storage::Store;
use smelt_storage::layers::BRONZE;

/// A row of a KPI's table and what it came from.
#[derive(Debug, Serialize)]
pub struct RowLineage {
    /// The KPI.
    pub kpi: String,
    /// The table.
    pub table: String,
    /// The table's columns.
    pub columns: Vec<String>,
    /// The row, as it stands in gold.
    pub row: Vec<String>,
    /// The number of silver objects that the KPI reads.
    pub objects: usize,
    /// The silver objects without which the row would be another one, in the order of their bronze objects' names.
    pub from: Vec<Influence>,
}

/// An object's influence on a row.
#[derive(Debug, Serialize)]
pub struct Influence {
    /// The silver object.
    pub silver: String,
    /// The bronze object that it was made of.
    pub bronze: String,
    /// The row as it would be without the object; `None` if there would be no row.
    pub without: Option<Vec<String>>,
}

/// Explains the row of the KPI's table that has these cells, `column=value` each.
///
/// A row came from an object if the table, computed from the silver of all others, had another row in its place or
/// none. A superseded row is in no silver, so no row of gold comes from it. None comes from an object that only
/// superseded rows of others, either.
///
/// # Errors
/// Fails if no row has these cells, or several do, or if the table cannot be computed again.
pub fn row_lineage(reproduction: &Reproduction<'_>, kpi: &str, cells: &[String]) -> Result<RowLineage> {
    let store = reproduction.lake.open()?;
    let mut seen = Seen::default();
    let asked = kpi;
    look(&*store, |state| {
        let (is_held, state) = (state.held.is_some(), &*as_seen(state, asked)?);
        let Target::Gold(kpi) = find(&*store, state, kpi)? else {
            return Err(Error::config(format!("`{kpi}` is no KPI; --row takes a row of a KPI's table")));
        };
        let gold = &state.gold[&kpi];
        match explain_in(reproduction, &*store, state, &kpi, cells, &mut seen) {
            Err(error) if error.kind() == Kind::Damaged && is_held => {
                let table = gold.shown(&kpi).key;
                let why = format!(
                    "the lake no longer has everything that `{table}` was made from, because its silver has changed while newer \
                     tables are held; its rows have a lineage again once those are published: {error}"
                );
                Err(Error::new(Kind::InvalidInput, why))
            }
            Err(error) if error.kind() == Kind::Damaged && is_behind(state, gold) => {
                let table = gold.shown(&kpi).key;
                let why = format!(
                    "the lake no longer has everything that `{table}` was made from, because its silver has changed; \
                     `smelt aggregate` brings the table up to date, and then its rows have a lineage again: {error}"
                );
                Err(Error::new(Kind::Conflict, why))
            }
            explained => explained,
        }
    })
}

/// The fingerprints of the plugins that made datasets or tables, by name.
type Makers = BTreeMap<String, Fingerprint>;

/// The pipeline and the states that one look leaves to the next. If others commit faster than all silver is read, each
/// look then reads only what is new.
#[derive(Default)]
struct Seen {
    /// The fingerprints that the pipeline was loaded for, and the pipeline as it was.
    pipeline: Option<(Makers, Makers, Pipeline)>,
    states: States,
}

fn explain_in(
    reproduction: &Reproduction<'_>,
    store: &dyn Store,
    state: &State,
    kpi: &str,
    cells: &[String],
    seen: &mut Seen,
) -> Result<RowLineage> {
    let gold = &state.gold[kpi];
    let origins = Origins::of(store, state, kpi)?;
    origins.expect_rows(state, kpi)?;
    let datasets = origins.cleaned_by();
    let Seen { pipeline, states } = seen;
    let is_it = |(of, by, _): &(_, _, _)| (of, by) == (&datasets, &origins.tables);
    if !pipeline.as_ref().is_some_and(is_it) {
        let loaded = reproduction.recorded(store, &datasets, &origins.tables, None)?;
        *states = States::default();
        *pipeline = Some((datasets, origins.tables.clone(), loaded));
    }
    let (_, _, pipeline) = pipeline.as_ref().ok_or_else(|| Error::internal("no pipeline"))?;
    let leave_one_out = LeaveOneOut::open(store, pipeline, state, kpi)?;
    let step = leave_one_out.step();
    let table = leave_one_out.table()?;
    let found = Rows::of(&table)?;
    let selected = Selection::parse(cells, &found)?;
    let row = selected.only(&found, &gold.shown(kpi).key)?;
    // The row has the same key in other tables, whatever cells were asked for.
    let key = step.plugin.spec().key.as_ref();
    let selected = key.map_or(selected, |key| Selection(key.iter().map(|&at| (at, row[at].clone())).collect()));

    let mut objects = Vec::new();
    for (name, (_, _, entries)) in &origins.datasets {
        let read = entries.iter().filter(|(_, entry)| !entry.is_held());
        objects.extend(read.map(|(object, entry)| Without { dataset: name, object, entry }));
    }
    let tables = leave_one_out.without(&objects, states)?;
    let mut from = Vec::new();
    for (Without { object, entry: Entry { silver, .. }, .. }, table) in objects.iter().zip(&tables) {
        let rows = Rows::of(table)?;
        let mut matching = rows.rows.into_iter().filter(|row| selected.matches(row));
        let without = matching.next();
        if without.as_ref() != Some(&row) {
            from.push(Influence { silver: silver.key.clone(), bronze: format!("{BRONZE}{object}"), without });
        }
    }
    from.sort_by(|a, b| a.bronze.cmp(&b.bronze));
    let Rows { columns, .. } = found;
    Ok(RowLineage { table: gold.shown(kpi).key, kpi: kpi.to_owned(), columns, row, objects: objects.len(), from })
}

struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn of(table: &RecordBatch) -> Result<Self> {
        let columns = table.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
        Ok(Self { columns, rows: cells(table, Formulas::Escape)? })
    }
}

/// Cells that a row must have: the number of the column, and the text.
struct Selection(Vec<(usize, String)>);

impl Selection {
    fn parse(cells: &[String], rows: &Rows) -> Result<Self> {
        let parse = |cell: &String| {
            let wrong = |why: &str| {
                let columns = rows.columns.join(", ");
                Error::config(format!("`{cell}` {why}; write `column=value`, with one of the columns {columns}"))
            };
            let (column, value) = cell.split_once('=').ok_or_else(|| wrong("is not of the form `column=value`"))?;
            let at = rows
                .columns
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| wrong("has a column that the table lacks"))?;
            Ok((at, value.to_owned()))
        };
        cells.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    fn matches(&self, row: &[String]) -> bool {
        self.0.iter().all(|(column, value)| row.get(*column) == Some(value))
    }

    /// Returns the only row that matches.
    fn only(&self, rows: &Rows, table: &str) -> Result<Vec<String>> {
        let matching: Vec<_> = rows.rows.iter().filter(|row| self.matches(row)).collect();
        match matching.as_slice() {
            [row] => Ok((*row).clone()),
            [] => Err(Error::config(format!("no row of `{table}` has these cells"))),
            several => Err(Error::config(format!(
                "{} rows of `{table}` have these cells, among them {}; give more `column=value` to tell them apart",
                several.len(),
                several.iter().take(3).map(|row| format!("({})", row.join(", "))).collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}
