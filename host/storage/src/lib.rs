//! The port to where a lake lies: a few operations on immutable objects under string keys.
//!
//! Keys are relative paths with `/` between their parts (`silver/readings/readings_clean_1.csv`).

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod buckets;
#[cfg(any(test, feature = "testing"))]
pub mod counting;
mod delegate;
mod dir;
pub mod lake;
pub mod layers;
#[cfg(any(test, feature = "testing"))]
pub mod meddling;
mod new;
mod overlay;
#[cfg(feature = "s3")]
mod s3;
mod scratch;
pub mod sorted_runs;
#[cfg(test)]
mod suite;
mod writes;

pub use buckets::{BucketUrl, Connection, Credentials, Places};
pub use dir::{DirStore, WRITERS};
pub use new::{NewObject, Put, copy_new, put_unless_other};
pub use overlay::Overlay;
#[cfg(feature = "s3")]
pub use s3::S3Store;
pub use writes::Writes;

#[doc(hidden)]
pub use smelt_common::Result;

use std::io::{Read, Write};
use std::ops::Range;

use smelt_common::error::Kind;
use smelt_common::{Error, digest, profile};

/// What the keys of objects begin with by which a store has proven something.
pub const PROOFS: &str = "catalog/proof-";

/// What a listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The object's key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// Changes whenever the object is replaced; compared, never interpreted.
    pub etag: String,
    /// When it was written, by the clock of the store: microseconds since the epoch.
    pub modified: i64,
}

/// An upload that has not ended: under way, or left by a writer that died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The key of the object that it was to become.
    pub key: String,
    /// Which of the uploads to that key it is.
    pub id: String,
    /// Since when, by the clock of the store: microseconds since the epoch.
    pub begun: i64,
}

/// What a power failure may do to an object that was just created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing.
    Durable,
    /// Damage it: it can be made again from bronze, and its sha256 tells. Several times as fast on a directory.
    Rebuildable,
}

/// A place for a lake. No object is ever changed: it is created whole, read and at last deleted.
pub trait Store: Send + Sync {
    /// The objects whose keys begin with `prefix`, in the order of their keys, from the first that is greater than
    /// `after`. Objects that are still being written are not listed.
    fn list(&self, prefix: &str, after: &str) -> Result<Vec<Meta>> {
        self.list_new(prefix, after, &|_| false)
    }

    /// Like [`Store::list`], without the objects that are known by their keys. A directory only reads their names, so
    /// that a lake with many of them is listed in little time.
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>>;

    /// A reader of the object, and what the object was when it was opened.
    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)>;

    /// Returns the object as a listing would show it now; `None` if there is none.
    fn look(&self, key: &str) -> Result<Option<Meta>> {
        match self.open(key) {
            Err(error) if error.kind() == Kind::Damaged => Ok(None),
            opened => opened.map(|(meta, _)| Some(meta)),
        }
    }

    /// Exactly those parts of the object, one after the other. [`Kind::Damaged`] if it is gone or too short.
    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>>;

    /// Whether there is an object with that key. Cheaper than anything else that tells.
    fn exists(&self, key: &str) -> Result<bool>;

    /// Returns whether the object has that content. A name that leads to no object, or to one that cannot be read, does not.
    fn holds(&self, key: &str, bytes: u64, sha256: &str) -> Result<bool> {
        match self.open(key) {
            // It was deleted meanwhile.
            Err(error) if error.kind() == Kind::Damaged => Ok(false),
            opened => {
                let (meta, reader) = opened?;
                Ok(meta.bytes == bytes && new::is(key, reader, bytes, sha256)?)
            }
        }
    }

    /// Begins an object that is written piece by piece. It gets its key at the end, in the same place (up to the last
    /// `/`) as `near`. [`NewObject`] is what most want.
    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>>;

    /// Creates the object whole, unless there is one with that key; of racing writers exactly one is told `true`.
    fn put_if_absent(&self, key: &str, body: &[u8], durability: Durability) -> Result<bool> {
        let mut upload = self.create(key)?;
        upload.write_all(body).map_err(|error| unavailable("write", key, &error))?;
        upload.finish(key, durability)
    }

    /// Creates an object with the bytes of another one, unless there is one with that key.
    /// [`Kind::Damaged`] if the other one is gone.
    fn copy(&self, from: &str, to: &str) -> Result<bool> {
        copy_through(self, from, to)
    }

    /// Deletes the object; it is no error if there is none.
    fn delete(&self, key: &str) -> Result<()>;

    /// Uploads that have not ended. Where a writer that dies leaves nothing, there are none.
    fn unfinished(&self) -> Result<Vec<Unfinished>> {
        Ok(Vec::new())
    }

    /// Ends an upload and removes what it has sent; its writer, if it still lives, is told that it failed.
    fn abort(&self, _key: &str, _id: &str) -> Result<()> {
        Ok(())
    }

    /// Begins to write objects that a commit will name.
    fn begin(&self) -> Result<Writes>;

    /// Returns whether a host may be writing what no commit names yet. If the store cannot tell, one may.
    fn may_be_written(&self) -> Result<bool> {
        Ok(true)
    }

    /// What time it is by the clock that [`Meta::modified`] is by, in microseconds since the epoch.
    fn clock(&self) -> Result<i64>;

    /// Whether each request takes its time, and a listing comes in pages: then fewer requests are better than less work.
    fn is_remote(&self) -> bool {
        false
    }

    /// Fails if of racing writers not exactly one wins: commits would be lost there.
    fn prove(&self) -> Result<()> {
        Ok(())
    }

    /// Fails if the place was there, or should be, and is not: then it is no empty lake, and nothing is made there.
    fn check_place(&self) -> Result<()> {
        Ok(())
    }

    /// Returns whether there is a directory for the layer: one that is gone is not an empty one. Buckets do not tell these
    /// apart.
    fn has_layer(&self, _layer: &str) -> Result<bool> {
        Ok(true)
    }

    /// Where it is, for people.
    fn describe(&self) -> String;

    /// Where the object or the layer is, for people.
    fn locate(&self, key: &str) -> String {
        format!("{}/{key}", self.describe())
    }
}

