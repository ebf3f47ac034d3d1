//! The directory of an export. It takes its place as a whole, or not at all.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use tempfile::{Builder, TempDir};

use crate::shell::encoded;

/// The file by which an export is known.
const MARKER: &str = ".smelt-export";
/// The beginning of the names of what is not yet, or no longer, in its place.
const BESIDE: &str = ".smelt-export-";

/// A directory that is being written, beside the place that it takes.
pub(super) struct Directory {
    made: TempDir,
    /// The files with the rows of charts, by digest: those of many views are the same.
    rows: RefCell<BTreeMap<Vec<u8>, String>>,
    files: Cell<usize>,
    bytes: Cell<u64>,
}

impl Directory {
    /// Begins a directory that is to take this place.
    ///
    /// # Errors
    /// There is something that is no former export, or nothing can be written beside it.
    pub(super) fn begin(at: &Path) -> Result<Self> {
        check(at)?;
        let made = Builder::new().prefix(BESIDE).permissions(fs::Permissions::from_mode(0o777)).tempdir_in(parent(at)?);
        let made = made.map_err(|error| unwritable(at, &error))?;
        let directory = Self { made, rows: RefCell::default(), files: Cell::default(), bytes: Cell::default() };
        directory.write(MARKER, b"made by smelt export, which may replace this directory\n")?;
        Ok(directory)
    }

    /// Returns the file of a page.
    pub(super) fn file(page: &str) -> String {
        if page == "pipeline" { "index.html".to_owned() } else { format!("{page}.html") }
    }

    /// Writes a file. Its path has slashes, and directories are made for it.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.write_with(path, |out| {
            out.write_all(bytes).map_err(|error| unwritable(&self.made.path().join(path), &error))
        })
    }

    /// Writes a file with what `write` writes.
    pub(super) fn write_with(&self, path: &str, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
        let path = self.made.path().join(path);
        let failed = |error: io::Error| unwritable(&path, &error);
        fs::create_dir_all(parent(&path)?).map_err(failed)?;
        let mut out = BufWriter::new(File::create(&path).map_err(failed)?);
        write(&mut out)?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        self.bytes.set(self.bytes.get() + file.metadata().map_err(failed)?.len());
        self.files.set(self.files.get() + 1);
        file.sync_all().map_err(failed)
    }

    /// Writes rows of a chart, unless another file has the same. Returns the file that has them.
    pub(super) fn keep_rows(&self, path: &str, rows: &[u8]) -> Result<String> {
        let digest = Sha256::digest(rows).to_vec();
        if let Some(known) = self.rows.borrow().get(&digest) {
            return Ok(known.clone());
        }
        self.write(path, rows)?;
        self.rows.borrow_mut().insert(digest, path.to_owned());
        Ok(path.to_owned())
    }

    /// Puts the directory into its place. Returns the number of its files, and that of their bytes.
    pub(super) fn finish(self, at: &Path) -> Result<(usize, u64)> {
        // A link to a directory stays, and the directory that it leads to is replaced.
        let at = &fs::canonicalize(at).unwrap_or_else(|_| at.to_owned());
        let failed = |error: io::Error| unwritable(at, &error);
        check(at)?;
        let former = Builder::new().prefix(BESIDE).tempdir_in(parent(at)?).map_err(failed)?;
        let aside = former.path().join("former");
        let is_there = at.exists();
        if is_there {
            fs::rename(at, &aside).map_err(failed)?;
        }
        if let Err(error) = fs::rename(self.made.path(), at) {
            if is_there && let Err(lost) = fs::rename(&aside, at) {
                let kept = former.keep().join("former");
                return Err(failed(lost).and(format!("the former export is at `{}`", kept.display())));
            }
            return Err(failed(error));
        }
        // It has left, so there is nothing to delete.
        let _ = self.made.keep();
        Ok((self.files.get(), self.bytes.get()))
    }
}

/// Writes a file whole, or not at all.
///
/// # Errors
/// There is something else than a former export, or the file cannot be written.
pub(super) fn write_file(at: &Path, text: &str, generator: &str) -> Result<()> {
    let at = &fs::canonicalize(at).unwrap_or_else(|_| at.to_owned());
    if at.exists() {
        let known = smelt_common::files::read(at, u64::MAX).map_err(|error| unwritable(at, &error))?;
        if !known.is_empty() && !known.windows(generator.len()).any(|part| part == generator.as_bytes()) {
            return Err(Error::config(format!(
                "`{}` is a file that is no former export; name another one, or remove it",
                at.display()
            )));
        }
    }
    let failed = |error: io::Error| unwritable(at, &error);
    let file = Builder::new().prefix(BESIDE).permissions(fs::Permissions::from_mode(0o666)).tempfile_in(parent(at)?);
    let mut file = file.map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(at).map(drop).map_err(|error| failed(error.error))
}

/// Refuses a place of which something would be lost.
fn check(at: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(at) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unwritable(at, &error)),
    };
    if entries.next().is_some() && !at.join(MARKER).is_file() {
        return Err(Error::config(format!(
            "`{}` has files and is no former export; name a new or empty directory, or a file that ends in .html",
            at.display()
        )));
    }
    Ok(())
}

fn parent(of: &Path) -> Result<PathBuf> {
    match (of.parent(), of.file_name()) {
        (Some(parent), Some(_)) if parent.as_os_str().is_empty() => Ok(PathBuf::from(".")),
        (Some(parent), Some(_)) => Ok(parent.to_owned()),
        _ => Err(Error::config(format!(
            "`{}` is no place for an export: it needs a name within a directory",
            of.display()
        ))),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot write `{}`: {error}", path.display()))
}

/// Returns the name of a file in the folder `tables`.
pub(super) fn rows_file(table: &str) -> String {
    format!("tables/{}", encoded(&format!("{table}.csv")))
}
