//! A diff in parts that text and HTML share: a section for each dataset and KPI, with counts, notes and tables.

use smelt_common::cost::Cost;
use smelt_engine::inspect::diff::{Both, ChangedCell, ChangedRow, Costs, Diff, RowDiff, Rules, TableDiff};

use crate::table::{short, thousands};

/// The differences in one dataset or in the table of one KPI.
pub(super) struct Section {
    /// `dataset` or `KPI`.
    pub(super) kind: &'static str,
    /// The name of the dataset or KPI.
    pub(super) name: String,
    /// The rows that were compared, such as `120 rows of 3 of 5 objects`.
    pub(super) compared: String,
    /// The counts of rows: the same, changed, added and removed, each with its number in words.
    pub(super) counts: [(Change, String); 4],
    /// Sentences about rules and columns.
    pub(super) notes: Vec<String>,
    /// Some of the differences.
    pub(super) tables: Vec<Table>,
    /// The time, instructions and memory of both components.
    pub(super) cost: String,
}

/// Differences of one section that have the same columns.
pub(super) struct Table {
    /// The names of the columns.
    pub(super) heading: Vec<String>,
    /// The rows.
    pub(super) rows: Vec<Row>,
}

/// A row that differs.
pub(super) struct Row {
    /// How it differs.
    pub(super) change: Change,
    /// Its cells, in the order of the columns.
    pub(super) cells: Vec<Cell>,
}

/// How a row of the new component differs from the old one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Both have the same row.
    Same,
    /// Both have the row, with different cells.
    Changed,
    /// Only the new component has it.
    Added,
    /// Only the old component has it.
    Removed,
}

/// A cell of a row.
pub(super) enum Cell {
    /// The same in both, or in the only one that has the row.
    One(String),
    /// The old component's and the new one's.
    Two(String, String),
}

/// Returns the plugin's name, the old component and the new one. A component is written as version and digest: `1.0.0 (50a1…)`.
pub(super) fn title(Diff { plugin, old, new, datasets: _, kpis: _ }: &Diff) -> [String; 3] {
    let side = |version: &str, sha256: &str| format!("{version} ({})", short(sha256));
    [plugin.clone(), side(&old.version, &old.sha256), side(&new.version, &new.sha256)]
}

/// Returns the sections of a diff, datasets first, with at most `most` rows of each kind of difference.
pub(super) fn sections(diff: &Diff, most: usize) -> Vec<Section> {
    let Diff { plugin: _, old: _, new: _, datasets, kpis } = diff;
    let datasets = datasets.iter().map(|diff| of_dataset(diff, most));
    datasets.chain(kpis.iter().map(|diff| of_kpi(diff, most))).collect()
}

fn of_dataset(diff: &RowDiff, most: usize) -> Section {
    let RowDiff {
        dataset,
        objects,
        of,
        rows,
        same,
        changed,
        added,
        removed,
        rejected,
        repaired,
        columns,
        cells,
        moved,
        cost,
    } = diff;
    let mut notes = vec![format!("rejected: {}", counts(rejected)), format!("repaired: {}", counts(repaired))];
    if !columns.is_empty() {
        let columns: Vec<_> = columns.iter().map(|(column, cells)| format!("{} {column}", thousands(*cells))).collect();
        notes.push(format!("cells changed: {}", columns.join(", ")));
    }
    let cell = |ChangedCell { object, row, column, old, new }: &ChangedCell| Row {
        change: Change::Changed,
        cells: vec![Cell::one(object), Cell::one(row), Cell::one(column), Cell::of(old, new)],
    };
    let mut tables = vec![Table {
        heading: ["bronze object", "row", "column", "cell"].map(str::to_owned).into(),
        rows: cells.iter().take(most).map(cell).collect(),
    }];
    let Both { old, new } = moved;
    let rows_of = |change, some: &[(String, u64)]| -> Vec<Row> {
        let row = |(object, row): &(String, u64)| Row { change, cells: vec![Cell::one(object), Cell::one(row)] };
        some.iter().take(most).map(row).collect()
    };
    tables.push(Table {
        heading: ["bronze object", "row"].map(str::to_owned).into(),
        rows: rows_of(Change::Added, new).into_iter().chain(rows_of(Change::Removed, old)).collect(),
    });
    Section {
        kind: "dataset",
        name: dataset.clone(),
        compared: format!(
            "{} rows of {} of {} objects",
            thousands(*rows),
            thousands(*objects as u64),
            thousands(*of as u64)
        ),
        counts: [
            (Change::Same, format!("{} kept alike", thousands(*same))),
            (Change::Changed, format!("{} changed", thousands(*changed))),
            (Change::Added, format!("{} kept only by the new component", thousands(*added))),
            (Change::Removed, format!("{} kept only by the old component", thousands(*removed))),
        ],
        notes,
        tables: tables.into_iter().filter(|table| !table.rows.is_empty()).collect(),
        cost: costs(cost, "these objects"),
    }
}

fn of_kpi(diff: &TableDiff, most: usize) -> Section {
    let TableDiff { kpi, key: _, columns, same, changed, added, removed, cost } = diff;
    let pair = |ChangedRow { old, new }: &ChangedRow| Row {
        change: Change::Changed,
        cells: old.iter().zip(new).map(|(old, new)| Cell::of(old, new)).collect(),
    };
    let only = |change, rows: &[Vec<String>]| -> Vec<Row> {
        let row = |row: &Vec<String>| Row { change, cells: row.iter().map(Cell::one).collect() };
        rows.iter().take(most).map(row).collect()
    };
    let rows: Vec<Row> = changed.iter().take(most).map(pair).collect();
    let rows: Vec<Row> =
        rows.into_iter().chain(only(Change::Added, added)).chain(only(Change::Removed, removed)).collect();
    let count = |rows: usize, what: &str| format!("{} {what}", thousands(rows as u64));
    Section {
        kind: "KPI",
        name: kpi.clone(),
        compared: count(same + changed.len() + added.len() + removed.len(), "rows"),
        counts: [
            (Change::Same, count(*same, "the same")),
            (Change::Changed, count(changed.len(), "changed")),
            (Change::Added, count(added.len(), "added")),
            (Change::Removed, count(removed.len(), "removed")),
        ],
        notes: vec![],
        tables: if rows.is_empty() { vec![] } else { vec![Table { heading: columns.clone(), rows }] },
        cost: costs(cost, "all of silver"),
    }
}

impl Cell {
    fn one(cell: impl ToString) -> Self {
        Self::One(cell.to_string())
    }

    fn of(old: &str, new: &str) -> Self {
        if old == new { Self::one(old) } else { Self::Two(old.to_owned(), new.to_owned()) }
    }
}

/// Returns rows by rule, such as `5 missing_id, 3 → 0 invalid_date`.
fn counts(rules: &Rules) -> String {
    let one = |(rule, Both { old, new }): (&String, &Both<u64>)| match old == new {
        true => format!("{} {rule}", thousands(*old)),
        false => format!("{} → {} {rule}", thousands(*old), thousands(*new)),
    };
    let all: Vec<_> = rules.iter().map(one).collect();
    if all.is_empty() { "0".to_owned() } else { all.join(", ") }
}

fn costs(Both { old, new }: &Costs, of: &str) -> String {
    let one = |Cost { micros, memory_bytes, fuel }: &Cost| {
        let (ms, mib) = (*micros as f64 / 1e3, *memory_bytes as f64 / f64::from(1 << 20));
        format!("{ms:.1} ms, {} instructions, {mib:.1} MiB", thousands(*fuel))
    };
    format!("cost of {of}: {} → {}", one(old), one(new))
}
