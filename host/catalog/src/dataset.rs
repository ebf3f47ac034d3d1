//! One silver dataset: a relation, and the account of the bronze that it was made from.

use serde::{Deserialize, Serialize};
use smelt_storage::sorted_runs::SortedRuns;

use crate::content::Pace;
use crate::fingerprint::Fingerprint;
use crate::names::NameSet;
use crate::relation::{Files, Relation};
use crate::totals::Totals;
use crate::young::Young;

/// How many commits are told apart that read young objects: more than there are in a minute, at the default pace of ticks.
const MOST_YOUNG: usize = 16;

/// One silver dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// What readers need of it.
    pub relation: Relation,
    /// What became of bronze, for whoever goes on with it.
    pub bronze: Account,
}

/// What became of the bronze objects of a dataset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The number for the next object.
    pub next_id: u32,
    /// What became of all rows.
    pub totals: Totals,
    /// What cleaning has taken so far.
    pub pace: Pace,
    /// The names of the objects, summed up.
    pub names: NameSet,
    /// Which row holds each key.
    pub keys: SortedRuns,
    /// Objects that were young when they were read, so that their writers may have gone on: looked at again, however many
    /// objects the dataset has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub young: Vec<Young>,
}

/// Stands for the entries of a dataset that has none.
static NONE: SortedRuns = SortedRuns::none();

impl Dataset {
    /// Returns a dataset with no objects.
    pub fn new(fingerprint: Fingerprint) -> Self {
        Self { relation: Relation::empty(fingerprint), bronze: Account::default() }
    }

    /// What is known of each bronze object, its silver among that; see [`Entries`](crate::Entries).
    pub fn entries(&self) -> &SortedRuns {
        match &self.relation.files {
            Files::Entries(entries) => entries,
            Files::One(_) => &NONE,
        }
    }

    /// The same to be changed.
    pub fn entries_mut(&mut self) -> &mut SortedRuns {
        if let Files::One(_) = self.relation.files {
            self.relation.files = Files::Entries(SortedRuns::default());
        }
        match &mut self.relation.files {
            Files::Entries(entries) => entries,
            Files::One(_) => unreachable!("it was just replaced"),
        }
    }

    /// Notes that a commit read young objects. Few such commits are told apart, so that a commit stays small.
    pub fn add_young(&mut self, young: Young) {
        self.bronze.young.push(young);
        if self.bronze.young.len() > MOST_YOUNG {
            let until = self.bronze.young.drain(..2).map(|young| young.until).max().unwrap_or_default();
            self.bronze.young.insert(0, Young { log: None, count: 0, sum: 0, until });
        }
    }
}
