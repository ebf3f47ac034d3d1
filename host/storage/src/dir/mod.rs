//! A lake in a directory: objects are files, created under a temporary name and linked into place whole.

mod places;
mod temporary;
mod upload;
mod walk;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use upload::DirUpload;

use super::writes::PATIENCE;
use super::{Meta, Store, Upload, Writes, copy_through, layer, new, unavailable};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::{files, profile};

/// The file that writers lock.
pub const WRITERS: &str = "catalog/writers.lock";

/// A directory as a [`Store`].
#[derive(Debug)]
pub struct DirStore {
    root: PathBuf,
    /// Set once the directory was there.
    was_there: AtomicBool,
    /// Set once this process has checked whether anyone else changed the lake's directories.
    compared: AtomicBool,
    temporaries: AtomicU64,
    /// The beginning of the names of this host's temporaries, once there was one.
    stem: OnceLock<String>,
    /// Set once a rename has shown that this file system can rename without replacing a file.
    renames: AtomicBool,
    /// Tests: every hard link is refused.
    #[cfg(test)]
    without_links: bool,
    /// What was said to be no object.
    passed_over: Mutex<BTreeSet<PathBuf>>,
    /// How long a writer waits for one who keeps others from writing.
    patience: Duration,
    /// Set while another process holds the lock and was waited for in vain: it is not waited for again.
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
            stem: OnceLock::new(),
            renames: AtomicBool::new(false),
            #[cfg(test)]
            without_links: false,
            passed_over: Mutex::default(),
            patience: PATIENCE,
            waited: AtomicBool::new(false),
        }
    }

    /// The same, where no writer waits for another one.
    #[cfg(test)]
    pub fn impatient(self) -> Self {
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
        match files::open(&self.path(key)?) {
            Ok((file, metadata)) => Ok((metadata, file)),
            Err(error) if is_nothing(&error) => Err(Error::new(Kind::Damaged, format!("there is no `{key}`"))),
            Err(error) if files::is_no_file(&error) => Err(Error::new(Kind::Damaged, format!("`{key}`: {error}"))),
            Err(error) => Err(unavailable("open", key, &error)),
        }
    }

    /// Tells this lake's temporaries from those of another one that shares its bronze: the inode of the file that writers
    /// lock. Where that was copied or moved to another file system, what was left before is left alone.
    fn id(&self) -> u64 {
        fs::metadata(self.root.join(WRITERS)).map_or(0, |metadata| metadata.ino())
    }

    /// A name that no other file has, ours or another host's.
    fn temporary(&self) -> String {
        let stem = self.stem.get_or_init(|| temporary::stem(self.id(), smelt_common::random()));
        format!("{stem}{}", self.temporaries.fetch_add(1, Ordering::Relaxed))
    }

    /// Gives the file a second name, unless there is something of that name.
    fn hard_link(&self, file: &Path, second: &Path) -> std::io::Result<()> {
        #[cfg(test)]
        if self.without_links {
            return Err(std::io::Error::from_raw_os_error(libc::EPERM));
        }
        fs::hard_link(file, second)
    }

    /// Says once that something in the lake cannot be an object.
    fn pass_over(&self, path: &Path, why: &str) {
        if self.passed_over.lock().expect("no one panics while holding it").insert(path.to_owned()) {
            tracing::warn!("`{}` {why}; it was left alone", path.display());
        }
    }
}

/// Returns whether the error means that nothing has that name.
fn is_nothing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) || error.raw_os_error() == Some(libc::ELOOP)
}

