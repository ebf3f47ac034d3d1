//! The identity of a row within a dataset.

/// A row of a dataset, given by its object and its position among the rows that the cleaner kept of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    /// The object's number in its dataset.
    pub object: u32,
    /// The row's position, counted from 0.
    pub position: u32,
}
