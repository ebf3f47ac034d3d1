//! Calls of a KPI as the host makes them.

use arrow_array::RecordBatch;

use crate::rows::{InputRows, cut};
use crate::text;
use smelt_common::error::{Breach, Error, Result};
use smelt_common::key_hash::KeyHash;
use smelt_formats::check_range;
use smelt_runtime::sums::{Shards, Sign, Sums};
use smelt_runtime::{Accumulator, Kpi};

/// The number of rows that are folded in one call.
pub(super) const GROUP_ROWS: usize = 65_536;

/// A KPI, and the parameters and the time with which it is opened.
#[derive(Clone, Copy)]
pub(super) struct Calls<'k> {
    pub(super) plugin: &'k Kpi,
    pub(super) params: &'k str,
    pub(super) as_of: Option<i64>,
}

impl<'k> Calls<'k> {
    pub(super) fn open(&self) -> Result<Accumulator<'k>> {
        self.plugin.open(self.params, self.as_of)
    }

    /// Returns an accumulator that has taken in these rows.
    pub(super) fn taken<'p>(&self, parts: impl IntoIterator<Item = &'p InputRows>) -> Result<Accumulator<'k>> {
        let mut accumulator = self.open()?;
        for InputRows { input, rows } in parts {
            accumulator.update(&self.plugin.spec().inputs[*input].name, rows)?;
        }
        Ok(accumulator)
    }

    /// Returns the sums that the batches add to a stage. Adds as the host does.
    pub(super) fn added(&self, stage: usize, batches: impl IntoIterator<Item = Result<RecordBatch>>) -> Result<Sums> {
        let shards = Shards::new(&self.plugin.spec().stages[stage], KeyHash::default());
        for batch in batches {
            shards.add(&batch?, Sign::Plus);
        }
        Ok(shards.all())
    }

    /// Returns the sums of the rows, all taken in by one accumulator.
    pub(super) fn sums(&self, parts: &[InputRows]) -> Result<Sums> {
        self.added(0, [self.taken(parts)?.state()])
    }

    /// Returns the sums of the rows, with an accumulator for each `most` rows.
    pub(super) fn split(&self, parts: &[InputRows], most: usize) -> Result<Sums> {
        let mut states = Vec::new();
        for InputRows { input, rows } in parts {
            for rows in cut(rows, most) {
                states.push(self.taken([&InputRows { input: *input, rows }])?.state());
            }
        }
        self.added(0, states)
    }

    /// Returns the sums that a stage folds to, in calls of about `about` rows.
    pub(super) fn folded(&self, by: &mut Accumulator<'_>, stage: usize, sums: &Sums, about: usize) -> Result<Sums> {
        let batches: Vec<_> = sums.sorted().batches(about).collect::<Result<_>>()?;
        self.added(stage + 1, batches.iter().map(|groups| by.fold(stage, groups)).collect::<Vec<_>>())
    }

    /// Returns the sums of every stage after the first one, whose sums are `first`.
    pub(super) fn stages(&self, by: &mut Accumulator<'_>, first: &Sums) -> Result<Vec<Sums>> {
        let mut all: Vec<Sums> = Vec::new();
        for stage in 0..self.plugin.spec().stages.len() - 1 {
            let next = self.folded(by, stage, all.last().unwrap_or(first), GROUP_ROWS)?;
            all.push(next);
        }
        Ok(all)
    }

    /// Returns the table that the sums of the first stage lead to.
    pub(super) fn table(&self, first: &Sums) -> Result<RecordBatch> {
        let mut by = self.open()?;
        let stages = self.stages(&mut by, first)?;
        let table = by.evaluate(&stages.last().unwrap_or(first).batch()?)?;
        check_range(&table).map_err(|error| {
            let plugin = &self.plugin.identity().name;
            Error::breach(Breach::Form, format!("plugin `{plugin}` broke the contract in `evaluate`: {error}"))
        })?;
        Ok(table)
    }

    /// Returns the table of the rows, all taken in by one accumulator.
    pub(super) fn whole(&self, parts: &[InputRows]) -> Result<RecordBatch> {
        self.table(&self.sums(parts)?)
    }
}

/// Returns how the second table differs from the first one.
pub(super) fn differ(first: &Result<RecordBatch>, then: &Result<RecordBatch>) -> Option<String> {
    match (first, then) {
        (Ok(first), Ok(then)) if first == then => None,
        (Ok(first), Ok(then)) => Some(text::difference(&text::table(first), &text::table(then))),
        (Err(error), _) => Some(error.to_string()),
        (_, Err(error)) => {
            Some(format!("first {} rows, then: {error}", first.as_ref().map_or(0, RecordBatch::num_rows)))
        }
    }
}

/// Returns keys and rows of the first groups, as the catalog keeps them. Groups with sums that rightly cannot be kept,
/// because they are too large, are left out.
pub(super) fn kept(sums: &Sums, most: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    for group in sums.sorted().groups() {
        let mut rows = Vec::new();
        let fits = group.write(&mut rows).is_ok();
        if fits && !rows.is_empty() && all.len() < most {
            all.push((group.key().to_vec(), rows));
        }
    }
    all
}
