//! What can be read: a dataset, or a KPI's table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smelt_storage::sorted_runs::SortedRuns;

use crate::content::Content;
use crate::fingerprint::Fingerprint;
use crate::object_ref::ObjectRef;

/// What readers need to know of a dataset or a table: which rows there are, and whether they are those that were read before.
///
/// What changed between two of its revisions is told by the commits in between, each of which has a
/// [`RelationChange`](crate::RelationChange) for it that names the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// What made it.
    pub fingerprint: Fingerprint,
    /// The commit since which its changes can be followed: what was read of it before is void.
    pub since: u64,
    /// The commit that last changed its rows.
    pub revision: u64,
    /// How many rows it has.
    pub rows: u64,
    /// Its files with what they were made from, summed up.
    pub content: Content,
    /// The objects that hold its rows.
    pub files: Files,
}

/// The objects that hold the rows of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Files {
    /// One for each bronze object, in a map of [`Entries`](crate::Entries).
    Entries(SortedRuns),
    /// One in all.
    One(ObjectRef),
}

impl Relation {
    /// Returns a relation of bronze objects, without any yet.
    pub fn empty(fingerprint: Fingerprint) -> Self {
        let files = Files::Entries(SortedRuns::default());
        Self { fingerprint, since: 0, revision: 0, rows: 0, content: Content::default(), files }
    }

    /// Returns the relation whose rows are those of the file. A commit that adds it says since when.
    pub fn of_file(fingerprint: Fingerprint, file: ObjectRef) -> Self {
        let content = Content::of_file(&file.sha256);
        Self { fingerprint, since: 0, revision: 0, rows: file.rows, content, files: Files::One(file) }
    }

    /// Returns the relation as it is after the commit `sequence` replaced `before` with it: the same rows are no change.
    pub(crate) fn after(self, before: Option<&Self>, sequence: u64) -> Self {
        match before.filter(|before| before.content == self.content) {
            Some(Self { since, revision, .. }) => Self { since: *since, revision: *revision, ..self },
            None => Self { since: sequence, revision: sequence, ..self },
        }
    }
}

/// A relation as something has read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputVersion {
    /// The relation's name.
    pub relation: String,
    /// Its whole schema, in words.
    pub schema: String,
    /// Its [`Relation::since`].
    pub since: u64,
    /// Its [`Relation::revision`].
    pub revision: u64,
    /// Its [`Relation::content`].
    pub content: Content,
    /// How many rows it had.
    pub rows: u64,
}

impl InputVersion {
    /// Returns whether the relation still has the rows that were read.
    pub fn is_current(&self, relation: &Relation) -> bool {
        (self.since, self.revision) == (relation.since, relation.revision)
    }
}

/// What something was made from, by the name that its plugin has for it. A relation that did not exist is left out.
pub type Inputs = BTreeMap<String, InputVersion>;
