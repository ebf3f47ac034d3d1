//! Bronze objects that were young when they were read, summed up: enough to find them in a listing, and to tell whether they
//! are what they were, in a few bytes for each.

use std::collections::HashSet;
use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::log::LogEntry;
use crate::object_ref::ObjectRef;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// How many hexadecimal digits a hash has.
const DIGITS: usize = 16;
/// The bytes that end the line with the hashes.
const END: u64 = "\"\n".len() as u64;

/// Objects that one commit read while they were young.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Young {
    /// The log of that commit; its last line has a hash of each name. `None`: all that the dataset has.
    pub log: Option<ObjectRef>,
    /// How many they are.
    pub count: u64,
    /// The sum of the hashes of their names and etags.
    pub sum: u64,
    /// When all of them are old, in microseconds since the epoch. Once they have been looked at after that, they are settled.
    pub until: i64,
}

/// The hash that a name is found by. Two of a dataset's that have the same are both looked at.
pub fn name_hash(name: &str) -> u64 {
    SipHasher13::new().hash(name.as_bytes())
}

/// The hash that tells whether the object is as it was.
pub fn look_hash(name: &str, etag: &str) -> u64 {
    let mut hash = SipHasher13::new();
    [name, etag].into_iter().for_each(|part| {
        hash.write(part.as_bytes());
        hash.write_u8(0);
    });
    hash.finish()
}

impl Young {
    /// Writes the log of a change, under a key that begins with `stem`, with what finds those lines that are of `young` objects.
    pub fn write(
        store: &dyn Store,
        stem: &str,
        lines: &[LogEntry],
        young: &HashSet<String>,
        until: i64,
    ) -> Result<(ObjectRef, Option<Self>)> {
        if young.is_empty() {
            return Ok((LogEntry::write(store, stem, lines)?, None));
        }
        let (mut hashes, mut sum) = (String::from("\""), 0_u64);
        let of = lines.iter().filter(|line| young.contains(&line.object));
        let mut count = 0;
        for LogEntry { object, entry, .. } in of {
            hashes.push_str(&format!("{:0DIGITS$x}", name_hash(object)));
            sum = sum.wrapping_add(look_hash(object, &entry.etag));
            count += 1;
        }
        hashes.push_str("\"\n");
        let log = LogEntry::write_with(store, stem, lines, &hashes)?;
        Ok((log.clone(), Some(Self { log: Some(log), count, sum, until })))
    }

    /// The hashes of their names; `None` if they are all that the dataset has.
    pub fn names(&self, store: &dyn Store) -> Result<Option<HashSet<u64>>> {
        let Some(log) = &self.log else { return Ok(None) };
        let damaged = || Error::new(Kind::Damaged, format!("`{}` does not end with the names that it should", log.key));
        let end = log.bytes.checked_sub(END).ok_or_else(damaged)?;
        let digits = self.count.checked_mul(DIGITS as u64).ok_or_else(damaged)?;
        let start = end.checked_sub(digits).ok_or_else(damaged)?;
        let hashes = store.read_ranges(&log.key, std::slice::from_ref(&(start..end)))?;
        let hashes = hashes.chunks(DIGITS).map(|hash| u64::from_str_radix(std::str::from_utf8(hash).ok()?, 16).ok());
        hashes.collect::<Option<_>>().map(Some).ok_or_else(damaged)
    }
}
