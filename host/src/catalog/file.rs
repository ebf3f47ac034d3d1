//! A commit as a file: its JSON, and beside it the sha256 of that, so that a commit tells when it was damaged.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Commit, commit_key};
use crate::error::{Kind, Result};
use crate::store::{Store, unavailable};
use crate::{Error, digest};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'f> {
    /// Of the bytes of `commit`, as they are written.
    sha256: String,
    #[serde(borrow)]
    commit: &'f RawValue,
}

/// The bytes of the file.
pub(super) fn write(commit: &Commit) -> Result<Vec<u8>> {
    let internal = |error: serde_json::Error| Error::internal(error.to_string());
    let json = serde_json::value::to_raw_value(commit).map_err(internal)?;
    let file = File { sha256: digest::hex(json.get()), commit: &json };
    serde_json::to_vec(&file).map_err(internal)
}

/// The commit in the object; `None` if there is no such object.
pub(super) fn find(store: &dyn Store, key: &str) -> Result<Option<Commit>> {
    let mut reader = match store.open(key) {
        Err(error) if error.kind() == Kind::Damaged => return Ok(None),
        opened => opened?.1,
    };
    let mut body = Vec::new();
    reader.read_to_end(&mut body).map_err(|error| unavailable("read", key, &error))?;
    parse(key, &body).map(Some)
}

/// The commit of that number.
pub fn read_commit(store: &dyn Store, sequence: u64) -> Result<Commit> {
    let key = commit_key(sequence);
    find(store, &key)?.ok_or_else(|| Error::new(Kind::Damaged, format!("there is no `{key}`")))
}

fn parse(key: &str, body: &[u8]) -> Result<Commit> {
    let File { sha256, commit } = super::parse(key, body)?;
    let found = digest::hex(commit.get());
    match found == sha256 {
        true => super::parse(key, commit.get().as_bytes()),
        false => Err(Error::new(Kind::Damaged, format!("`{key}` says that its sha256 is {sha256}, but it is {found}"))),
    }
}
