//! The files that a lake has taken from a source, each once.
//!
//! A file is claimed before it is copied: a commit says which object it becomes and which content that has. So of two hosts only one
//! takes it, and one that dies in between leaves a claim that the next host makes good, to the same object.

use serde::{Deserialize, Serialize};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::sorted_runs::SortedRuns;

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
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { stamp: String::new(), taken: SortedRuns::none(), claimed: vec![] }
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
    /// Returns the record as a value of the map.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::internal(error.to_string()))
    }

    /// Reads a value of the map.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is none.
    pub fn parse(value: &[u8]) -> Result<Self> {
        serde_json::from_slice(value)
            .map_err(|error| Error::new(Kind::Damaged, format!("a record of a file that was taken: {error}")))
    }
}
