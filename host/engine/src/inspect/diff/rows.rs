//! Compares two components of a cleaner over the same bronze objects, row by row.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use serde::Serialize;

use super::comparing::{Both, Comparing, Costs};
use crate::cells::cells;
use crate::pipeline::DatasetStep;
use crate::run::Host;
use smelt_catalog::{Entries, State};
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_common::{Error, workers};
use smelt_formats::{DecodedBatch, Decoder, Formulas};
use smelt_runtime::{Cleaned, Session};
use smelt_storage::layers::BRONZE;
use smelt_storage::{Store, unavailable};

/// For each rule the number of rows, of both components.
pub type Rules = BTreeMap<String, Both<u64>>;

/// The fate of a dataset's rows. A row is identified by its place in bronze, before it is known which of the rows that
/// share a key stays.
#[derive(Debug, Default, Serialize)]
pub struct RowDiff {
    /// The dataset.
    pub dataset: String,
    /// The number of bronze objects that were compared.
    pub objects: usize,
    /// The number of bronze objects that the dataset has.
    pub of: usize,
    /// The well-formed rows in the compared objects.
    pub rows: u64,
    /// Rows that both keep, alike.
    pub same: u64,
    /// Rows that both keep, with other values.
    pub changed: u64,
    /// Rows that only the new one keeps.
    pub added: u64,
    /// Rows that only the old one keeps.
    pub removed: u64,
    /// Rows rejected, by rule.
    pub rejected: Rules,
    /// Rows repaired, by rule.
    pub repaired: Rules,
    /// Cells that changed, by column.
    pub columns: BTreeMap<String, u64>,
    /// Some of the cells that changed.
    pub cells: Vec<ChangedCell>,
    /// Some of the rows that were removed (`old`) and added (`new`): bronze object and number.
    pub moved: Both<Vec<(String, u64)>>,
    /// The resources that both used.
    pub cost: Costs,
}

/// A cell that both have, with other values.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedCell {
    /// The bronze object.
    pub object: String,
    /// The row's number in it, from 0.
    pub row: u64,
    /// The column. If only one of the components has it, the other's value is empty.
    pub column: String,
    /// The value that the old component writes.
    pub old: String,
    /// The value that the new component writes.
    pub new: String,
}

impl RowDiff {
    /// Returns whether the rows are the same, and were rejected and repaired by the same rules.
    pub fn is_empty(&self) -> bool {
        let same = |rules: &Rules| rules.values().all(|both| both.old == both.new);
        self.changed + self.added + self.removed == 0 && same(&self.rejected) && same(&self.repaired)
    }

    fn merge(&mut self, other: Self, examples: usize) {
        self.rows += other.rows;
        self.same += other.same;
        self.changed += other.changed;
        self.added += other.added;
        self.removed += other.removed;
        for (all, some) in [(&mut self.rejected, other.rejected), (&mut self.repaired, other.repaired)] {
            for (rule, Both { old, new }) in some {
                let both = all.entry(rule).or_default();
                *both = Both { old: both.old + old, new: both.new + new };
            }
        }
        for (column, cells) in other.columns {
            *self.columns.entry(column).or_default() += cells;
        }
        add_some(&mut self.cells, other.cells, examples);
        add_some(&mut self.moved.old, other.moved.old, examples);
        add_some(&mut self.moved.new, other.moved.new, examples);
        self.cost.old.merge(other.cost.old);
        self.cost.new.merge(other.cost.new);
    }
}

fn add_some<T>(all: &mut Vec<T>, some: Vec<T>, most: usize) {
    let room = most.saturating_sub(all.len());
    all.extend(some.into_iter().take(room));
}

/// One of the two components at work on an object.
struct Cleaner<'c> {
    step: &'c DatasetStep,
    session: Session<'c>,
    decoder: Decoder<Box<dyn std::io::Read + Send>>,
}

