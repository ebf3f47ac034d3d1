//! What is known of a dataset's bronze objects, by name and by number, without reading what is known of the others.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher13;

use super::{Dataset, Entry, parse};
use crate::Error;
use crate::error::{Kind, Result};
use crate::segments::{Pair, Reader, Segments};
use crate::store::Store;

/// Before a name: its value is the [`Entry`], as JSON.
const NAME: u8 = b'n';
/// Before a number, big-endian: its value is the name.
const NUMBER: u8 = b'#';

/// The entries of one dataset.
pub struct Entries<'e> {
    store: &'e dyn Store,
    segments: &'e Segments,
    /// Opened when something is first looked up.
    reader: OnceLock<Reader<'e>>,
}

impl<'e> Entries<'e> {
    /// Those that the dataset has.
    pub fn of(store: &'e dyn Store, dataset: &'e Dataset) -> Self {
        Self { store, segments: &dataset.entries, reader: OnceLock::new() }
    }

    /// What is known of the objects of those names.
    pub fn by_name(&self, names: &[&str]) -> Result<Vec<Option<Entry>>> {
        let keys: Vec<_> = names.iter().map(|name| by_name(name)).collect();
        let found = self.get_many(&keys)?.into_iter().zip(names);
        found.map(|(value, name)| value.map(|value| parse(name, &value)).transpose()).collect()
    }

    /// The names of the objects of those numbers.
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
                let opened = self.segments.open(self.store)?;
                self.reader.get_or_init(|| opened)
            }
        };
        reader.get_many(keys)
    }

    /// All of them, in no order.
    pub fn scan(&self, mut visit: impl FnMut(&str, Entry) -> Result<()>) -> Result<()> {
        self.segments.scan(self.store, |key, value| match key.split_first() {
            Some((&NAME, name)) => {
                let name = std::str::from_utf8(name)
                    .map_err(|_| Error::new(Kind::Damaged, "the catalog has an object name that is not UTF-8"))?;
                visit(name, parse(name, value)?)
            }
            _ => Ok(()),
        })
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> Result<Vec<(String, Entry)>> {
        let mut all = Vec::new();
        self.scan(|name, entry| {
            all.push((name.to_owned(), entry));
            Ok(())
        })?;
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(all)
    }

    /// What to put into the segments for a new or changed entry.
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

/// Names summed up: enough to tell whether a listing has the same ones. Order does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameSet {
    /// The greatest of them.
    pub greatest: String,
    /// How many.
    pub count: u64,
    /// The sum of the names' 128-bit SipHash-1-3, in hexadecimal.
    pub digest: Sum,
}

/// A sum modulo 2^128.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sum(u128);

impl From<Sum> for String {
    fn from(Sum(sum): Sum) -> Self {
        format!("{sum:032x}")
    }
}

impl TryFrom<String> for Sum {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

impl NameSet {
    /// Adds a name that is not among them.
    pub fn add(&mut self, name: &str) {
        self.digest.add(name);
        self.count += 1;
        if name > self.greatest.as_str() {
            self.greatest = name.to_owned();
        }
    }
}

impl Sum {
    fn add(&mut self, name: &str) {
        let hash = SipHasher13::new().hash(name.as_bytes());
        self.0 = self.0.wrapping_add(u128::from(hash));
    }
}

/// The names of a listing, compared with those that are held, of which none need be read.
#[derive(Debug)]
pub struct Listed<'h> {
    held: Option<&'h NameSet>,
    count: u64,
    digest: Sum,
}

impl<'h> Listed<'h> {
    /// Nothing was listed yet.
    pub fn new(held: Option<&'h NameSet>) -> Self {
        Self { held, count: 0, digest: Sum::default() }
    }

    /// Takes in a name. Returns whether it does not sort after those held, so that it is one of them if [`Listed::is_same`].
    pub fn add(&mut self, name: &str) -> bool {
        let known = self.held.is_some_and(|held| name <= held.greatest.as_str());
        if known {
            self.digest.add(name);
            self.count += 1;
        }
        known
    }

    /// Whether all names that are held were listed, and no other one that does not sort after them.
    pub fn is_same(&self) -> bool {
        self.held.is_none_or(|held| (held.count, held.digest) == (self.count, self.digest))
    }
}
