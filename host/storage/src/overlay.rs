//! A temporary lake on top of another one, for work that must not change the other one.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::ops::Range;

use crate::delegate_store;
use crate::dir::DirStore;
use crate::scratch::Scratch;
use crate::store::{Durability, Meta, Store, Upload};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

/// Shows some objects of a base lake, and writes to a directory that vanishes with this value. Objects that are written
/// below one prefix are not kept, only hashed and counted by their writers.
pub struct Overlay {
    base: Box<dyn Store>,
    sees: Box<dyn Fn(&str) -> bool + Send + Sync>,
    forgets: &'static str,
    top: DirStore,
    _directory: Scratch,
}

impl Overlay {
    /// Puts an empty lake on top of `base`, and shows those objects of `base` whose keys `sees` accepts. Objects that
    /// are written below `forgets` are not kept, since data such as rejected rows must not be copied out of a lake.
    pub fn new(
        base: Box<dyn Store>,
        sees: impl Fn(&str) -> bool + Send + Sync + 'static,
        forgets: &'static str,
    ) -> Result<Self> {
        let directory = Scratch::make()
            .map_err(|error| Error::new(Kind::Unavailable, format!("cannot make a temporary directory: {error}")))?;
        let top = DirStore::new(directory.path());
        Ok(Self { base, sees: Box::new(sees), forgets, top, _directory: directory })
    }

    /// Returns the store in which the object is.
    fn holder(&self, key: &str) -> Result<&dyn Store> {
        Ok(if (self.sees)(key) && !self.top.exists(key)? { &*self.base } else { &self.top })
    }
}

impl Store for Overlay {
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>> {
        let below = self.base.list_new(prefix, after, &|key| known(key) || !(self.sees)(key))?;
        let seen = below.into_iter().filter(|meta| (self.sees)(&meta.key));
        let mut all: BTreeMap<String, Meta> = seen.map(|meta| (meta.key.clone(), meta)).collect();
        all.extend(self.top.list_new(prefix, after, known)?.into_iter().map(|meta| (meta.key.clone(), meta)));
        Ok(all.into_values().collect())
    }

    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        self.holder(key)?.open(key)
    }

    fn look(&self, key: &str) -> Result<Option<Meta>> {
        self.holder(key)?.look(key)
    }

    fn holds(&self, key: &str, bytes: u64, sha256: &str) -> Result<bool> {
        self.holder(key)?.holds(key, bytes, sha256)
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        self.holder(key)?.read_ranges(key, ranges)
    }

    fn exists(&self, key: &str) -> Result<bool> {
        self.holder(key)?.exists(key)
    }

    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>> {
        match near.starts_with(self.forgets) {
            true => Ok(Box::new(Forgotten)),
            false => self.top.create(near),
        }
    }

    delegate_store!(top: delete, begin, clock);

    delegate_store!(base: is_remote, has_layer, describe);
}

/// An upload that keeps nothing.
struct Forgotten;

impl Write for Forgotten {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Upload for Forgotten {
    fn finish(&mut self, _key: &str, _durability: Durability) -> Result<bool> {
        Ok(true)
    }

    fn replace(&mut self, _key: &str, _durability: Durability) -> Result<()> {
        Ok(())
    }
}
