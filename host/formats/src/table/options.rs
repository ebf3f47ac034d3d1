//! The choices that a table's file leaves open.

use serde::{Deserialize, Serialize};

use crate::csv::Formulas;

/// The way in which Parquet packs its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Zstandard: small, and nearly as fast as Snappy.
    #[default]
    Zstd,
    /// Snappy, which the oldest readers know.
    Snappy,
    /// Not at all.
    None,
}

/// The choices that a format leaves to who writes a table. A format ignores what does not concern it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOptions {
    /// The way in which Parquet packs its pages.
    pub compression: Compression,
    /// The columns by which the rows are sorted, ascending and with missing values first, the first column first.
    /// Parquet tells its readers.
    pub sorted_by: Vec<usize>,
    /// The way in which CSV writes text that a spreadsheet would take for a formula.
    pub formulas: Formulas,
    /// The table is of a kind that can have at most one row: JSON writes an object instead of an array, and `null` if
    /// there is no row.
    pub at_most_one_row: bool,
}

impl Default for TableOptions {
    /// Files for people: Zstandard, in no known order, formulas escaped, any number of rows.
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            sorted_by: Vec::new(),
            formulas: Formulas::Escape,
            at_most_one_row: false,
        }
    }
}
