//! The store of a lake in a directory.

use std::fs;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::file::{is_nothing, meta_of, modified};
use super::root::Root;
use super::upload::DirUpload;
use super::{places, walk};
use crate::content::has_content;
use crate::errors::{total_of_ranges, unavailable};
use crate::layers::{WRITERS, layer_of};
use crate::store::{Meta, Store, Upload, copy_through};
use crate::writes::{PATIENCE, Writes};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::{files, profile};

/// A directory as a [`Store`].
#[derive(Debug)]
pub struct DirStore {
    pub(super) root: Root,
    /// Set once this process has found out whether anyone else changed the lake's directories.
    compared: AtomicBool,
    /// The time that a writer waits for one that keeps others from writing.
    pub(super) patience: Duration,
    /// Set while another process keeps the lock although we waited for it. Later writers then do not wait.
    waited: AtomicBool,
}

impl DirStore {
    /// Returns the lake in that directory, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: Root::new(root.into()),
            compared: AtomicBool::new(false),
            patience: PATIENCE,
            waited: AtomicBool::new(false),
        }
    }

    /// Makes the lake's directory and those of the layers.
    ///
    /// # Errors
    /// Something else has one of the names, or the directory cannot be written to.
    pub fn create_layers(&self, layers: &[&str]) -> Result<()> {
        for layer in layers {
            let path = self.root.path().join(layer);
            fs::create_dir_all(&path)
                .map_err(|error| Error::new(Kind::Unavailable, format!("cannot make `{}`: {error}", path.display())))?;
        }
        Ok(())
    }
}

impl Store for DirStore {
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>> {
        let mut span = profile::span("list", layer_of(prefix));
        let mut found =
            walk::files(&self.root, prefix, after, known).map_err(|error| unavailable("list", prefix, &error))?;
        span.through(found.len(), 0);
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        let (metadata, file) = self.root.open(key)?;
        // A file that grows as fast as it is read must come to an end. So reading stops one byte after the length that
        // the file had; that byte shows that it has grown.
        let reader = file.take(metadata.len().saturating_add(1));
        Ok((meta_of(key, &metadata), Box::new(reader)))
    }

    fn look(&self, key: &str) -> Result<Option<Meta>> {
        match fs::metadata(self.root.path_of(key)?) {
            Ok(metadata) => Ok(metadata.is_file().then(|| meta_of(key, &metadata))),
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(unavailable("look at", key, &error)),
        }
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        let mut span = profile::span("read", layer_of(key));
        let (metadata, file) = self.root.open(key)?;
        let mut bytes = vec![0; total_of_ranges(key, metadata.len(), ranges)?];
        span.through(0, bytes.len());
        let mut rest = &mut bytes[..];
        for Range { start, end } in ranges {
            let (part, after) = rest.split_at_mut((end - start) as usize);
            file.read_exact_at(part, *start).map_err(|error| unavailable("read", key, &error))?;
            rest = after;
        }
        Ok(bytes)
    }

    fn exists(&self, key: &str) -> Result<bool> {
        match fs::metadata(self.root.path_of(key)?) {
            Err(error) if is_nothing(&error) => Ok(false),
            Err(error) => Err(unavailable("look for", key, &error)),
            // A directory is no object; other keys begin with its name.
            Ok(found) if found.is_dir() => Ok(false),
            Ok(found) => match files::no_file(found.file_type()) {
                Some(error) => Err(unavailable("look for", key, &error)),
                None => Ok(true),
            },
        }
    }

    fn holds(&self, key: &str, bytes: u64, sha256: &str) -> Result<bool> {
        match files::open(&self.root.path_of(key)?) {
            Ok((file, metadata)) => Ok(metadata.len() == bytes && has_content(key, file, bytes, sha256)?),
            // Something else has that name, whatever it is.
            Err(error)
                if is_nothing(&error) || files::is_no_file(&error) || error.kind() == ErrorKind::PermissionDenied =>
            {
                Ok(false)
            }
            Err(error) => Err(unavailable("open", key, &error)),
        }
    }

    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>> {
        let _span = profile::span("create", layer_of(near));
        let upload = DirUpload::create(&self.root, near).map_err(|error| unavailable("write", near, &error))?;
        Ok(Box::new(upload))
    }

    /// Gives the file a second name, which is enough because its content never changes.
    fn copy(&self, from: &str, to: &str) -> Result<bool> {
        let _span = profile::span("copy", layer_of(to));
        let (file, second) = (self.root.path_of(from)?, self.root.path_of(to)?);
        let link = || match self.root.hard_link(&file, &second) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.root.make(second.parent().unwrap_or(self.root.path()))?;
                self.root.hard_link(&file, &second)
            }
            linked => linked,
        };
        match link() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            // The file is gone, or it cannot have a second name there: on another file system, or on one without links.
            Err(_) => copy_through(self, from, to),
        }
    }

    fn delete(&self, key: &str) -> Result<()> {
        let _span = profile::span("delete", layer_of(key));
        match fs::remove_file(self.root.path_of(key)?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            deleted => deleted.map_err(|error| unavailable("delete", key, &error)),
        }
    }

    fn begin(&self) -> Result<Writes> {
        let path = self.root.lock_path();
        let lock = || {
            self.root.make(path.parent().unwrap_or(self.root.path()))?;
            let patience = if self.waited.load(Ordering::Relaxed) { Duration::ZERO } else { self.patience };
            let compare = !self.compared.load(Ordering::Relaxed);
            let writes = Writes::lock(&path, patience, self.root.path(), places::stamp, compare)?;
            self.waited.store(writes.is_beside(), Ordering::Relaxed);
            self.compared.fetch_or(writes.is_alone(), Ordering::Relaxed);
            if writes.after_crash() {
                self.root.remove_temporaries();
            }
            Ok(writes)
        };
        lock().map_err(|error: std::io::Error| unavailable("lock", WRITERS, &error))
    }

    fn check_place(&self) -> Result<()> {
        self.root.expect().map_err(|error| unavailable("use", "", &error))
    }

    fn has_layer(&self, layer: &str) -> Result<bool> {
        match fs::metadata(self.root.path().join(layer)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            found => found.map(|found| found.is_dir()).map_err(|error| unavailable("look for", layer, &error)),
        }
    }

    fn may_be_written(&self) -> Result<bool> {
        Writes::are_under_way(&self.root.lock_path()).map_err(|error| unavailable("lock", WRITERS, &error))
    }

    fn clock(&self) -> Result<i64> {
        // The clock is that of the file system, which may be another machine's.
        let path = self.root.lock_path();
        let directory = path.parent().unwrap_or(self.root.path());
        // The file has no name, so nothing is left of it however this ends.
        let written = || {
            self.root.make(directory)?;
            tempfile::tempfile_in(directory)?.metadata()
        };
        written().map(|metadata| modified(&metadata)).map_err(|error| unavailable("write beside", WRITERS, &error))
    }

    fn describe(&self) -> String {
        self.root.path().display().to_string()
    }
}
