//! Finds the directory that a text of the manifest names.

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_storage::lake::{Lake, LakeSection, open_bucket};
use smelt_storage::layers::{BRONZE, CATALOG, QUARANTINE};
use smelt_storage::{BucketUrl, DirStore, Store};

/// All that is needed to find a place: the lake, and how buckets are reached.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// The lake, in which relative paths lie.
    pub lake: &'s Lake,
    /// The manifest's section about it.
    pub section: &'s LakeSection,
    /// Looks up an environment variable.
    pub variable: &'s dyn Fn(&str) -> Option<String>,
}

/// A directory in a lake, of the machine, or in a bucket.
pub struct Directory {
    /// The store in which it lies.
    pub store: Box<dyn Store>,
    /// The beginning of the keys of all that lies in it, with a slash at its end; empty if it is all of the store.
    pub prefix: String,
}

impl Directory {
    /// Finds a directory: a path in the lake such as `reports`, a path of the machine that begins with `/`, or
    /// `s3://bucket[/prefix]`. Nothing is read or written yet.
    ///
    /// # Errors
    /// The text names no such place, or a part of the lake that smelt alone writes.
    pub fn find(text: &str, around: Surroundings<'_>) -> Result<Self> {
        let path = text.trim_end_matches('/');
        if BucketUrl::is_meant(text) {
            let store = open_bucket(BucketUrl::parse(path)?, around.section, around.variable)?;
            return Ok(Self { store, prefix: String::new() });
        }
        if text.starts_with('/') {
            return Ok(Self { store: Box::new(DirStore::new(text)), prefix: String::new() });
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Error::config(
                "expected a directory in the lake, such as `reports`, a path that begins with `/`, or s3://bucket[/prefix]",
            ));
        }
        let prefix = format!("{path}/");
        if let Some(layer) = [BRONZE, QUARANTINE, CATALOG].into_iter().find(|layer| prefix.starts_with(layer)) {
            return Err(Error::config(format!("`{layer}` holds what smelt alone writes; expected another directory")));
        }
        Ok(Self { store: around.lake.open()?, prefix })
    }
}
