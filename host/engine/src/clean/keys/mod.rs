//! The keys of a dataset: of the rows that share one, over the whole dataset, which one stays.
//!
//! While objects are cleaned, workers append each kept row's key, and what rows of one key are compared by, to a
//! [`KeySpool`]. [`resolve`] then decides for each key that came up, against the rows that hold the dataset's keys so far. No
//! hash stands for a key: a hash only says where to look, the bytes decide.

#[cfg(test)]
mod bench;
mod encode;
mod resolve;
mod spool;
#[cfg(test)]
mod tests;

pub use resolve::{Names, resolve};
pub use spool::{Budget, KeySpool};

/// A row: its object's number and its place among the rows that the cleaner kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    /// The object's number in its dataset.
    pub object: u32,
    /// The place of the row.
    pub place: u32,
}
