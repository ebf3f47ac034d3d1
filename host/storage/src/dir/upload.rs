//! Writes a file under a temporary name and links it into place.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::root::Root;
use crate::errors::unavailable;
use crate::layers::layer_of;
use crate::store::{Durability, Upload};
use smelt_common::error::Result;
use smelt_common::profile;

/// The bytes that are gathered before they are written. Larger pieces are written at once.
const BUFFER: usize = 64 << 10;

/// An object that is being written to a directory lake.
pub(super) struct DirUpload<'s> {
    root: &'s Root,
    temporary: PathBuf,
    /// The path of the file if a rename put it into place.
    moved: Option<PathBuf>,
    file: BufWriter<File>,
}

impl<'s> DirUpload<'s> {
    /// Creates the temporary file in the directory of `near`, since a file can be linked only within one file system.
    pub(super) fn create(root: &'s Root, near: &str) -> std::io::Result<Self> {
        let path = root.path_of(near).map_err(std::io::Error::other)?;
        let directory = path.parent().unwrap_or(root.path());
        let temporary = directory.join(root.temporary_name());
        // An existing file must not be opened: its name may be the second name of an object.
        let file = match File::create_new(&temporary) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                root.make(directory)?;
                File::create_new(&temporary)
            }
            created => created,
        };
        let file = BufWriter::with_capacity(BUFFER, file?);
        Ok(Self { root, temporary, moved: None, file })
    }

    /// Puts the file into place, in the place of another one.
    fn replace_at(&mut self, path: &Path, durability: Durability) -> std::io::Result<()> {
        self.file.flush()?;
        if durability == Durability::Durable {
            self.file.get_ref().sync_data()?;
        }
        fs::rename(&self.temporary, path)?;
        self.moved = Some(path.to_owned());
        match durability {
            Durability::Durable => sync_directories(path.parent().unwrap_or(self.root.path()), self.root.path()),
            Durability::Rebuildable => Ok(()),
        }
    }

    fn link(&mut self, path: &Path, durability: Durability) -> std::io::Result<bool> {
        self.file.flush()?;
        if durability == Durability::Durable {
            self.file.get_ref().sync_data()?;
        }
        let directory = path.parent().unwrap_or(self.root.path());
        // A link is POSIX's atomic "create unless it exists"; a rename would replace the other file.
        let placed = match self.root.hard_link(&self.temporary, path) {
            Err(error) if self.moved.is_some() || is_without_links(&error) => self.rename(path),
            linked => linked,
        };
        match placed {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            placed => placed?,
        }
        if durability == Durability::Durable {
            sync_directories(directory, self.root.path())?;
        }
        Ok(true)
    }
}

impl DirUpload<'_> {
    /// Puts the file into place on a file system without links (exFAT, SMB, much of FUSE). Linux is told to let the
    /// rename fail if something has the name.
    fn rename(&mut self, path: &Path) -> std::io::Result<()> {
        if let Some(moved) = self.moved.take() {
            self.temporary.set_file_name(self.root.temporary_name());
            fs::copy(moved, &self.temporary)?;
        }
        if !self.root.renames.load(Ordering::Relaxed) {
            prove_rename(&self.temporary, &self.temporary.with_file_name(self.root.temporary_name()))?;
            self.root.renames.store(true, Ordering::Relaxed);
        }
        rename_unless_taken(&self.temporary, path)?;
        self.moved = Some(path.to_owned());
        Ok(())
    }
}

/// Returns whether the error means that the file system has no links, or that the file can have no more of them.
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

/// Fails if a rename replaces another file although it is told not to. Two hosts that race for a commit would both win
/// then.
fn prove_rename(from: &Path, other: &Path) -> std::io::Result<()> {
    File::create_new(other)?;
    let proof = match rename_unless_taken(from, other) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(without_either("a rename that replaces files although told not to (RENAME_NOREPLACE)")),
    };
    let _ = fs::remove_file(other);
    proof
}

fn without_either(rename: &str) -> std::io::Error {
    std::io::Error::other(format!(
        "the file system has no hard links and {rename}; a lake needs one of the two to create a file only if there is none"
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
        let _span = profile::span("put", layer_of(key));
        let path = self.root.path_of(key)?;
        self.link(&path, durability).map_err(|error| unavailable("write", key, &error))
    }

    fn replace(&mut self, key: &str, durability: Durability) -> Result<()> {
        let _span = profile::span("put", layer_of(key));
        let path = self.root.path_of(key)?;
        self.replace_at(&path, durability).map_err(|error| unavailable("replace", key, &error))
    }
}

impl Drop for DirUpload<'_> {
    fn drop(&mut self) {
        // A link that was made stays. A temporary file that cannot be removed does no harm.
        if self.moved.is_none() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes the names in a directory durable, and the names of the directories above it, since these may be new too.
fn sync_directories(directory: &Path, root: &Path) -> std::io::Result<()> {
    directory.ancestors().take_while(|ancestor| ancestor.starts_with(root)).try_for_each(|ancestor| {
        match File::open(ancestor)?.sync_data() {
            // Some file systems without links cannot sync directories.
            Err(error) if is_unsupported(&error) => Ok(()),
            synced => synced,
        }
    })
}
