//! What the lake holds after a number of commits.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Commit, DatasetChange};
use crate::pipeline::Fingerprint;

/// The lake after commit `sequence`.
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
}

/// One silver dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// What made it.
    pub fingerprint: Fingerprint,
    /// What is known of each bronze object, by its name.
    pub objects: BTreeMap<String, Entry>,
    /// The index of keys, as segments of which a later one overrides an earlier one.
    pub index: Vec<Segment>,
}

/// One bronze object and what became of its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The object's number in its dataset.
    pub id: u32,
    /// What the store said of the object when it was read.
    pub etag: String,
    /// The sha256 of the bytes that were read.
    pub sha256: String,
    /// How many bytes were read.
    pub bytes: u64,
    /// Rows in the object, malformed ones included.
    pub read: u64,
    /// Rows rejected, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// Rows repaired, by rule; they are kept.
    pub repaired: BTreeMap<String, u64>,
    /// Rows that lost to another row of the same key, as places among the rows that the cleaner kept; in order.
    pub superseded: Vec<u32>,
    /// The silver object; its rows are the rows kept.
    pub silver: Stored,
    /// The rejected rows, if there are any and quarantine is on.
    pub quarantine: Option<Stored>,
}

/// An immutable object that a commit names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Its key in the lake.
    pub key: String,
    /// Checked whenever it is read.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
}

/// A part of a dataset's index of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its key in the lake.
    pub key: String,
    /// Checked whenever it is read.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// One KPI's newest table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// What made it.
    pub fingerprint: Fingerprint,
    /// A digest of the silver objects it was made from.
    pub inputs: String,
    /// The table.
    pub table: Stored,
}

impl Entry {
    /// Rows kept: those in the silver object.
    pub fn kept(&self) -> u64 {
        self.silver.rows
    }

    /// Rows rejected under any rule.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Whether read = kept + rejected + superseded.
    pub fn is_conserved(&self) -> bool {
        self.read == self.kept() + self.rejected_total() + self.superseded.len() as u64
    }
}

impl Dataset {
    /// A dataset with no objects.
    pub fn new(fingerprint: Fingerprint) -> Self {
        Self { fingerprint, objects: BTreeMap::new(), index: Vec::new() }
    }

    /// The number for the next object.
    pub fn next_id(&self) -> u32 {
        self.objects.values().map(|entry| entry.id + 1).max().unwrap_or(0)
    }
}

impl State {
    pub(super) fn apply(&mut self, commit: Commit) {
        let named: BTreeSet<String> = commit.named().map(str::to_owned).collect();
        let Commit { sequence, id: _, at: _, role: _, datasets, gold, retired, swept } = commit;
        self.sequence = sequence;
        for (name, change) in datasets {
            let DatasetChange { reset, put, index } = change;
            if let Some(fingerprint) = reset {
                self.datasets.insert(name.clone(), Dataset::new(fingerprint));
            }
            if let Some(dataset) = self.datasets.get_mut(&name) {
                dataset.objects.extend(put);
                dataset.index = index;
            }
        }
        self.gold.extend(gold);
        self.retired.extend(retired);
        // Content that comes back as it was comes back under its old name.
        self.retired.retain(|key| !swept.contains(key) && !named.contains(key));
    }
}