/// An object being written. Dropped unfinished, it leaves nothing.
pub trait Upload: Write + Send {
    /// Creates the object whole under that key, unless there is one; of racing writers exactly one is told `true`. Told
    /// `false`, try the same bytes under another key.
    fn finish(&mut self, key: &str, durability: Durability) -> Result<bool>;
}

/// The whole object, which must have that sha256.
pub fn read_verified(store: &dyn Store, key: &str, sha256: &str) -> Result<Vec<u8>> {
    let body = read(store, key)?;
    let found = digest::hex(&body);
    match found == sha256 {
        true => Ok(body),
        false => Err(Error::new(Kind::Damaged, format!("`{key}` has sha256 {found}; the catalog says {sha256}"))),
    }
}

/// The whole object.
pub fn read(store: &dyn Store, key: &str) -> Result<Vec<u8>> {
    let mut span = profile::span("read", layer(key));
    let (meta, mut reader) = store.open(key)?;
    let mut body = Vec::with_capacity(usize::try_from(meta.bytes).unwrap_or(0) + 1);
    reader.read_to_end(&mut body).map_err(|error| unavailable("read", key, &error))?;
    span.through(0, body.len());
    Ok(body)
}

/// Creates an object under `<stem><extension>`, or under `<stem><mark><n><extension>` if that is taken by other content
/// (left by a run that died, or by another host). Returns the key.
pub fn put_new(
    store: &dyn Store,
    stem: &str,
    mark: char,
    extension: &str,
    body: &[u8],
    durability: Durability,
) -> Result<String> {
    let mut new = NewObject::create(store, stem)?;
    new.write_all(body).map_err(|error| unavailable("write", stem, &error))?;
    new.finish(stem, mark, extension, durability).map(|put| put.key)
}

/// Reads the one and writes the other.
fn copy_through<S: Store + ?Sized>(store: &S, from: &str, to: &str) -> Result<bool> {
    let (_, mut reader) = store.open(from)?;
    let mut upload = store.create(to)?;
    std::io::copy(&mut reader, &mut upload)
        .map_err(|error| unavailable("copy", from, &error).context(format!("to `{to}`")))?;
    upload.finish(to, Durability::Rebuildable)
}

/// What a profile names reads and writes after.
fn layer(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

/// The error that what was being done with the object failed.
pub fn unavailable(doing: &str, key: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot {doing} `{key}`: {error}"))
}

/// How many bytes the ranges have in all, if the object of so many bytes has them.
fn total(key: &str, bytes: u64, ranges: &[Range<u64>]) -> Result<usize> {
    match ranges.iter().find(|range| range.start > range.end || range.end > bytes) {
        Some(range) => Err(too_short(key, bytes, range)),
        None => Ok(ranges.iter().map(|range| (range.end - range.start) as usize).sum()),
    }
}

fn too_short(key: &str, bytes: u64, range: &Range<u64>) -> Error {
    let Range { start, end } = range;
    Error::new(Kind::Damaged, format!("`{key}` has {bytes} bytes; those from {start} to {end} were asked for"))
}
