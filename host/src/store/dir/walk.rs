//! Listing a directory lake. Names come with their types from the directory; only what is wanted is looked at itself.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{DirStore, TEMPORARY, meta};
use crate::store::Meta;

/// The files whose keys begin with `prefix` and are greater than `after`, but for known ones.
pub(super) fn files(
    store: &DirStore,
    prefix: &str,
    after: &str,
    known: &dyn Fn(&str) -> bool,
) -> std::io::Result<Vec<Meta>> {
    let parent = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut walk = Walk { store, prefix, after, known, above: vec![], found: vec![] };
    walk.enter(&store.root.join(parent), parent)?;
    Ok(walk.found)
}

/// A listing under way.
struct Walk<'w> {
    store: &'w DirStore,
    prefix: &'w str,
    after: &'w str,
    known: &'w dyn Fn(&str) -> bool,
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
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            self.store.pass_over(&entry.path(), "has a name that is not UTF-8");
            return Ok(());
        };
        let key = if parent.is_empty() { name.to_owned() } else { [parent, "/", name].concat() };
        let kind = match entry.file_type() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            kind => kind?,
        };
        if kind.is_dir() {
            return self.enter(&entry.path(), &key);
        }
        let wanted = key.starts_with(self.prefix) && key.as_str() > self.after && !name.starts_with(TEMPORARY);
        // Symbolic links are followed: people link raw files into bronze, and directories of them.
        if !(wanted || kind.is_symlink()) || (self.known)(&key) {
            return Ok(());
        }
        let metadata = match fs::metadata(entry.path()) {
            // Gone since; or a link that leads nowhere, or to itself.
            Err(error) if error.kind() == ErrorKind::NotFound || kind.is_symlink() => return Ok(()),
            metadata => metadata?,
        };
        if metadata.is_dir() {
            return self.enter(&entry.path(), &key);
        }
        // Nothing but a regular file is an object: to open a pipe is to wait for whoever writes to it.
        if metadata.is_file() && wanted {
            self.found.push(meta(&key, &metadata));
        }
        Ok(())
    }
}
