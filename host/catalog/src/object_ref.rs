//! A reference to an immutable object.

use serde::{Deserialize, Serialize};

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
