//! One dataset that is being changed, and the data that every part of cleaning needs about it.

use super::cleaning::Cleaning;
use super::names::RowKind;
use crate::clean::keys::{Budget, KeySpool};
use crate::clean::spool::Spools;
use crate::pipeline::DatasetStep;
use crate::plan::DatasetPlan;
use smelt_catalog::Dataset;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::Session;

/// A dataset that is being changed.
pub(super) struct DatasetWork<'w> {
    pub(super) cleaning: &'w Cleaning<'w>,
    pub(super) plan: &'w DatasetPlan,
    pub(super) step: &'w DatasetStep,
    pub(super) spools: &'w Spools,
    /// The keys of the new rows.
    pub(super) keys: KeySpool<'w>,
    /// The dataset before the change. It is empty if the dataset is new or rebuilt.
    pub(super) before: Dataset,
    /// True if the dataset is new or rebuilt, so that its history begins with this change.
    pub(super) reset: bool,
}

impl<'w> DatasetWork<'w> {
    /// Starts the work on the dataset of the plan.
    pub(super) fn new(
        cleaning: &'w Cleaning<'w>,
        plan: &'w DatasetPlan,
        spools: &'w Spools,
        keys: &'w Budget,
    ) -> Result<Self> {
        let step = cleaning
            .pipeline
            .dataset(&plan.dataset)
            .ok_or_else(|| Error::internal("the plan names a dataset that the pipeline lacks"))?;
        let held = cleaning.state.datasets.get(&plan.dataset).filter(|_| plan.rebuild.is_none());
        let mut before = held.cloned().unwrap_or_else(|| Dataset::new(step.fingerprint_at(cleaning.as_of)));
        before.relation = before.relation.of_shape(step.shape());
        let bytes = plan.objects.iter().map(|object| object.bytes).sum();
        let keys = KeySpool::new(before.bronze.keys.key_hash()?, bytes, keys);
        Ok(Self { cleaning, plan, step, spools, keys, before, reset: held.is_none() })
    }

    /// Returns whether the dataset has a key, so that a row may supersede another one with the same key.
    pub(super) fn is_keyed(&self) -> bool {
        !self.step.plugin.spec().key.is_empty()
    }

    /// Opens a session of the dataset's cleaner.
    pub(super) fn session(&self) -> Result<Session<'w>> {
        self.step.open(self.cleaning.as_of)
    }

    /// Returns the key, without extension, for an object of the next commit in the layer.
    pub(super) fn numbered(&self, layer: &str) -> String {
        format!("{layer}{}/{:020}", self.plan.dataset, self.cleaning.state.sequence + 1)
    }

    /// Returns the key, without extension, for the kept or rejected rows of a bronze object.
    ///
    /// If an earlier object may have had the same key, the key gets the number of the next commit (`again` is true for
    /// a rewrite). So no key comes back while the host still deletes the previous object under it.
    pub(super) fn key(&self, kind: RowKind, name: &str, again: bool) -> String {
        let key = self.step.stem(kind, name);
        let retired = || self.cleaning.state.retired.iter().any(|retired| retired.starts_with(&key));
        match again || self.plan.rebuild.is_some() || self.cleaning.state.collected > 0 || retired() {
            true => format!("{key}.{}", self.cleaning.state.sequence + 1),
            false => key,
        }
    }
}
