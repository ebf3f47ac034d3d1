//! The table of a KPI, or one that others read.

use serde::{Deserialize, Serialize};
use smelt_common::cost::Cost;
use smelt_storage::sorted_runs::{AdditiveRuns, SortedRun, SortedRuns};

use crate::keys::HELD;
use crate::object_ref::ObjectRef;
use crate::relation::{Files, Inputs, Relation};

/// The newest rows of a table or KPI, and the relations and sums that they were made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// The part that readers need.
    pub relation: Relation,
    /// The file with all rows, where the relation holds them as a map and the layer is gold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<ObjectRef>,
    /// The relations that the table was made from.
    pub inputs: Inputs,
    /// The kept sums of each stage.
    pub stages: Vec<AdditiveRuns>,
    /// For each stage the places in its large groups at which the reducer was saved, by group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saved: Vec<SortedRuns>,
    /// A digest of all that each part of the work depends on besides rows: the accumulators of each input, the reducer of
    /// each stage, and the form of the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The number of the commit that made the table.
    pub commit: u64,
    /// The cost of the plugin's calls for that commit: over all of silver, or only over what had changed.
    pub cost: Cost,
    /// The time that the plugin has spent on the table since its last rebuild, in microseconds.
    pub micros: u64,
}

impl Gold {
    /// Returns the file with the whole table. A table of silver has none.
    pub fn table(&self) -> Option<&ObjectRef> {
        match &self.relation.files {
            Files::One(table) => Some(table),
            Files::Entries(_) | Files::Rows(_) => self.file.as_ref(),
        }
    }

    /// Returns the file with the whole table. For a table of silver, which has none, returns its name, and the checksum
    /// and size of its rows.
    pub fn shown(&self, name: &str) -> ObjectRef {
        let rows = || ObjectRef {
            key: name.to_owned(),
            sha256: self.relation.content.into(),
            bytes: self.relation.runs().iter().map(|run| run.bytes).sum(),
            rows: self.relation.rows,
        };
        self.table().cloned().unwrap_or_else(rows)
    }

    /// Returns the table with a reference to another file.
    pub fn in_file(&self, file: ObjectRef) -> Self {
        match &self.relation.files {
            Files::One(_) => {
                Self { relation: Relation { files: Files::One(file), ..self.relation.clone() }, ..self.clone() }
            }
            _ => Self { file: Some(file), ..self.clone() },
        }
    }

    /// Returns the table's rows, if they are kept by key.
    pub fn rows(&self) -> Option<&AdditiveRuns> {
        match &self.relation.files {
            Files::Rows(rows) => Some(rows),
            Files::Entries(_) | Files::One(_) => None,
        }
    }

    /// Returns the runs with the table's sums and rows, and with what its reducers saved.
    pub fn runs(&self) -> impl Iterator<Item = &SortedRun> {
        let sums = self.stages.iter().chain(self.rows()).flat_map(AdditiveRuns::runs);
        sums.chain(self.saved.iter().flat_map(SortedRuns::runs))
    }

    /// Returns the file with the whole table if it is not published. It belongs to the table alone, where a published one
    /// stays for good.
    pub fn held_file(&self) -> Option<&ObjectRef> {
        self.table().filter(|file| file.key.starts_with(HELD))
    }

    /// Returns the keys of the objects with the table's sums and rows, and of its file if that is not published.
    pub fn sums(&self) -> impl Iterator<Item = &str> {
        self.runs().map(|run| run.key.as_str()).chain(self.held_file().map(|file| file.key.as_str()))
    }
}
