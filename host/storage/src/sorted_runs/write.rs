//! Writes a run in parts. Workers make the parts at the same time, and the parts are written one after the other.

use std::cmp::Ordering;
use std::io::Write as _;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard};

use super::block::{Entry, MAGIC, block_bytes, describe, encode};
use super::merge::Merge;
use super::reader::Reader;
use super::record::SortedRun;
use crate::errors::unavailable;
use crate::store::{Durability, Store, Upload};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest as sha256, profile, stored_row, workers};

/// The bytes that a part gathers before it waits for its turn.
const AHEAD: usize = 8 << 20;
/// The bytes that a part gathers before it writes, once its turn has come.
const PIECE: usize = 1 << 20;

/// A run that is being written. If it is dropped before it is finished, nothing of it remains.
pub(super) struct RunWriter<'s> {
    store: &'s dyn Store,
    stem: String,
    parts: u32,
    /// The bytes at which a block is closed.
    block_bytes: usize,
    /// The older runs that the new run replaces.
    joined: Reader<'s>,
    /// True if no run remains before the new one. Removals then need no entries.
    oldest: bool,
    sink: Mutex<Sink<'s>>,
    turn: Condvar,
}

#[derive(Default)]
struct Sink<'s> {
    upload: Option<Box<dyn Upload + 's>>,
    bytes: u64,
    entries: u64,
    index: Vec<u8>,
    /// The number of the part whose turn it is.
    next: u32,
    /// Set when a part has failed.
    failed: bool,
}

impl<'s> RunWriter<'s> {
    /// Begins a run of about `bytes` bytes, whose key begins with `stem`.
    pub(super) fn new(
        store: &'s dyn Store,
        stem: &str,
        bytes: u64,
        parts: u32,
        joined: Reader<'s>,
        oldest: bool,
    ) -> Self {
        let sink = Mutex::new(Sink { index: MAGIC.to_vec(), ..Sink::default() });
        let (stem, block_bytes) = (stem.to_owned(), block_bytes(bytes));
        Self { store, stem, parts, block_bytes, joined, oldest, sink, turn: Condvar::new() }
    }

    /// Makes the parts. Returns the run, unless it is empty, and the results of `make`.
    pub(super) fn make<R: Send>(
        self,
        make: impl Fn(u32, &mut RunPart<'_, 's>) -> Result<R> + Sync,
    ) -> Result<(Option<SortedRun>, Vec<R>)> {
        if !self.parts.is_power_of_two() {
            return Err(Error::internal(format!("a run in {} parts; the number must be 1, 2, 4, …", self.parts)));
        }
        // Workers take parts in order, so a worker always has the part whose turn it is.
        let made = workers::map((0..self.parts).collect(), |number| {
            let _span = profile::span("write sorted runs", "");
            let mut part = RunPart::begin(&self, number)?;
            let made = make(number, &mut part)?;
            part.end().map(|()| made)
        });
        let made = made.into_iter().collect::<Result<_>>()?;
        Ok((self.finish()?, made))
    }

    fn finish(self) -> Result<Option<SortedRun>> {
        let Self { stem, parts, sink, .. } = self;
        let sink = sink.into_inner().map_err(|_| Error::internal("a part of a run panicked"))?;
        let Sink { upload, bytes, entries, index, next, failed } = sink;
        if failed || next != parts {
            return Err(Error::internal(format!("part {next} of {parts} of `{stem}` was not made")));
        }
        let Some(mut upload) = upload else { return Ok(None) };
        upload.write_all(&index).map_err(|error| unavailable("write", &stem, &error))?;
        for attempt in 1.. {
            let key = if attempt == 1 { format!("{stem}.run") } else { format!("{stem}.{attempt}.run") };
            if upload.finish(&key, Durability::Rebuildable)? {
                let sha256 = sha256::hex(&index);
                return Ok(Some(SortedRun { key, bytes: bytes + index.len() as u64, entries, index: bytes, sha256 }));
            }
        }
        unreachable!("the loop ends only by returning")
    }

