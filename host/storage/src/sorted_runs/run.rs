//! Reads one run: its index, and the blocks that a look-up needs.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use super::block::{BlockRef, decode, digest, parse_index};
use super::record::SortedRun;
use crate::store::Store;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::{Error, digest as sha256, stored_row};

/// A run with at most this many bytes is read whole.
const WHOLE: u64 = 256 << 10;
/// The most bytes that are read at once.
pub(super) const CHUNK: u64 = 1 << 20;
/// At most this many keys of one block are sought one by one, since comparing bytes costs less than hashing every key.
const FEW: usize = 4;

/// A run whose index is in memory.
pub(super) struct Run<'s> {
    store: &'s dyn Store,
    key: String,
    blocks: Vec<BlockRef>,
    /// All bytes of the run, if it is short.
    whole: Option<Vec<u8>>,
}

impl SortedRun {
    /// Reads the whole run, and compares it with its digests.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is gone, or is not as it was written.
    pub fn verify(&self, store: &dyn Store) -> Result<()> {
        Run::open(store, self)?.verify_all()
    }
}

impl<'s> Run<'s> {
    /// Reads the index of the run, or all of a short run.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if the run is gone, too short, or other than the catalog says.
    pub(super) fn open(store: &'s dyn Store, record: &SortedRun) -> Result<Self> {
        let SortedRun { key, bytes, entries: _, index, sha256: expected } = record;
        let malformed = || Error::new(Kind::Damaged, format!("the index of `{key}` is malformed"));
        let start = if *bytes <= WHOLE { 0 } else { *index };
        let body = store.read_ranges(key, std::slice::from_ref(&(start..*bytes)))?;
        let at = index.checked_sub(start).and_then(|at| usize::try_from(at).ok()).ok_or_else(malformed)?;
        let bytes = body.get(at..).ok_or_else(malformed)?;
        let found = sha256::hex(bytes);
        if found != *expected {
            let message = format!("the index of `{key}` has sha256 {found}; the catalog says {expected}");
            return Err(Error::new(Kind::Damaged, message));
        }
        let blocks = parse_index(bytes).ok_or_else(malformed)?;
        if blocks.last().map_or(0, |block| block.end) != *index {
            return Err(malformed());
        }
        Ok(Self { store, key: key.clone(), blocks, whole: (start == 0).then_some(body) })
    }

    /// Returns the first block that may have keys of that hash, from the given key on.
    pub(super) fn block(&self, hash: u64, key: &[u8]) -> usize {
        self.blocks.partition_point(|block| block.place() <= (hash, key)).saturating_sub(1)
    }

    /// Returns the blocks from the given one on that are read at once: at least one, and not more than `most` bytes if there
    /// are several.
    pub(super) fn chunk(&self, from: usize, most: u64) -> Range<usize> {
        let start = self.blocks.get(from).map_or(0, |block| block.start);
        let more = self.blocks.iter().skip(from + 1).take_while(|block| block.end - start <= most).count();
        from..(from + 1 + more).min(self.blocks.len())
    }

