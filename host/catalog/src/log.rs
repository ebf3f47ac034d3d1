//! The change that a commit made to a relation, object by object.

use serde::{Deserialize, Serialize};
use smelt_common::error::Result;
use smelt_common::{Error, digest};
use smelt_storage::{Durability, Store, put_new, read_verified};

use crate::entry::Entry;
use crate::object_ref::ObjectRef;
use crate::parse::parse;
use crate::status::Status;
use crate::totals::Totals;

/// The change that a commit made to one relation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationChange {
    /// True if the relation was created, rebuilt or replaced, so that its history begins here.
    pub reset: bool,
    /// The commit that changed the relation's rows before this one; 0 if there is none.
    pub previous: u64,
    /// The number of bronze objects that were cleaned; 0 for a table.
    pub cleaned: u64,
    /// The number of silver objects that were written again, without the superseded rows.
    pub rewritten: u64,
    /// The log of a dataset, with one [`LogEntry`] in each line; `None` for a table.
    pub log: Option<ObjectRef>,
    /// The rows that a table gained, in the format of silver; those of a dataset lie in the objects of its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<ObjectRef>,
    /// The rows that left the relation, if any did.
    pub removed: Option<Removed>,
}

impl RelationChange {
    /// Returns the change that replaced a relation which commit `previous` changed before.
    pub fn replaced(previous: u64) -> Self {
        Self { reset: true, previous, cleaned: 0, rewritten: 0, log: None, added: None, removed: None }
    }

    /// Returns the objects that the change itself references.
    pub fn into_objects(self) -> impl Iterator<Item = ObjectRef> {
        let removed = self.removed.map(|removed| removed.rows);
        self.log.into_iter().chain(self.added).chain(removed)
    }

    /// Reads the log of the change.
    pub fn read_log(&self, store: &dyn Store) -> Result<Vec<LogEntry>> {
        self.log.as_ref().map_or(Ok(vec![]), |log| LogEntry::read(store, log))
    }
}

/// A line in the log of a change, for one bronze object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// The bronze object's name.
    pub object: String,
    /// True if the object was cleaned; false if only its entry changed or its silver was written again.
    pub cleaned: bool,
    /// The account of the object's rows before the change; `None` if the change cleaned the object or left its account as
    /// it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Totals>,
    /// The object's status before the change, if it had one and `before` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Status>,
    /// The object's entry after the change.
    pub entry: Entry,
}

impl LogEntry {
    /// Writes the log of a change, under a key that begins with `stem`.
    pub fn write(store: &dyn Store, stem: &str, log: &[Self]) -> Result<ObjectRef> {
        Self::write_with(store, stem, log, "")
    }

    /// Writes the log with `last` as an additional last line, which must be a text in quotes.
    pub(crate) fn write_with(store: &dyn Store, stem: &str, log: &[Self], last: &str) -> Result<ObjectRef> {
        let mut body = Vec::new();
        for line in log {
            serde_json::to_writer(&mut body, line).map_err(|error| Error::internal(error.to_string()))?;
            body.push(b'\n');
        }
        body.extend_from_slice(last.as_bytes());
        let key = put_new(store, stem, '.', ".jsonl", &body, Durability::Rebuildable)?;
        Ok(ObjectRef { key, sha256: digest::hex(&body), bytes: body.len() as u64, rows: log.len() as u64 })
    }

    /// Reads the lines of the log of a change.
    pub fn read(store: &dyn Store, log: &ObjectRef) -> Result<Vec<Self>> {
        let body = read_verified(store, &log.key, &log.sha256)?;
        let lines = body.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"{"));
        lines.map(|line| parse(&log.key, line)).collect()
    }
}

/// The rows that left a relation: of a dataset, those that other rows with their keys superseded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// An object with the rows, in the format of silver.
    pub rows: ObjectRef,
    /// The number of rows of each bronze object, in the order of the rows. Empty for a table.
    pub objects: Vec<(String, u64)>,
}
