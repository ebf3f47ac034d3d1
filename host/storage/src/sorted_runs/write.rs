//! Writing a run, in parts that are made side by side and written one after the other.

use std::cmp::Ordering;
use std::io::Write as _;
use std::sync::{Condvar, Mutex, MutexGuard};

use super::block::{MAGIC, block_bytes, digest, encode};
use super::merge::Merge;
use super::{Reader, SortedRun};
use crate::{Durability, Store, Upload, unavailable};
use smelt_common::error::Result;
use smelt_common::{Error, digest as sha256, profile, workers};

/// What a part gathers before it waits for its turn.
const AHEAD: usize = 8 << 20;
/// What it gathers before it writes when its turn has come.
const PIECE: usize = 1 << 20;

/// A run being written. Dropped unfinished, it leaves nothing.
pub(super) struct Writing<'s> {
    store: &'s dyn Store,
    stem: String,
    parts: u32,
    /// When a block is closed.
    block_bytes: usize,
    /// The runs that become part of it.
    joined: Reader<'s>,
    /// Whether there are none before them, of which keys would have to be removed.
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
    /// The part whose turn it is.
    next: u32,
    /// Whether a part was given up.
    failed: bool,
}

impl<'s> Writing<'s> {
    /// Of about so many bytes.
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

    /// Makes the parts. Returns the run, if there is anything in it, and what came of each part.
    pub(super) fn make<R: Send>(
        self,
        make: impl Fn(u32, &mut Part<'_, 's>) -> Result<R> + Sync,
    ) -> Result<(Option<SortedRun>, Vec<R>)> {
        if !self.parts.is_power_of_two() {
            return Err(Error::internal(format!("a run in {} parts; there must be 1, 2, 4, …", self.parts)));
        }
        // Workers take parts in order, so the one whose turn it is is always at work.
        let made = workers::map((0..self.parts).collect(), |number| {
            let _span = profile::span("write segments", "");
            let mut part = Part::begin(&self, number)?;
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

/// A part of a run: the keys whose hashes begin with its number.
pub struct Part<'w, 's> {
    writing: &'w Writing<'s>,
    number: u32,
    /// What the joined runs have of it.
    older: Merge<'w>,
    out: Blocks,
    /// The last hash that was pushed.
    last: u64,
    ended: bool,
}

impl<'w, 's> Part<'w, 's> {
    fn begin(writing: &'w Writing<'s>, number: u32) -> Result<Self> {
        let bits = writing.parts.trailing_zeros();
        let first = u64::from(number).checked_shl(64 - bits).unwrap_or(0);
        let last = first | u64::MAX.checked_shr(bits).unwrap_or(0);
        let older = Merge::default();
        let out = Blocks { full: writing.block_bytes, ..Blocks::default() };
        let mut part = Self { writing, number, older, out, last: first, ended: false };
        // Only now, as a part that is dropped: else the others would wait for it.
        part.older = writing.joined.merge(first..=last)?;
        Ok(part)
    }

    /// Puts a value in, or removes the key. Keys come in the order of (hash, key), each once.
    pub fn push(&mut self, hash: u64, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        if hash < self.last {
            return Err(Error::internal("keys of a run are out of order"));
        }
        self.last = hash;
        while let Some(older) = self.older.peek() {
            match (older.hash, older.key).cmp(&(hash, key)) {
                Ordering::Less => self.out.add(older.hash, older.key, older.value, self.writing.oldest)?,
                Ordering::Equal => {}
                Ordering::Greater => break,
            }
            self.older.pop()?;
            self.write_ahead()?;
        }
        self.out.add(hash, key, value, self.writing.oldest)?;
        self.write_ahead()
    }

    fn end(mut self) -> Result<()> {
        while let Some(older) = self.older.peek() {
            self.out.add(older.hash, older.key, older.value, self.writing.oldest)?;
            self.older.pop()?;
            self.write_ahead()?;
        }
        self.out.close()?;
        self.write()?;
        let mut sink = self.writing.sink();
        self.ended = true;
        sink.next += u32::from(!sink.failed);
        self.writing.turn.notify_all();
        Ok(())
    }

    /// Writes what there is if that is enough, and the closed blocks of it are worth it.
    fn write_ahead(&mut self) -> Result<()> {
        match self.out.closed {
            0..PIECE => Ok(()),
            PIECE..AHEAD if self.writing.sink().next != self.number => Ok(()),
            _ => self.write(),
        }
    }

    /// Writes all closed blocks when it is this part's turn, or forgets them if another part was given up.
    fn write(&mut self) -> Result<()> {
        let Self { writing, number, out, .. } = self;
        let waits = |sink: &mut Sink<'s>| !sink.failed && sink.next != *number;
        let mut sink = writing.turn.wait_while(writing.sink(), waits).unwrap_or_else(|poisoned| poisoned.into_inner());
        if !sink.failed && out.closed > 0 {
            if sink.upload.is_none() {
                sink.upload = Some(writing.store.create(&writing.stem)?);
            }
            let upload = sink.upload.as_mut().expect("it was just created");
            upload.write_all(&out.data[..out.closed]).map_err(|error| unavailable("write", &writing.stem, &error))?;
            sink.bytes += out.closed as u64;
            sink.index.extend_from_slice(&out.index);
        }
        sink.entries += std::mem::take(&mut out.entries);
        out.data.drain(..out.closed);
        out.index.clear();
        out.closed = 0;
        Ok(())
    }
}

impl Drop for Part<'_, '_> {
    fn drop(&mut self) {
        if !self.ended {
            self.writing.sink().failed = true;
            self.writing.turn.notify_all();
        }
    }
}

/// Blocks being filled.
#[derive(Default)]
struct Blocks {
    /// A block is closed when it has so many bytes.
    full: usize,
    data: Vec<u8>,
    /// Where the block that is being filled begins.
    closed: usize,
    /// What the index says of the closed ones.
    index: Vec<u8>,
    entries: u64,
    /// The first and the last hash of the block that is being filled.
    first: u64,
    last: u64,
}

impl Blocks {
    fn add(&mut self, hash: u64, key: &[u8], value: Option<&[u8]>, oldest: bool) -> Result<()> {
        if value.is_none() && oldest {
            return Ok(());
        }
        let filled = self.data.len() - self.closed;
        // Keys of one hash are in one block: whoever looks one up then needs to read no other.
        if filled >= self.full && hash != self.last {
            self.close()?;
        }
        if self.data.len() == self.closed {
            self.first = hash;
        }
        self.last = hash;
        self.entries += 1;
        encode(key, value, &mut self.data);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let block = &self.data[self.closed..];
        if !block.is_empty() {
            let length = u32::try_from(block.len()).map_err(|_| Error::internal("an entry of more than 4 GiB"))?;
            self.index.extend_from_slice(&self.first.to_le_bytes());
            self.index.extend_from_slice(&length.to_le_bytes());
            self.index.extend_from_slice(&digest(block));
            self.closed = self.data.len();
        }
        Ok(())
    }
}
