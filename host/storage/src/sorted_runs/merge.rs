//! Goes through several runs at once, in the order of (hash, key).

use std::borrow::Cow;
use std::ops::Range;

use super::block::{Entry, decode};
use super::rule::Rule;
use super::run::{CHUNK, Run};
use smelt_common::error::Result;
use smelt_common::stored_row;

/// Goes through the entries of one run, which it reads in large pieces.
pub(super) struct Cursor<'r> {
    run: &'r Run<'r>,
    rule: Rule,
    last: u64,
    /// The next block to be read, and the most bytes of it and of those after it that are read at once.
    next: usize,
    most: u64,
    bytes: Cow<'r, [u8]>,
    /// The offset of the entry after the current one.
    at: usize,
    current: Option<Current>,
}

struct Current {
    hash: u64,
    key: Range<usize>,
    /// How many of the key's first bytes have this hash.
    hashed: usize,
    value: Option<Range<usize>>,
}

impl<'r> Cursor<'r> {
    /// Begins at the first entry from that hash and key on, and ends with the hash `last`. Reads as many bytes at first, and
    /// twice as many each time, up to [`CHUNK`].
    pub(super) fn new(run: &'r Run<'r>, rule: Rule, from: (u64, &[u8]), last: u64, most: u64) -> Result<Self> {
        let next = run.block(from.0, from.1);
        let bytes = Cow::Borrowed(&[][..]);
        let mut cursor = Self { run, rule, last, next, most, bytes, at: 0, current: None };
        cursor.advance()?;
        while cursor.entry().is_some_and(|entry| (entry.hash, entry.key) < from) {
            cursor.advance()?;
        }
        Ok(cursor)
    }

    fn entry(&self) -> Option<Entry<'_>> {
        let Current { hash, key, value, .. } = self.current.as_ref()?;
        Some(Entry {
            hash: *hash,
            key: &self.bytes[key.clone()],
            value: value.as_ref().map(|value| &self.bytes[value.clone()]),
        })
    }

    fn advance(&mut self) -> Result<()> {
        let mut before = self.current.take();
        if self.at == self.bytes.len() {
            let blocks = self.run.chunk(self.next, self.most);
            self.most = CHUNK.min(2 * self.most);
            self.next = blocks.end.max(self.next);
            (self.bytes, self.at, before) = (self.run.read_all(blocks)?, 0, None);
        }
        if self.bytes.is_empty() {
            return Ok(());
        }
        let (start, key, value) = decode(&self.bytes[self.at..]).ok_or_else(|| self.run.malformed())?;
        let key = self.at + start..self.at + start + key;
        let value = value.map(|value| key.end..key.end + value);
        self.at = value.as_ref().map_or(key.end, |value| value.end);
        let bytes = &self.bytes[key.clone()];
        let (hash, hashed) = match before {
            // Rows of one group follow one another.
            Some(before) if self.rule.adds && bytes.starts_with(&self.bytes[before.key.start..][..before.hashed]) => {
                (before.hash, before.hashed)
            }
            _ => self.rule.hash(bytes).ok_or_else(|| self.run.malformed())?,
        };
        if hash <= self.last {
            self.current = Some(Current { hash, key, hashed, value });
        }
        Ok(())
    }
}

/// Goes through what the entries of each key come to: the newest one, removals included, or their sum unless it is zero.
#[derive(Default)]
pub(super) struct Merge<'r> {
    /// One cursor for each run, oldest first.
    cursors: Vec<Cursor<'r>>,
    /// The cursor of the current entry.
    least: Option<usize>,
    adds: bool,
    /// The sum of the current entries, if there are several and they add up.
    sum: Option<Vec<u8>>,
}

impl<'r> Merge<'r> {
    pub(super) fn new(cursors: Vec<Cursor<'r>>, rule: Rule) -> Result<Self> {
        let mut merge = Self { cursors, least: None, adds: rule.adds, sum: None };
        merge.find()?;
        Ok(merge)
    }

    pub(super) fn peek(&self) -> Option<Entry<'_>> {
        let entry = self.cursors[self.least?].entry()?;
        Some(Entry { value: self.sum.as_deref().or(entry.value), ..entry })
    }

    /// Goes on to the next key.
    pub(super) fn pop(&mut self) -> Result<()> {
        let Some(least) = self.least else { return Ok(()) };
        for older in 0..least {
            if self.is_alike(older, least) {
                self.cursors[older].advance()?;
            }
        }
        self.cursors[least].advance()?;
        self.find()
    }

    /// Returns whether two cursors are at the same key.
    fn is_alike(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.cursors[a].entry(), self.cursors[b].entry());
        a.zip(b).is_some_and(|(a, b)| (a.hash, a.key) == (b.hash, b.key))
    }

    /// Finds the cursor with the least key, and of equal keys the newest. Adds up the entries of that key, where they add
    /// up, and goes on if they come to zero.
    fn find(&mut self) -> Result<()> {
        loop {
            let entries = self.cursors.iter().enumerate().filter_map(|(at, cursor)| Some((at, cursor.entry()?)));
            self.least =
                entries.min_by(|(i, a), (j, b)| (a.hash, a.key).cmp(&(b.hash, b.key)).then(j.cmp(i))).map(|(at, _)| at);
            self.sum = None;
            let Some(least) = self.least.filter(|_| self.adds) else { return Ok(()) };
            let mut exists = true;
            for older in 0..least {
                if !self.is_alike(older, least) {
                    continue;
                }
                let malformed = || self.cursors[least].run.malformed();
                let newer = self.peek().and_then(|entry| entry.value).ok_or_else(malformed)?;
                let value = self.cursors[older].entry().and_then(|entry| entry.value).ok_or_else(malformed)?;
                let mut sum = Vec::with_capacity(newer.len().max(value.len()));
                exists = stored_row::add(value, newer, &mut sum).ok_or_else(malformed)?;
                self.sum = Some(sum);
                self.cursors[older].advance()?;
            }
            if exists {
                return Ok(());
            }
            self.cursors[least].advance()?;
        }
    }
}
