//! Creates objects under keys that nothing else has.

use std::io::Write;

use crate::errors::unavailable;
use crate::store::{Durability, Store, Upload};
use smelt_common::digest;
use smelt_common::digest::HashingWriter;
use smelt_common::error::Result;

/// An object that is being written and hashed on the way. If it is dropped before it is finished, nothing of it
/// remains.
pub struct NewObject<'s> {
    store: &'s dyn Store,
    upload: HashingWriter<Box<dyn Upload + 's>>,
}

/// An object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// The object's key.
    pub key: String,
    /// The sha256 of the object's bytes.
    pub sha256: String,
    /// The object's size in bytes.
    pub bytes: u64,
}

impl<'s> NewObject<'s> {
    /// Begins an object whose key will begin with `stem`.
    pub fn create(store: &'s dyn Store, stem: &str) -> Result<Self> {
        Ok(Self { store, upload: HashingWriter::new(store.create(stem)?) })
    }

    /// Returns how many bytes were written so far.
    pub fn bytes(&self) -> u64 {
        self.upload.bytes()
    }

    /// Creates the object under `<stem><extension>`. If other content has that key (of a run that died, or of another
    /// host), the key is `<stem><mark><n><extension>`. If equal content has it, no second object is made.
    pub fn finish(self, stem: &str, mark: char, extension: &str, durability: Durability) -> Result<Put> {
        let (put, _) = self.finish_as(&|attempt| numbered(stem, mark, attempt, extension), 1, durability)?;
        Ok(put)
    }

    /// Creates the object as [`NewObject::finish`] does, under the key that `key` gives for each attempt. Keys of
    /// attempts before `first` are known to be taken. Also returns the attempt.
    pub fn finish_as(self, key: &dyn Fn(u32) -> String, first: u32, durability: Durability) -> Result<(Put, u32)> {
        let (mut upload, bytes, sha256) = self.upload.finish();
        for attempt in first.. {
            let key = key(attempt);
            if upload.finish(&key, durability)? || self.store.holds(&key, bytes, &sha256)? {
                return Ok((Put { key, sha256, bytes }, attempt));
            }
        }
        unreachable!("the loop ends only by returning")
    }
}

impl NewObject<'_> {
    /// Returns the sha256 of what was written so far.
    pub fn sha256(&self) -> String {
        self.upload.sha256()
    }

    /// Gives the object that key, unless there is one.
    pub fn put(self, key: &str, durability: Durability) -> Result<bool> {
        let (mut upload, ..) = self.upload.finish();
        upload.finish(key, durability)
    }

    /// Gives the object that key, in the place of one that is there.
    pub fn replace(self, key: &str, durability: Durability) -> Result<Put> {
        let (mut upload, bytes, sha256) = self.upload.finish();
        upload.replace(key, durability)?;
        Ok(Put { key: key.to_owned(), sha256, bytes })
    }
}

impl Write for NewObject<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.upload.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.upload.flush()
    }
}

/// Creates an object from `body`, under a key that it chooses as [`NewObject::finish`] does. Returns the key.
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

/// Creates a copy of an object, which has that key, size and sha256, under a key that it chooses as
/// [`NewObject::finish`] does. Returns the copy's key.
pub fn copy_new(
    store: &dyn Store,
    (from, bytes, sha256): (&str, u64, &str),
    stem: &str,
    mark: char,
    extension: &str,
) -> Result<String> {
    for attempt in 1.. {
        let key = numbered(stem, mark, attempt, extension);
        if store.copy(from, &key)? || store.holds(&key, bytes, sha256)? {
            return Ok(key);
        }
    }
    unreachable!("the loop ends only by returning")
}

fn numbered(stem: &str, mark: char, attempt: u32, extension: &str) -> String {
    if attempt == 1 { format!("{stem}{extension}") } else { format!("{stem}{mark}{attempt}{extension}") }
}

/// Creates the object whole. Returns `false` if an object with other content has that key. An object with the same
/// content may be our own, from an attempt whose answer was lost.
pub fn put_unless_other(store: &dyn Store, key: &str, body: &[u8], durability: Durability) -> Result<bool> {
    let mut upload = store.create(key)?;
    upload.write_all(body).map_err(|error| unavailable("write", key, &error))?;
    Ok(upload.finish(key, durability)? || store.holds(key, body.len() as u64, &digest::hex(body))?)
}
