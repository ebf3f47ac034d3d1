//! The directory of a lake: paths of keys, directories that are made on demand, and warnings about foreign files.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use super::file::is_nothing;
use super::temporary::{self, Names};
use crate::errors::unavailable;
use crate::layers::WRITERS;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};

/// The directory of a lake, and all that is known of it.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    /// Set once the directory was there.
    was_there: AtomicBool,
    /// The temporary names of this host. Chosen when the first one is needed.
    names: OnceLock<Names>,
    /// Set once a rename has shown that this file system can rename without replacing a file.
    pub(super) renames: AtomicBool,
    /// The paths that a warning has called no object.
    passed_over: Mutex<BTreeSet<PathBuf>>,
    /// Makes every hard link fail, in tests.
    #[cfg(test)]
    pub(super) without_links: bool,
}

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            was_there: AtomicBool::new(path.is_dir()),
            path,
            names: OnceLock::new(),
            renames: AtomicBool::new(false),
            passed_over: Mutex::default(),
            #[cfg(test)]
            without_links: false,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the file that writers lock.
    pub(super) fn lock_path(&self) -> PathBuf {
        self.path.join(WRITERS)
    }

    /// Returns the path of an object. A key cannot lead out of the lake.
    pub(super) fn path_of(&self, key: &str) -> Result<PathBuf> {
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        match key.split('/').all(plain) {
            true => Ok(self.path.join(key)),
            false => Err(Error::internal(format!("`{key}` is not a key"))),
        }
    }

    /// Opens the file of an object.
    pub(super) fn open(&self, key: &str) -> Result<(Metadata, File)> {
        match files::open(&self.path_of(key)?) {
            Ok((file, metadata)) => Ok((metadata, file)),
            Err(error) if is_nothing(&error) => Err(Error::new(Kind::Damaged, format!("there is no `{key}`"))),
            Err(error) if files::is_no_file(&error) => Err(Error::new(Kind::Damaged, format!("`{key}`: {error}"))),
            Err(error) => Err(unavailable("open", key, &error)),
        }
    }

    /// Returns a number that no other lake on this file system has: the inode of the file that writers lock. It tells
    /// our temporary files from those of another lake with the same bronze. If the lake was copied or moved to another
    /// file system, older temporary files stay.
    fn id(&self) -> u64 {
        fs::metadata(self.lock_path()).map_or(0, |metadata| metadata.ino())
    }

    /// Returns a name that no other file has, whichever host made it.
    pub(super) fn temporary_name(&self) -> String {
        self.names.get_or_init(|| Names::new(self.id(), smelt_common::random())).next()
    }

    /// Removes the temporary files that dead writers of this lake left.
    pub(super) fn remove_temporaries(&self) {
        temporary::remove_all(&self.path, self.id());
    }

    /// Fails if the lake's directory was there and is gone.
    pub(super) fn expect(&self) -> std::io::Result<()> {
        match self.path.is_dir() {
            true => self.was_there.store(true, Ordering::Relaxed),
            false if self.was_there.load(Ordering::Relaxed) => {
                let why = format!(
                    "the lake's directory `{}` is gone: put it back (is it mounted?); nothing is made in its place",
                    self.path.display()
                );
                return Err(std::io::Error::other(why));
            }
            false => {}
        }
        Ok(())
    }

    /// Makes a directory of the lake, and the lake's own directory unless that was there and is gone.
    pub(super) fn make(&self, directory: &Path) -> std::io::Result<()> {
        self.expect()?;
        fs::create_dir_all(directory)?;
        self.was_there.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Gives the file a second name, unless something has that name.
    pub(super) fn hard_link(&self, file: &Path, second: &Path) -> std::io::Result<()> {
        #[cfg(test)]
        if self.without_links {
            return Err(std::io::Error::from_raw_os_error(libc::EPERM));
        }
        fs::hard_link(file, second)
    }

    /// Warns once that something in the lake cannot be an object.
    pub(super) fn pass_over(&self, path: &Path, why: &str) {
        if self.passed_over.lock().expect("no one panics while holding it").insert(path.to_owned()) {
            tracing::warn!("`{}` {why}; it was left alone", path.display());
        }
    }
}
