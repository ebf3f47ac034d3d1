//! Relations: what a plugin can read, that is, a dataset, a table or a KPI.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smelt_storage::sorted_runs::{AdditiveRuns, SortedRun, SortedRuns};

use crate::content::Content;
use crate::fingerprint::Fingerprint;
use crate::object_ref::ObjectRef;
use crate::shape::Shape;

/// A dataset or table as its readers see it: the rows, and whether they have changed since they were last read.
///
/// The commits between two revisions tell what changed. Each has a [`RelationChange`](crate::RelationChange) for the
/// relation, with the number of the previous one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// The fingerprint of the plugin that made the relation.
    pub fingerprint: Fingerprint,
    /// The commit from which changes can be followed. Rows that were read before it are void.
    pub since: u64,
    /// The commit that last changed the rows.
    pub revision: u64,
    /// The number of rows.
    pub rows: u64,
    /// A checksum over the files and the objects that they were made from.
    pub content: Content,
    /// The objects that hold the rows.
    pub files: Files,
    /// The columns; `None` in a lake of an older smelt, until the relation changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
}

/// The objects that hold the rows of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Files {
    /// One object for each bronze object, in a map that [`Entries`](crate::Entries) reads.
    Entries(SortedRuns),
    /// A single object.
    One(ObjectRef),
    /// The rows themselves, each counted once.
    Rows(AdditiveRuns),
}

impl Relation {
    /// Returns a relation of bronze objects that has no object yet.
    pub fn empty(fingerprint: Fingerprint) -> Self {
        let files = Files::Entries(SortedRuns::default());
        Self { fingerprint, since: 0, revision: 0, rows: 0, content: Content::default(), files, shape: None }
    }

    /// Returns a relation with the rows of the file. The commit that adds it sets `since` and `revision`.
    pub fn of_file(fingerprint: Fingerprint, file: ObjectRef) -> Self {
        let content = Content::of_file(&file.sha256);
        Self { fingerprint, since: 0, revision: 0, rows: file.rows, content, files: Files::One(file), shape: None }
    }

    /// Returns a relation of these rows. The commit that adds it sets `since` and `revision`.
    pub fn of_rows(fingerprint: Fingerprint, rows: u64, content: Content, runs: AdditiveRuns) -> Self {
        Self { fingerprint, since: 0, revision: 0, rows, content, files: Files::Rows(runs), shape: None }
    }

    /// Returns the relation with these columns.
    pub fn of_shape(self, shape: Shape) -> Self {
        Self { shape: Some(shape), ..self }
    }

    /// Returns the relation as it is after the commit `sequence` put it in the place of `before`. If the rows are the
    /// same, the revision does not change. `follows` is true if the commit tells how the rows differ.
    pub(crate) fn after(self, before: Option<&Self>, sequence: u64, follows: bool) -> Self {
        match before {
            Some(Self { since, revision, content, .. }) if *content == self.content => {
                Self { since: *since, revision: *revision, ..self }
            }
            Some(Self { since, .. }) if follows => Self { since: *since, revision: sequence, ..self },
            _ => Self { since: sequence, revision: sequence, ..self },
        }
    }

    /// Returns the runs of the map that holds the rows or the entries of their objects; none for a single object.
    pub fn runs(&self) -> &[SortedRun] {
        match &self.files {
            Files::Entries(runs) => runs.runs(),
            Files::Rows(runs) => runs.runs(),
            Files::One(_) => &[],
        }
    }
}

/// A relation as a reader has last read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputVersion {
    /// The relation's name.
    pub relation: String,
    /// The whole schema of the relation, as text.
    pub schema: String,
    /// The value of [`Relation::since`].
    pub since: u64,
    /// The value of [`Relation::revision`].
    pub revision: u64,
    /// The value of [`Relation::content`].
    pub content: Content,
    /// The number of rows.
    pub rows: u64,
}

impl InputVersion {
    /// Returns whether the relation still has the rows that were read.
    pub fn is_current(&self, relation: &Relation) -> bool {
        (self.since, self.revision) == (relation.since, relation.revision)
    }
}

/// The relations that a table was made from, by the plugin's name for the input. A relation that did not exist is left
/// out.
pub type Inputs = BTreeMap<String, InputVersion>;
