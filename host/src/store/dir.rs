//! A lake in a directory: objects are files, created under a temporary name and linked into place whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Durability, Meta, Store, Writes, layer, unavailable};
use crate::Error;
use crate::error::{Kind, Result};
use crate::profile;

/// The file that writers lock.
const WRITERS: &str = "catalog/writers.lock";
/// Files being written; listings leave them out.
const TEMPORARY: &str = ".tmp-";

/// A directory as a [`Store`].
#[derive(Debug)]
pub struct DirStore {
    root: PathBuf,
    temporaries: AtomicU64,
    /// Tells our temporaries from those of others, who may have our process id in their own container.
    random: u64,
    /// What was said to be no object.
    passed_over: Mutex<BTreeSet<PathBuf>>,
}

impl DirStore {
    /// The lake in that directory, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            temporaries: AtomicU64::new(0),
            random: crate::random(),
            passed_over: Mutex::default(),
        }
    }

    fn path(&self, key: &str) -> Result<PathBuf> {
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        match key.split('/').all(plain) {
            true => Ok(self.root.join(key)),
            false => Err(Error::internal(format!("`{key}` is not a key"))),
        }
    }

    /// Says once that something in the lake cannot be an object.
    fn pass_over(&self, path: &Path, why: &str) {
        if self.passed_over.lock().expect("no one panics while holding it").insert(path.to_owned()) {
            tracing::warn!("`{}` {why}; it was left alone", path.display());
        }
    }
}

/// A listing under way.
struct Walk<'w> {
    store: &'w DirStore,
    prefix: &'w str,
    after: &'w str,
    /// The directories we are in, by device and inode.
    above: Vec<(u64, u64)>,
    found: Vec<Meta>,
}

impl Walk<'_> {
    /// Adds the files below a directory, whose key is `key`.
    fn enter(&mut self, directory: &Path, key: &str) -> std::io::Result<()> {
        let (metadata, entries) = match fs::metadata(directory).and_then(|found| Ok((found, fs::read_dir(directory)?)))
        {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::PermissionDenied && !self.above.is_empty() => {
                self.store.pass_over(directory, "cannot be read");
                return Ok(());
            }
            opened => opened?,
        };
        let this = (metadata.dev(), metadata.ino());
        if self.above.contains(&this) {
            // A link back to where we come from: what it leads to is listed already.
            return Ok(());
        }
        self.above.push(this);
        for entry in entries {
            self.add(&entry?, key)?;
        }
        self.above.pop();
        Ok(())
    }

    fn add(&mut self, entry: &fs::DirEntry, parent: &str) -> std::io::Result<()> {
        let Ok(name) = entry.file_name().into_string() else {
            self.store.pass_over(&entry.path(), "has a name that is not UTF-8");
            return Ok(());
        };
        let key = if parent.is_empty() { name.clone() } else { format!("{parent}/{name}") };
        // Symbolic links are followed: people link raw files into bronze. Some lead nowhere, or to each other.
        let metadata = match fs::metadata(entry.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound || entry.file_type()?.is_symlink() => return Ok(()),
            metadata => metadata?,
        };
        if metadata.is_dir() {
            return self.enter(&entry.path(), &key);
        }
        // Nothing but a regular file is an object: to open a pipe is to wait for whoever writes to it.
        let wanted = key.starts_with(self.prefix) && key.as_str() > self.after && !name.starts_with(TEMPORARY);
        if metadata.is_file() && wanted {
            self.found.push(meta(&key, &metadata));
        }
        Ok(())
    }
}

/// Makes the names in a directory durable, and its own name, up to the lake: it may have just been made.
fn sync_directories(directory: &Path, root: &Path) -> std::io::Result<()> {
    directory
        .ancestors()
        .take_while(|ancestor| ancestor.starts_with(root))
        .try_for_each(|ancestor| File::open(ancestor)?.sync_data())
}

