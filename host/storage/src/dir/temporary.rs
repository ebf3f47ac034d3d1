//! The names of files that are being written.
//!
//! Other programs deliver to bronze under temporary names of their own. So a name tells exactly which lake's hosts gave
//! it, and smelt removes only files with names of its own lake.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use smelt_common::digest;

/// The beginning of all temporary names, also of other programs. Listings leave such names out.
pub(super) const TEMPORARY: &str = ".tmp-";
/// The beginning of smelt's temporary names.
const OURS: &str = ".tmp-smelt-";
/// The number of digits of the digest that a name has.
const DIGITS: usize = 16;
/// The deepest nesting of directories that are searched.
pub(super) const DEEPEST: usize = 64;

/// The temporary names of one host.
#[derive(Debug)]
pub(super) struct Names {
    stem: String,
    count: AtomicU64,
}

impl Names {
    /// `lake` is the lake's number. `random` tells hosts apart: two containers may give their hosts one process id.
    pub(super) fn new(lake: u64, random: u64) -> Self {
        Self { stem: stem(lake, random), count: AtomicU64::new(0) }
    }

    /// Returns another name each time.
    pub(super) fn next(&self) -> String {
        format!("{}{}", self.stem, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

/// Returns the beginning of a host's names; a number follows it.
fn stem(lake: u64, random: u64) -> String {
    let mark = &digest::hex(format!("a file that smelt writes: {lake:x} {random:x}"))[..DIGITS];
    format!("{OURS}{random:016x}-{mark}-")
}

/// Returns whether a host of that lake gave the name.
fn is_ours(lake: u64, name: &OsStr) -> bool {
    let host = || {
        let name = name.to_str()?;
        let (random, _) = name.strip_prefix(OURS)?.split_once('-')?;
        let number = name.strip_prefix(&stem(lake, u64::from_str_radix(random, 16).ok()?))?;
        Some(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    host().unwrap_or(false)
}

/// Removes all files below a lake's directory that have names of that lake. Files that cannot be read or removed do no
/// harm, so they stay.
pub(super) fn remove_all(root: &Path, lake: u64) {
    for entry in entries(root) {
        let path = entry.path();
        // A layer may be a link to another disk.
        if path.is_dir() {
            remove_below(&path, lake, DEEPEST);
        }
    }
}

fn remove_below(directory: &Path, lake: u64, deep: usize) {
    for entry in entries(directory) {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && deep > 0 {
            remove_below(&path, lake, deep - 1);
        } else if kind.is_file()
            && is_ours(lake, &entry.file_name())
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!("cannot remove `{}`, which a run that died left: {error}", path.display());
        }
    }
}

/// Returns the entries of a directory that can be read.
fn entries(directory: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(directory).into_iter().flatten().map_while(std::io::Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_lake_s_hosts_are_ours() {
        let ours = format!("{}12", stem(7, 3));
        assert!(ours.starts_with(TEMPORARY) && is_ours(7, OsStr::new(&ours)), "{ours}");
        assert!(!is_ours(8, OsStr::new(&ours)), "another lake's");
        let zeros = format!("{OURS}{:016x}-{:016x}-0", 0, 0);
        let others = [".tmp-x", ".tmp-0123456789abcdef-0", ".tmp-smelt-", &zeros, ".tmp-orders_1.json", ".tmp-smelt--"];
        for other in others.into_iter().chain([format!("{ours}x").as_str(), &ours[1..], &ours[..ours.len() - 2]]) {
            assert!(!is_ours(7, OsStr::new(other)), "{other}");
        }
    }
}
