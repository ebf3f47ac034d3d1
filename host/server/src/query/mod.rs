//! Finds rows of a table: filters, search, order, sums.

mod choice;
mod filter;
mod find;
mod order;
mod search;
mod sums;
#[cfg(test)]
mod tests;

pub use choice::{ends_of, values_of};
pub use filter::Filter;
pub(crate) use find::last;
pub use find::{Found, Query, find};
pub use order::Sort;
pub use sums::sum;