fn meta(key: &str, metadata: &fs::Metadata) -> Meta {
    let etag = format!("{:x}-{:x}-{:x}.{:x}", metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    Meta { key: key.to_owned(), bytes: metadata.len(), etag }
}

impl Store for DirStore {
    fn list(&self, prefix: &str, after: &str) -> Result<Vec<Meta>> {
        let _span = profile::span("list", layer(prefix));
        let parent = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut walk = Walk { store: self, prefix, after, above: vec![], found: vec![] };
        walk.enter(&self.root.join(parent), parent).map_err(|error| unavailable("list", prefix, &error))?;
        walk.found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(walk.found)
    }

    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        let open = || {
            let file = File::open(self.path(key).map_err(std::io::Error::other)?)?;
            let metadata = file.metadata()?;
            Ok((meta(key, &metadata), Box::new(file) as Box<dyn Read + Send>))
        };
        open().map_err(|error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => Error::new(Kind::Damaged, format!("there is no `{key}`")),
            _ => unavailable("open", key, &error),
        })
    }

    fn put_if_absent(&self, key: &str, body: &[u8], durability: Durability) -> Result<bool> {
        let mut span = profile::span("write", layer(key));
        span.through(0, body.len());
        let path = self.path(key)?;
        let directory = path.parent().unwrap_or(&self.root);
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        let temporary = directory.join(format!("{TEMPORARY}{:016x}-{number}", self.random));
        let write = || {
            fs::create_dir_all(directory)?;
            // Never one that is there: it may be a second name of an object.
            let mut file = File::create_new(&temporary)?;
            file.write_all(body)?;
            if durability == Durability::Durable {
                file.sync_data()?;
            }
            // Linking is the atomic "create unless it exists" of POSIX; renaming would replace.
            match fs::hard_link(&temporary, &path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
                linked if durability == Durability::Rebuildable => linked.map(|()| true),
                linked => linked.and_then(|()| sync_directories(directory, &self.root)).map(|()| true),
            }
        };
        let outcome = write();
        // The link, if it was made, stays; a temporary that cannot be removed is no more than litter.
        let _ = fs::remove_file(&temporary);
        outcome.map_err(|error| unavailable("write", key, &error))
    }

    fn delete(&self, key: &str) -> Result<()> {
        let _span = profile::span("delete", layer(key));
        match fs::remove_file(self.path(key)?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            deleted => deleted.map_err(|error| unavailable("delete", key, &error)),
        }
    }

    fn begin(&self) -> Result<Writes> {
        let path = self.root.join(WRITERS);
        let lock = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            let writes = Writes::lock(&path)?;
            if writes.after_crash() {
                Self::remove_temporaries(&self.root)?;
            }
            Ok(writes)
        };
        lock().map_err(|error: std::io::Error| unavailable("lock", WRITERS, &error))
    }

    fn describe(&self) -> String {
        self.root.display().to_string()
    }
}

impl DirStore {
    /// What writers that died were about to link into place.
    fn remove_temporaries(directory: &Path) -> std::io::Result<()> {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                Self::remove_temporaries(&entry.path())?;
            } else if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Makes the directory and those of the layers. Fails if something else is in the way.
    pub fn create_layers(&self, layers: &[&str]) -> Result<()> {
        for layer in layers {
            let path = self.root.join(layer);
            fs::create_dir_all(&path)
                .map_err(|error| Error::new(Kind::Unavailable, format!("cannot make `{}`: {error}", path.display())))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite;
    use super::*;

    fn with_store(check: impl FnOnce(&DirStore)) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        check(&DirStore::new(directory.path().join("lake")));
    }

    #[test]
    fn it_is_a_store() {
        with_store(|store| suite::reads_what_was_put(store));
        with_store(|store| suite::one_of_racing_writers_wins(store));
        with_store(|store| suite::lists_by_prefix_in_order(store));
        with_store(|store| suite::deletes(store));
        with_store(|store| {
            suite::etags_tell_versions_apart(store, &|key, body| {
                fs::write(store.root.join(key), body).expect("a write")
            });
        });
    }

    #[test]
    fn a_key_cannot_leave_the_lake() {
        with_store(|store| {
            for key in ["../x", "/etc/passwd", "a/../b", "a//b", "", "a/./b", "a\0b"] {
                assert!(store.put_if_absent(key, b"", Durability::Durable).is_err(), "{key}");
            }
        });
    }

    #[test]
    fn what_a_dead_writer_left_is_told_from_what_a_live_one_writes() {
        with_store(|store| {
            let mut first = store.begin().expect("begins");
            assert!(!first.after_crash());
            first.share().expect("shares");
            let beside = store.begin().expect("begins beside the first");
            drop(first); // as if it had died: without `done`
            beside.done().expect("done");
            let mut second = store.begin().expect("begins");
            assert!(second.after_crash());
            second.share().expect("shares");
            let third = store.begin().expect("begins beside the second");
            assert!(!third.after_crash(), "the second is alive");
            third.done().expect("done");
            second.done().expect("done");
            assert!(!store.begin().expect("begins").after_crash());
        });
    }
}
