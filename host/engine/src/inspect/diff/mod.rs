//! What another component of a plugin would change: both run over the same committed data, and nothing is published.

mod comparing;
mod found;
mod rows;
mod tables;

pub use comparing::{Both, Comparing, Costs};
pub use found::{Diff, Side};
pub use rows::{ChangedCell, RowDiff, Rules};
pub use tables::{ChangedRow, TableDiff};
