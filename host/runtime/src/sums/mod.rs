//! A KPI's tables of sums, which are added and subtracted exactly. Rows are identified by their keys.
//!
//! - `index` finds the rows of keys.
//! - `table` adds and subtracts. `sorted` puts a table into order, as typed rows or as bytes.
//! - `shards` splits a table, so that many threads add to it. `spill` keeps a part of it in a file.

mod index;
mod ordered;
mod shards;
mod sorted;
mod spill;
mod table;
#[cfg(test)]
mod tests;

pub use ordered::OrderedRows;
pub use shards::Shards;
pub use sorted::{Group, Groups, Sorted};
pub use table::{Loader, Sign, Sums};
