//! What the lake holds after a commit.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::failing::Failing;
use crate::gold::Gold;
use crate::relation::Relation;
use crate::rollback_point::RollbackPoint;
use crate::totals::Totals;

/// The lake after commit `sequence`. Small, however much it holds: what grows lies in [sorted runs](smelt_storage::sorted_runs).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The number of commits.
    pub sequence: u64,
    /// Silver, by dataset.
    pub datasets: BTreeMap<String, Dataset>,
    /// Gold, by KPI.
    pub gold: BTreeMap<String, Gold>,
    /// Objects that a commit replaced and that are not known to be deleted yet.
    pub retired: Vec<String>,
    /// The commit that last collected what was left over; 0 if none did. From then on every name carries the number of
    /// its commit: a collector that was stopped may go on to delete a name long after it was free again.
    pub collected: u64,
    /// The commit up to which is known that logs of changes and tables lie in the lake only if a commit names them: a host
    /// that looked for orphans looked through all of them.
    #[serde(default)]
    pub orphans_checked: u64,
    /// The components that the lake keeps, by sha256, with their sizes; see [`crate::component_key`].
    #[serde(default)]
    pub components: BTreeMap<String, u64>,
    /// Plugins for which a component was promoted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub promoted: BTreeMap<String, Promotion>,
    /// What ran before, by plugin, and what it made: so that it can be brought back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rollback_points: BTreeMap<String, RollbackPoint>,
    /// What could not be done, by dataset; nothing here means nothing failed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failing: BTreeMap<String, Failing>,
    /// The same by KPI, of which each has one thing to do: what is under its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failing_kpis: BTreeMap<String, Failing>,
    /// The id of the key that the newest pseudonyms were made with; `None` if none were made with one. Without that key no
    /// others may be made by mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonym_key: Option<String>,
    /// When bronze was last compared with the catalog in full, in microseconds since the epoch.
    pub reconciled: Option<i64>,
}

/// A component that runs in place of another one. Where the pipeline has neither, its own runs: someone has moved on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// The sha256 of the component that the pipeline has.
    pub from: String,
    /// The sha256 of the one that runs, which the lake keeps.
    pub to: String,
    /// The version that it gives itself: for people.
    pub version: String,
}

/// The totals of one dataset.
#[derive(Debug, Serialize)]
pub struct DatasetTotals<'t> {
    /// Its name.
    pub dataset: &'t str,
    /// What became of its rows.
    #[serde(flatten)]
    pub totals: &'t Totals,
}

impl State {
    /// The dataset or table of that name, as readers see it.
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        let dataset = self.datasets.get(name).map(|dataset| &dataset.relation);
        dataset.or_else(|| self.gold.get(name).map(|gold| &gold.relation))
    }

    /// The totals of each dataset.
    pub fn totals(&self) -> Vec<DatasetTotals<'_>> {
        let totals = |(name, dataset)| -> DatasetTotals<'_> {
            let (dataset, name): (&Dataset, &String) = (dataset, name);
            DatasetTotals { dataset: name, totals: &dataset.bronze.totals }
        };
        self.datasets.iter().map(totals).collect()
    }

    /// The keys of all sums that can still be wanted.
    pub fn sums(&self) -> HashSet<&str> {
        let points = self.rollback_points.values().flat_map(|point| point.gold.values());
        self.gold.values().chain(points).flat_map(Gold::sums).collect()
    }
}
