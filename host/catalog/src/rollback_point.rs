//! What ran before another component was promoted, and what it made: kept, so that it can be brought back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smelt_common::error::Result;
use smelt_storage::Store;

use crate::dataset::Dataset;
use crate::gold::Gold;

/// Where former silver lies, under its keys after this: all objects in a dataset's own place are its rows, for whoever reads
/// them without the catalog.
pub const ROLLBACK_POINTS: &str = "catalog/rollback/";

/// Where former rejected rows lie, under their keys without the layer. They are raw, so that they stay in the layer that
/// readers may be kept out of; no dataset has a name with a hyphen.
pub const ROLLBACK_QUARANTINE: &str = "quarantine/for-rollback/";

/// The component of a plugin that ran before another one was promoted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackPoint {
    /// Its sha256; the lake keeps it.
    pub component: String,
    /// The version that it gives itself.
    pub version: String,
    /// The commit that made another component current in its place.
    #[serde(default)]
    pub until: u64,
    /// The datasets that the component made of bronze, with silver below [`ROLLBACK_POINTS`] and rejected rows below
    /// [`ROLLBACK_QUARANTINE`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub datasets: BTreeMap<String, Dataset>,
    /// The tables that it made, or that were made from those datasets, by KPI.
    pub gold: BTreeMap<String, Gold>,
}

impl RollbackPoint {
    /// The same without those datasets, and without tables that were made from them.
    pub fn without(mut self, datasets: &BTreeSet<String>) -> Self {
        self.datasets.retain(|name, _| !datasets.contains(name));
        self.gold.retain(|_, gold| !gold.inputs.values().any(|input| datasets.contains(&input.relation)));
        self
    }

    /// Adds the keys of all that is kept of it, but for tables and the component. Returns whether that is all: where the
    /// catalog is damaged it cannot be told.
    pub fn objects(&self, store: &dyn Store, keys: &mut Vec<String>) -> Result<bool> {
        keys.extend(self.gold.values().flat_map(Gold::sums).map(ToOwned::to_owned));
        self.datasets.values().try_fold(true, |all, dataset| Ok(dataset.objects(store, keys)? && all))
    }
}
