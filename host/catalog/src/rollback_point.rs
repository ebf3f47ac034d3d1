//! Rollback points: the component that ran before a promotion and its results, kept so that they can be restored.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smelt_common::error::Result;
use smelt_storage::Store;

use crate::dataset::Dataset;
use crate::gold::Gold;

/// The prefix of the keys of silver that rollback points keep. People may read a dataset's own directory without the
/// catalog, so kept silver must not lie there.
pub const ROLLBACK_POINTS: &str = "catalog/rollback/";

/// The prefix of the keys of rejected rows that rollback points keep. Rejected rows may be raw, so they stay in the
/// layer that ordinary readers may have no access to. No dataset's name has a hyphen, so this is no dataset's
/// directory.
pub const ROLLBACK_QUARANTINE: &str = "quarantine/for-rollback/";

/// The component of a plugin that ran before another one was promoted, with its results.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackPoint {
    /// The component's sha256. The lake keeps the component.
    pub component: String,
    /// The version that the component gives itself.
    pub version: String,
    /// The commit that promoted another component in its place.
    #[serde(default)]
    pub until: u64,
    /// The datasets that the component made. Their silver is below [`ROLLBACK_POINTS`], and their rejected rows are
    /// below [`ROLLBACK_QUARANTINE`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub datasets: BTreeMap<String, Dataset>,
    /// The tables that the component made, or that were made from these datasets, by KPI.
    pub gold: BTreeMap<String, Gold>,
}

impl RollbackPoint {
    /// Returns the rollback point without the datasets, and without tables that were made from them.
    pub fn without(mut self, datasets: &BTreeSet<String>) -> Self {
        self.datasets.retain(|name, _| !datasets.contains(name));
        self.gold.retain(|_, gold| !gold.inputs.values().any(|input| datasets.contains(&input.relation)));
        self
    }

    /// Adds the keys of all objects that the rollback point keeps, except tables and the component. Returns false if
    /// the catalog is damaged, so that it does not tell all of them.
    pub fn objects(&self, store: &dyn Store, keys: &mut Vec<String>) -> Result<bool> {
        keys.extend(self.gold.values().flat_map(Gold::sums).map(ToOwned::to_owned));
        self.datasets.values().try_fold(true, |all, dataset| Ok(dataset.objects(store, keys)? && all))
    }
}