impl Comparing<'_> {
    pub(super) fn rows(&self, dataset: &str, state: &State) -> Result<RowDiff> {
        let names: Vec<String> =
            Entries::of(self.old.store(), &state.datasets[dataset]).all()?.into_iter().map(|(name, _)| name).collect();
        let count = names.len().min(self.sample);
        let chosen: Vec<&String> = (0..count).map(|at| &names[at * names.len() / count]).collect();
        let mut diff = RowDiff { dataset: dataset.to_owned(), objects: count, of: names.len(), ..RowDiff::default() };
        for compared in workers::map(chosen, |name| self.object(dataset, name)) {
            diff.merge(compared?, self.examples);
        }
        Ok(diff)
    }

    fn object(&self, dataset: &str, name: &str) -> Result<RowDiff> {
        let store = self.old.store();
        let (mut old, mut new) =
            (Cleaner::begin(self.old, store, dataset, name)?, Cleaner::begin(self.new, store, dataset, name)?);
        let mut diff = RowDiff::default();
        while let (Some(one), Some(other)) = (old.next(name)?, new.next(name)?) {
            if one.records != other.records {
                return Err(Error::internal(format!("the components read different batches of `{BRONZE}{name}`")));
            }
            if one.unreadable {
                // Neither component gets to keep a row of it.
                diff = RowDiff::default();
            }
            let both = Both { old: old.clean(&one)?, new: new.clean(&other)? };
            self.batch(name, &one, &old, &new, &both, &mut diff)?;
        }
        let used = |cleaner: &Cleaner<'_>| {
            let mut cost = Cost::default();
            cost.merge(cleaner.session.cost());
            cost
        };
        diff.cost = Both { old: used(&old), new: used(&new) };
        Ok(diff)
    }

    fn batch(
        &self,
        name: &str,
        batch: &DecodedBatch,
        old: &Cleaner<'_>,
        new: &Cleaner<'_>,
        cleaned: &Both<Cleaned>,
        diff: &mut RowDiff,
    ) -> Result<()> {
        diff.rows += batch.records.len() as u64;
        for (cleaner, cleaned, side) in [(old, &cleaned.old, 0), (new, &cleaned.new, 1)] {
            let count = |rules: &mut Rules, rule: u32, rows: u64| {
                let rule = cleaner.step.plugin.spec().rules.get(rule as usize).map_or("", |rule| rule.name.as_str());
                let both = rules.entry(rule.to_owned()).or_default();
                *(if side == 0 { &mut both.old } else { &mut both.new }) += rows;
            };
            cleaned.rejected.iter().for_each(|rejection| count(&mut diff.rejected, rejection.rule, 1));
            cleaned.repaired.iter().for_each(|repair| count(&mut diff.repaired, repair.rule, repair.rows.into()));
        }
        let Both { old, new } = cleaned;
        if old.kept_rows == new.kept_rows && old.kept == new.kept {
            diff.same += old.kept_rows.len() as u64;
            return Ok(());
        }
        let number = |row: u32| batch.records[row as usize].number;
        let (before, after) = (Kept::of(old)?, Kept::of(new)?);
        for (row, at) in &before.rows {
            let Some(other) = after.rows.get(row) else {
                diff.removed += 1;
                add_some(&mut diff.moved.old, vec![(name.to_owned(), number(*row))], self.examples);
                continue;
            };
            let mut changed = false;
            for column in
                before.columns.keys().chain(after.columns.keys().filter(|name| !before.columns.contains_key(*name)))
            {
                let (was, is) = (before.cell(*at, column), after.cell(*other, column));
                if was == is {
                    continue;
                }
                changed = true;
                *diff.columns.entry(column.clone()).or_default() += 1;
                let cell = ChangedCell {
                    object: name.to_owned(),
                    row: number(*row),
                    column: column.clone(),
                    old: was.to_owned(),
                    new: is.to_owned(),
                };
                add_some(&mut diff.cells, vec![cell], self.examples);
            }
            *(if changed { &mut diff.changed } else { &mut diff.same }) += 1;
        }
        for row in after.rows.keys().filter(|row| !before.rows.contains_key(row)) {
            diff.added += 1;
            add_some(&mut diff.moved.new, vec![(name.to_owned(), number(*row))], self.examples);
        }
        Ok(())
    }
}

impl<'c> Cleaner<'c> {
    fn begin(host: &'c Host, store: &dyn Store, dataset: &str, name: &str) -> Result<Self> {
        let pipeline = host.pipeline();
        let step = pipeline.dataset(dataset).ok_or_else(|| Error::internal("a pipeline without its dataset"))?;
        let (meta, file) = store.open(&format!("{BRONZE}{name}"))?;
        let decoder = step.decoder(name, meta.bytes, file, pipeline.decode);
        let session = step.open(host.as_of())?;
        Ok(Self { step, session, decoder })
    }

    fn next(&mut self, name: &str) -> Result<Option<DecodedBatch>> {
        self.decoder.next_batch().map_err(|error| unavailable("read", name, &error))
    }

    fn clean(&mut self, batch: &DecodedBatch) -> Result<Cleaned> {
        match batch.columns.num_rows() {
            0 => Ok(Cleaned {
                kept: RecordBatch::new_empty(self.step.plugin.spec().output.clone()),
                kept_rows: vec![],
                rejected: vec![],
                repaired: vec![],
            }),
            _ => self.session.clean(&batch.columns),
        }
    }
}

/// Kept rows as text, by their number in the batch.
struct Kept {
    columns: BTreeMap<String, usize>,
    rows: BTreeMap<u32, usize>,
    cells: Vec<Vec<String>>,
}

impl Kept {
    fn of(cleaned: &Cleaned) -> Result<Self> {
        let names = cleaned.kept.schema_ref().fields().iter().map(|field| field.name().clone());
        let rows: HashMap<u32, usize> = cleaned.kept_rows.iter().copied().zip(0..).collect();
        Ok(Self {
            columns: names.zip(0..).collect(),
            rows: rows.into_iter().collect(),
            cells: cells(&cleaned.kept, Formulas::Keep)?,
        })
    }

    fn cell(&self, row: usize, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.cells.get(row)?.get(*at)).map_or("", String::as_str)
    }
}
