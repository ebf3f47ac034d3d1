//! The table of a KPI.

use serde::{Deserialize, Serialize};
use smelt_common::cost::Cost;
use smelt_storage::sorted_runs::SortedRuns;

use crate::object_ref::ObjectRef;
use crate::relation::{Files, Inputs, Relation};

/// The newest table of a KPI, and the silver and sums that it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// The part that readers need.
    pub relation: Relation,
    /// The silver that the table was made from.
    pub inputs: Inputs,
    /// The kept sums of each stage.
    pub stages: Vec<SortedRuns>,
    /// The number of the commit that made the table.
    pub commit: u64,
    /// The cost of the plugin's calls for that commit: over all of silver, or only over what had changed.
    pub cost: Cost,
    /// The time that the plugin has spent on the table since its last rebuild, in microseconds.
    pub micros: u64,
}

/// The file of a table that has none.
static NONE: ObjectRef = ObjectRef { key: String::new(), sha256: String::new(), bytes: 0, rows: 0 };

impl Gold {
    /// Returns the file with the table. If the catalog has none, returns an empty reference, so that the table counts
    /// as lost and is rebuilt.
    pub fn table(&self) -> &ObjectRef {
        match &self.relation.files {
            Files::One(table) => table,
            Files::Entries(_) => &NONE,
        }
    }

    /// Returns the table with a reference to another file.
    pub fn in_file(&self, file: ObjectRef) -> Self {
        Self { relation: Relation { files: Files::One(file), ..self.relation.clone() }, ..self.clone() }
    }

    /// Returns the keys of the objects with the table's sums.
    pub fn sums(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().flat_map(SortedRuns::runs).map(|run| run.key.as_str())
    }
}
