//! The record of a file, and errors of files.

use std::fs::Metadata;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt as _;

use crate::store::Meta;

/// Returns the record of a file. The etag has both times of the file: a writer can set the time of writing, but only
/// the kernel sets the time at which the inode changed.
pub(super) fn meta_of(key: &str, metadata: &Metadata) -> Meta {
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

/// Returns the time at which the file was written or got another name, in microseconds since the epoch. A copy, which
/// is a second name, is thus as new as its name. It is the time at which the inode changed, which nobody can set.
pub(super) fn modified(metadata: &Metadata) -> i64 {
    metadata.ctime() * 1_000_000 + metadata.ctime_nsec() / 1_000
}

/// Returns whether the error means that nothing has that name.
pub(super) fn is_nothing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) || error.raw_os_error() == Some(libc::ELOOP)
}