/// Returns the identity of a file. Whoever writes a file can set its time of writing; the kernel alone sets the time at which
/// the inode changed.
fn meta(key: &str, metadata: &fs::Metadata) -> Meta {
    let etag = format!(
        "{:x}-{:x}-{:x}.{:x}-{:x}.{:x}",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec()
    );
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
        // No more than it had, so that one that grows as fast as it is read comes to an end; and one byte of that, which tells.
        let reader = file.take(metadata.len().saturating_add(1));
        Ok((meta(key, &metadata), Box::new(reader)))
    }

    fn look(&self, key: &str) -> Result<Option<Meta>> {
        match fs::metadata(self.path(key)?) {
            Ok(metadata) => Ok(metadata.is_file().then(|| meta(key, &metadata))),
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(unavailable("look at", key, &error)),
        }
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
            Err(error) if is_nothing(&error) => Ok(false),
            Err(error) => Err(unavailable("look for", key, &error)),
            // A directory is what other keys begin with.
            Ok(found) if found.is_dir() => Ok(false),
            Ok(found) => match files::no_file(found.file_type()) {
                Some(error) => Err(unavailable("look for", key, &error)),
                None => Ok(true),
            },
        }
    }

    fn holds(&self, key: &str, bytes: u64, sha256: &str) -> Result<bool> {
        match files::open(&self.path(key)?) {
            Ok((file, metadata)) => Ok(metadata.len() == bytes && new::is(key, file, bytes, sha256)?),
            // Someone else's, of whatever kind.
            Err(error)
                if is_nothing(&error) || files::is_no_file(&error) || error.kind() == ErrorKind::PermissionDenied =>
            {
                Ok(false)
            }
            Err(error) => Err(unavailable("open", key, &error)),
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
        let link = || match self.hard_link(&file, &second) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make(second.parent().unwrap_or(&self.root))?;
                self.hard_link(&file, &second)
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
                self.remove_temporaries();
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
        let path = self.root.join(WRITERS);
        let directory = path.parent().unwrap_or(&self.root);
        // A file without a name, of which nothing is left however this ends.
        let written = || {
            self.make(directory)?;
            tempfile::tempfile_in(directory)?.metadata()
        };
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

    /// Removes what this lake's writers that died were about to link into place. What cannot be read or removed is no more
    /// than litter.
    fn remove_temporaries(&self) {
        let lake = self.id();
        for entry in entries(&self.root) {
            let path = entry.path();
            // A layer may be a link to another disk.
            if path.is_dir() {
                remove_temporaries_below(&path, lake, DEEPEST);
            }
        }
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

/// How many directories are gone into that lie in each other.
const DEEPEST: usize = 64;

fn remove_temporaries_below(directory: &Path, lake: u64, deep: usize) {
    for entry in entries(directory) {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && deep > 0 {
            remove_temporaries_below(&path, lake, deep - 1);
        } else if kind.is_file()
            && temporary::is_ours(lake, &entry.file_name())
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!("`{}`, which a run that ended left, cannot be removed: {error}", path.display());
        }
    }
}

/// Returns the entries of a directory that can be read.
fn entries(directory: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(directory).into_iter().flatten().map_while(std::io::Result::ok)
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

    /// exFAT, SMB, and much of FUSE.
    #[test]
    fn it_is_one_where_files_have_no_second_names() {
        let without_links = |check: &dyn Fn(&DirStore)| {
            let directory = tempfile::tempdir().expect("a temporary directory");
            check(&DirStore { without_links: true, ..DirStore::new(directory.path().join("lake")) });
            assert!(walk_all(directory.path()).iter().all(|path| !path.to_string_lossy().contains("/.tmp-")));
        };
        suite::ALL.iter().for_each(|check| without_links(&|store| check(store)));
    }

    fn open_as(path: &Path) -> Meta {
        let store = DirStore::new(path.parent().expect("it is in a directory"));
        store.open(path.file_name().and_then(|name| name.to_str()).expect("a name")).expect("opens").0
    }

    #[test]
    fn a_file_that_was_changed_is_another_whatever_its_time_and_size_say() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("x");
        fs::write(&path, "one").expect("a write");
        let before = open_as(&path);
        let time = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
        // In place, as long, and its time set back.
        let change = || {
            let file = File::options().write(true).open(&path).expect("opens");
            file.write_all_at(b"two", 0).expect("a write");
            file.set_modified(time).expect("it is ours");
            open_as(&path) != before
        };
        // The kernel's clock may tick only every few milliseconds.
        assert!((0..100_000).any(|_| change()));
    }

    #[test]
    fn temporary_files_of_others_stay_and_stop_no_one() {
        with_store(|store| {
            // Without `done`, as if it had died.
            let mut dead = store.begin().expect("begins");
            dead.share().expect("shares");
            drop(dead);
            let ours = store.root.join("bronze/sub").join(DirStore::new(&store.root).temporary());
            let other = DirStore::new(store.root.join("other"));
            other.begin().expect("begins");
            let others = [".tmp-orders_1.json", ".tmp-0123456789abcdef-0", ".tmp-smelt-1", &other.temporary()];
            let others = others.map(|name| store.root.join("bronze/sub").join(name));
            fs::create_dir_all(store.root.join("bronze/sub")).expect("a directory");
            others.iter().chain([&ours]).for_each(|path| fs::write(path, "x").expect("a write"));
            let directory = store.root.join("silver").join(DirStore::new(&store.root).temporary());
            fs::create_dir_all(&directory).expect("a directory");
            std::os::unix::fs::symlink(
                &others[0],
                store.root.join("bronze").join(DirStore::new(&store.root).temporary()),
            )
            .expect("a link");
            let mut next = store.begin().expect("begins");
            assert!(next.after_crash());
            next.share().expect("shares");
            assert!(!ours.exists(), "ours is left over");
            assert!(others.iter().all(|path| path.exists()) && directory.exists());
        });
    }

    #[test]
    fn what_others_put_into_a_layer_does_not_stop_a_listing() {
        with_store(|store| {
            store.put_if_absent("silver/d/a", b"1", Durability::Durable).expect("a put");
            let at = |name: &str| store.root.join("silver").join(name);
            let fifo = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, at("d/pipe"), fifo, 0o600.into(), 0).expect("a pipe");
            let deep = (0..200).fold(at("deep"), |path, _| path.join("d"));
            fs::create_dir_all(&deep).expect("directories");
            fs::write(deep.join("x"), "").expect("a write");
            std::os::unix::fs::symlink(at("loop"), at("loop")).expect("a link");
            let keys: Vec<_> = store.list("silver/", "").expect("a listing").into_iter().map(|meta| meta.key).collect();
            assert_eq!(keys, ["silver/d/a"]);
        });
    }

    #[test]
    fn a_name_that_something_else_has_is_left_to_it() {
        with_store(|store| {
            fs::create_dir_all(store.root.join("silver/d/x.csv")).expect("a directory");
            let fifo = rustix::fs::FileType::Fifo;
            let pipe = store.root.join("silver/d/x.2.csv");
            rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, 0o600.into(), 0).expect("a pipe");
            std::os::unix::fs::symlink("nowhere", store.root.join("silver/d/x.3.csv")).expect("a link");
            let put = || super::super::put_new(store, "silver/d/x", '.', ".csv", b"1", Durability::Durable);
            assert_eq!(put().expect("a put"), "silver/d/x.4.csv");
            let error = store.open("silver/d/x.2.csv").map(drop).expect_err("a pipe is no object");
            assert!(error.to_string().contains("`silver/d/x.2.csv`: it is a pipe"), "{error}");
            assert!(store.exists("silver/d/x.2.csv").expect_err("neither").to_string().contains("a pipe"));
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
        next.leave_marks().expect("it is marked");
        next.share().expect("shares");
        next.done().expect("done");
        assert!(store.begin().expect("begins").after_crash(), "what is not orphans_checked up stays marked");
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
