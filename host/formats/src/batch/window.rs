//! A window of an object: the bytes that a parser can see at once.

use super::warning::Warning;

/// A window of an object as a parser sees it.
pub(crate) struct Window<'a> {
    pub(crate) bytes: &'a [u8],
    /// The parser has consumed everything before this position.
    pub(crate) at: usize,
    /// The object ends with the window.
    pub(crate) ended: bool,
    /// The longest record, in bytes.
    pub(crate) record_bytes: usize,
    pub(crate) warnings: &'a mut Vec<Warning>,
}

impl<'a> Window<'a> {
    /// Returns the bytes of the window up to `most` bytes after `start`, and whether they are all that a record at
    /// `start` may look at.
    ///
    /// A parser that looks only at these bytes comes to the same result wherever the window ends.
    pub(crate) fn view(&self, start: usize, most: usize) -> (&'a [u8], bool) {
        match self.bytes.get(..start.saturating_add(most)) {
            Some(view) => (view, true),
            None => (self.bytes, self.ended),
        }
    }
}