    /// Reads these blocks and verifies them.
    pub(super) fn read_all(&self, blocks: Range<usize>) -> Result<Cow<'_, [u8]>> {
        let (Some(first), Some(last)) = (self.blocks.get(blocks.start), self.blocks[..blocks.end].last()) else {
            return Ok(Cow::Borrowed(&[]));
        };
        let range = first.start..last.end;
        let bytes = match &self.whole {
            Some(whole) => Cow::Borrowed(&whole[range.start as usize..range.end as usize]),
            None => Cow::Owned(self.store.read_ranges(&self.key, std::slice::from_ref(&range))?),
        };
        let mut rest = &bytes[..];
        for block in blocks {
            let BlockRef { start, end, .. } = self.blocks[block];
            let (bytes, after) = rest.split_at((end - start) as usize);
            self.verify(block, bytes)?;
            rest = after;
        }
        Ok(bytes)
    }

    fn verify(&self, block: usize, bytes: &[u8]) -> Result<()> {
        match digest(bytes) == self.blocks[block].digest {
            true => Ok(()),
            false => {
                Err(Error::new(Kind::Damaged, format!("block {block} of `{}` is not as it was written", self.key)))
            }
        }
    }

    /// Reads all blocks and verifies them.
    pub(super) fn verify_all(&self) -> Result<()> {
        let mut next = 0;
        while next < self.blocks.len() {
            let blocks = self.chunk(next, CHUNK);
            next = blocks.end;
            self.read_all(blocks)?;
        }
        Ok(())
    }

    pub(super) fn malformed(&self) -> Error {
        Error::new(Kind::Damaged, format!("an entry of `{}` is malformed", self.key))
    }

    /// Looks up the pending keys in this run. Adds those that it lacks to `left`.
    pub(super) fn look_up<'k>(
        &self,
        key_hash: &KeyHash,
        wanted: &impl Fn(usize) -> (u64, &'k [u8]),
        pending: &[usize],
        left: &mut Vec<usize>,
        found: &mut impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut rest = pending;
        while !rest.is_empty() {
            // Gathers the blocks that are read at once, each with the keys that are sought in it.
            let (mut groups, mut bytes) = (Vec::new(), 0);
            while let Some(&first) = rest.first().filter(|_| bytes < CHUNK) {
                let (hash, key) = wanted(first);
                let block = self.block(hash, key);
                let after = self.blocks.get(block + 1).map(BlockRef::place);
                let here = rest.iter().take_while(|&&at| after.is_none_or(|after| wanted(at) < after)).count();
                let group;
                (group, rest) = rest.split_at(here);
                groups.push((block, group));
                bytes += self.blocks[block].end - self.blocks[block].start;
            }
            let blocks: Vec<_> = groups.iter().map(|(block, _)| *block).collect();
            let mut groups = groups.into_iter();
            self.each_block(&blocks, |bytes| match groups.next() {
                Some((_, group)) if group.len() <= FEW => self.seek(bytes, wanted, group, left, found),
                Some((_, group)) => self.match_block(key_hash, bytes, wanted, group, left, found),
                None => Ok(()),
            })?;
        }
        Ok(())
    }

    /// Reads these blocks at once, which rise, and visits the bytes of each.
    fn each_block(&self, blocks: &[usize], mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for &block in blocks {
            let BlockRef { start, end, .. } = self.blocks[block];
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => ranges.push(start..end),
            }
        }
        let read = match &self.whole {
            Some(_) => Vec::new(),
            None => self.store.read_ranges(&self.key, &ranges)?,
        };
        let mut read = &read[..];
        for &block in blocks {
            let BlockRef { start, end, .. } = self.blocks[block];
            let bytes = match &self.whole {
                Some(whole) => &whole[start as usize..end as usize],
                None => read.split_off(..(end - start) as usize).unwrap_or_default(),
            };
            self.verify(block, bytes)?;
            visit(bytes)?;
        }
        Ok(())
    }

    /// Visits the rows of `count` groups, as [`AdditiveReader::groups`](super::AdditiveReader::groups) does.
    pub(super) fn groups<'k>(
        &self,
        key_hash: &KeyHash,
        count: usize,
        wanted: &impl Fn(usize) -> (u64, &'k [u8]),
        found: &mut impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        // The group that is read next, and the first of its blocks that is not read yet, if it has begun.
        let (mut at, mut goes_on) = (0, None);
        while at < count {
            // Gathers the blocks that are read at once. Groups may share a block, and a group may have many.
            let (from, mut bytes) = (at, 0);
            let mut gathered: Vec<usize> = Vec::new();
            while at < count && bytes < CHUNK {
                let (hash, shared) = wanted(at);
                let read = gathered.last().map_or(0, |last| last + 1);
                let mut block = goes_on.take().unwrap_or_else(|| self.block(hash, shared)).max(read);
                let end = self.blocks.partition_point(|block| {
                    block.first < hash
                        || block.first == hash && (&*block.key <= shared || block.key.starts_with(shared))
                });
                while block < end && bytes < CHUNK {
                    bytes += self.blocks[block].end - self.blocks[block].start;
                    gathered.push(block);
                    block += 1;
                }
                if block < end {
                    goes_on = Some(block);
                    break;
                }
                at += 1;
            }
            // A group of which no block is gathered yet is visited with its own blocks, of which one may be among these.
            let until = at + usize::from(goes_on.is_some());
            let mut next = from;
            self.each_block(&gathered, |bytes| self.match_groups(key_hash, bytes, wanted, until, &mut next, found))?;
        }
        Ok(())
    }

    /// Visits the rows of a block that belong to wanted groups, from the group `next` on and before `end`.
    fn match_groups<'k>(
        &self,
        key_hash: &KeyHash,
        mut block: &[u8],
        wanted: &impl Fn(usize) -> (u64, &'k [u8]),
        end: usize,
        next: &mut usize,
        found: &mut impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        let (mut group, mut is_wanted) = (&[][..], false);
        while !block.is_empty() && *next < end {
            let (start, key_bytes, value_bytes) = decode(block).ok_or_else(|| self.malformed())?;
            let (key, rest) = block[start..].split_at(key_bytes);
            let (value, rest) = rest.split_at(value_bytes.ok_or_else(|| self.malformed())?);
            block = rest;
            // A key is never empty, so the first one begins a group.
            if group.is_empty() || !key.starts_with(group) {
                let (columns, rest) = stored_row::split_key(key).ok_or_else(|| self.malformed())?;
                group = &key[..key.len() - rest.len()];
                let here = (key_hash.of(columns), group);
                while *next < end && wanted(*next) < here {
                    *next += 1;
                }
                is_wanted = *next < end && wanted(*next) == here;
            }
            if is_wanted {
                found(key, value)?;
            }
        }
        Ok(())
    }

    /// Seeks one key after the other in a block.
    fn seek<'k>(
        &self,
        block: &[u8],
        wanted: &impl Fn(usize) -> (u64, &'k [u8]),
        group: &[usize],
        left: &mut Vec<usize>,
        found: &mut impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        for &at in group {
            let (_, sought) = wanted(at);
            let mut rest = block;
            loop {
                if rest.is_empty() {
                    left.push(at);
                    break;
                }
                let (start, key_bytes, value_bytes) = decode(rest).ok_or_else(|| self.malformed())?;
                let (key, after) = rest[start..].split_at(key_bytes);
                let (value, after) = after.split_at(value_bytes.unwrap_or(0));
                rest = after;
                if key == sought {
                    value_bytes.map_or(Ok(()), |_| found(at, value))?;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Seeks all keys in one pass over the block. Both the keys and the entries are in the order of (hash, key).
    fn match_block<'k>(
        &self,
        key_hash: &KeyHash,
        mut block: &[u8],
        wanted: &impl Fn(usize) -> (u64, &'k [u8]),
        group: &[usize],
        left: &mut Vec<usize>,
        found: &mut impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut group = group.iter().copied().peekable();
        while !block.is_empty() && group.peek().is_some() {
            let (start, key_bytes, value_bytes) = decode(block).ok_or_else(|| self.malformed())?;
            let (key, rest) = block[start..].split_at(key_bytes);
            let (value, rest) = rest.split_at(value_bytes.unwrap_or(0));
            block = rest;
            let here = (key_hash.of(key), key);
            while let Some(&next) = group.peek() {
                match wanted(next).cmp(&here) {
                    Ordering::Less => left.push(next),
                    Ordering::Equal if value_bytes.is_some() => found(next, value)?,
                    Ordering::Equal => {}
                    Ordering::Greater => break,
                }
                group.next();
            }
        }
        left.extend(group);
        Ok(())
    }
}
