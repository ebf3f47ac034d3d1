//! The record of a sink, a file beside its files: what it has written, and as of which commit.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde::{Deserialize, Serialize};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::{Durability, NewObject, Store, read, unavailable};

/// The directory of a sink's record, beside the files. Programs that read whole directories leave names with `_` out.
const DIRECTORY: &str = "_smelt/";

/// Returns the key of the record of a sink whose files lie in that directory.
pub(super) fn key(directory: &str, sink: &str) -> String {
    format!("{directory}{DIRECTORY}{sink}.json")
}

/// Returns whether an object may be the record of a sink.
pub fn is_record(key: &str) -> bool {
    key.rsplit_once('/').is_some_and(|(path, name)| format!("{path}/").ends_with(DIRECTORY) && name.ends_with(".json"))
}

/// Returns the files that the record of a sink lists: the key, size and sha256 of each. What is no record lists none.
pub fn files_of(store: &dyn Store, record: &str) -> Result<Vec<(String, u64, String)>> {
    let record = Record::read(store, record)?.unwrap_or_default();
    Ok(record.files.into_iter().map(|(key, file)| (key, file.bytes, file.sha256)).collect())
}

/// The record of a sink. Programs that want all files of one commit compare them with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The number of the commit that the files are of.
    pub(super) commit: u64,
    /// The files, by key.
    pub(super) files: BTreeMap<String, Written>,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    /// The relations that it has.
    pub(super) relations: Vec<String>,
    /// The number of rows.
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// A digest of everything that the bytes depend on.
    pub(super) version: String,
}

impl Record {
    /// Reads the record. One that is no record counts as none, since all files are written again then.
    pub(super) fn read(store: &dyn Store, key: &str) -> Result<Option<Self>> {
        match read(store, key) {
            Err(error) if error.kind() == Kind::Damaged => Ok(None),
            Err(error) => Err(error),
            Ok(body) => Ok(serde_json::from_slice(&body).ok()),
        }
    }

    pub(super) fn write(&self, store: &dyn Store, key: &str) -> Result<()> {
        let mut body = serde_json::to_vec_pretty(self).map_err(|error| Error::internal(error.to_string()))?;
        body.push(b'\n');
        let mut new = NewObject::create(store, key)?;
        new.write_all(&body).map_err(|error| unavailable("write", key, &error))?;
        new.replace(key, Durability::Durable).map(drop)
    }
}
