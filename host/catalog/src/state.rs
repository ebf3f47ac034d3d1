//! What the lake holds after a commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Content, ErrorText, Fingerprint, NameSet, Pace, RollbackPoint, Totals, Young};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::Kind;
use smelt_storage::sorted_runs::SortedRuns;

/// How many characters of an error are kept.
const LONGEST_REASON: usize = 1000;
/// How many failing objects of a dataset are kept an account of.
const MOST_FAILING: usize = 256;

/// The lake after commit `sequence`. Small, however much it holds: what grows lies in [`SortedRuns`].
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
    /// The components that the lake keeps, by sha256, with their sizes; see [`super::component_key`].
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

/// What a component failed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// What it was tried with. With anything else it is tried anew.
    pub fingerprint: Fingerprint,
    /// By bronze object.
    pub items: BTreeMap<String, Failure>,
}

/// How often something was tried, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What was tried: a version of the object, or of the silver that a KPI reads. Another one is tried anew.
    pub version: String,
    /// How often.
    pub attempts: u32,
    /// Why it failed the last time; what its plugin said of that is left out, unless [`ErrorText::Raw`] was asked for.
    pub why: String,
}

/// One silver dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// What made it.
    pub fingerprint: Fingerprint,
    /// The commit that made it anew; what KPIs have read of it before is void.
    pub since: u64,
    /// The commit that last changed its silver.
    pub revision: u64,
    /// The number for the next object.
    pub next_id: u32,
    /// What became of all its rows.
    pub totals: Totals,
    /// What cleaning has taken so far.
    #[serde(default)]
    pub pace: Pace,
    /// The names of its bronze objects, summed up.
    pub names: NameSet,
    /// Its bronze objects and their silver, summed up.
    #[serde(default)]
    pub content: Content,
    /// What is known of each bronze object; see [`super::Entries`].
    pub entries: SortedRuns,
    /// Which row holds each key.
    pub keys: SortedRuns,
    /// Bronze objects that were young when they were read, so that their writers may have gone on: looked at again, however
    /// many objects the dataset has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub young: Vec<Young>,
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
    pub silver: ObjectRef,
    /// The rejected rows, if there are any and quarantine is on.
    pub quarantine: Option<ObjectRef>,
    /// When they were written, by the store's clock, in microseconds since the epoch; `None` if the store still says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<i64>,
    /// What the cleaner used.
    #[serde(default)]
    pub cost: Cost,
}

/// An immutable object that a commit names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Its key in the lake.
    pub key: String,
    /// Checked whenever it is read.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
}

/// One KPI's newest table, and what it is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// What made it.
    pub fingerprint: Fingerprint,
    /// The silver it was made from, by the plugin's name for it. A dataset that did not exist is left out.
    pub inputs: BTreeMap<String, GoldInput>,
    /// The sums of each stage.
    pub stages: Vec<SortedRuns>,
    /// The table.
    pub table: ObjectRef,
    /// The commit that made it.
    #[serde(default)]
    pub commit: u64,
    /// What the plugin used in that commit: for all of silver, or for what had changed.
    #[serde(default)]
    pub cost: Cost,
    /// The time that the plugin spent on it since it was made anew, in microseconds.
    #[serde(default)]
    pub micros: u64,
}

/// A dataset as a KPI has read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldInput {
    /// The dataset.
    pub dataset: String,
    /// Its whole schema, in words.
    pub silver: String,
    /// Its [`Dataset::since`].
    pub since: u64,
    /// Its [`Dataset::revision`].
    pub revision: u64,
    /// Its [`Dataset::content`].
    #[serde(default)]
    pub content: Content,
    /// How many rows it had.
    #[serde(default)]
    pub rows: u64,
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
        Self {
            fingerprint,
            since: 0,
            revision: 0,
            next_id: 0,
            totals: Totals::default(),
            pace: Pace::default(),
            names: NameSet::default(),
            content: Content::default(),
            entries: SortedRuns::default(),
            keys: SortedRuns::default(),
            young: vec![],
        }
    }
}

impl Failing {
    /// What failed so often that it is left alone, if it is still to be done in this way.
    pub fn parked<'f>(
        of: Option<&'f Self>,
        fingerprint: &Fingerprint,
        most: u32,
    ) -> impl Iterator<Item = (&'f String, &'f Failure)> + use<'f> {
        let of = of.filter(|failing| failing.fingerprint.difference(fingerprint).is_none());
        let items = of.into_iter().flat_map(|failing| &failing.items);
        items.filter(move |(_, failure)| failure.attempts >= most)
    }

    /// What is known after things were tried, by name and version, and have failed or not; `None` if that is as before.
    pub fn after<'e>(
        before: Option<&Self>,
        fingerprint: Fingerprint,
        tried: impl Iterator<Item = (&'e str, &'e str, Option<&'e Error>)>,
        text: ErrorText,
    ) -> Option<Self> {
        let same = before.filter(|before| before.fingerprint.difference(&fingerprint).is_none());
        let mut items = same.map(|before| before.items.clone()).unwrap_or_default();
        for (name, version, error) in tried {
            let before = items.remove(name).filter(|before| before.version == version);
            // Whether the component is to blame: if the store is, trying again costs nothing and helps.
            let counts =
                |error: &&Error| matches!(error.kind(), Kind::Plugin | Kind::LimitExceeded | Kind::InvalidInput);
            // The machine kept this one from being tried: what is known of it stays as it was.
            if let Some((_, before)) = error.filter(|error| !counts(error)).zip(before.clone()) {
                items.insert(name.to_owned(), before);
            }
            if let Some(error) = error.filter(counts) {
                let attempts = before.map_or(0, |before| before.attempts) + 1;
                let why = match text {
                    ErrorText::Masked => error.without_words(),
                    ErrorText::Raw => error.to_string(),
                };
                let why = why.chars().take(LONGEST_REASON).collect();
                items.insert(name.to_owned(), Failure { version: version.to_owned(), attempts, why });
            }
        }
        // Where so many fail it is not they that are at fault.
        if items.len() > MOST_FAILING {
            items.clear();
        }
        let after = Self { fingerprint, items };
        let changed = before.map_or(!after.items.is_empty(), |before| *before != after);
        changed.then_some(after)
    }
}
