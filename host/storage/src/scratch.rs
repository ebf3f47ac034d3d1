//! A directory for what is made beside a lake: for this user alone, and gone with the value, or when the next one is made if
//! its process died.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use tempfile::{Builder, TempDir};

/// The beginning of the names of such directories.
const PREFIX: &str = "smelt-beside-";
/// How often another directory is made because one was taken for a dead process's.
const ATTEMPTS: usize = 16;

/// A directory for this user alone.
pub(super) struct Scratch {
    directory: TempDir,
    /// Held for as long as the directory is in use: the kernel drops the lock of a process that ends, however it ends.
    _lock: Option<File>,
}

impl Scratch {
    /// One among the temporary files, from which what dead processes left is removed first.
    pub(super) fn make() -> std::io::Result<Self> {
        Self::make_in(&std::env::temp_dir())
    }

    fn make_in(parent: &Path) -> std::io::Result<Self> {
        sweep(parent);
        for _ in 0..ATTEMPTS {
            let directory =
                Builder::new().prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir_in(parent)?;
            let lock = match File::open(directory.path()) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let locked = match lock.try_lock() {
                Ok(()) => true,
                // Another process takes it for a dead one's.
                Err(TryLockError::WouldBlock) => continue,
                // Where directories cannot be locked no one takes one for a dead one's.
                Err(TryLockError::Error(_)) => false,
            };
            if is_there(&lock, directory.path()) {
                return Ok(Self { directory, _lock: locked.then_some(lock) });
            }
        }
        Err(std::io::Error::other("other processes remove what was just made"))
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Returns whether the opened directory still has that name.
fn is_there(opened: &File, path: &Path) -> bool {
    let same = |one: fs::Metadata, other: fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    fs::symlink_metadata(path).and_then(|named| Ok(same(named, opened.metadata()?))).unwrap_or(false)
}

/// Removes what processes of this user left that died. What cannot be removed stays for the next one.
fn sweep(parent: &Path) {
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
    fn what_a_dead_process_left_goes_and_what_is_in_use_stays() {
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
