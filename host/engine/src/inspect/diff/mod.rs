//! Compares two components of a plugin: both run over the same committed data, and nothing is published.

mod comparing;
mod report;
mod rows;
mod tables;

pub use comparing::{Both, Comparing, Costs};
pub use report::{Diff, Side};
pub use rows::{ChangedCell, RowDiff, Rules};
pub use tables::{ChangedRow, TableDiff};
