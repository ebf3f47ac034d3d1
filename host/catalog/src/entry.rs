//! The catalog's entry for a bronze object, with what became of its rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smelt_common::cost::Cost;

use crate::object_ref::ObjectRef;
use crate::status::{Staged, Status};

/// A bronze object, and what became of its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The object's number in its dataset.
    pub id: u32,
    /// The object's etag when the object was read.
    pub etag: String,
    /// The sha256 of the bytes that were read.
    pub sha256: String,
    /// The number of bytes that were read.
    pub bytes: u64,
    /// The number of rows in the object, malformed ones included.
    pub read: u64,
    /// The number of rejected rows, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// The number of repaired rows, by rule. Repaired rows are kept.
    pub repaired: BTreeMap<String, u64>,
    /// The rows that another row with the same key superseded. They are positions among the rows that the cleaner kept,
    /// in ascending order.
    pub superseded: Vec<u32>,
    /// The silver object, which holds the kept rows. It has no key if there is none: of an object that is held, and of one
    /// in a dataset of bronze, whose rows are decoded again where they are read.
    pub silver: ObjectRef,
    /// The object with the rejected rows, if there are any and quarantine is on.
    pub quarantine: Option<ObjectRef>,
    /// The time at which the rejected rows were written, by the store's clock, in microseconds since the epoch. `None`
    /// if the object's own time of writing is right; a copy's is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<i64>,
    /// The cost of the cleaner's calls.
    #[serde(default)]
    pub cost: Cost,
    /// The object's status, if checks judge the objects of the dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The facts by which it is judged, in a dataset of bronze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<Staged>,
}

impl Entry {
    /// Returns the entry of an object with nothing in it, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn some() -> Self {
        Self {
            id: 0,
            etag: String::new(),
            sha256: String::new(),
            bytes: 0,
            read: 0,
            rejected: BTreeMap::new(),
            repaired: BTreeMap::new(),
            superseded: vec![],
            silver: ObjectRef::default(),
            quarantine: None,
            rejected_at: None,
            cost: Cost::default(),
            status: None,
            staged: None,
        }
    }

    /// Returns the number of kept rows, which are those in the silver object.
    pub fn kept(&self) -> u64 {
        self.silver.rows
    }

    /// Returns the number of rejected rows, over all rules.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Returns the number of rows that are held back: all of them or none.
    pub fn held(&self) -> u64 {
        if self.is_held() { self.read } else { 0 }
    }

    /// Returns whether the object is held: it does not count, so none of its rows is kept or rejected.
    pub fn is_held(&self) -> bool {
        self.status.is_some_and(|status| !status.counts())
    }

    /// Returns the objects that hold its rows.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        std::iter::once(&self.silver).filter(|silver| !silver.key.is_empty()).chain(&self.quarantine)
    }

    /// Returns whether the rows add up: read = kept + rejected + superseded + held.
    pub fn is_conserved(&self) -> bool {
        self.read == self.kept() + self.rejected_total() + self.superseded.len() as u64 + self.held()
    }
}
