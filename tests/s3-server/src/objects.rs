//! The contents of the buckets: `s3s-fs` on a directory, made reliable enough for tests. Writes of a key are
//! serialised, so exactly one of several racing conditional puts wins. An index in memory answers listings, existence
//! and preconditions.

#![expect(clippy::disallowed_methods, reason = "an upload has a date")]

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;

/// An object as a listing shows it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
    pub(crate) e_tag: String,
    /// The number of the write of the server that made it.
    pub(crate) written: u64,
}

#[derive(Debug, Default)]
struct Index {
    buckets: BTreeMap<String, BTreeMap<String, Entry>>,
    writes: u64,
}

/// An upload in parts that is neither completed nor aborted.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) initiated: SystemTime,
}

/// The buckets of a server.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(crate) files: FileSystem,
    root: PathBuf,
    index: RwLock<Index>,
    uploads: Mutex<BTreeMap<String, Upload>>,
    keys: Vec<tokio::sync::RwLock<()>>,
    /// Set if writes ignore their conditions.
    pub(crate) heedless: AtomicBool,
}

impl Objects {
    /// Opens the objects that `root` holds, which may be those of an earlier server.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let files = FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let objects = Self {
            files,
            root: root.to_owned(),
            index: RwLock::default(),
            uploads: Mutex::default(),
            keys: (0..64).map(|_| tokio::sync::RwLock::default()).collect(),
            heedless: AtomicBool::new(false),
        };
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() && !name.starts_with('.') {
                objects.index_mut().buckets.insert(name.clone(), BTreeMap::new());
                objects.load(&name, &entry.path(), "")?;
            }
        }
        Ok(objects)
    }

    fn load(&self, bucket: &str, directory: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let key = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.load(bucket, &entry.path(), &format!("{key}/"))?;
            } else {
                self.enter(bucket, &key, None)?;
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.root.join(bucket).join(key)
    }

    /// Returns the lock of a key. A writer holds it alone, and readers hold it together.
    pub(crate) fn lock(&self, bucket: &str, key: &str) -> &tokio::sync::RwLock<()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((bucket, key));
        &self.keys[hash as usize % self.keys.len()]
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().expect("nobody panics while holding the index")
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().expect("nobody panics while holding the index")
    }

    /// Creates the bucket; returns whether it is new.
    pub(crate) fn create_bucket(&self, bucket: &str) -> io::Result<bool> {
        let mut index = self.index_mut();
        if index.buckets.contains_key(bucket) {
            return Ok(false);
        }
        fs::create_dir(self.root.join(bucket))?;
        index.buckets.insert(bucket.to_owned(), BTreeMap::new());
        Ok(true)
    }

    pub(crate) fn delete_bucket(&self, bucket: &str) -> S3Result<()> {
        let mut index = self.index_mut();
        match index.buckets.get(bucket) {
            None => Err(s3_error!(NoSuchBucket)),
            Some(objects) if !objects.is_empty() => Err(s3_error!(BucketNotEmpty)),
            Some(_) => {
                index.buckets.remove(bucket);
                fs::remove_dir_all(self.root.join(bucket)).map_err(|error| s3_error!(error, InternalError))
            }
        }
    }

    pub(crate) fn expect_bucket(&self, bucket: &str) -> S3Result<()> {
        match self.index().buckets.contains_key(bucket) {
            true => Ok(()),
            false => Err(s3_error!(NoSuchBucket)),
        }
    }

    pub(crate) fn entry(&self, bucket: &str, key: &str) -> S3Result<Entry> {
        let index = self.index();
        let objects = index.buckets.get(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// Fails if the entry does not meet the conditions `If-Match` and `If-None-Match` of a read.
    pub(crate) fn expect_conditions(
        entry: &Entry,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<()> {
        let tag = ETag::Strong(entry.e_tag.clone());
        let matches = |condition: &ETagCondition| condition.as_etag().is_none_or(|wanted| wanted.weak_cmp(&tag));
        if if_match.is_some_and(|condition| !matches(condition)) {
            return Err(s3_error!(PreconditionFailed));
        }
        match if_none_match.is_some_and(matches) {
            true => Err(s3_error!(NotModified)),
            false => Ok(()),
        }
    }

    /// Enters into the index the object that now lies at the key.
    pub(crate) fn enter(&self, bucket: &str, key: &str, e_tag: Option<String>) -> io::Result<()> {
        let path = self.path(bucket, key);
        let data = fs::metadata(&path)?;
        let e_tag = match e_tag {
            Some(e_tag) => e_tag,
            None => md5(&fs::read(&path)?),
        };
        let mut index = self.index_mut();
        index.writes += 1;
        let entry = Entry { bytes: data.len(), modified: data.modified()?, e_tag, written: index.writes };
        let objects = index.buckets.get_mut(bucket).ok_or(io::ErrorKind::NotFound)?;
        objects.insert(key.to_owned(), entry);
        Ok(())
    }

    /// Puts an object as another client would. The caller holds the lock of its key.
    pub(crate) fn put(&self, bucket: &str, key: &str, body: &[u8]) -> io::Result<()> {
        if self.expect_bucket(bucket).is_err() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no bucket `{bucket}`")));
        }
        let path = self.path(bucket, key);
        fs::create_dir_all(path.parent().expect("an object lies in its bucket"))?;
        let mut file = tempfile::Builder::new().prefix(".put-").tempfile_in(&self.root)?;
        io::Write::write_all(&mut file, body)?;
        file.persist(&path)?;
        self.forget_attributes(bucket, key);
        self.enter(bucket, key, Some(md5(body)))
    }

    /// Deletes an object, if there is one. The caller holds the lock of its key.
    pub(crate) fn remove(&self, bucket: &str, key: &str) -> io::Result<()> {
        if self.index_mut().buckets.get_mut(bucket).is_some_and(|objects| objects.remove(key).is_some()) {
            fs::remove_file(self.path(bucket, key))?;
            self.forget_attributes(bucket, key);
        }
        Ok(())
    }

    /// Removes what `s3s-fs` keeps beside an object: its tag and its checksums.
    fn forget_attributes(&self, bucket: &str, key: &str) {
        let name = |text: &str| base64_simd::URL_SAFE_NO_PAD.encode_to_string(text);
        for kind in ["internal", "metadata"] {
            let beside = format!(".bucket-{}.object-{}.{kind}.json", name(bucket), name(key));
            // Mostly there is no such file.
            let _ = fs::remove_file(self.root.join(beside));
        }
    }

    /// Calls `take` with each key that has the prefix, and its entry, in order. Begins with the first key after
    /// `after`, and ends when `take` returns [`Step::Stop`].
    pub(crate) fn scan(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        mut take: impl FnMut(&str, &Entry) -> Step,
    ) -> S3Result<()> {
        let index = self.index();
        let objects = index.buckets.get(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        let mut from = match after < prefix {
            true => Bound::Included(prefix.to_owned()),
            false => Bound::Excluded(after.to_owned()),
        };
        'skipped: loop {
            for (key, entry) in objects.range((from.clone(), Bound::Unbounded)) {
                if !key.starts_with(prefix) {
                    return Ok(());
                }
                match take(key, entry) {
                    Step::Next => {}
                    Step::Past(prefix) => {
                        from = Bound::Excluded(past(&prefix));
                        continue 'skipped;
                    }
                    Step::Stop => return Ok(()),
                }
            }
            return Ok(());
        }
    }
}

/// Uploads in parts. `s3s-fs` keeps the parts, but does not list the uploads.
impl Objects {
    pub(crate) fn begin_upload(&self, bucket: &str, key: &str, id: &str) {
        let upload = Upload { bucket: bucket.to_owned(), key: key.to_owned(), initiated: SystemTime::now() };
        self.uploads_mut().insert(id.to_owned(), upload);
    }

    pub(crate) fn end_upload(&self, id: &str) {
        self.uploads_mut().remove(id);
    }

    pub(crate) fn expect_upload(&self, id: &str) -> S3Result<()> {
        match self.uploads_mut().contains_key(id) {
            true => Ok(()),
            false => Err(s3_error!(NoSuchUpload)),
        }
    }

    pub(crate) fn uploads(&self, bucket: &str, prefix: &str) -> Vec<(String, Upload)> {
        let uploads = self.uploads_mut();
        let found = uploads.iter().filter(|(_, upload)| upload.bucket == bucket && upload.key.starts_with(prefix));
        found.map(|(id, upload)| (id.clone(), upload.clone())).collect()
    }

    fn uploads_mut(&self) -> MutexGuard<'_, BTreeMap<String, Upload>> {
        self.uploads.lock().expect("nobody panics while holding the uploads")
    }
}

/// The next step of a scan.
pub(crate) enum Step {
    Next,
    /// Goes on behind all keys with this prefix.
    Past(String),
    Stop,
}

/// Returns a text that sorts behind every key with the prefix.
pub(crate) fn past(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

fn md5(body: &[u8]) -> String {
    let mut sum = Md5::new();
    sum.update(body);
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The buckets, as the service shares them.
pub(crate) type Shared = Arc<Objects>;
