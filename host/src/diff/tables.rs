//! Two KPIs over the same silver, table against table.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::Serialize;

use super::{Both, Comparing, Costs};
use crate::Error;
use crate::aggregate::Aggregation;
use crate::catalog::{Cost, State};
use crate::clock::Clock;
use crate::codec::Formulas;
use crate::error::{Kind, Result};
use crate::fresh::Fresh;
use crate::plan::KpiPlan;
use crate::progress::Progress;
use crate::run::Host;
use crate::store::Overlay;
use crate::table::cells;

/// What is different between two tables. Rows are told apart by the fewest leading columns that do so in both.
#[derive(Debug, Default, Serialize)]
pub struct TableDiff {
    /// The KPI.
    pub kpi: String,
    /// The columns by which rows are told apart.
    pub key: Vec<String>,
    /// The columns of both: those of the old one, then those that only the new one has.
    pub columns: Vec<String>,
    /// How many rows both have alike.
    pub same: usize,
    /// Rows that both have, with other values.
    pub changed: Vec<ChangedRow>,
    /// Rows that only the new one has.
    pub added: Vec<Vec<String>>,
    /// Rows that only the old one has.
    pub removed: Vec<Vec<String>>,
    /// What both used for all of silver.
    pub cost: Costs,
}

/// A row of both tables, as each has it.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedRow {
    /// As the old one has it, in the order of [`TableDiff::columns`].
    pub old: Vec<String>,
    /// As the new one does.
    pub new: Vec<String>,
}

impl TableDiff {
    /// Whether both tables have the same rows.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }

    fn of(kpi: &str, old: &RecordBatch, new: &RecordBatch) -> Result<Self> {
        let names = |table: &RecordBatch| -> Vec<String> {
            table.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
        };
        let (before, after) = (names(old), names(new));
        let mut columns = before.clone();
        columns.extend(after.iter().filter(|name| !before.contains(name)).cloned());
        // All rows with all columns; a cell that a table lacks is empty.
        let widened = |table: &RecordBatch, own: &[String]| -> Result<Vec<Vec<String>>> {
            let places: Vec<_> = columns.iter().map(|name| own.iter().position(|other| other == name)).collect();
            let widen =
                |row: Vec<String>| places.iter().map(|at| at.map_or_else(String::new, |at| row[at].clone())).collect();
            Ok(cells(table, Formulas::Escape)?.into_iter().map(widen).collect())
        };
        let (old, new) = (widened(old, &before)?, widened(new, &after)?);
        let width = key_width(&old, &new, columns.len());
        let mut diff = Self { kpi: kpi.to_owned(), key: columns[..width].to_vec(), columns, ..Self::default() };
        let mut left: BTreeMap<&[String], &Vec<String>> = new.iter().map(|row| (&row[..width], row)).collect();
        for row in &old {
            match left.remove(&row[..width]) {
                None => diff.removed.push(row.clone()),
                Some(other) if other == row => diff.same += 1,
                Some(other) => diff.changed.push(ChangedRow { old: row.clone(), new: other.clone() }),
            }
        }
        diff.added.extend(new.iter().filter(|row| left.contains_key(&row[..width])).cloned());
        Ok(diff)
    }
}

/// How many leading columns tell the rows of both tables apart.
fn key_width(old: &[Vec<String>], new: &[Vec<String>], columns: usize) -> usize {
    let tells_apart = |rows: &[Vec<String>], width: usize| {
        let mut keys: Vec<_> = rows.iter().map(|row| &row[..width]).collect();
        keys.sort_unstable();
        keys.windows(2).all(|two| two[0] != two[1])
    };
    (0..columns).find(|&width| tells_apart(old, width) && tells_apart(new, width)).unwrap_or(columns)
}

impl Comparing<'_> {
    pub(super) fn tables(&self, kpi: &str, state: &State) -> Result<TableDiff> {
        let (old, new) = (self.table(self.old, kpi, state)?, self.table(self.new, kpi, state)?);
        let diff = TableDiff::of(kpi, &old.0, &new.0)?;
        Ok(TableDiff { cost: Both { old: old.1, new: new.1 }, ..diff })
    }

    /// The table as that host would compute it anew.
    fn table(&self, host: &Host, kpi: &str, state: &State) -> Result<(RecordBatch, Cost)> {
        let store = Overlay::new(self.lake.open()?, |_| true)?;
        let mut state = state.clone();
        state.gold.remove(kpi);
        let aggregation = Aggregation {
            store: &store,
            pipeline: host.pipeline(),
            state: &state,
            now: Clock::System.now(),
            as_of: host.as_of(),
            fresh: &Fresh::default(),
            progress: &Progress::new(false),
        };
        let plan = KpiPlan {
            kpi: kpi.to_owned(),
            reason: Some("compared".to_owned()),
            parked: None,
            table: None,
            estimate: None,
        };
        let mut outcome = aggregation.run(&[plan])?;
        if let Some((what, error)) = outcome.failures.pop() {
            return Err(error.context(what));
        }
        if let Some((dataset, why)) = outcome.damaged.pop_first() {
            return Err(Error::new(Kind::Damaged, format!("dataset `{dataset}`: {why}; `smelt run` makes it anew")));
        }
        let table =
            outcome.tables.remove(kpi).ok_or_else(|| Error::internal(format!("KPI `{kpi}` was not computed")))?;
        let cost = outcome.change.gold.get(kpi).map(|gold| gold.cost).unwrap_or_default();
        Ok((table, cost))
    }
}
