//! One commit: a change of the lake, written once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entry, Gold, Segment};
use crate::pipeline::Fingerprint;

/// A change of the lake. Everything it names was written before it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its number, from 1; also its name.
    pub sequence: u64,
    /// Tells apart commits that race for one number.
    pub id: String,
    /// When it was made, RFC 3339. For people: nothing depends on it.
    pub at: String,
    /// Which role made it: `clean` or `aggregate`.
    pub role: String,
    /// Changes of silver, by dataset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub datasets: BTreeMap<String, DatasetChange>,
    /// New tables, by KPI.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gold: BTreeMap<String, Gold>,
    /// Objects that no longer belong to the lake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// Formerly retired objects that have been deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swept: Vec<String>,
}

/// A change of one dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetChange {
    /// If given, what the dataset held is forgotten first, and this is what makes it from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Fingerprint>,
    /// New and replaced entries, by the bronze object's name.
    pub put: BTreeMap<String, Entry>,
    /// The whole index from now on.
    pub index: Vec<Segment>,
}

impl Commit {
    /// A commit of that role with nothing in it yet.
    pub fn new(role: &str) -> Self {
        Self { role: role.to_owned(), ..Self::default() }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.datasets.is_empty() && self.gold.is_empty() && self.retired.is_empty() && self.swept.is_empty()
    }

    /// The keys of the objects that it makes part of the lake.
    pub(crate) fn named(&self) -> impl Iterator<Item = &str> {
        let entries = self.datasets.values().flat_map(|change| change.put.values());
        let silver =
            entries.flat_map(|entry| std::iter::once(&entry.silver).chain(&entry.quarantine)).map(|stored| &stored.key);
        let index = self.datasets.values().flat_map(|change| &change.index).map(|segment| &segment.key);
        let gold = self.gold.values().map(|gold| &gold.table.key);
        silver.chain(index).chain(gold).map(String::as_str)
    }

    /// Whether both change one dataset or one KPI, so that the later must be made anew.
    pub(super) fn touches_what(&self, other: &Self) -> bool {
        self.datasets.keys().any(|name| other.datasets.contains_key(name))
            || self.gold.keys().any(|name| other.gold.contains_key(name))
    }
}
