//! The reasons why a parser returns.

use super::skip::Skip;

/// The reason why a parser returned.
pub(crate) enum Stop {
    /// The window holds no further complete record.
    More,
    /// The batch is full.
    Full,
    /// A record may go on beyond the window, and is not worth holding in memory. The window holds its first
    /// `record_bytes`, or all there is.
    Unended(Unended),
}

/// A record whose end is still to be found.
pub(crate) struct Unended {
    /// The record's first byte in the window.
    pub(crate) start: usize,
    pub(crate) skip: Skip,
    pub(crate) rule: &'static str,
    pub(crate) detail: String,
}
