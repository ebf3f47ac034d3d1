//! Notices that someone else changed a lake's directories, for example by a restore from a backup. The times at which
//! the directories last changed tell. That costs a look at a few dozen directories, however many objects they hold.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use siphasher::sip128::SipHasher13;

/// Directories that have a directory for each dataset or KPI. A stamp covers both levels.
const PARENTS: [&str; 7] = [
    "silver",
    "gold",
    "quarantine",
    "catalog/entries",
    "catalog/index",
    "catalog/rollback/silver",
    "quarantine/for-rollback",
];
/// A directory without such children.
const ALONE: &str = "catalog/commits";

/// Returns a digest of the times at which these directories last changed. It stays the same while no one writes.
pub(super) fn stamp(root: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    let mut add = |path: &Path| match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let (seconds, nanos) = (found.mtime(), found.mtime_nsec());
            lines.push(format!("{} {seconds}.{nanos}", path.strip_prefix(root).unwrap_or(path).display()));
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    add(&root.join(ALONE))?;
    for parent in PARENTS {
        let parent = root.join(parent);
        if !add(&parent)? {
            continue;
        }
        for entry in fs::read_dir(&parent)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                add(&entry.path())?;
            }
        }
    }
    lines.sort_unstable();
    let stamp = u128::from(SipHasher13::new().hash(lines.join("\n").as_bytes()));
    Ok(format!("{stamp:032x}"))
}
