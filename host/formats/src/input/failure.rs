//! The reasons why the text of an object cannot be read on.

use std::io;

/// The reason why the text of an object cannot be read on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader failed. Another attempt may succeed.
    Reader(io::Error),
    /// The bytes are no text: nothing of the object counts.
    Unreadable { rule: &'static str, detail: String },
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Reader(error)
    }
}
