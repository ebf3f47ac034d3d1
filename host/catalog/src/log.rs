//! What a commit changed in a relation, object by object.

use serde::{Deserialize, Serialize};
use smelt_common::error::Result;
use smelt_common::{Error, digest};
use smelt_storage::{Durability, Store, put_new, read_verified};

use crate::entry::Entry;
use crate::object_ref::ObjectRef;
use crate::parse::parse;

/// What a commit changed in one relation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationChange {
    /// Whether everything that the relation held is void, so that its history begins here.
    pub reset: bool,
    /// The commit that changed its rows before this one.
    pub previous: u64,
    /// How many bronze objects were cleaned.
    pub cleaned: u64,
    /// How many silver objects were written again without the rows that were superseded.
    pub rewritten: u64,
    /// A [`LogEntry`] a line; `None` where the relation is one file, which is new.
    pub log: Option<ObjectRef>,
    /// The rows that left, if any did.
    pub removed: Option<Removed>,
}

impl RelationChange {
    /// Reads the log of the change.
    pub fn read_log(&self, store: &dyn Store) -> Result<Vec<LogEntry>> {
        self.log.as_ref().map_or(Ok(vec![]), |log| LogEntry::read(store, log))
    }
}

/// A line in the log of a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// The bronze object.
    pub object: String,
    /// Whether it was cleaned, rather than its silver written again.
    pub cleaned: bool,
    /// What is known of it from now on.
    pub entry: Entry,
}

impl LogEntry {
    /// Writes the log of a change, under a key that begins with `stem`.
    pub fn write(store: &dyn Store, stem: &str, log: &[Self]) -> Result<ObjectRef> {
        Self::write_with(store, stem, log, "")
    }

    /// The same with a last line that is none of them, a text in quotes.
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

    /// The lines of the log of a change.
    pub fn read(store: &dyn Store, log: &ObjectRef) -> Result<Vec<Self>> {
        let body = read_verified(store, &log.key, &log.sha256)?;
        let lines = body.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"{"));
        lines.map(|line| parse(&log.key, line)).collect()
    }
}

/// Rows that left silver because others of their keys superseded them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// The rows, as silver is written.
    pub rows: ObjectRef,
    /// How many of them are of which bronze object, in the order of the rows.
    pub objects: Vec<(String, u64)>,
}
