//! One bronze object and what became of its rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smelt_common::cost::Cost;

use crate::object_ref::ObjectRef;

/// One bronze object and what became of its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The object's number in its dataset.
    pub id: u32,
    /// What the store said of the object when it was read.
    pub etag: String,
    /// The sha256 of the bytes that were read.
    pub sha256: String,
    /// How many bytes were read.
    pub bytes: u64,
    /// Rows in the object, malformed ones included.
    pub read: u64,
    /// Rows rejected, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// Rows repaired, by rule; they are kept.
    pub repaired: BTreeMap<String, u64>,
    /// Rows that lost to another row of the same key, as places among the rows that the cleaner kept; in order.
    pub superseded: Vec<u32>,
    /// The silver object; its rows are the rows kept.
    pub silver: ObjectRef,
    /// The rejected rows, if there are any and quarantine is on.
    pub quarantine: Option<ObjectRef>,
    /// When they were written, by the store's clock, in microseconds since the epoch; `None` if the store still says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<i64>,
    /// What the cleaner used.
    #[serde(default)]
    pub cost: Cost,
}

impl Entry {
    /// Rows kept: those in the silver object.
    pub fn kept(&self) -> u64 {
        self.silver.rows
    }

    /// Rows rejected under any rule.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Whether read = kept + rejected + superseded.
    pub fn is_conserved(&self) -> bool {
        self.read == self.kept() + self.rejected_total() + self.superseded.len() as u64
    }
}
