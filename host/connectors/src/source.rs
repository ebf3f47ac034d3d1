//! The port through which raw files come to a lake.

use std::io::Read;
use std::time::Duration;

use serde::Deserialize;
use smelt_common::error::Result;

/// A file that a source has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// Its name, which tells the files of the source apart.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// A text that is another one whenever the file may have changed.
    pub version: String,
}

/// What becomes of a file once bronze has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum After {
    /// It stays.
    #[default]
    Keep,
    /// It moves into an archive beneath the source's place.
    Archive,
    /// It is deleted.
    Delete,
}

/// The rules by which the files of a source are taken, and left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The time in which a file must not have changed before it is taken.
    pub settle: Duration,
    /// Only files whose names have a stamp are recognised.
    pub stamped: bool,
    /// What becomes of a file that was taken.
    pub after: After,
    /// The time after which files leave the archive. Default: never.
    pub archive_for: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { settle: Duration::from_secs(2), stamped: false, after: After::Keep, archive_for: None }
    }
}

/// What came of moving a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It lies where it should, and nowhere else.
    Done,
    /// There is no such file.
    Gone,
    /// It has another content than it should have, so it was left where it is.
    Changed,
}

/// A place with files that others write, and that a lake takes in byte for byte.
pub trait Source: Send + Sync {
    /// Returns the name in the manifest.
    fn name(&self) -> &str;

    /// Returns the rules by which its files are taken.
    fn rules(&self) -> &Rules;

    /// Returns the files that are there now, in the order in which they were delivered.
    fn files(&self) -> Result<Vec<There>>;

    /// Returns the version of a file now; `None` if it is gone.
    fn version(&self, name: &str) -> Result<Option<String>>;

    /// Opens a file.
    ///
    /// # Errors
    /// [`Kind::Damaged`](smelt_common::error::Kind::Damaged) if it is gone.
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>>;

    /// Returns the name of the bronze object that a file becomes, if objects get names when they arrive. `stamp` sorts after those of
    /// all objects before. Of the files of a stamp that would become the same object, this is number `number`, from 0. Returns
    /// `None` if objects keep the names of their files.
    fn object(&self, name: &str, stamp: &str, number: usize) -> Option<String>;

    /// Moves a file that has this content to another place beneath the source's own; without one, deletes it. With `version`, only
    /// if it still has that one. It may be repeated at any step: the file is there before it leaves.
    ///
    /// # Errors
    /// The place cannot be read or written, or another content lies where the file should go.
    fn put_away(&self, from: &str, version: Option<&str>, sha256: &str, to: Option<&str>) -> Result<Moved>;
}
