//! Relations as sinks read them.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;

use crate::pipeline::{DatasetStep, Pipeline, TableStep};
use crate::silver;
use crate::tables::{RowStage, visit_rows};
use smelt_catalog::{Dataset, Entries, Gold, State};
use smelt_common::digest::of_parts;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;
use smelt_common::{Error, progress::Progress};
use smelt_connectors::{Published, Relation};
use smelt_formats::Formulas;
use smelt_runtime::sums::Sums;
use smelt_storage::{Sorter, Store};

/// The relations of a pipeline as readers see them in a state of the lake.
pub(crate) struct Carried<'c> {
    pub(crate) store: &'c dyn Store,
    pub(crate) pipeline: &'c Pipeline,
    pub(crate) state: &'c State,
    pub(crate) progress: &'c dyn Progress,
}

/// A relation of the lake, and the step of the pipeline that makes it.
enum Found<'c> {
    Dataset(&'c DatasetStep, &'c Dataset),
    Table(&'c TableStep, &'c Gold),
}

impl<'c> Carried<'c> {
    fn found(&self, name: &str) -> Option<Found<'c>> {
        let dataset = self.pipeline.dataset(name).zip(self.state.datasets.get(name));
        let table = self.pipeline.table(name).zip(self.state.shown(name));
        dataset.map(|(step, it)| Found::Dataset(step, it)).or(table.map(|(step, it)| Found::Table(step, it)))
    }

    /// Returns texts that are others whenever rows of the relations may be. No object of the lake is read for them.
    pub(crate) fn versions(&self, names: &BTreeSet<&str>) -> Result<Vec<String>> {
        let version = |name: &&str| Ok(self.relation(name)?.map_or_else(String::new, |relation| relation.version));
        names.iter().map(version).collect()
    }

    fn read_dataset(
        &self,
        step: &DatasetStep,
        dataset: &Dataset,
        take: &mut dyn FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let spec = step.plugin.spec();
        let objects = Entries::of(self.store, dataset).all()?;
        let each = |visit: &mut dyn FnMut(&RecordBatch) -> Result<()>| {
            objects.iter().try_for_each(|(_, entry)| {
                let batches = silver::read(self.store, &entry.silver, &spec.output, &spec.output)?;
                self.progress.advance(entry.silver.bytes);
                batches.iter().try_for_each(&mut *visit)
            })
        };
        if spec.key.is_empty() {
            return each(take);
        }
        let rows = RowStage::by_key(&spec.output, &spec.key);
        let (mut sorter, hash) = (Sorter::default(), KeyHash::default());
        each(&mut |batch| {
            let sums = Sums::of(&rows.spec, &rows.counted(batch)?);
            sums.sorted().stored(&hash, |_, key, numbers| sorter.push(key, numbers))
        })?;
        rows.in_order(sorter, take)
    }
}

impl Published for Carried<'_> {
    fn commit(&self) -> u64 {
        self.state.sequence
    }

    fn relation(&self, name: &str) -> Result<Option<Relation>> {
        let Some(found) = self.found(name) else { return Ok(None) };
        let (relation, schema, key, formulas, as_written) = match found {
            Found::Dataset(step, dataset) => {
                let spec = step.plugin.spec();
                (&dataset.relation, &spec.output, spec.key.clone(), Formulas::Keep, String::new())
            }
            Found::Table(step, gold) => {
                let spec = step.plugin.spec();
                let key = spec.key.clone().filter(|_| !step.is_whole()).unwrap_or_default();
                // The rows of a table that is made at once may be the same in another order.
                let order = if step.is_whole() { gold.commit.to_string() } else { String::new() };
                (&gold.relation, &spec.output, key, Formulas::Escape, order)
            }
        };
        let made = serde_json::to_string(&(&relation.fingerprint, &relation.content, relation.revision, relation.rows));
        let made = made.map_err(|error| Error::internal(error.to_string()))?;
        let version = of_parts([made.as_str(), &as_written]);
        Ok(Some(Relation { schema: schema.clone(), key, rows: relation.rows, formulas, version }))
    }

    fn read(&self, name: &str, take: &mut dyn FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        match self.found(name) {
            Some(Found::Dataset(step, dataset)) => self.read_dataset(step, dataset, take),
            Some(Found::Table(step, gold)) => visit_rows(self.store, step, gold, take),
            None => Err(Error::internal(format!("the lake has no rows of `{name}`"))),
        }
    }
}
