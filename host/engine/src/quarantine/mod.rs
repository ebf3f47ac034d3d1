//! Rejected rows, as JSON Lines: which rule, where the row came from, what it was, and which component said so.

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
    /// What is wrong, where the host itself says so; never the content of a cell.
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
    /// The sha256 of the component that was at work.
    pub component: &'r str,
    /// The record as it was written. Bytes that are not UTF-8 appear as U+FFFD, and a long record is cut off: `object`,
    /// `offset` and `bytes` say where the original is.
    pub raw: Cow<'r, str>,
}

impl Rejected<'_> {
    /// The record's text, cut off where it is long.
    pub fn raw(record: &[u8]) -> Cow<'_, str> {
        String::from_utf8_lossy(&record[..record.len().min(RAW_BYTES)])
    }

    /// The same with every letter as `x` and every digit as `0`.
    pub fn masked(record: &[u8]) -> Cow<'_, str> {
        let mask = |character: char| match character {
            _ if character.is_alphabetic() => 'x',
            _ if character.is_numeric() => '0',
            _ => character,
        };
        Self::raw(record).chars().map(mask).collect()
    }

    /// Appends it as one line.
    pub fn write(&self, lines: &mut Vec<u8>) {
        serde_json::to_writer(&mut *lines, self).expect("strings and numbers are JSON, and a Vec takes all");
        lines.push(b'\n');
    }
}
