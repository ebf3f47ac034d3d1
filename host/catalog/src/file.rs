//! Reads and writes a commit as a file: the commit's JSON with its sha256, which exposes damage. The key contains the
//! commit's number, which exposes a file that was copied or renamed.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::commit::Commit;
use crate::keys::commit_key;
use crate::parse::parse;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest};
use smelt_storage::{Store, unavailable};

/// The version of the catalog's format. smelt refuses newer versions, because their fields may have another meaning.
const VERSION: u32 = 7;
/// The oldest version that smelt reads. It only lacks what came later: in version 6 checks, and the tables that they hold; in
/// version 7 the columns of relations.
const OLDEST: u32 = 5;

/// The content of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'f> {
    /// The version of the format. Version 1 lacks this field.
    #[serde(default)]
    version: Option<u32>,
    /// The sha256 of the version, a line feed and the bytes of `commit` as they stand in the file. In version 1, it is
    /// the sha256 of `commit` alone.
    sha256: String,
    #[serde(borrow)]
    commit: &'f RawValue,
}

/// Returns the bytes of the commit's file.
pub(super) fn write(commit: &Commit) -> Result<Vec<u8>> {
    let internal = |error: serde_json::Error| Error::internal(error.to_string());
    let json = serde_json::value::to_raw_value(commit).map_err(internal)?;
    let file = File { version: Some(VERSION), sha256: sha256(Some(VERSION), &json), commit: &json };
    serde_json::to_vec(&file).map_err(internal)
}

fn sha256(version: Option<u32>, commit: &RawValue) -> String {
    match version {
        Some(version) => digest::hex(format!("{version}\n{}", commit.get())),
        None => digest::hex(commit.get()),
    }
}

/// Reads the commit with this number; `None` if there is no such object.
///
/// # Errors
/// [`Kind::Damaged`] if the object is not a commit, or a commit with another number.
pub(super) fn find(store: &dyn Store, sequence: u64) -> Result<Option<Commit>> {
    let key = commit_key(sequence);
    let mut reader = match store.open(&key) {
        Err(error) if error.kind() == Kind::Damaged => return Ok(None),
        opened => opened?.1,
    };
    let mut body = Vec::new();
    reader.read_to_end(&mut body).map_err(|error| unavailable("read", &key, &error))?;
    let commit = read(&key, &body)?;
    match commit.sequence == sequence {
        true => Ok(Some(commit)),
        false => {
            let says = commit_key(commit.sequence);
            Err(damaged(&key, format_args!("it says that it is `{says}`, so it was copied or renamed")))
        }
    }
}

/// Reads the commit with this number.
///
/// # Errors
/// [`Kind::Damaged`] if there is no such object, or the object is not that commit.
pub fn read_commit(store: &dyn Store, sequence: u64) -> Result<Commit> {
    find(store, sequence)?.ok_or_else(|| Error::new(Kind::Damaged, format!("there is no `{}`", commit_key(sequence))))
}

/// Returns the error for an object that is not the commit that it should be.
pub(super) fn damaged(key: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Damaged, format!("`{key}` is damaged: {why}"))
}

fn read(key: &str, body: &[u8]) -> Result<Commit> {
    if body.is_empty() {
        return Err(damaged(key, "it is empty"));
    }
    let File { version, sha256: said, commit } = serde_json::from_slice(body).map_err(|error| damaged(key, error))?;
    let found = sha256(version, commit);
    if found != said {
        return Err(damaged(key, format_args!("it says that its sha256 is {said}, but it is {found}")));
    }
    // The object is undamaged, but another version of smelt wrote it.
    let foreign = |why: String| {
        Err(Error::new(Kind::InvalidInput, format!("`{key}` is not what this version of smelt writes: {why}")))
    };
    match version.unwrap_or(1) {
        OLDEST..=VERSION => parse(key, commit.get().as_bytes()),
        other if other < OLDEST => foreign(format!(
            "the catalog has format {other} of an older smelt, and this smelt reads formats {OLDEST} to {VERSION}; move `catalog/` away, \
             and `smelt run --rebuild` rebuilds silver and gold from bronze"
        )),
        other => foreign(format!(
            "the catalog has format {other} of a newer smelt, and this smelt reads formats {OLDEST} to {VERSION}"
        )),
    }
}
