//! Reading runs: their indexes, and those blocks that are asked for.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::{Range, RangeInclusive};

use super::SortedRun;
use super::block::{BlockRef, decode, digest, parse_index};
use super::merge::{Cursor, Merge};
use crate::Store;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::{Error, digest as sha256};

/// A run that is not longer is read whole.
const WHOLE: u64 = 256 << 10;
/// The most bytes of one read.
const CHUNK: u64 = 1 << 20;
/// So few keys of one block are sought one by one: to compare bytes costs less than to hash each key on the way.
const FEW: usize = 4;

/// Runs whose indexes are in memory. Can be used by many threads at once.
pub struct Reader<'s> {
    place: KeyHash,
    /// Oldest first.
    runs: Vec<Run<'s>>,
}

pub(super) struct Run<'s> {
    store: &'s dyn Store,
    key: String,
    blocks: Vec<BlockRef>,
    /// All of it, if it is short.
    whole: Option<Vec<u8>>,
}

impl<'s> Reader<'s> {
    pub(super) fn open(store: &'s dyn Store, place: KeyHash, runs: &[SortedRun]) -> Result<Self> {
        Ok(Self { place, runs: runs.iter().map(|segment| Run::open(store, segment)).collect::<Result<_>>()? })
    }

    /// Where keys lie.
    pub fn place(&self) -> &KeyHash {
        &self.place
    }

    /// The values of the keys, in the order of the keys.
    pub fn get_many<'k, K: AsRef<[u8]>>(&self, keys: &'k [K]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = vec![None; keys.len()];
        let place = |(at, key): (usize, &'k K)| (self.place.of(key.as_ref()), key.as_ref(), at);
        let mut order: Vec<_> = keys.iter().enumerate().map(place).collect();
        order.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        let wanted = |at: usize| (order[at].0, order[at].1);
        self.look_up(order.len(), wanted, |at, value| {
            values[order[at].2] = Some(value.to_vec());
            Ok(())
        })?;
        Ok(values)
    }

    /// Looks up so many keys, which `wanted` gives with their hashes by their indexes, in the order of (hash, key). `found` is
    /// told of each that there is, by its index, in no particular order.
    pub fn look_up<'k>(
        &self,
        count: usize,
        wanted: impl Fn(usize) -> (u64, &'k [u8]),
        mut found: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut pending: Vec<usize> = (0..count).collect();
        for run in self.runs.iter().rev() {
            if pending.is_empty() {
                break;
            }
            let mut left = Vec::new();
            run.look_up(&self.place, &wanted, &pending, &mut left, &mut found)?;
            pending = left;
        }
        Ok(())
    }

    /// All runs at once, from one hash to another.
    pub(super) fn merge(&self, hashes: RangeInclusive<u64>) -> Result<Merge<'_>> {
        let cursor = |run| Cursor::new(run, &self.place, hashes.clone());
        Ok(Merge::new(self.runs.iter().map(cursor).collect::<Result<_>>()?))
    }
}

impl<'s> Run<'s> {
    fn open(store: &'s dyn Store, segment: &SortedRun) -> Result<Self> {
        let SortedRun { key, bytes, entries: _, index, sha256: expected } = segment;
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

    /// The block in which keys of that hash are.
    pub(super) fn block(&self, hash: u64) -> usize {
        self.blocks.partition_point(|block| block.first <= hash).saturating_sub(1)
    }

    /// As many blocks as are read at once, at least one, from the given one on.
    pub(super) fn chunk(&self, from: usize) -> Range<usize> {
        let start = self.blocks.get(from).map_or(0, |block| block.start);
        let more = self.blocks.iter().skip(from + 1).take_while(|block| block.end - start <= CHUNK).count();
        from..(from + 1 + more).min(self.blocks.len())
    }

    /// All of these blocks, checked.
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
            self.check(block, bytes)?;
            rest = after;
        }
        Ok(bytes)
    }

    fn check(&self, block: usize, bytes: &[u8]) -> Result<()> {
        match digest(bytes) == self.blocks[block].digest {
            true => Ok(()),
            false => Err(Error::new(Kind::Damaged, format!("block {block} of `{}` is not what it was", self.key))),
        }
    }

    pub(super) fn malformed(&self) -> Error {
        Error::new(Kind::Damaged, format!("an entry of `{}` is malformed", self.key))
    }

    /// Looks up those of the wanted keys that are pending; those that are not here are left.
    fn look_up<'k>(
        &self,
        place: &KeyHash,
        wanted: &impl Fn(usize) -> (u64, &'k [u8]),
        pending: &[usize],
        left: &mut Vec<usize>,
        found: &mut impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut rest = pending;
        while !rest.is_empty() {
            // As many blocks as are read at once, and which keys are sought in each.
            let (mut groups, mut bytes) = (Vec::new(), 0);
            let mut ranges: Vec<Range<u64>> = Vec::new();
            while let Some(&first) = rest.first().filter(|_| bytes < CHUNK) {
                let block = self.block(wanted(first).0);
                let after = self.blocks.get(block + 1).map(|block| block.first);
                let here = rest.iter().take_while(|&&at| after.is_none_or(|after| wanted(at).0 < after)).count();
                let group;
                (group, rest) = rest.split_at(here);
                groups.push((block, group));
                let BlockRef { start, end, .. } = self.blocks[block];
                bytes += end - start;
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
            for (block, group) in groups {
                let BlockRef { start, end, .. } = self.blocks[block];
                let bytes = match &self.whole {
                    Some(whole) => &whole[start as usize..end as usize],
                    None => read.split_off(..(end - start) as usize).unwrap_or_default(),
                };
                self.check(block, bytes)?;
                match group.len() {
                    ..=FEW => self.seek(bytes, wanted, group, left, found)?,
                    _ => self.match_block(place, bytes, wanted, group, left, found)?,
                }
            }
        }
        Ok(())
    }

    /// Looks for one key after the other.
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

    /// Both the keys and the entries of the block are in the order of (hash, key).
    fn match_block<'k>(
        &self,
        place: &KeyHash,
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
            let here = (place.of(key), key);
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
