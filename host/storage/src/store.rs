//! The trait that every store of a lake implements, and the records that it returns.
//!
//! A store holds immutable objects under string keys. Keys are relative paths with `/` between their parts
//! (`silver/readings/readings_clean_1.csv`). Beside them it may hold files for people under names that stay, whose content is
//! [replaced](Upload::replace).

use std::io::{Read, Write};
use std::ops::Range;

use crate::content::has_content;
use crate::errors::unavailable;
use crate::writes::Writes;
use smelt_common::error::{Kind, Result};

/// An object, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The object's key.
    pub key: String,
    /// The object's size in bytes.
    pub bytes: u64,
    /// Changes whenever the object is replaced. Callers compare it and never interpret it.
    pub etag: String,
    /// The time of writing by the store's clock, in microseconds since the epoch.
    pub modified: i64,
}

/// An upload that has not ended: its writer is still at work, or died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The key that the object was to get.
    pub key: String,
    /// Tells the uploads to one key apart.
    pub id: String,
    /// The time at which the upload began by the store's clock, in microseconds since the epoch.
    pub begun: i64,
}

/// The harm that a power failure may do to an object that was just created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// None: the object survives.
    Durable,
    /// The object may be damaged; its sha256 tells, and smelt rebuilds it from bronze. Several times as fast on a
    /// directory.
    Rebuildable,
}

/// Holds the objects of a lake. An object never changes: it is created whole, read, and at last deleted.
pub trait Store: Send + Sync {
    /// Returns the objects whose keys begin with `prefix` and are greater than `after`, in the order of their keys.
    /// Objects that are still being written are left out.
    fn list(&self, prefix: &str, after: &str) -> Result<Vec<Meta>> {
        self.list_new(prefix, after, &|_| false)
    }

    /// Lists as [`Store::list`] does, but leaves out the objects whose keys are `known`. A directory reads no more than
    /// the names of these, so a lake with many known objects is listed quickly.
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>>;

    /// Returns a reader of the object, and the object's record at the time of opening.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if there is no such object.
    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)>;

    /// Returns the object as a listing would show it now; `None` if there is none.
    fn look(&self, key: &str) -> Result<Option<Meta>> {
        match self.open(key) {
            Err(error) if error.kind() == Kind::Damaged => Ok(None),
            opened => opened.map(|(meta, _)| Some(meta)),
        }
    }

    /// Returns exactly these ranges of the object's bytes, one after the other.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if the object is gone or too short.
    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>>;

    /// Returns whether there is an object with that key, in the cheapest way that the store has.
    fn exists(&self, key: &str) -> Result<bool>;

    /// Returns whether there is an object with that key that has exactly this content.
    fn holds(&self, key: &str, bytes: u64, sha256: &str) -> Result<bool> {
        match self.open(key) {
            // Someone deleted it meanwhile.
            Err(error) if error.kind() == Kind::Damaged => Ok(false),
            opened => {
                let (meta, reader) = opened?;
                Ok(meta.bytes == bytes && has_content(key, reader, bytes, sha256)?)
            }
        }
    }

    /// Begins an object that is written piece by piece. It gets its key at the end, and that key must agree with `near`
    /// up to the last `/`. Most callers want [`NewObject`](crate::NewObject).
    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>>;

    /// Creates the object whole, unless there is one with that key. Of racing writers exactly one is told `true`.
    fn put_if_absent(&self, key: &str, body: &[u8], durability: Durability) -> Result<bool> {
        let mut upload = self.create(key)?;
        upload.write_all(body).map_err(|error| unavailable("write", key, &error))?;
        upload.finish(key, durability)
    }

    /// Creates an object with the bytes of another one, unless there is one with that key.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if the other object is gone.
    fn copy(&self, from: &str, to: &str) -> Result<bool> {
        copy_through(self, from, to)
    }

    /// Deletes the object. It is no error if there is none.
    fn delete(&self, key: &str) -> Result<()>;

    /// Returns the uploads that have not ended. A store in which a dead writer leaves nothing has none.
    fn unfinished(&self) -> Result<Vec<Unfinished>> {
        Ok(Vec::new())
    }

    /// Ends an upload and removes the bytes that it has sent. If its writer still lives, the writer is told that it
    /// failed.
    fn abort(&self, _key: &str, _id: &str) -> Result<()> {
        Ok(())
    }

    /// Begins to write objects that a commit will reference.
    fn begin(&self) -> Result<Writes>;

    /// Returns whether a host may be writing objects that no commit references yet; `true` if the store cannot tell.
    fn may_be_written(&self) -> Result<bool> {
        Ok(true)
    }

    /// Returns the time by the clock of [`Meta::modified`], in microseconds since the epoch.
    fn clock(&self) -> Result<i64>;

    /// Returns whether each request takes its time and a listing comes in pages. If so, few requests matter more than
    /// little work.
    fn is_remote(&self) -> bool {
        false
    }

    /// Fails unless exactly one of racing writers wins. In a store where two may win, commits would be lost.
    fn prove(&self) -> Result<()> {
        Ok(())
    }

    /// Fails if the place of the lake was there, or should be, and is gone. Such a place is no empty lake, and smelt
    /// writes nothing there.
    fn check_place(&self) -> Result<()> {
        Ok(())
    }

    /// Returns whether there is a directory for the layer: a missing one is not an empty one. Buckets have no
    /// directories, so they always say `true`.
    fn has_layer(&self, _layer: &str) -> Result<bool> {
        Ok(true)
    }

    /// Returns where the store is, for people.
    fn describe(&self) -> String;

    /// Returns where the object or the layer is, for people.
    fn locate(&self, key: &str) -> String {
        format!("{}/{key}", self.describe())
    }
}

/// An object that is being written. If it is dropped before it is finished, nothing of it remains.
pub trait Upload: Write + Send {
    /// Creates the object whole under that key, unless there is one. Of racing writers exactly one is told `true`. A
    /// writer that is told `false` may try the same bytes under another key.
    fn finish(&mut self, key: &str, durability: Durability) -> Result<bool>;

    /// Creates the object whole under that key, in the place of one that is there. A reader gets either all of the former
    /// object or all of this one. No object of the lake itself is ever replaced: this is for files whose names people know.
    fn replace(&mut self, key: &str, durability: Durability) -> Result<()>;
}

/// Copies an object by reading and writing all its bytes.
pub(crate) fn copy_through<S: Store + ?Sized>(store: &S, from: &str, to: &str) -> Result<bool> {
    let (_, mut reader) = store.open(from)?;
    let mut upload = store.create(to)?;
    std::io::copy(&mut reader, &mut upload)
        .map_err(|error| unavailable("copy", from, &error).context(format!("to `{to}`")))?;
    upload.finish(to, Durability::Rebuildable)
}
