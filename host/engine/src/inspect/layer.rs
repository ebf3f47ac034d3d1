//! The layers of a lake, as lineage shows them.

use serde::Serialize;

/// The kind of something in the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// A KPI's table.
    Gold,
    /// A table that others read.
    Table,
    /// All silver of one dataset.
    Dataset,
    /// The clean rows of one bronze object.
    Silver,
    /// The rejected rows of one bronze object.
    Quarantine,
    /// An object as it arrived.
    Bronze,
}
