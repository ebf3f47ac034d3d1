//! Rejected rows as JSON Lines: each line has the rule, the row's place in bronze, its text and the component that
//! rejected it.

mod ledger;
mod replay;

pub use ledger::{Filter, Held, held, rows};
pub use replay::{Replayed, replay};

use std::borrow::Cow;

use serde::Serialize;

/// The most bytes kept of one raw record; bronze has the rest.
const RAW_BYTES: usize = 64 << 10;

/// A rejected row.
#[derive(Debug, Serialize)]
pub struct Rejected<'r> {
    /// The rule that rejected it.
    pub rule: &'r str,
    /// The host's reason, if the host itself rejected the row. It never contains the content of a cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'r str>,
    /// The bronze object's name.
    pub object: &'r str,
    /// The row's number in the object, from 0; a CSV header does not count.
    pub row: u64,
    /// The byte at which the record begins in the object.
    pub offset: u64,
    /// The record's length in bytes.
    pub bytes: u64,
    /// The sha256 of the dataset's cleaner.
    pub component: &'r str,
    /// The record's text. Bytes that are not UTF-8 appear as U+FFFD, and a long record is cut off. The fields `object`,
    /// `offset` and `bytes` say where the original is.
    pub raw: Cow<'r, str>,
}

impl Rejected<'_> {
    /// Returns the record's text. A text of more than 64 KiB is cut off.
    pub fn raw(record: &[u8]) -> Cow<'_, str> {
        String::from_utf8_lossy(&record[..record.len().min(RAW_BYTES)])
    }

    /// Returns the same text as [`Self::raw`], with `x` for every letter and `0` for every digit.
    pub fn masked(record: &[u8]) -> Cow<'_, str> {
        let mask = |character: char| match character {
            _ if character.is_alphabetic() => 'x',
            _ if character.is_numeric() => '0',
            _ => character,
        };
        Self::raw(record).chars().map(mask).collect()
    }

    /// Appends the row as one line of JSON.
    pub fn write(&self, lines: &mut Vec<u8>) {
        serde_json::to_writer(&mut *lines, self).expect("strings and numbers are JSON, and a Vec takes all");
        lines.push(b'\n');
    }
}
