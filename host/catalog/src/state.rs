//! The state of the lake after a commit.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::arrivals::Arrivals;
use crate::dataset::{BRONZE_PREFIX, Dataset};
use crate::failing::Failing;
use crate::gold::Gold;
use crate::held::Held;
use crate::relation::Relation;
use crate::rollback_point::RollbackPoint;
use crate::totals::Totals;
use crate::verdict::{Judgement, Verdict};

/// The state of the lake after the commit `sequence`. It stays small, because everything that grows lies in
/// [sorted runs](smelt_storage::sorted_runs).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The number of commits.
    pub sequence: u64,
    /// The datasets of silver, by name.
    pub datasets: BTreeMap<String, Dataset>,
    /// The newest tables, by KPI. While some are held, readers see others: [`State::published`].
    pub gold: BTreeMap<String, Gold>,
    /// The tables that readers see while newer ones are held; `None` if all are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The judgements of the newest tables, by check.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, Judgement>,
    /// The keys of objects that a commit replaced and that may not be deleted yet.
    pub retired: Vec<String>,
    /// The last commit that collected orphans; 0 if there was none. After such a commit, every new key contains the
    /// number of its commit. Otherwise a collector that was stopped and goes on later could delete a new object under
    /// an old key.
    pub collected: u64,
    /// The commit up to which a host has searched all logs of changes and all tables for orphans. Up to it, each of
    /// them is referenced by a commit.
    #[serde(default)]
    pub orphans_checked: u64,
    /// The sizes in bytes of the components that the lake keeps, by sha256. Their keys are those of
    /// [`crate::component_key`].
    #[serde(default)]
    pub components: BTreeMap<String, u64>,
    /// The promoted components, by plugin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub promoted: BTreeMap<String, Promotion>,
    /// The rollback points, by plugin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rollback_points: BTreeMap<String, RollbackPoint>,
    /// The failures of cleaners, by dataset. A dataset without failures is not here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failing: BTreeMap<String, Failing>,
    /// The failures of KPIs, by KPI. Each record has a single item, under the KPI's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failing_kpis: BTreeMap<String, Failing>,
    /// The id of the key that made the newest pseudonyms; `None` if no key did. It prevents that pseudonyms are made
    /// with another key by mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonym_key: Option<String>,
    /// The files that were taken, by source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arrivals: BTreeMap<String, Arrivals>,
    /// The time of the last full comparison of bronze with the catalog, in microseconds since the epoch.
    pub reconciled: Option<i64>,
}

/// The promotion of a component, which runs in place of another one. If the pipeline has a third component, that one
/// runs, because the pipeline has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// The sha256 of the component that the pipeline has.
    pub from: String,
    /// The sha256 of the component that runs. The lake keeps the component.
    pub to: String,
    /// The version that the component gives itself, for people.
    pub version: String,
}

/// The totals of a dataset.
#[derive(Debug, Serialize)]
pub struct DatasetTotals<'t> {
    /// The dataset's name.
    pub dataset: &'t str,
    /// The number of rows, by what became of them.
    #[serde(flatten)]
    pub totals: &'t Totals,
}

impl State {
    /// Returns the dataset or table of this name, as its readers see it.
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        let dataset = self.datasets.get(name).map(|dataset| &dataset.relation);
        dataset.or_else(|| self.gold.get(name).map(|gold| &gold.relation))
    }

    /// Returns the datasets of silver, without those that have the records of bronze as they are.
    pub fn cleaned(&self) -> impl Iterator<Item = (&String, &Dataset)> {
        self.datasets.iter().filter(|(name, _)| !name.starts_with(BRONZE_PREFIX))
    }

    /// Returns the files that lie in the places of sources and that no dataset recognises, each with its source, and the number
    /// of those that are not listed.
    pub fn unrecognised(&self) -> (Vec<(&str, &str)>, u64) {
        let all = || self.arrivals.iter().map(|(source, arrivals)| (source.as_str(), &arrivals.unrecognised));
        let names = all().flat_map(|(source, it)| it.names.iter().map(move |name| (source, name.as_str())));
        (names.collect(), all().map(|(_, it)| it.more).sum())
    }

    /// Returns the totals of each dataset.
    pub fn totals(&self) -> Vec<DatasetTotals<'_>> {
        let totals = |(name, dataset)| -> DatasetTotals<'_> {
            let (dataset, name): (&Dataset, &String) = (dataset, name);
            DatasetTotals { dataset: name, totals: &dataset.bronze.totals }
        };
        self.cleaned().map(totals).collect()
    }

    /// Returns the table of this name as readers see it. They do not see what is held, but for what checks say of it.
    pub fn shown(&self, name: &str) -> Option<&Gold> {
        if self.checks.contains_key(name) { self.gold.get(name) } else { self.published(name) }
    }

    /// Returns the table of this name as it was published last.
    pub fn published(&self, name: &str) -> Option<&Gold> {
        match self.held.as_ref().and_then(|held| held.published.get(name)) {
            Some(published) => published.as_ref(),
            None => self.gold.get(name),
        }
    }

    /// Returns the state in which the table of this name is the one that readers see, and was made from the tables that are
    /// there.
    pub fn seen_with(&self, name: &str) -> Cow<'_, Self> {
        let Some(held) = self.held.as_ref().filter(|_| !self.checks.contains_key(name)) else {
            return Cow::Borrowed(self);
        };
        let mut seen = Self { held: None, ..self.clone() };
        for (name, published) in &held.published {
            match published {
                Some(published) => drop(seen.gold.insert(name.clone(), published.clone())),
                None => drop(seen.gold.remove(name)),
            }
        }
        Cow::Owned(seen)
    }

    /// Returns what keeps tables from being published, each with its check.
    pub fn holding(&self) -> impl Iterator<Item = (&String, &Verdict)> {
        self.checks.iter().flat_map(|(check, judgement)| judgement.holds().map(move |verdict| (check, verdict)))
    }

    /// Returns the newest tables, and those that readers see in their place.
    pub fn tables(&self) -> impl Iterator<Item = &Gold> {
        self.gold.values().chain(self.held.iter().flat_map(Held::tables))
    }

    /// Returns the keys of all sums that tables and rollback points need.
    pub fn sums(&self) -> HashSet<&str> {
        let points = self.rollback_points.values().flat_map(|point| point.gold.values());
        self.tables().chain(points).flat_map(Gold::sums).collect()
    }
}
