//! A file being written under a temporary name, and linked into place.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::DirStore;
use crate::{Durability, Upload, layer, unavailable};
use smelt_common::error::Result;
use smelt_common::profile;

/// What is gathered before it is written; what comes in larger pieces is written as it comes.
const BUFFER: usize = 64 << 10;

/// An object being written to a directory lake.
pub(super) struct DirUpload<'s> {
    store: &'s DirStore,
    temporary: PathBuf,
    /// Where the file is now, if it was put into place by renaming it.
    moved: Option<PathBuf>,
    file: BufWriter<File>,
}

impl<'s> DirUpload<'s> {
    /// In the directory that `near` is in: only within one file system can a file be linked.
    pub(super) fn create(store: &'s DirStore, near: &str) -> std::io::Result<Self> {
        let path = store.path(near).map_err(std::io::Error::other)?;
        let directory = path.parent().unwrap_or(&store.root);
        let temporary = directory.join(store.temporary());
        // Never one that is there: it may be a second name of an object.
        let file = match File::create_new(&temporary) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                store.make(directory)?;
                File::create_new(&temporary)
            }
            created => created,
        };
        let file = BufWriter::with_capacity(BUFFER, file?);
        Ok(Self { store, temporary, moved: None, file })
    }

    fn link(&mut self, path: &Path, durability: Durability) -> std::io::Result<bool> {
        self.file.flush()?;
        if durability == Durability::Durable {
            self.file.get_ref().sync_data()?;
        }
        let directory = path.parent().unwrap_or(&self.store.root);
        // Linking is the atomic "create unless it exists" of POSIX; renaming would replace.
        let placed = match self.store.hard_link(&self.temporary, path) {
            Err(error) if self.moved.is_some() || is_without_links(&error) => self.rename(path),
            linked => linked,
        };
        match placed {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            placed => placed?,
        }
        if durability == Durability::Durable {
            sync_directories(directory, &self.store.root)?;
        }
        Ok(true)
    }
}

impl DirUpload<'_> {
    /// Puts the file into place where the file system has no links (exFAT, SMB, much of FUSE): by a rename that Linux is
    /// told to fail if something has the name.
    fn rename(&mut self, path: &Path) -> std::io::Result<()> {
        if let Some(moved) = self.moved.take() {
            self.temporary.set_file_name(self.store.temporary());
            fs::copy(moved, &self.temporary)?;
        }
        if !self.store.renames.load(Ordering::Relaxed) {
            prove_rename(&self.temporary, &self.temporary.with_file_name(self.store.temporary()))?;
            self.store.renames.store(true, Ordering::Relaxed);
        }
        rename_unless_taken(&self.temporary, path)?;
        self.moved = Some(path.to_owned());
        Ok(())
    }
}

/// Returns whether the error means that the file system has no links, or no more of that file.
fn is_without_links(error: &std::io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| matches!(code, libc::EPERM | libc::EMLINK)) || is_unsupported(error)
}

fn is_unsupported(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL))
}

fn rename_unless_taken(from: &Path, to: &Path) -> std::io::Result<()> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(|error| {
        let error = std::io::Error::from(error);
        match is_unsupported(&error) {
            true => without_either(&format!("no rename that replaces nothing (RENAME_NOREPLACE: {error})")),
            false => error,
        }
    })
}

/// Fails if a rename takes the place of another file though it is told not to: of hosts that race for a commit both would win.
fn prove_rename(from: &Path, other: &Path) -> std::io::Result<()> {
    File::create_new(other)?;
    let proof = match rename_unless_taken(from, other) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(without_either("a rename that replaces what is there though told not to (RENAME_NOREPLACE)")),
    };
    let _ = fs::remove_file(other);
    proof
}

fn without_either(rename: &str) -> std::io::Error {
    std::io::Error::other(format!(
        "the file system has no hard links and {rename}; a lake needs one of the two, to create a file only if there is none"
    ))
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
        if self.moved.is_none() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes the names in a directory durable, and its own name, up to the lake: it may have just been made.
fn sync_directories(directory: &Path, root: &Path) -> std::io::Result<()> {
    directory.ancestors().take_while(|ancestor| ancestor.starts_with(root)).try_for_each(|ancestor| {
        match File::open(ancestor)?.sync_data() {
            // Some file systems without links cannot be told to do it for directories.
            Err(error) if is_unsupported(&error) => Ok(()),
            synced => synced,
        }
    })
}
