//! The bronze objects of a dataset, with what became of their rows.

use std::collections::BTreeMap;

use smelt_catalog::{Dataset, Entries, Entry};
use smelt_common::error::Result;
use smelt_storage::Store;

/// A bronze object, and what became of its rows: read = kept + rejected + superseded.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BronzeObject {
    /// The name in bronze.
    pub object: String,
    /// The sha256 of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// The rows in it.
    pub read: u64,
    /// The rows in silver.
    pub kept: u64,
    /// The rows that others of the same key superseded.
    pub superseded: u64,
    /// The rows in quarantine, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// The rows in silver with a value changed, by rule.
    pub repaired: BTreeMap<String, u64>,
}

/// Returns the number of objects of a dataset and some of them in the order of their names: `most` from number `skip` on.
pub fn objects_of(
    store: &dyn Store,
    dataset: &Dataset,
    skip: usize,
    most: usize,
) -> Result<(usize, Vec<BronzeObject>)> {
    let object = |(object, entry): (String, Entry)| {
        let Entry { sha256, bytes, read, rejected, repaired, superseded, .. } = &entry;
        BronzeObject {
            object,
            sha256: sha256.clone(),
            bytes: *bytes,
            read: *read,
            kept: entry.kept(),
            superseded: superseded.len() as u64,
            rejected: rejected.clone(),
            repaired: repaired.clone(),
        }
    };
    let all = Entries::of(store, dataset).all()?;
    Ok((all.len(), all.into_iter().skip(skip).take(most).map(object).collect()))
}
