//! Goes through several runs at once, in the order of (hash, key).

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use super::block::{Entry, decode};
use super::run::Run;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;

/// Goes through the entries of one run, which it reads in large pieces.
pub(super) struct Cursor<'r> {
    run: &'r Run<'r>,
    key_hash: &'r KeyHash,
    last: u64,
    /// The next block to be read.
    next: usize,
    bytes: Cow<'r, [u8]>,
    /// The offset of the entry after the current one.
    at: usize,
    current: Option<Current>,
}

struct Current {
    hash: u64,
    key: Range<usize>,
    value: Option<Range<usize>>,
}

impl<'r> Cursor<'r> {
    pub(super) fn new(run: &'r Run<'r>, key_hash: &'r KeyHash, hashes: RangeInclusive<u64>) -> Result<Self> {
        let next = run.block(*hashes.start());
        let bytes = Cow::Borrowed(&[][..]);
        let mut cursor = Self { run, key_hash, last: *hashes.end(), next, bytes, at: 0, current: None };
        cursor.advance()?;
        while cursor.entry().is_some_and(|entry| entry.hash < *hashes.start()) {
            cursor.advance()?;
        }
        Ok(cursor)
    }

    fn entry(&self) -> Option<Entry<'_>> {
        let Current { hash, key, value } = self.current.as_ref()?;
        Some(Entry {
            hash: *hash,
            key: &self.bytes[key.clone()],
            value: value.as_ref().map(|value| &self.bytes[value.clone()]),
        })
    }

    fn advance(&mut self) -> Result<()> {
        self.current = None;
        if self.at == self.bytes.len() {
            let blocks = self.run.chunk(self.next);
            self.next = blocks.end.max(self.next);
            (self.bytes, self.at) = (self.run.read_all(blocks)?, 0);
        }
        if self.bytes.is_empty() {
            return Ok(());
        }
        let (start, key, value) = decode(&self.bytes[self.at..]).ok_or_else(|| self.run.malformed())?;
        let key = self.at + start..self.at + start + key;
        let value = value.map(|value| key.end..key.end + value);
        self.at = value.as_ref().map_or(key.end, |value| value.end);
        let hash = self.key_hash.of(&self.bytes[key.clone()]);
        if hash <= self.last {
            self.current = Some(Current { hash, key, value });
        }
        Ok(())
    }
}

/// Goes through the newest entry of each key, removals included.
#[derive(Default)]
pub(super) struct Merge<'r> {
    /// One cursor for each run, oldest first.
    cursors: Vec<Cursor<'r>>,
    /// The cursor of the current entry.
    least: Option<usize>,
}

impl<'r> Merge<'r> {
    pub(super) fn new(cursors: Vec<Cursor<'r>>) -> Self {
        let mut merge = Self { cursors, least: None };
        merge.find();
        merge
    }

    pub(super) fn peek(&self) -> Option<Entry<'_>> {
        self.cursors[self.least?].entry()
    }

    /// Goes on to the next key.
    pub(super) fn pop(&mut self) -> Result<()> {
        let Some(least) = self.least else { return Ok(()) };
        for older in 0..least {
            let (rest, newer) = self.cursors.split_at_mut(least);
            let (older, newest) = (&mut rest[older], &newer[0]);
            if let (Some(a), Some(b)) = (older.entry(), newest.entry())
                && (a.hash, a.key) == (b.hash, b.key)
            {
                older.advance()?;
            }
        }
        self.cursors[least].advance()?;
        self.find();
        Ok(())
    }

    /// Finds the cursor with the least key, and of equal keys the newest.
    fn find(&mut self) {
        let entries = self.cursors.iter().enumerate().filter_map(|(at, cursor)| Some((at, cursor.entry()?)));
        self.least =
            entries.min_by(|(i, a), (j, b)| (a.hash, a.key).cmp(&(b.hash, b.key)).then(j.cmp(i))).map(|(at, _)| at);
    }
}
