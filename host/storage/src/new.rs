//! An object that is written as a stream and gets a name that nothing else has.

use std::io::{Read, Write};

use super::{Durability, Store, Upload, unavailable};
use smelt_common::digest;
use smelt_common::digest::{HashingReader, HashingWriter};
use smelt_common::error::Result;

/// An object being written, hashed on the way. Dropped unfinished, it leaves nothing.
pub struct NewObject<'s> {
    store: &'s dyn Store,
    upload: HashingWriter<Box<dyn Upload + 's>>,
}

/// An object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Its key.
    pub key: String,
    /// The sha256 of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl<'s> NewObject<'s> {
    /// Begins an object whose key will begin with `stem`.
    pub fn create(store: &'s dyn Store, stem: &str) -> Result<Self> {
        Ok(Self { store, upload: HashingWriter::new(store.create(stem)?) })
    }

    /// How many bytes were written so far.
    pub fn bytes(&self) -> u64 {
        self.upload.bytes()
    }

    /// Creates the object under `<stem><extension>`, or under `<stem><mark><n><extension>` if that is taken by other
    /// content (left by a run that died, or by another host). Of equal content one object is enough.
    pub fn finish(self, stem: &str, mark: char, extension: &str, durability: Durability) -> Result<Put> {
        let (put, _) = self.finish_as(&|attempt| numbered(stem, mark, attempt, extension), 1, durability)?;
        Ok(put)
    }

    /// The same under the keys that `key` has for each attempt, of which those before `first` are known to be taken. Returns
    /// the attempt too.
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

impl Write for NewObject<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.upload.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.upload.flush()
    }
}

/// Creates an object with the bytes of another one, which has that size and sha256, under a key as [`NewObject::finish`] finds it.
/// Returns the key.
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

/// Creates the object whole, unless there is another one with that key: `false` then. One with the same content may be our
/// own, of a try whose answer was lost.
pub fn put_unless_other(store: &dyn Store, key: &str, body: &[u8], durability: Durability) -> Result<bool> {
    let mut upload = store.create(key)?;
    upload.write_all(body).map_err(|error| unavailable("write", key, &error))?;
    Ok(upload.finish(key, durability)? || store.holds(key, body.len() as u64, &digest::hex(body))?)
}

/// Returns whether the bytes have that length and sha256.
pub(super) fn is(key: &str, reader: impl Read, bytes: u64, sha256: &str) -> Result<bool> {
    let mut reader = HashingReader::new(reader);
    let mut buffer = vec![0; 64 << 10];
    while reader.read(&mut buffer).map_err(|error| unavailable("read", key, &error))? > 0 {}
    Ok(reader.finish() == (bytes, sha256.to_owned()))
}
