//! Lists a directory lake. A directory gives names with their types, and only files that are wanted are looked at.

use std::ffi::{CStr, OsStr};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::FileType;

use super::file::meta_of;
use super::root::Root;
use super::temporary::{DEEPEST, TEMPORARY};
use crate::store::Meta;
use smelt_common::files;

/// The bytes of names that are read at once.
#[cfg(target_os = "linux")]
const BUFFER: usize = 64 << 10;

/// Returns the files whose keys begin with `prefix`, are greater than `after`, and are not `known`.
pub(super) fn files(
    root: &Root,
    prefix: &str,
    after: &str,
    known: &dyn Fn(&str) -> bool,
) -> std::io::Result<Vec<Meta>> {
    let parent = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut walk =
        Walk { root, prefix, after, known, above: vec![], below: false, key: parent.to_owned(), found: vec![] };
    walk.enter(&root.path().join(parent))?;
    Ok(walk.found)
}

/// A listing under way.
struct Walk<'w> {
    root: &'w Root,
    prefix: &'w str,
    after: &'w str,
    known: &'w dyn Fn(&str) -> bool,
    /// The directories from the top to the current one, by device and inode.
    above: Vec<(u64, u64)>,
    /// True if all keys below the current directory begin with `prefix`.
    below: bool,
    /// The key of the current entry. All keys share this memory, since there may be very many.
    key: String,
    found: Vec<Meta>,
}

impl Walk<'_> {
    /// Adds the files below a directory. The current key is that of the directory.
    fn enter(&mut self, path: &Path) -> std::io::Result<()> {
        let opened = fs::OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(path);
        let directory = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if !self.above.is_empty() => return self.unless_its_own(path, error),
            opened => opened?,
        };
        if self.above.len() > DEEPEST {
            self.root.pass_over(path, &format!("lies in more than {DEEPEST} directories"));
            return Ok(());
        }
        let metadata = directory.metadata()?;
        let this = (metadata.dev(), metadata.ino());
        if self.above.contains(&this) {
            // The entry is a link to a directory above it, whose files are listed already.
            return Ok(());
        }
        self.above.push(this);
        let length = self.key.len();
        if length > 0 {
            self.key.push('/');
        }
        let below = std::mem::replace(&mut self.below, self.key.starts_with(self.prefix));
        let (is_top, mut failed) = (self.above.len() == 1, None);
        let read = each_entry(&directory, |name, kind| {
            let added = self.add(path, OsStr::from_bytes(name.to_bytes()), kind);
            // `add` has already decided which errors of an entry count.
            added.map_err(|error| failed.insert(error).kind().into())
        });
        self.key.truncate(length);
        self.below = below;
        self.above.pop();
        match (failed, read) {
            (Some(error), _) => Err(error),
            (None, Err(error)) if !is_top => self.unless_its_own(path, error),
            (None, read) => read,
        }
    }

    /// Passes over an entry that cannot be read for a reason of its own: other programs put what they like beside our
    /// files, and that must not stop a listing. Fails if the machine is at fault, for example if it is out of file
    /// handles.
    fn unless_its_own(&self, path: &Path, error: std::io::Error) -> std::io::Result<()> {
        use libc::{EACCES, EIO, ELOOP, ENAMETOOLONG, ENODEV, ENOTCONN, ENOTDIR, ENXIO, EPERM, ESTALE, EUCLEAN};
        let own = [EACCES, EPERM, ELOOP, ENAMETOOLONG, ENOTDIR, ENOTCONN, ENODEV, ENXIO, EIO, ESTALE, EUCLEAN];
        match error.raw_os_error() {
            Some(code) if own.contains(&code) => {
                self.root.pass_over(path, &format!("cannot be read ({error})"));
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn add(&mut self, directory: &Path, name: &OsStr, kind: FileType) -> std::io::Result<()> {
        match name.to_str() {
            Some("." | "..") => Ok(()),
            Some(text) => {
                let length = self.key.len();
                self.key.push_str(text);
                let added = self.add_key(directory, text, kind);
                self.key.truncate(length);
                added
            }
            None => {
                self.root.pass_over(&directory.join(name), "has a name that is not UTF-8");
                Ok(())
            }
        }
    }

    /// Adds the entry of that name, whose key is the current one.
    fn add_key(&mut self, directory: &Path, name: &str, mut kind: FileType) -> std::io::Result<()> {
        if kind == FileType::Unknown {
            kind = match fs::symlink_metadata(directory.join(name)) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return self.unless_its_own(&directory.join(name), error),
                Ok(metadata) => FileType::from_raw_mode(metadata.mode()),
            };
        }
        if kind.is_dir() {
            return self.enter(&directory.join(name));
        }
        let key = self.key.as_str();
        let wanted = (self.below || key.starts_with(self.prefix))
            && (self.after.is_empty() || key > self.after)
            && !name.starts_with(TEMPORARY);
        if wanted && !(kind.is_file() || kind.is_symlink()) {
            return self.pass_over_no_file(&directory.join(name));
        }
        // Symbolic links are followed, since people link raw files and directories into bronze.
        if !(wanted || kind.is_symlink()) || wanted && (self.known)(key) {
            return Ok(());
        }
        let path = directory.join(name);
        let metadata = match fs::metadata(&path) {
            // The file is gone by now, or the link leads nowhere or to itself.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return self.unless_its_own(&path, error),
            Ok(metadata) => metadata,
        };
        if metadata.is_dir() {
            return self.enter(&path);
        }
        match (wanted, metadata.is_file()) {
            (true, true) => self.found.push(meta_of(key, &metadata)),
            (true, false) => return self.pass_over_no_file(&path),
            (false, _) => {}
        }
        Ok(())
    }

    /// Passes over an entry that is no regular file. Opening a pipe, for example, would wait for its writer.
    fn pass_over_no_file(&self, path: &Path) -> std::io::Result<()> {
        if let Some(error) = fs::metadata(path).ok().and_then(|metadata| files::no_file(metadata.file_type())) {
            self.root.pass_over(path, &format!("is no object: {error}"));
        }
        Ok(())
    }
}

/// Calls `visit` for every entry of the directory, including `.` and `..`, without an allocation for each.
#[cfg(target_os = "linux")]
fn each_entry(directory: &File, mut visit: impl FnMut(&CStr, FileType) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut entries = rustix::fs::RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        visit(entry.file_name(), entry.file_type())?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn each_entry(directory: &File, mut visit: impl FnMut(&CStr, FileType) -> std::io::Result<()>) -> std::io::Result<()> {
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        visit(entry.file_name(), entry.file_type())?;
    }
    Ok(())
}
