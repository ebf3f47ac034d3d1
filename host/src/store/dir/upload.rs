//! A file being written under a temporary name, and linked into place.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::{DirStore, TEMPORARY};
use crate::error::Result;
use crate::profile;
use crate::store::{Durability, Upload, layer, unavailable};

/// What is gathered before it is written; what comes in larger pieces is written as it comes.
const BUFFER: usize = 64 << 10;

/// An object being written to a directory lake.
pub(super) struct DirUpload<'s> {
    store: &'s DirStore,
    temporary: PathBuf,
    file: BufWriter<File>,
}

impl<'s> DirUpload<'s> {
    /// In the directory that `near` is in: only within one file system can a file be linked.
    pub(super) fn create(store: &'s DirStore, near: &str) -> std::io::Result<Self> {
        let path = store.path(near).map_err(std::io::Error::other)?;
        let directory = path.parent().unwrap_or(&store.root);
        let number = store.temporaries.fetch_add(1, Ordering::Relaxed);
        let temporary = directory.join(format!("{TEMPORARY}{:016x}-{number}", store.random));
        // Never one that is there: it may be a second name of an object.
        let file = match File::create_new(&temporary) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                store.make(directory)?;
                File::create_new(&temporary)
            }
            created => created,
        };
        let file = BufWriter::with_capacity(BUFFER, file?);
        Ok(Self { store, temporary, file })
    }

    pub(super) fn metadata(&self) -> std::io::Result<fs::Metadata> {
        self.file.get_ref().metadata()
    }

    fn link(&mut self, path: &Path, durability: Durability) -> std::io::Result<bool> {
        self.file.flush()?;
        if durability == Durability::Durable {
            self.file.get_ref().sync_data()?;
        }
        let directory = path.parent().unwrap_or(&self.store.root);
        // Linking is the atomic "create unless it exists" of POSIX; renaming would replace.
        match fs::hard_link(&self.temporary, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            linked => linked?,
        }
        if durability == Durability::Durable {
            sync_directories(directory, &self.store.root)?;
        }
        Ok(true)
    }
}

impl Write for DirUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Upload for DirUpload<'_> {
    fn finish(&mut self, key: &str, durability: Durability) -> Result<bool> {
        let _span = profile::span("put", layer(key));
        let path = self.store.path(key)?;
        self.link(&path, durability).map_err(|error| unavailable("write", key, &error))
    }
}

impl Drop for DirUpload<'_> {
    fn drop(&mut self) {
        // The link, if it was made, stays; a temporary that cannot be removed is no more than litter.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes the names in a directory durable, and its own name, up to the lake: it may have just been made.
fn sync_directories(directory: &Path, root: &Path) -> std::io::Result<()> {
    directory
        .ancestors()
        .take_while(|ancestor| ancestor.starts_with(root))
        .try_for_each(|ancestor| File::open(ancestor)?.sync_data())
}
