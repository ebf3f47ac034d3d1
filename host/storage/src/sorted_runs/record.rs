//! The catalog's record of a run.

use serde::{Deserialize, Serialize};

/// A run: an object with entries and an index of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortedRun {
    /// The object's key in the lake.
    pub key: String,
    /// The object's size in bytes.
    pub bytes: u64,
    /// The number of entries, including removals and entries that a later run overrides.
    pub entries: u64,
    /// The offset of the index in the object. The index extends to the object's end.
    pub index: u64,
    /// The sha256 of the index. The index has a digest of each block of entries.
    pub sha256: String,
}
