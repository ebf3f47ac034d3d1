//! Temporary directories that only this user can read. A directory vanishes with its value. If the process dies first,
//! the next process that makes one removes it.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use tempfile::{Builder, TempDir};

/// The beginning of the names of these directories.
const PREFIX: &str = "smelt-beside-";
/// The number of attempts: another process may remove a new directory because it takes it for a dead process's.
const ATTEMPTS: usize = 16;

/// A temporary directory that only this user can read.
pub(super) struct Scratch {
    directory: TempDir,
    /// Shows others that the directory is in use. The kernel drops the lock of every process that ends.
    _lock: Option<File>,
}

impl Scratch {
    /// Makes a directory among the system's temporary files. Removes directories of dead processes first.
    pub(super) fn make() -> std::io::Result<Self> {
        Self::make_in(&std::env::temp_dir())
    }

    fn make_in(parent: &Path) -> std::io::Result<Self> {
        remove_orphans(parent);
        for _ in 0..ATTEMPTS {
            let directory =
                Builder::new().prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir_in(parent)?;
            let lock = match File::open(directory.path()) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let locked = match lock.try_lock() {
                Ok(()) => true,
                // Another process takes the directory for a dead one's.
                Err(TryLockError::WouldBlock) => continue,
                // On a file system without locks no process takes a directory for a dead one's.
                Err(TryLockError::Error(_)) => false,
            };
            if is_there(&lock, directory.path()) {
                return Ok(Self { directory, _lock: locked.then_some(lock) });
            }
        }
        Err(std::io::Error::other("other processes keep removing the directory that was just made"))
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Returns whether the opened directory still has this name.
fn is_there(opened: &File, path: &Path) -> bool {
    let same = |one: fs::Metadata, other: fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    fs::symlink_metadata(path).and_then(|named| Ok(same(named, opened.metadata()?))).unwrap_or(false)
}

/// Removes the directories of this user's dead processes. One that cannot be removed stays for the next process.
fn remove_orphans(parent: &Path) {
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == user);
        let Some(lock) = ours.then(|| File::open(entry.path()).ok()).flatten() else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_a_dead_process_goes_and_one_in_use_stays() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir_all(left.join("silver")).expect("a directory");
        let foreign = parent.path().join("mine");
        fs::create_dir(&foreign).expect("a directory");

        let one = Scratch::make_in(parent.path()).expect("a directory");
        assert!(!left.exists() && foreign.exists());
        assert_eq!(fs::metadata(one.path()).expect("it is there").mode() & 0o777, 0o700);
        let other = Scratch::make_in(parent.path()).expect("a directory");
        assert!(one.path().exists() && other.path().exists());

        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
    }
}
