//! Compares the tables of two components of a KPI over the same silver.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::Serialize;

use super::comparing::{Both, Comparing, Costs};
use crate::cells::cells;
use crate::plan::KpiPlan;
use crate::run::Host;
use crate::tables::partial::PartialAggregates;
use crate::tables::{Aggregation, rows_of};
use smelt_catalog::State;
use smelt_common::Error;
use smelt_common::clock::Clock;
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_common::progress::Unwatched;
use smelt_formats::Formulas;
use smelt_storage::Overlay;
use smelt_storage::layers::QUARANTINE;

/// The differences between two tables.
#[derive(Debug, Default, Serialize)]
pub struct TableDiff {
    /// The KPI.
    pub kpi: String,
    /// The columns that tell rows apart in both tables: the key that the plugin declares. If it declares none, or the
    /// two components declare different ones, the fewest leading columns that tell rows apart.
    pub key: Vec<String>,
    /// The columns of both tables: those of the old one, then those that only the new one has.
    pub columns: Vec<String>,
    /// The number of rows that both have alike.
    pub same: usize,
    /// Rows that both have, with other values.
    pub changed: Vec<ChangedRow>,
    /// Rows that only the new one has.
    pub added: Vec<Vec<String>>,
    /// Rows that only the old one has.
    pub removed: Vec<Vec<String>>,
    /// The resources that both used for all of silver.
    pub cost: Costs,
}

/// A row of both tables, as each has it.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedRow {
    /// The row of the old table, in the order of [`TableDiff::columns`].
    pub old: Vec<String>,
    /// The row of the new table, in the same order.
    pub new: Vec<String>,
}

impl TableDiff {
    /// Returns whether both tables have the same rows.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }

    /// Compares the tables. `declared` is the key that both components declare; `None` if they declare none or
    /// disagree.
    fn of(kpi: &str, old: &RecordBatch, new: &RecordBatch, declared: Option<&[&str]>) -> Result<Self> {
        let names = |table: &RecordBatch| -> Vec<String> {
            table.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
        };
        let (before, after) = (names(old), names(new));
        let mut columns = before.clone();
        columns.extend(after.iter().filter(|name| !before.contains(name)).cloned());
        // Every row gets all columns; a cell that a table lacks is empty.
        let widened = |table: &RecordBatch, own: &[String]| -> Result<Vec<Vec<String>>> {
            let places: Vec<_> = columns.iter().map(|name| own.iter().position(|other| other == name)).collect();
            let widen =
                |row: Vec<String>| places.iter().map(|at| at.map_or_else(String::new, |at| row[at].clone())).collect();
            Ok(cells(table, Formulas::Escape)?.into_iter().map(widen).collect())
        };
        let (old, new) = (widened(old, &before)?, widened(new, &after)?);
        let place = |name: &&str| columns.iter().position(|column| column == name);
        let declared = declared.and_then(|names| names.iter().map(place).collect::<Option<Vec<_>>>());
        let leading = (0..columns.len()).map(|width| (0..width).collect());
        let mut keys = declared.into_iter().chain(leading);
        let key = keys.find(|key| tells_apart(&old, key) && tells_apart(&new, key));
        let key = key.unwrap_or_else(|| (0..columns.len()).collect());
        let names = key.iter().map(|&at| columns[at].clone()).collect();
        let mut diff = Self { kpi: kpi.to_owned(), key: names, columns, ..Self::default() };
        let mut left: BTreeMap<Key<'_>, &Vec<String>> = new.iter().map(|row| (key_of(row, &key), row)).collect();
        for row in &old {
            match left.remove(&key_of(row, &key)) {
                None => diff.removed.push(row.clone()),
                Some(other) if other == row => diff.same += 1,
                Some(other) => diff.changed.push(ChangedRow { old: row.clone(), new: other.clone() }),
            }
        }
        diff.added.extend(new.iter().filter(|row| left.contains_key(&key_of(row, &key))).cloned());
        Ok(diff)
    }
}

type Key<'r> = Vec<&'r str>;

fn key_of<'r>(row: &'r [String], key: &[usize]) -> Key<'r> {
    key.iter().map(|&at| row[at].as_str()).collect()
}

