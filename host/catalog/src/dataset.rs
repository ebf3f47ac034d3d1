//! A silver dataset: a relation, and an account of the bronze objects that it was made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smelt_storage::sorted_runs::SortedRuns;

use crate::content::Pace;
use crate::fingerprint::Fingerprint;
use crate::names::NameSet;
use crate::relation::{Files, Relation};
use crate::totals::Totals;
use crate::young::Young;

/// The most commits with young objects that a dataset tells apart. At the default interval of ticks, a minute has
/// fewer.
const MOST_YOUNG: usize = 16;

/// The beginning of the name of a dataset that has the records of bronze as they are, by which checks judge objects. The
/// name of the dataset that is made of them follows.
pub const BRONZE_PREFIX: &str = "bronze.";

/// A silver dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// The part that readers need.
    pub relation: Relation,
    /// The account of bronze, which the next cleaning pass continues.
    pub bronze: Account,
}

/// The account of a dataset's bronze objects.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The number that the next object gets.
    pub next_id: u32,
    /// The number of rows, by what became of them.
    pub totals: Totals,
    /// The cost of cleaning so far.
    pub pace: Pace,
    /// A checksum over the names of the objects.
    pub names: NameSet,
    /// The map from each key to the row that holds it.
    pub keys: SortedRuns,
    /// Objects that were young when they were read: their writers may have gone on writing. The host looks at them
    /// again when they are old, whatever the number of objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub young: Vec<Young>,
    /// The revisions of the relations from which the statuses of the objects follow, by name, if checks judge them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub judged: BTreeMap<String, u64>,
}

/// The entries of a dataset that has none.
static NONE: SortedRuns = SortedRuns::none();

impl Dataset {
    /// Returns a dataset with no objects.
    pub fn new(fingerprint: Fingerprint) -> Self {
        Self { relation: Relation::empty(fingerprint), bronze: Account::default() }
    }

    /// Returns the map of the entries of all bronze objects, which [`Entries`](crate::Entries) reads.
    pub fn entries(&self) -> &SortedRuns {
        match &self.relation.files {
            Files::Entries(entries) => entries,
            Files::One(_) | Files::Rows(_) => &NONE,
        }
    }

    /// Returns the map of the entries, to change it.
    pub fn entries_mut(&mut self) -> &mut SortedRuns {
        if !matches!(self.relation.files, Files::Entries(_)) {
            self.relation.files = Files::Entries(SortedRuns::default());
        }
        match &mut self.relation.files {
            Files::Entries(entries) => entries,
            Files::One(_) | Files::Rows(_) => unreachable!("it was just replaced"),
        }
    }

    /// Notes that a commit read young objects. Beyond the last few commits it merges the notes, so that a commit stays
    /// small.
    pub fn add_young(&mut self, young: Young) {
        self.bronze.young.push(young);
        if self.bronze.young.len() > MOST_YOUNG {
            let until = self.bronze.young.drain(..2).map(|young| young.until).max().unwrap_or_default();
            self.bronze.young.insert(0, Young { log: None, count: 0, sum: 0, until });
        }
    }
}
