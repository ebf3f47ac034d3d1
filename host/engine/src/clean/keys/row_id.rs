//! Which row it is.

/// A row: its object's number and its place among the rows that the cleaner kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    /// The object's number in its dataset.
    pub object: u32,
    /// The place of the row.
    pub place: u32,
}
