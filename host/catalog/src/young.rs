//! Bronze objects that were young when they were read: their writers may have gone on writing. The catalog keeps a few
//! bytes for each, enough to find it in a listing and to tell whether it has changed.

use std::collections::HashSet;
use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::log::LogEntry;
use crate::object_ref::ObjectRef;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// The number of hexadecimal digits of a hash.
const DIGITS: usize = 16;
/// The number of bytes after the hashes, at the end of the log's last line.
const END: u64 = "\"\n".len() as u64;

/// The objects that one commit read while they were young.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Young {
    /// The log of that commit, whose last line has a hash of each object's name. `None` means all objects of the
    /// dataset.
    pub log: Option<ObjectRef>,
    /// The number of objects.
    pub count: u64,
    /// The sum modulo 2^64 of [`look_hash`] of each object.
    pub sum: u64,
    /// The time from which all of the objects are old, in microseconds since the epoch. A look at them after this time
    /// settles them.
    pub until: i64,
}

/// Returns the hash by which a name is found. If two names of a dataset have the same hash, the host looks at both
/// objects.
pub fn name_hash(name: &str) -> u64 {
    SipHasher13::new().hash(name.as_bytes())
}

/// Returns the hash that tells whether an object has changed.
pub fn look_hash(name: &str, etag: &str) -> u64 {
    let mut hash = SipHasher13::new();
    [name, etag].into_iter().for_each(|part| {
        hash.write(part.as_bytes());
        hash.write_u8(0);
    });
    hash.finish()
}

impl Young {
    /// Writes the log of a change under a key that begins with `stem`. If objects in it are young, also writes the
    /// hashes of their names, and returns the record of these objects.
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

    /// Reads the hashes of the objects' names. Returns `None` if the record means all objects of the dataset.
    pub fn names(&self, store: &dyn Store) -> Result<Option<HashSet<u64>>> {
        let Some(log) = &self.log else { return Ok(None) };
        let damaged = || {
            Error::new(
                Kind::Damaged,
                format!("`{}` does not end with the hashes of {} young objects", log.key, self.count),
            )
        };
        let end = log.bytes.checked_sub(END).ok_or_else(damaged)?;
        let digits = self.count.checked_mul(DIGITS as u64).ok_or_else(damaged)?;
        let start = end.checked_sub(digits).ok_or_else(damaged)?;
        let hashes = store.read_ranges(&log.key, std::slice::from_ref(&(start..end)))?;
        let hashes = hashes.chunks(DIGITS).map(|hash| u64::from_str_radix(std::str::from_utf8(hash).ok()?, 16).ok());
        hashes.collect::<Option<_>>().map(Some).ok_or_else(damaged)
    }
}
