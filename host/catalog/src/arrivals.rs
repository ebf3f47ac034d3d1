//! The files that a lake has taken from a source, each once.
//!
//! A file is claimed before it is copied: a commit says which object it becomes and which content that has. So of two hosts only one
//! takes it, and one that dies in between leaves a claim that the next host makes good, to the same object.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::revision::revision_name;
use smelt_storage::sorted_runs::{SortedRun, SortedRuns};

/// The files that were taken from a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// The greatest stamp that an object of the source has got, as in names of objects.
    pub stamp: String,
    /// The files as they were taken, by name: a map to [`Taken`].
    pub taken: SortedRuns,
    /// The objects of the last commit that took files. Some of them may not be in bronze yet.
    pub claimed: Vec<Claim>,
    /// The files that lie there and that no dataset recognises.
    #[serde(default, skip_serializing_if = "Unrecognised::is_empty")]
    pub unrecognised: Unrecognised,
    /// The files that left for the archive, by object: a map to [`PutAway`].
    #[serde(default = "SortedRuns::none", skip_serializing_if = "is_nothing")]
    pub put_away: SortedRuns,
}

impl Default for Arrivals {
    fn default() -> Self {
        let (taken, put_away) = (SortedRuns::none(), SortedRuns::none());
        Self { stamp: String::new(), taken, claimed: vec![], unrecognised: Unrecognised::default(), put_away }
    }
}

fn is_nothing(map: &SortedRuns) -> bool {
    map.runs().is_empty()
}

impl Arrivals {
    /// Returns the objects that its maps consist of.
    pub fn runs(&self) -> impl Iterator<Item = &SortedRun> {
        self.taken.runs().iter().chain(self.put_away.runs())
    }
}

/// Files that no dataset recognises.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unrecognised {
    /// The first names, in the order of their bytes: at most [`Unrecognised::MOST`].
    pub names: Vec<String>,
    /// The number of the names that are left out here.
    pub more: u64,
}

impl Unrecognised {
    /// The most names that are listed. A state has to stay small.
    pub const MOST: usize = 1000;

    /// Returns the record of these files.
    pub fn of(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        let more = names.len().saturating_sub(Self::MOST) as u64;
        names.truncate(Self::MOST);
        Self { names, more }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A file as it was when it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The version that the source gave it: another text whenever it may have changed.
    pub version: String,
    /// The sha256 of its content.
    pub sha256: String,
    /// The object that has this content; empty if an older smelt took the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The sha256 of each revision, the first one first, if objects keep the names of their files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<String>,
}

/// A file that left for the archive, or is on its way there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutAway {
    /// The sha256 of its content.
    pub sha256: String,
    /// The places where it may lie, beneath that of its source, the latest last. There are several until it is certain that it
    /// has left the earlier ones.
    pub places: Vec<String>,
    /// The time at which it was to leave for the latest place, in microseconds since the epoch.
    pub at: i64,
}

/// An object that a file becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The object's name in bronze.
    pub object: String,
    /// The file's name.
    pub file: String,
    /// The sha256 of its content.
    pub sha256: String,
}

impl Taken {
    /// Returns a record of that content with nothing else in it.
    pub fn of(sha256: &str) -> Self {
        Self { version: String::new(), sha256: sha256.to_owned(), object: String::new(), revisions: vec![] }
    }

    /// Returns the record as a value of the map.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        to_bytes(self)
    }

    /// Reads a value of the map.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is none.
    pub fn parse(value: &[u8]) -> Result<Self> {
        parse(value)
    }

    /// Returns the record as it was before the file was claimed with this content; `None` if there was none, or if nothing but
    /// the claim tells the name of an object.
    pub fn without(mut self, claim: &Claim) -> Option<Self> {
        if self.revisions.last() == Some(&claim.sha256) {
            self.revisions.pop();
        }
        let sha256 = self.revisions.last()?.clone();
        let object = revision_name(&claim.file, self.revisions.len() as u64);
        Some(Self { version: String::new(), sha256, object, revisions: self.revisions })
    }
}

impl PutAway {
    /// Returns the record as a value of the map.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        to_bytes(self)
    }

    /// Reads a value of the map.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is none.
    pub fn parse(value: &[u8]) -> Result<Self> {
        parse(value)
    }
}

fn to_bytes(record: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|error| Error::internal(error.to_string()))
}

fn parse<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    serde_json::from_slice(value)
        .map_err(|error| Error::new(Kind::Damaged, format!("a record of a file that was taken: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_comes_to_nothing_leaves_the_revisions_before_it() {
        let taken = Taken {
            version: "v".into(),
            sha256: "2".into(),
            object: "a.csv.r02".into(),
            revisions: vec!["1".into(), "2".into()],
        };
        let claim = Claim { object: "a.csv.r02".into(), file: "a.csv".into(), sha256: "2".into() };
        let before = taken.without(&claim).expect("there is another revision");
        assert_eq!((before.version.as_str(), before.object.as_str(), before.revisions.len()), ("", "a.csv", 1));
        let first = Claim { object: "a.csv".into(), sha256: "1".into(), ..claim };
        assert_eq!(before.without(&first), None);
    }

    #[test]
    fn of_many_names_the_first_are_listed() {
        let names = (0..1005).rev().map(|number| format!("{number:04}")).collect();
        let unrecognised = Unrecognised::of(names);
        assert_eq!((unrecognised.names.len(), unrecognised.names[0].as_str(), unrecognised.more), (1000, "0000", 5));
    }
}
