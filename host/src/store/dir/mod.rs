//! A lake in a directory: objects are files, created under a temporary name and linked into place whole.

mod places;
mod upload;
mod walk;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use upload::DirUpload;

use super::writes::PATIENCE;
use super::{Meta, Store, Upload, Writes, copy_through, layer, unavailable};
use crate::Error;
use crate::error::{Kind, Result};
use crate::profile;

/// The file that writers lock.
pub const WRITERS: &str = "catalog/writers.lock";
/// Files being written; listings leave them out.
const TEMPORARY: &str = ".tmp-";

/// A directory as a [`Store`].
#[derive(Debug)]
pub struct DirStore {
    root: PathBuf,
    /// Whether the directory was there at some time.
    was_there: AtomicBool,
    /// Whether it was asked whether anyone else has changed what lies in it.
    compared: AtomicBool,
    temporaries: AtomicU64,
    /// Tells our temporaries from those of others, who may have our process id in their own container.
    random: u64,
    /// What was said to be no object.
    passed_over: Mutex<BTreeSet<PathBuf>>,
    /// How long a writer waits for one who keeps others from writing.
    patience: Duration,
    /// Whether one was waited for in vain, and has not let go since: then it is not waited for again.
    waited: AtomicBool,
}

impl DirStore {
    /// The lake in that directory, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            was_there: AtomicBool::new(root.is_dir()),
            compared: AtomicBool::new(false),
            root,
            temporaries: AtomicU64::new(0),
            random: crate::random(),
            passed_over: Mutex::default(),
            patience: PATIENCE,
            waited: AtomicBool::new(false),
        }
    }

    /// The same, where no writer waits for another one.
    #[cfg(test)]
    pub(crate) fn impatient(self) -> Self {
        Self { patience: Duration::ZERO, ..self }
    }

    fn path(&self, key: &str) -> Result<PathBuf> {
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        match key.split('/').all(plain) {
            true => Ok(self.root.join(key)),
            false => Err(Error::internal(format!("`{key}` is not a key"))),
        }
    }

    fn open_file(&self, key: &str) -> Result<(fs::Metadata, File)> {
        let open = || {
            let file = File::open(self.path(key).map_err(std::io::Error::other)?)?;
            Ok((file.metadata()?, file))
        };
        open().map_err(|error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => Error::new(Kind::Damaged, format!("there is no `{key}`")),
            _ => unavailable("open", key, &error),
        })
    }

    /// Says once that something in the lake cannot be an object.
    fn pass_over(&self, path: &Path, why: &str) {
        if self.passed_over.lock().expect("no one panics while holding it").insert(path.to_owned()) {
            tracing::warn!("`{}` {why}; it was left alone", path.display());
        }
    }
}

fn meta(key: &str, metadata: &fs::Metadata) -> Meta {
    let etag = format!("{:x}-{:x}-{:x}.{:x}", metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    Meta { key: key.to_owned(), bytes: metadata.len(), etag, modified: modified(metadata) }
}

/// When it was written or got another name, in microseconds since the epoch: a copy is as new as its name. That is the time at
/// which the file system changed it, which no one can set.
fn modified(metadata: &fs::Metadata) -> i64 {
    metadata.ctime() * 1_000_000 + metadata.ctime_nsec() / 1_000
}

impl Store for DirStore {
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>> {
        let mut span = profile::span("list", layer(prefix));
        let mut found = walk::files(self, prefix, after, known).map_err(|error| unavailable("list", prefix, &error))?;
        span.through(found.len(), 0);
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        let (metadata, file) = self.open_file(key)?;
        Ok((meta(key, &metadata), Box::new(file)))
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        let mut span = profile::span("read", layer(key));
        let (metadata, file) = self.open_file(key)?;
        let mut bytes = vec![0; super::total(key, metadata.len(), ranges)?];
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
        match fs::metadata(self.path(key)?) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            found => found.map(|found| found.is_file()).map_err(|error| unavailable("look for", key, &error)),
        }
    }

    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>> {
        let _span = profile::span("create", layer(near));
        let upload = DirUpload::create(self, near).map_err(|error| unavailable("write", near, &error))?;
        Ok(Box::new(upload))
    }

    /// As a second name of the file: what is in it never changes.
    fn copy(&self, from: &str, to: &str) -> Result<bool> {
        let _span = profile::span("copy", layer(to));
        let (file, second) = (self.path(from)?, self.path(to)?);
        let link = || match fs::hard_link(&file, &second) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make(second.parent().unwrap_or(&self.root))?;
                fs::hard_link(&file, &second)
            }
            linked => linked,
        };
        match link() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            // Where it cannot have one: on another file system, or on one without links. Or it is gone.
            Err(_) => copy_through(self, from, to),
        }
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
            self.make(path.parent().unwrap_or(&self.root))?;
            let patience = if self.waited.load(Ordering::Relaxed) { Duration::ZERO } else { self.patience };
            let compare = !self.compared.load(Ordering::Relaxed);
            let writes = Writes::lock(&path, patience, &self.root, places::stamp, compare)?;
            self.waited.store(writes.is_beside(), Ordering::Relaxed);
            self.compared.fetch_or(writes.is_alone(), Ordering::Relaxed);
            if writes.after_crash() {
                Self::remove_temporaries(&self.root)?;
            }
            Ok(writes)
        };
        lock().map_err(|error: std::io::Error| unavailable("lock", WRITERS, &error))
    }

    fn check_place(&self) -> Result<()> {
        self.expect_root().map_err(|error| unavailable("use", "", &error))
    }

    fn has_layer(&self, layer: &str) -> Result<bool> {
        match fs::metadata(self.root.join(layer)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            found => found.map(|found| found.is_dir()).map_err(|error| unavailable("look for", layer, &error)),
        }
    }

    fn may_be_written(&self) -> Result<bool> {
        Writes::are_under_way(&self.root.join(WRITERS)).map_err(|error| unavailable("lock", WRITERS, &error))
    }

    fn clock(&self) -> Result<i64> {
        // That of the file system, which may be another machine's.
        let written = || DirUpload::create(self, WRITERS)?.metadata();
        written().map(|metadata| modified(&metadata)).map_err(|error| unavailable("write beside", WRITERS, &error))
    }

    fn describe(&self) -> String {
        self.root.display().to_string()
    }
}

