//! The port through which raw files come to a lake.

use std::io::Read;

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

/// A place with files that others write, and that a lake takes in byte for byte.
pub trait Source: Send + Sync {
    /// Returns the name in the manifest.
    fn name(&self) -> &str;

    /// Returns the files that are there now, in the order in which they were delivered.
    fn files(&self) -> Result<Vec<There>>;

    /// Opens a file.
    ///
    /// # Errors
    /// [`Kind::Damaged`](smelt_common::error::Kind::Damaged) if it is gone.
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>>;

    /// Returns the name of the bronze object that a file becomes. `stamp` sorts after those of all objects before. Of the files of a
    /// stamp that would become the same object, this is number `number`, from 0.
    fn object(&self, name: &str, stamp: &str, number: usize) -> String;
}