    fn sink(&self) -> MutexGuard<'_, Sink<'s>> {
        self.sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A part of a run. It has the keys whose hashes begin with its number.
pub struct RunPart<'w, 's> {
    writer: &'w RunWriter<'s>,
    number: u32,
    /// The entries that the replaced runs have in this part.
    older: Merge<'w>,
    out: Blocks,
    /// The hash that was pushed last.
    last: u64,
    ended: bool,
}

impl<'w, 's> RunPart<'w, 's> {
    fn begin(writer: &'w RunWriter<'s>, number: u32) -> Result<Self> {
        let bits = writer.parts.trailing_zeros();
        let first = u64::from(number).checked_shl(64 - bits).unwrap_or(0);
        let last = first | u64::MAX.checked_shr(bits).unwrap_or(0);
        let older = Merge::default();
        let adds = writer.joined.rule.adds;
        let out = Blocks { full: writer.block_bytes, adds, oldest: writer.oldest, ..Blocks::default() };
        let mut part = Self { writer, number, older, out, last: first, ended: false };
        // This may fail. The part must exist by then, since only its `drop` tells the other parts not to wait for it.
        part.older = writer.joined.merge(first..=last)?;
        Ok(part)
    }

    /// Puts a value in, or removes the key if there is no value. Where values add up, adds it, and there must be one.
    /// Keys must come in the order of (hash, key), each once.
    pub fn push(&mut self, hash: u64, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        if hash < self.last {
            return Err(Error::internal("keys of a run are out of order"));
        }
        self.last = hash;
        let mut new = Some(Entry { hash, key, value });
        let mut sum = Vec::new();
        while let Some(older) = self.older.peek() {
            match (older.hash, older.key).cmp(&(hash, key)) {
                Ordering::Less => self.out.add(older)?,
                Ordering::Equal if self.out.adds => {
                    let exists =
                        older.value.zip(value).and_then(|(older, newer)| stored_row::add(older, newer, &mut sum));
                    let exists = exists.ok_or_else(|| Error::new(Kind::Damaged, "stored sums are malformed"))?;
                    new = exists.then_some(Entry { hash, key, value: Some(&sum) });
                }
                Ordering::Equal => {}
                Ordering::Greater => break,
            }
            self.older.pop()?;
            self.write_ahead()?;
        }
        new.map_or(Ok(()), |new| self.out.add(new))?;
        self.write_ahead()
    }

    fn end(mut self) -> Result<()> {
        while let Some(older) = self.older.peek() {
            self.out.add(older)?;
            self.older.pop()?;
            self.write_ahead()?;
        }
        self.out.close()?;
        self.write()?;
        let mut sink = self.writer.sink();
        self.ended = true;
        sink.next += u32::from(!sink.failed);
        self.writer.turn.notify_all();
        Ok(())
    }

    /// Writes the closed blocks if they are large enough for that.
    fn write_ahead(&mut self) -> Result<()> {
        match self.out.closed {
            0..PIECE => Ok(()),
            PIECE..AHEAD if self.writer.sink().next != self.number => Ok(()),
            _ => self.write(),
        }
    }

    /// Waits for this part's turn and writes all closed blocks. If another part has failed, discards them.
    fn write(&mut self) -> Result<()> {
        let Self { writer, number, out, .. } = self;
        let waits = |sink: &mut Sink<'s>| !sink.failed && sink.next != *number;
        let mut sink = writer.turn.wait_while(writer.sink(), waits).unwrap_or_else(|poisoned| poisoned.into_inner());
        if !sink.failed && out.closed > 0 {
            if sink.upload.is_none() {
                sink.upload = Some(writer.store.create(&writer.stem)?);
            }
            let upload = sink.upload.as_mut().expect("it was just created");
            upload.write_all(&out.data[..out.closed]).map_err(|error| unavailable("write", &writer.stem, &error))?;
            sink.bytes += out.closed as u64;
            sink.index.extend_from_slice(&out.index);
        }
        sink.entries += std::mem::take(&mut out.entries);
        out.data.drain(..out.closed);
        // The open block has the last key, if there is one.
        out.last_key = out.last_key.start.saturating_sub(out.closed)..out.last_key.end.saturating_sub(out.closed);
        out.index.clear();
        out.closed = 0;
        Ok(())
    }
}

impl Drop for RunPart<'_, '_> {
    fn drop(&mut self) {
        if !self.ended {
            self.writer.sink().failed = true;
            self.writer.turn.notify_all();
        }
    }
}

/// The blocks of a part that are not written yet.
#[derive(Default)]
struct Blocks {
    /// The bytes at which a block is closed.
    full: usize,
    /// True if values add up. Then the keys of one hash are a group, which may be long and lies in many blocks.
    adds: bool,
    /// True if there is nothing that a removal would remove.
    oldest: bool,
    data: Vec<u8>,
    /// The offset in `data` at which the open block begins.
    closed: usize,
    /// The closed blocks, as the index describes them.
    index: Vec<u8>,
    entries: u64,
    /// The first hash of the open block.
    first: u64,
    /// As much of its first key as tells it from the block before, if that one ends with the same hash.
    separator: Vec<u8>,
    /// The key that was added last, in `data`.
    last_key: Range<usize>,
    /// The last hash of the open block.
    last: u64,
}

impl Blocks {
    fn add(&mut self, Entry { hash, key, value }: Entry<'_>) -> Result<()> {
        if value.is_none() && self.oldest {
            return Ok(());
        }
        let filled = self.data.len() - self.closed;
        // Where a key is looked up, all keys of one hash are in one block, so a look-up reads no other block.
        if filled >= self.full && (hash != self.last || self.adds) {
            let last = self.data[self.last_key.clone()].iter();
            let shared = last.zip(key).take_while(|(a, b)| a == b).count();
            self.close()?;
            if hash == self.last {
                self.separator.extend_from_slice(&key[..key.len().min(shared + 1)]);
            }
        }
        if self.data.len() == self.closed {
            self.first = hash;
        }
        self.last = hash;
        self.entries += 1;
        encode(key, value, &mut self.data);
        let end = self.data.len() - value.map_or(0, <[u8]>::len);
        self.last_key = end - key.len()..end;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let block = &self.data[self.closed..];
        if !block.is_empty() {
            let described = describe(self.first, &self.separator, block, &mut self.index);
            described.ok_or_else(|| Error::internal("an entry of more than 2 GiB"))?;
            self.closed = self.data.len();
            self.separator.clear();
        }
        Ok(())
    }
}
