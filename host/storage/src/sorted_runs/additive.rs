//! Runs of rows whose numbers add up.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::map::SortedRuns;
use super::merge::Merge;
use super::reader::Reader;
use super::record::SortedRun;
use super::write::RunPart;
use crate::store::Store;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::stored_row;

/// The bytes that are read at once in the beginning where little of a group is wanted.
const NEIGHBOURHOOD: u64 = 64 << 10;

/// A persistent table of [rows of sums](smelt_common::stored_row). What a run has of a row is added to what the runs
/// before it have. A row whose numbers come to zero does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdditiveRuns(SortedRuns);

impl AdditiveRuns {
    /// Returns an empty table that hashes groups this way.
    pub fn with_key_hash(key_hash: KeyHash) -> Self {
        Self(SortedRuns::with_key_hash(key_hash))
    }

    /// Returns the objects that the table consists of, oldest first.
    pub fn runs(&self) -> &[SortedRun] {
        self.0.runs()
    }

    /// Returns the hash of this table's groups. The first call chooses its salt for good.
    pub fn key_hash(&mut self) -> Result<KeyHash> {
        self.0.key_hash()
    }

    /// Adds rows. `size` is about how many bytes they take, and the number of parts, a power of two. All workers make the
    /// parts at the same time. Part n has the groups whose hashes begin with the bits of n. Writes one object, whose key
    /// begins with `stem`, and adds the keys of the objects that it replaces to `retired`. If it fails, it changes
    /// nothing. Returns the results of `make`, one for each part.
    pub fn append<R: Send>(
        &mut self,
        store: &dyn Store,
        stem: &str,
        size: (u64, u32),
        retired: &mut Vec<String>,
        make: impl Fn(u32, &mut RunPart<'_, '_>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        self.0.write_by(store, stem, size, retired, true, make)
    }

    /// Opens the table for reading, which reads the indexes of its runs.
    pub fn open<'s>(&self, store: &'s dyn Store) -> Result<AdditiveReader<'s>> {
        Ok(AdditiveReader(self.0.open_by(store, true)?))
    }
}

/// A table that is open for reading: the indexes of its runs are in memory. Many threads may use it at once.
pub struct AdditiveReader<'s>(Reader<'s>);

impl AdditiveReader<'_> {
    /// Returns the hash of this table's groups.
    pub fn key_hash(&self) -> &KeyHash {
        self.0.key_hash()
    }

    /// Returns whether there is no run.
    pub fn is_empty(&self) -> bool {
        self.0.runs.is_empty()
    }

    /// Visits what each run has of `count` groups, in no particular order. So a row may come several times, and is the
    /// sum of what came. `wanted` returns the hash of a group and the beginning that its keys share, in the order of both.
    pub fn groups<'k>(
        &self,
        count: usize,
        wanted: impl Fn(usize) -> (u64, &'k [u8]),
        mut found: impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        self.0.runs.iter().try_for_each(|run| run.groups(self.key_hash(), count, &wanted, &mut found))
    }

    /// Visits the key and the numbers of every row of the groups that have a hash from `first` to `last`, until `visit`
    /// breaks off. Rows come in the order of the hash of their group and of their key. All of it takes little memory.
    pub fn scan(
        &self,
        (first, last): (u64, u64),
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        each(self.0.merge(first..=last)?, &mut visit)
    }

    /// Visits the key and the numbers of the rows of one group as [`scan`](Self::scan) does, from the first one behind
    /// `after` on. `shared` is the beginning that its keys share.
    pub fn scan_group(
        &self,
        shared: &[u8],
        after: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let (group, _) = stored_row::split_key(shared).ok_or_else(|| Error::internal("no group begins like this"))?;
        let hash = self.key_hash().of(group);
        let merge = self.0.merge_from((hash, after.unwrap_or(shared)), hash, NEIGHBOURHOOD)?;
        each(merge, &mut |key, numbers| match () {
            () if Some(key) == after => Ok(ControlFlow::Continue(())),
            () if key.starts_with(shared) => visit(key, numbers),
            // Another group may have the same hash.
            () if key < shared => Ok(ControlFlow::Continue(())),
            () => Ok(ControlFlow::Break(())),
        })
    }
}

fn each(mut merge: Merge<'_>, visit: &mut impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>) -> Result<()> {
    while let Some(entry) = merge.peek() {
        let value = entry.value.ok_or_else(|| Error::new(Kind::Damaged, "stored sums have a removal"))?;
        if visit(entry.key, value)?.is_break() {
            break;
        }
        merge.pop()?;
    }
    Ok(())
}
