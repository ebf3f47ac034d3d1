//! Everything that a plan is made from.

use super::records::{DatasetPlan, Parked};

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::pipeline::{DatasetStep, Pipeline, TableStep};
use smelt_catalog::{BRONZE_PREFIX, Dataset, Failing, Failure, Parts, State};
use smelt_storage::Store;

/// Everything that a plan is made from.
#[derive(Clone, Copy)]
pub struct Planning<'p> {
    /// The lake.
    pub store: &'p dyn Store,
    /// The pipeline.
    pub pipeline: &'p Pipeline,
    /// The state of the lake.
    pub state: &'p State,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// The time now, in microseconds since the epoch.
    pub now: i64,
    /// The datasets that have to be rebuilt, because an object is gone or damaged; each with what is wrong.
    pub damaged: &'p BTreeMap<String, String>,
    /// The most objects of a dataset that is compared with bronze in full. In a larger one smelt does not notice that
    /// an object was replaced.
    pub in_full: u64,
    /// The number of times that smelt tries an object or a KPI at which a plugin fails.
    pub max_attempts: u32,
    /// If set, a dataset is rebuilt when bronze no longer holds an object that it has rows of.
    pub forget_missing: bool,
    /// The datasets and tables that are planned; `None` if all are.
    pub selected: Option<&'p BTreeSet<String>>,
}

impl<'p> Planning<'p> {
    /// Returns whether the dataset or table is to be planned.
    pub(super) fn is_selected(&self, name: &str) -> bool {
        // The records of bronze belong to the dataset that is made of them.
        let name = name.strip_prefix(BRONZE_PREFIX).unwrap_or(name);
        self.selected.is_none_or(|selected| selected.contains(name))
    }

    /// Returns whether the check is to judge objects now: its dataset is planned.
    pub fn is_to_judge(&self, check: &TableStep) -> bool {
        check.on.as_ref().is_some_and(|dataset| self.is_selected(dataset))
    }

    /// Returns the datasets and KPIs that the lake holds and the manifest lacks.
    pub fn unlisted(&self) -> Parts {
        let Self { pipeline, state, .. } = self;
        let datasets = state.datasets.keys().chain(state.failing.keys());
        let datasets = datasets.filter(|name| pipeline.dataset(name).is_none());
        let kpis = state.gold.keys().chain(state.failing_kpis.keys()).filter(|name| pipeline.table(name).is_none());
        Parts { datasets: datasets.cloned().collect(), kpis: kpis.cloned().collect() }
    }

    /// Returns why the dataset would be rebuilt, as far as that does not depend on bronze.
    pub(super) fn reason(&self, step: &DatasetStep, held: Option<&Dataset>) -> Option<String> {
        let changed = held?.relation.fingerprint.difference(&step.fingerprint_at(self.as_of));
        changed.or_else(|| self.damaged.get(&step.name).cloned())
    }

    /// Returns the objects of the dataset that are parked, each with its failure.
    pub(super) fn parked(&self, step: &DatasetStep) -> impl Iterator<Item = (&'p String, &'p Failure)> + use<'p> {
        Failing::parked(self.state.failing.get(&step.name), &step.fingerprint_at(self.as_of), self.max_attempts)
    }

    pub(super) fn parked_names(&self, step: &DatasetStep) -> HashSet<&'p str> {
        self.parked(step).map(|(name, _)| name.as_str()).collect()
    }

    pub(super) fn dataset_plan(&self, step: &DatasetStep, rebuild: Option<String>) -> DatasetPlan {
        let parked = self.parked(step).map(|(name, failure)| Parked::new(name, failure)).collect();
        let dataset = step.name.clone();
        DatasetPlan {
            dataset,
            rebuild,
            objects: vec![],
            touched: vec![],
            unsettled: vec![],
            settled: vec![],
            settles: false,
            missing: vec![],
            parked,
            gate: None,
            estimate: None,
        }
    }

    /// Returns whether the dataset has more objects than every tick compares with bronze in full.
    pub(super) fn is_large(&self, held: Option<&Dataset>) -> bool {
        held.is_none_or(|held| held.bronze.totals.objects > self.in_full)
    }
}