impl DirStore {
    /// Fails if the lake's directory was there and is not.
    fn expect_root(&self) -> std::io::Result<()> {
        match self.root.is_dir() {
            true => self.was_there.store(true, Ordering::Relaxed),
            false if self.was_there.load(Ordering::Relaxed) => {
                let why = format!(
                    "the lake's directory `{}` is gone: put it back (is it mounted?); nothing is made in its place",
                    self.root.display()
                );
                return Err(std::io::Error::other(why));
            }
            false => {}
        }
        Ok(())
    }

    /// Makes a directory of the lake; and the lake's own, unless that was there before and is gone.
    fn make(&self, directory: &Path) -> std::io::Result<()> {
        self.expect_root()?;
        fs::create_dir_all(directory)?;
        self.was_there.store(true, Ordering::Relaxed);
        Ok(())
    }

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
    use std::io::Write as _;

    use super::super::{Durability, suite};
    use super::*;

    fn with_store(check: impl FnOnce(&DirStore)) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        check(&DirStore::new(directory.path().join("lake")));
    }

    #[test]
    fn it_is_a_store() {
        suite::ALL.iter().for_each(|check| with_store(|store| check(store)));
        let replace =
            |store: &DirStore, key: &str, body: &[u8]| fs::write(store.root.join(key), body).expect("a write");
        with_store(|store| suite::etags_tell_versions_apart(store, &|key, body| replace(store, key, body)));
        with_store(|store| suite::tells_what_was_changed(store, &|key, body| replace(store, key, body)));
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
    fn an_upload_is_one_file_and_dropped_leaves_none() {
        with_store(|store| {
            let files = || walk_all(&store.root).len();
            let mut upload = store.create("gold/x").expect("an upload");
            upload.write_all(&[1; 1 << 20]).expect("a write");
            assert_eq!(files(), 1);
            assert!(upload.finish("gold/x", Durability::Rebuildable).expect("finishes"));
            drop(upload);
            assert_eq!(walk_all(&store.root), [store.root.join("gold/x")]);
            drop(store.create("gold/y").expect("an upload"));
            assert_eq!(files(), 1);
        });
    }

    #[test]
    fn links_are_followed_wherever_they_lead() {
        with_store(|store| {
            store.put_if_absent("bronze/raw/a", b"1", Durability::Durable).expect("a put");
            let outside = tempfile::tempdir().expect("a temporary directory");
            fs::write(outside.path().join("b"), "22").expect("a write");
            let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, store.root.join(name)).expect("a link");
            link(outside.path(), "bronze/linked");
            link(&outside.path().join("b"), "bronze/c");
            link(&store.root.join("bronze"), "bronze/raw/loop");
            link(Path::new("nowhere"), "bronze/raw/dangling");
            let list = |known: &dyn Fn(&str) -> bool| -> Vec<String> {
                store.list_new("bronze/", "", known).expect("a listing").into_iter().map(|meta| meta.key).collect()
            };
            assert_eq!(list(&|_| false), ["bronze/c", "bronze/linked/b", "bronze/raw/a"]);
            assert_eq!(list(&|key| key == "bronze/c" || key == "bronze/linked/b"), ["bronze/raw/a"]);
        });
    }

    fn walk_all(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
        entries.flat_map(|path| if path.is_dir() { walk_all(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn no_one_waits_for_ever_for_who_keeps_the_lake_to_himself() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (lake, store) = (directory.path(), DirStore::new(directory.path()).impatient());
        drop(store.begin().expect("makes the file")); // as if it had died before it shared
        // As a host that is stopped while it tidies up, or a promotion that takes long.
        let alone = File::open(lake.join(WRITERS)).expect("the file");
        alone.try_lock().expect("no one else has it");
        assert!(store.may_be_written().expect("asked"));
        let beside = store.begin().expect("begins");
        assert!(beside.is_beside() && !beside.after_crash());
        drop(beside); // dead: its mark stays
        drop(alone);
        assert!(!store.may_be_written().expect("asked"));
        let mut next = store.begin().expect("begins");
        assert!(next.after_crash() && !next.is_beside(), "the mark of who worked beside is found");
        next.leave_marks();
        next.share().expect("shares");
        next.done().expect("done");
        assert!(store.begin().expect("begins").after_crash(), "what is not tidied up stays marked");
    }

    #[test]
    fn who_insists_has_the_lake_to_himself_if_the_others_end() {
        with_store(|store| {
            let store = DirStore::new(&store.root).impatient();
            let (mut first, mut second) = (store.begin().expect("begins"), None);
            first.share().expect("shares");
            let beside = store.begin().expect("begins beside the first");
            first.insist().expect("goes on");
            assert!(!first.is_beside(), "it has to share");
            beside.done().expect("done");
            first.insist().expect("goes on");
            assert!(second.insert(store.begin().expect("begins")).is_beside(), "the first is alone");
            drop(second);
            first.done().expect("done");
            assert!(store.begin().expect("begins").after_crash(), "the second has died");
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
