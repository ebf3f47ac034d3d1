//! Looks up the entries of bronze objects in a dataset's map, by name and by number, without reading the other entries.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::dataset::Dataset;
use crate::entry::Entry;
use crate::parse::parse;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;
use smelt_storage::sorted_runs::{Pair, Reader, SortedRuns};

/// The first byte of a key that is an object's name. The value is the [`Entry`] as JSON.
const NAME: u8 = b'n';
/// The first byte of a key that is an object's number, big-endian. The value is the object's name.
const NUMBER: u8 = b'#';

/// The entries of one dataset.
pub struct Entries<'e> {
    store: &'e dyn Store,
    runs: &'e SortedRuns,
    /// The reader, which the first look-up opens.
    reader: OnceLock<Reader<'e>>,
}

impl<'e> Entries<'e> {
    /// Returns the entries of the dataset.
    pub fn of(store: &'e dyn Store, dataset: &'e Dataset) -> Self {
        Self::in_map(store, dataset.entries())
    }

    /// Returns the entries in the map `runs`.
    pub fn in_map(store: &'e dyn Store, runs: &'e SortedRuns) -> Self {
        Self { store, runs, reader: OnceLock::new() }
    }

    /// Returns the entry of each of the named objects, in their order; `None` if there is none.
    pub fn by_name(&self, names: &[&str]) -> Result<Vec<Option<Entry>>> {
        let keys: Vec<_> = names.iter().map(|name| by_name(name)).collect();
        let found = self.get_many(&keys)?.into_iter().zip(names);
        found.map(|(value, name)| value.map(|value| parse(name, &value)).transpose()).collect()
    }

    /// Returns the names of the objects with these numbers.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if there is no object with one of the numbers.
    pub fn names(&self, numbers: &[u32]) -> Result<HashMap<u32, String>> {
        let keys: Vec<_> = numbers.iter().map(|&number| by_number(number)).collect();
        let missing = |number| Error::new(Kind::Damaged, format!("the catalog lacks object number {number}"));
        let found = self.get_many(&keys)?.into_iter().zip(numbers);
        found
            .map(|(name, &number)| {
                let name = name.and_then(|name| String::from_utf8(name).ok()).ok_or_else(|| missing(number))?;
                Ok((number, name))
            })
            .collect()
    }

    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        if keys.is_empty() {
            return Ok(vec![]);
        }
        let reader = match self.reader.get() {
            Some(reader) => reader,
            None => {
                let opened = self.runs.open(self.store)?;
                self.reader.get_or_init(|| opened)
            }
        };
        reader.get_many(keys)
    }

    /// Visits all objects and their entries, in no particular order.
    pub fn scan(&self, mut visit: impl FnMut(&str, Entry) -> Result<()>) -> Result<()> {
        self.runs.scan(self.store, |key, value| match key.split_first() {
            Some((&NAME, name)) => {
                let name = std::str::from_utf8(name)
                    .map_err(|_| Error::new(Kind::Damaged, "the catalog has an object name that is not UTF-8"))?;
                visit(name, parse(name, value)?)
            }
            _ => Ok(()),
        })
    }

    /// Returns all objects and their entries, in the order of the names.
    pub fn all(&self) -> Result<Vec<(String, Entry)>> {
        let mut all = Vec::new();
        self.scan(|name, entry| {
            all.push((name.to_owned(), entry));
            Ok(())
        })?;
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(all)
    }

    /// Returns the pairs of key and value to put into the map for a new or changed entry.
    pub fn pairs(name: &str, entry: &Entry) -> Result<[Pair; 2]> {
        let json = serde_json::to_vec(entry).map_err(|error| Error::internal(error.to_string()))?;
        Ok([(by_name(name), Some(json)), (by_number(entry.id), Some(name.as_bytes().to_vec()))])
    }
}

fn by_name(name: &str) -> Vec<u8> {
    [&[NAME], name.as_bytes()].concat()
}

fn by_number(number: u32) -> Vec<u8> {
    [&[NUMBER][..], &number.to_be_bytes()].concat()
}