/// Returns whether no two rows have the same text in those columns. A declared key may fail here, because a missing
/// text reads as an empty one.
fn tells_apart(rows: &[Vec<String>], key: &[usize]) -> bool {
    let mut keys: Vec<_> = rows.iter().map(|row| key_of(row, key)).collect();
    keys.sort_unstable();
    keys.windows(2).all(|two| two[0] != two[1])
}

impl Comparing<'_> {
    pub(super) fn tables(&self, kpi: &str, state: &State) -> Result<TableDiff> {
        let (old, new) = (self.table(self.old, kpi, state)?, self.table(self.new, kpi, state)?);
        let [before, after] = [self.old, self.new].map(|host| host.pipeline().table(kpi)?.plugin.spec().key_names());
        let declared = if before.is_some() && after.is_some() && before != after { None } else { before.or(after) };
        let diff = TableDiff::of(kpi, &old.0, &new.0, declared.as_deref())?;
        Ok(TableDiff { cost: Both { old: old.1, new: new.1 }, ..diff })
    }

    /// Returns the table as that host would rebuild it, and the resources that it used.
    fn table(&self, host: &Host, kpi: &str, state: &State) -> Result<(RecordBatch, Cost)> {
        let store = Overlay::new(self.lake.open()?, |_| true, QUARANTINE)?;
        let mut state = state.clone();
        state.gold.remove(kpi);
        let aggregation = Aggregation {
            store: &store,
            pipeline: host.pipeline(),
            state: &state,
            now: Clock::System.now(),
            as_of: host.as_of(),
            damaged: &BTreeMap::new(),
            partials: &PartialAggregates::default(),
            progress: &Unwatched,
        };
        let missing = || Error::internal(format!("table `{kpi}` was not made"));
        let step = host.pipeline().table(kpi).ok_or_else(missing)?;
        let only = |_: &State, level| {
            let reason = Some("compared".to_owned());
            let plan =
                KpiPlan { kpi: kpi.to_owned(), reason, parked: None, waits_for: None, table: None, estimate: None };
            if level == step.level { vec![plan] } else { vec![] }
        };
        let mut outcome = aggregation.run(&only)?.complete()?;
        let made = outcome.change.gold.get(kpi).ok_or_else(missing)?;
        let table = match outcome.made.tables.remove(kpi) {
            Some(table) => table,
            None => rows_of(&store, step, made)?,
        };
        Ok((table, made.cost))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};

    use super::*;

    /// Returns a table with the columns `rank` and `name`.
    fn table(rows: &[[&str; 2]]) -> RecordBatch {
        let column =
            |at: usize| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row[at]))) };
        RecordBatch::try_from_iter([("rank", column(0)), ("name", column(1))]).expect("a table")
    }

    #[test]
    fn the_declared_key_matches_rows_wherever_its_columns_are() {
        let (old, new) = (table(&[["1", "tea"], ["2", "milk"]]), table(&[["1", "milk"], ["2", "tea"], ["3", "jam"]]));
        let diff = TableDiff::of("top", &old, &new, Some(&["name"])).expect("they are compared");
        assert_eq!(diff.key, ["name"]);
        let changed: Vec<_> = diff.changed.iter().map(|row| (row.old.as_slice(), row.new.as_slice())).collect();
        let row = |rank: &str, name: &str| vec![rank.to_owned(), name.to_owned()];
        assert_eq!(
            changed,
            [(&row("1", "tea")[..], &row("2", "tea")[..]), (&row("2", "milk")[..], &row("1", "milk")[..])]
        );
        assert_eq!((diff.added, diff.removed.len()), (vec![row("3", "jam")], 0));
    }

    #[test]
    fn without_a_key_that_tells_rows_apart_the_leading_columns_do() {
        let (old, new) = (table(&[["1", "tea"], ["2", "tea"]]), table(&[["1", "tea"]]));
        for declared in [None, Some(&["name"][..]), Some(&["week"])] {
            let diff = TableDiff::of("top", &old, &new, declared).expect("they are compared");
            assert_eq!((diff.key, diff.same, diff.removed.len()), (vec!["rank".to_owned()], 1, 1));
        }
    }
}
