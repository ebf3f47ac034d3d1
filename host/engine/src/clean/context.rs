//! One dataset that is being changed: what everything that works on it needs to know.

use super::cleaning::Cleaning;
use super::names::What;
use crate::clean::keys::{Budget, KeySpool};
use crate::clean::spool::Spools;
use crate::pipeline::DatasetStep;
use crate::plan::DatasetPlan;
use smelt_catalog::Dataset;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::Session;

/// One dataset being changed.
pub(super) struct DatasetWork<'w> {
    pub(super) cleaning: &'w Cleaning<'w>,
    pub(super) plan: &'w DatasetPlan,
    pub(super) step: &'w DatasetStep,
    pub(super) spools: &'w Spools,
    /// The keys of the rows that are new.
    pub(super) keys: KeySpool<'w>,
    /// What the dataset holds before, which is nothing if it is made anew.
    pub(super) before: Dataset,
    pub(super) reset: bool,
}

impl<'w> DatasetWork<'w> {
    pub(super) fn new(
        cleaning: &'w Cleaning<'w>,
        plan: &'w DatasetPlan,
        spools: &'w Spools,
        keys: &'w Budget,
    ) -> Result<Self> {
        let step = cleaning.pipeline.dataset(&plan.dataset).ok_or_else(|| Error::internal("a plan for no dataset"))?;
        let held = cleaning.state.datasets.get(&plan.dataset).filter(|_| plan.rebuild.is_none());
        let mut before = held.cloned().unwrap_or_else(|| Dataset::new(step.fingerprint.at(cleaning.as_of)));
        let bytes = plan.objects.iter().map(|object| object.bytes).sum();
        let keys = KeySpool::new(before.bronze.keys.key_hash()?, bytes, keys);
        Ok(Self { cleaning, plan, step, spools, keys, before, reset: held.is_none() })
    }

    /// Whether a row may be superseded by another of its key.
    pub(super) fn is_keyed(&self) -> bool {
        !self.step.plugin.spec().key.is_empty()
    }

    /// A session of its cleaner.
    pub(super) fn session(&self) -> Result<Session<'w>> {
        self.step.open(self.cleaning.as_of)
    }

    /// Where something of the commit to be made is written, without the extension.
    pub(super) fn numbered(&self, layer: &str) -> String {
        format!("{layer}{}/{:020}", self.plan.dataset, self.cleaning.state.sequence + 1)
    }

    /// Where what becomes of the object is written, without the extension. What is written again gets the number of the
    /// commit that it is for, so that no name comes back while a former object of that name is still being deleted.
    pub(super) fn key(&self, what: What, name: &str, again: bool) -> String {
        let key = self.step.stem(what, name);
        let retired = || self.cleaning.state.retired.iter().any(|retired| retired.starts_with(&key));
        match again || self.plan.rebuild.is_some() || self.cleaning.state.collected > 0 || retired() {
            true => format!("{key}.{}", self.cleaning.state.sequence + 1),
            false => key,
        }
    }
}
