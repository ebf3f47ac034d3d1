//! A reference to an immutable object.

use serde::{Deserialize, Serialize};

/// An immutable object that a commit references.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// The object's key in the lake.
    pub key: String,
    /// The object's sha256, which is checked at every read.
    pub sha256: String,
    /// The object's size in bytes.
    pub bytes: u64,
    /// The number of rows in the object.
    pub rows: u64,
}
