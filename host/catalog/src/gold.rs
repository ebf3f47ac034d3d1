//! One KPI's table.

use serde::{Deserialize, Serialize};
use smelt_common::cost::Cost;
use smelt_storage::sorted_runs::SortedRuns;

use crate::object_ref::ObjectRef;
use crate::relation::{Files, Inputs, Relation};

/// One KPI's newest table, and what it is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// What readers need of it.
    pub relation: Relation,
    /// The silver that it was made from.
    pub inputs: Inputs,
    /// The sums of each stage.
    pub stages: Vec<SortedRuns>,
    /// The commit that made it.
    pub commit: u64,
    /// What the plugin used in that commit: for all of silver, or for what had changed.
    pub cost: Cost,
    /// The time that the plugin spent on it since it was rebuilt, in microseconds.
    pub micros: u64,
}

/// Stands for the file of a table that has none.
static NONE: ObjectRef = ObjectRef { key: String::new(), sha256: String::new(), bytes: 0, rows: 0 };

impl Gold {
    /// The file that the table is. Where a catalog has none, the table seems lost, and is made again.
    pub fn table(&self) -> &ObjectRef {
        match &self.relation.files {
            Files::One(table) => table,
            Files::Entries(_) => &NONE,
        }
    }

    /// The same table in another file.
    pub fn in_file(&self, file: ObjectRef) -> Self {
        Self { relation: Relation { files: Files::One(file), ..self.relation.clone() }, ..self.clone() }
    }

    /// The keys of the sums that it is made from.
    pub fn sums(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().flat_map(SortedRuns::runs).map(|run| run.key.as_str())
    }
}
