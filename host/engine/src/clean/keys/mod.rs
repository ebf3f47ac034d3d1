//! Keeps one row for each key of a dataset.
//!
//! While workers clean objects, they append each kept row's key to a [`KeySpool`], with the order values that rows of
//! one key are compared by. [`resolve`] then compares these rows with the rows that hold the dataset's keys so far. A
//! hash only says where to look for a key; the key's bytes decide.

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
