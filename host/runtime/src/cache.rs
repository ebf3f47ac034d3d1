//! Caches on disk compiled code, and what components say of themselves. Compiled code that is loaded will run, so the host loads
//! only what a host of the same user wrote. The directory is private, and each file has an authentication code under a key that lies beside it.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tempfile::NamedTempFile;

use smelt_common::files;

/// The extension of files with compiled code.
pub(super) const CODE_FILE: &str = "cwasm";
/// The extension of files with what components say of themselves.
pub(super) const TOLD_FILE: &str = "told";
/// The file with the key.
const KEY: &str = "key";
/// The length of an authentication code in bytes, which is also that of the key.
const CODE: usize = 32;
/// How many bytes are kept. Beyond that, the files that were not used for the longest time are deleted.
const MOST_BYTES: u64 = 1 << 30;

/// A cache of compiled code in a private directory.
pub(super) struct Cache {
    directory: PathBuf,
    key: Hmac<Sha256>,
    most: u64,
}

impl Cache {
    /// Opens the cache in the directory, which is made private to its user. Returns `None` if others could write to it.
    pub(super) fn open(directory: &Path) -> Option<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).ok()?;
        let key = mine(directory).then(|| key(directory).ok()).flatten()?;
        Some(Self { directory: directory.to_owned(), key: Hmac::new_from_slice(&key).ok()?, most: MOST_BYTES })
    }

    /// Returns the content that was put under that name and extension, if it is there and unchanged.
    pub(super) fn get(&self, name: &str, extension: &str) -> Option<Vec<u8>> {
        let path = self.path(name, extension);
        let mut content = files::read(&path, MOST_BYTES).ok()?;
        let code = content.split_off(content.len().checked_sub(CODE)?);
        if self.code(name, &content).verify_slice(&code).is_err() {
            tracing::warn!(file = %path.display(), "the cached file has changed since it was put there; it is made again");
            return None;
        }
        used_now(&path);
        Some(content)
    }

    /// Stores the content if it can. Otherwise it is made again next time. Contents of another extension have other names.
    pub(super) fn put(&self, name: &str, extension: &str, content: &[u8]) {
        let write = || {
            let mut file = NamedTempFile::new_in(&self.directory)?;
            file.write_all(content)?;
            file.write_all(&self.code(name, content).finalize().into_bytes())?;
            file.persist(self.path(name, extension)).map_err(|error| error.error)?;
            self.evict()
        };
        if let Err(error) = write() {
            tracing::debug!(cache = %self.directory.display(), %error, "compiled code was not cached");
        }
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.directory.join(format!("{name}.{extension}"))
    }

    /// Returns the authentication code. It covers the name too, so that no file can stand for another.
    fn code(&self, name: &str, content: &[u8]) -> Hmac<Sha256> {
        self.key.clone().chain_update((name.len() as u64).to_le_bytes()).chain_update(name).chain_update(content)
    }

    fn evict(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            // Another host may just have deleted the file.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if path.extension().is_some_and(|extension| extension == CODE_FILE || extension == TOLD_FILE) {
                files.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), path));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, length, path) in files {
            if bytes <= self.most {
                break;
            }
            fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(())
    }
}

/// Returns whether the path belongs to this user, and nobody else can write to it.
fn mine(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    fs::metadata(path).is_ok_and(|metadata| metadata.uid() == user && metadata.mode() & 0o022 == 0)
}

/// Returns the key, and makes one if there is none. A key that others can read is replaced, so all files under it
/// become invalid.
fn key(directory: &Path) -> io::Result<Vec<u8>> {
    let path = directory.join(KEY);
    if fs::metadata(&path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        fs::remove_file(&path)?;
    }
    if !path.exists() {
        let mut new = [0; CODE];
        getrandom::fill(&mut new).map_err(io::Error::other)?;
        let mut file = NamedTempFile::new_in(directory)?;
        file.write_all(&new)?;
        // The file is complete before it gets its name. If another host was faster, its key is used.
        let _ = file.persist_noclobber(&path);
    }
    let key = files::read(&path, CODE as u64)?;
    if key.len() != CODE || !mine(&path) {
        return Err(io::Error::other("the key is not one"));
    }
    Ok(key)
}

/// Marks the file as used now, so that it is kept the longest.
fn used_now(path: &Path) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let _ = utimensat(CWD, path, &Timestamps { last_access: now, last_modification: now }, AtFlags::empty());
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
        let cache = Cache::open(directory.path()).expect("it is private");
        (directory, cache)
    }

    #[test]
    fn content_that_was_put_is_returned_to_every_owner_of_the_key() {
        let (directory, cache) = cache();
        cache.put("a", CODE_FILE, b"code");
        assert_eq!(cache.get("a", CODE_FILE).as_deref(), Some(&b"code"[..]));
        assert_eq!(
            Cache::open(directory.path()).and_then(|again| again.get("a", CODE_FILE)).as_deref(),
            Some(&b"code"[..])
        );
        assert_eq!(cache.get("b", CODE_FILE), None);
    }

    #[test]
    fn a_byte_changed_cut_off_or_added_anywhere_makes_it_nothing() {
        let (_directory, cache) = cache();
        cache.put("a", CODE_FILE, b"code");
        let whole = fs::read(cache.path("a", CODE_FILE)).expect("it is there");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            for content in [&changed, &whole[..at]] {
                fs::write(cache.path("a", CODE_FILE), content).expect("it can be written");
                assert_eq!(cache.get("a", CODE_FILE), None, "byte {at}");
            }
        }
        fs::write(cache.path("a", CODE_FILE), [&whole[..], b"x"].concat()).expect("it can be written");
        assert_eq!(cache.get("a", CODE_FILE), None);
    }

    #[test]
    fn a_file_stands_for_no_other() {
        let (_directory, cache) = cache();
        cache.put("a", CODE_FILE, b"code");
        fs::copy(cache.path("a", CODE_FILE), cache.path("b", CODE_FILE)).expect("it can be copied");
        assert_eq!(cache.get("b", CODE_FILE), None);
    }

    #[test]
    fn a_key_that_others_can_read_vouches_for_nothing() {
        let (directory, cache) = cache();
        cache.put("a", CODE_FILE, b"code");
        fs::set_permissions(directory.path().join(KEY), fs::Permissions::from_mode(0o644)).expect("it is ours");
        assert_eq!(Cache::open(directory.path()).expect("it has a new key").get("a", CODE_FILE), None);
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_no_cache() {
        let (directory, _) = cache();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
        assert!(Cache::open(directory.path()).is_none());
    }

    #[test]
    fn what_was_used_the_longest_time_ago_makes_room() {
        let (_directory, mut cache) = cache();
        cache.most = 2 * (4 + CODE as u64);
        let old = |name: &str, seconds| {
            let file = fs::File::open(cache.path(name, CODE_FILE)).expect("it is there");
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).expect("it is ours");
        };
        cache.put("a", CODE_FILE, b"code");
        cache.put("b", CODE_FILE, b"code");
        old("a", 1);
        old("b", 2);
        assert!(cache.get("a", CODE_FILE).is_some(), "it is used");
        cache.put("c", CODE_FILE, b"code");
        assert_eq!(["a", "b", "c"].map(|name| cache.get(name, CODE_FILE).is_some()), [true, false, true]);
    }
}
