//! The keys of a dataset: of the rows that share one, over the whole dataset, which one stays.
//!
//! While objects are cleaned, workers append each kept row's key, and what rows of one key are compared by, to a
//! [`KeySpool`]. [`resolve`] then decides for each key that came up, against the rows that hold the dataset's keys so far. No
//! hash stands for a key: a hash only says where to look, the bytes decide.

#[cfg(test)]
mod bench;
mod encode;
mod resolve;
mod row_id;
mod spool;
#[cfg(test)]
mod tests;

pub use resolve::{Names, resolve};
pub use row_id::RowId;
pub use spool::{Budget, KeySpool};
